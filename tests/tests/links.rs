//! The links of an in-process cluster do as they are told, for connections that are open already: what the fault tests
//! rely on.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_stream::StreamExt;
use tokio_test::{assert_err, assert_ok, assert_pending, assert_ready, task};
use zhijie_services::{
    cluster::{LinkState, Loopback},
    node::{Conn, Incoming, Net},
};

/// A connection from `a` to `b`, both ends, and the listener.
async fn connected(net: &Loopback) -> (Conn, Conn, Incoming) {
    let (_, mut incoming) = net.seen_by("b").listen("b".into()).await.expect("b listens");
    let (there, here) = tokio::join!(incoming.next(), net.seen_by("a").connect("b".into()));
    (here.expect("a connection"), there.expect("a connection").expect("a connection"), incoming)
}

#[tokio::test]
async fn a_muted_link_holds_answers_back_and_loses_none() {
    let net = Loopback::new();
    let (mut here, mut there, _listener) = connected(&net).await;
    net.set("a", "b", LinkState::Muted);
    assert_ok!(here.write_all(b"request").await);
    let mut heard = [0; 7];
    assert_ok!(there.read_exact(&mut heard).await, "requests arrive");
    assert_ok!(there.write_all(b"answer!").await);
    let mut answer = [0; 7];
    {
        let mut reading = task::spawn(here.read_exact(&mut answer));
        assert_pending!(reading.poll());
        net.set("a", "b", LinkState::Whole);
        assert!(reading.is_woken(), "a change of the link wakes who reads");
    }
    assert_ok!(here.read_exact(&mut answer).await);
    assert_eq!(&answer, b"answer!");
}

#[tokio::test]
async fn a_cut_link_breaks_what_is_open_and_refuses_what_is_new() {
    let net = Loopback::new();
    let (mut here, _there, _listener) = connected(&net).await;
    let mut nothing = [0; 1];
    {
        let mut reading = task::spawn(here.read_exact(&mut nothing));
        assert_pending!(reading.poll());
        net.set("a", "b", LinkState::Cut);
        assert!(reading.is_woken());
        assert_err!(assert_ready!(reading.poll()));
    }
    assert_err!(here.write_all(b"request").await);
    assert!(net.seen_by("a").connect("b".into()).await.is_err());
    assert!(net.seen_by("c").connect("b".into()).await.is_ok(), "other links are as they were");
    net.set("a", "b", LinkState::Whole);
    assert!(net.seen_by("a").connect("b".into()).await.is_ok());
}
