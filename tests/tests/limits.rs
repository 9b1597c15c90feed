//! The limits of what a service takes, over real sockets: who goes beyond one is refused or loses its connection, and the
//! others are served all the while.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::Instant,
};
use tokio_stream::StreamExt;
use tonic::{Code, Request, Status, metadata::MetadataValue};
use zhijie_services::{
    cluster::HUB,
    node::{limits, road},
    pb::{self, answer::Outcome, national_client::NationalClient, road_client::RoadClient},
};
use zhijie_tests::{
    World,
    hospital::{outpatient, world},
};

const CARE: &str = "care-500000";
/// What HTTP/2 begins with, and the settings that say nothing.
const OPENING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// Beyond what a limit gives, a connection is closed at the latest after this.
const GRACE: Duration = Duration::from_secs(5);

/// A frame of HTTP/2 on stream 1.
fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a small frame").to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, 1], payload].concat()
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PING: u8 = 6;
const CONTINUATION: u8 = 9;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// The head of a call, each field as it is.
fn head(path: &str) -> Vec<u8> {
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "x"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
    ];
    let text = |text: &str| [&[u8::try_from(text.len()).expect("short")], text.as_bytes()].concat();
    fields.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}

/// A connection to a service from an address of this machine.
async fn connected(world: &World, service: &str, from: &str) -> TcpStream {
    let address = world.cluster.net().address(service).expect("a service");
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(format!("{from}:0").parse().expect("an address")).expect("an address of this machine");
    socket.connect(address.parse::<SocketAddr>().expect("an address")).await.expect("a connection")
}

/// True where a connection is served, false where it is closed.
async fn is_served(conn: &mut TcpStream) -> bool {
    let _ = conn.write_all(OPENING).await;
    matches!(conn.read(&mut [0; 9]).await, Ok(read) if read > 0)
}

/// Sends a beginning, then more and more, reads all and says nothing to it; how long until it is closed.
async fn closed_after(mut conn: TcpStream, beginning: &[u8], more: &[u8]) -> Duration {
    let began = Instant::now();
    let _ = conn.write_all(beginning).await;
    let (mut reading, mut writing) = conn.split();
    let closed = async {
        let mut heard = [0; 1024];
        while matches!(reading.read(&mut heard).await, Ok(read) if read > 0) {}
    };
    let trickle = async {
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            if writing.write_all(more).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        biased;
        () = closed => began.elapsed(),
        () = trickle => unreachable!("it goes on"),
        () = tokio::time::sleep(Duration::from_millis(limits::OPENING_MS) + 2 * GRACE) => Duration::MAX,
    }
}

/// A hospital settles.
async fn serves(world: &World, message: &str) {
    let answer = world.care("500000").settle_at_once(outpatient(message, 400)).await.expect("a reply").into_inner();
    assert!(matches!(answer.outcome, Some(Outcome::Settlement(_))), "{answer:?}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn connections_of_one_address_have_a_bound_and_others_are_served() {
    let world = world().await;
    let mut open = Vec::new();
    for _ in 0..limits::CONNECTIONS_OF_ADDRESS_MAX {
        open.push(connected(&world, CARE, "127.0.0.9").await);
    }
    assert!(is_served(open.last_mut().expect("a connection")).await);
    for _ in 0..3 {
        assert!(!is_served(&mut connected(&world, CARE, "127.0.0.9").await).await, "one too many");
    }
    assert!(is_served(&mut connected(&world, CARE, "127.0.0.8").await).await, "another address has its own");
    serves(&world, "m1").await;
    drop(open);
    world
        .until("places come back", || async { is_served(&mut connected(&world, CARE, "127.0.0.9").await).await })
        .await;
}

#[tokio::test]
async fn slow_and_silent_peers_are_closed_and_others_are_served() {
    let world = world().await;
    let opening = Duration::from_millis(limits::OPENING_MS) + GRACE;
    let alive = Duration::from_millis(limits::KEEP_ALIVE_MS + limits::KEEP_ALIVE_TIMEOUT_MS) + GRACE;
    // The pseudo-header `:method: POST`, and no end of headers; `:scheme: http` goes on with it, for ever.
    let endless = [OPENING, &frame(HEADERS, 0, &[0x83])].concat();
    let peers: [(&str, &[u8], &[u8], Duration); 6] = [
        ("silent", b"", b"", opening),
        ("a preface that trickles", b"PRI", b"", opening),
        ("a head of HTTP/1 without an end", b"GET /metrics HTTP/1.1\r\n", b"x: y\r\n", opening),
        ("no answer to the keep-alive", OPENING, b"", alive),
        ("a head of HTTP/2 without an end", &endless, &frame(CONTINUATION, 0, &[0x86]), alive),
        ("frames of no kind", OPENING, &frame(0xee, 0xff, b"?"), alive),
    ];
    let closing = peers.map(|(what, beginning, more, limit)| {
        let world = &world;
        async move {
            let took = closed_after(connected(world, CARE, "127.0.0.1").await, beginning, more).await;
            assert!(took < limit, "{what}: {took:?}");
        }
    });
    let others = async {
        for number in 0..20 {
            serves(&world, &format!("m{number}")).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::join!(futures_util::future::join_all(closing), others);
}

/// Asks with a field of so many bytes.
async fn asked(world: &World, service: &str, bytes: usize) -> Status {
    let text = "x".repeat(bytes);
    let province = service.split_once('-').map_or("", |(_, province)| province);
    let refused = match service.split_once('-').map_or(service, |(role, _)| role) {
        "care" => {
            let request = pb::SettleAtOnceRequest { person: text, ..pb::SettleAtOnceRequest::default() };
            world.care(province).settle_at_once(request).await.map(drop)
        }
        "home" => world.home(province).look_up(pb::LookUpRequest { person: text }).await.map(drop),
        _ => world
            .national()
            .tickets(pb::TicketsRequest { after: text, ..pb::TicketsRequest::default() })
            .await
            .map(drop),
    };
    refused.expect_err("it is too large")
}

#[tokio::test]
async fn a_message_or_a_head_that_is_too_large_is_refused_and_others_are_served() {
    let world = world().await;
    for service in [CARE, "home-510000", HUB] {
        let status = asked(&world, service, limits::DOCUMENT_BYTES_MAX).await;
        assert_eq!(status.code(), Code::OutOfRange, "{service}: {status:?}");
    }
    let mut long = Request::new(outpatient("m0", 400));
    let value = "x".repeat(usize::try_from(limits::HEAD_BYTES_MAX).expect("bytes"));
    long.metadata_mut().insert("x-long", MetadataValue::try_from(value).expect("ASCII"));
    world.care("500000").settle_at_once(long).await.expect_err("its head is too large");
    serves(&world, "m1").await;
    // On the road: too large a batch, or one of too many letters, ends the stream it came on, and no other.
    let letter = |bytes: usize| pb::Letter { request: vec![0xff; bytes].into(), ..pb::Letter::default() };
    let settling = pb::Letter { call: pb::RoadCall::SettleAtOnce.into(), ..letter(10) };
    let mut road = RoadClient::new(world.channel(CARE));
    for (letters, ends) in [
        (vec![letter(limits::DOCUMENT_BYTES_MAX)], Some(Code::OutOfRange)),
        (vec![letter(0); road::OPEN_MAX + 1], Some(Code::ResourceExhausted)),
        (vec![settling], None),
    ] {
        let sent = tokio_stream::iter([pb::Letters { letters }]).chain(tokio_stream::pending());
        let replied = road.carry(sent).await.expect("a stream").into_inner().message().await;
        match ends {
            Some(code) => assert_eq!(replied.expect_err("its end").code(), code),
            None => {
                let replies = replied.expect("replies").expect("replies").replies;
                assert_eq!(replies[0].status, Code::InvalidArgument as u32, "{replies:?}");
            }
        }
    }
    serves(&world, "m2").await;
}

#[tokio::test]
async fn streams_of_a_connection_have_a_bound_and_other_connections_are_served() {
    let world = world().await;
    let greedy = NationalClient::new(world.channel(HUB));
    let mut open = Vec::new();
    for _ in 0..limits::STREAMS_MAX {
        open.push(greedy.clone().watch(pb::WatchRequest::default()).await.expect("a feed"));
    }
    let one_more = || async { greedy.clone().tickets(pb::TicketsRequest::default()).await };
    let patience = Duration::from_millis(300);
    assert!(tokio::time::timeout(patience, one_more()).await.is_err(), "one too many waits");
    serves(&world, "m1").await;
    world.national().tickets(pb::TicketsRequest::default()).await.expect("another connection is served");
    open.pop();
    assert!(tokio::time::timeout(GRACE, one_more()).await.is_ok(), "a place comes back");
}

#[tokio::test]
async fn letters_that_are_open_on_the_road_have_a_bound() {
    let world = world().await;
    world.cluster.net().set("hub", "home-510000", zhijie_services::cluster::LinkState::Muted);
    // What no hospital waits for is not read from the wire: care has so many messages open, and says so of the next.
    let letters = (0..2 * road::OPEN_MAX).map(|number| pb::Letter {
        number: number as u64,
        call: pb::RoadCall::SettleAtOnce.into(),
        request: prost::Message::encode_to_vec(&outpatient(&format!("r{number}"), 400)).into(),
        ..pb::Letter::default()
    });
    let batches: Vec<_> =
        letters.collect::<Vec<_>>().chunks(64).map(|letters| pb::Letters { letters: letters.to_vec() }).collect();
    let sent = tokio_stream::iter(batches).chain(tokio_stream::pending());
    let mut replies = RoadClient::new(world.channel(CARE)).carry(sent).await.expect("a stream").into_inner();
    let mut outcomes = [0, 0];
    while outcomes.iter().sum::<usize>() < 2 * road::OPEN_MAX {
        for reply in replies.message().await.expect("replies").expect("more replies").replies {
            let answer: pb::Answer = prost::Message::decode(reply.answer).expect("an answer");
            match answer.outcome {
                Some(Outcome::Refused(no)) => {
                    assert_eq!((no.code, no.retry_after_ms), (605, limits::COME_AGAIN_MS));
                    outcomes[0] += 1;
                }
                Some(Outcome::Unknown(_)) => outcomes[1] += 1,
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(outcomes[0] > 0 && outcomes[1] > 0, "busy and unknown: {outcomes:?}");
}

/// Two minutes: `cargo test -p zhijie-tests --test limits -- --ignored`.
#[tokio::test]
#[ignore = "it waits for the longest of all limits"]
async fn a_request_that_trickles_in_is_given_up() {
    let world = world().await;
    let mut conn = connected(&world, CARE, "127.0.0.1").await;
    let message = [&[0, 0, 1, 0, 0][..], b"the beginning"].concat();
    let call = frame(HEADERS, END_HEADERS, &head("/zhijie.v1.Care/SettleAtOnce"));
    conn.write_all(&[OPENING, &call, &frame(DATA, 0, &message)].concat()).await.expect("sent");
    let (began, mut answered) = (Instant::now(), false);
    while !answered {
        let mut head = [0; 9];
        conn.read_exact(&mut head).await.expect("the connection stays");
        let mut payload = vec![0; usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2])];
        conn.read_exact(&mut payload).await.expect("a frame");
        if head[3] == PING && head[4] != ACK {
            let mut pong = frame(PING, ACK, &payload);
            pong[5..9].fill(0);
            conn.write_all(&[pong, frame(DATA, 0, b"x")].concat()).await.expect("sent");
        }
        answered = head[8] == 1;
    }
    let limit = Duration::from_millis(limits::REQUEST_MS);
    assert!((limit..limit + GRACE).contains(&began.elapsed()), "{:?}", began.elapsed());
    serves(&world, "m1").await;
}
