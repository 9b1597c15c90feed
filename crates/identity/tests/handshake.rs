//! Two ends that prove themselves over a pipe: who gets through, who does not, and what new files change.

// Helpers of tests may expect as tests may; clippy.toml allows it in `#[test]` functions only.
#![allow(clippy::expect_used)]

use std::{fs, io, path::Path, sync::Arc, time::Duration};

use ring::signature::Ed25519KeyPair;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use zhijie_identity::{AUTHORITIES, CERTIFICATE, Identity, IdentityError, KEY, Live, Own, authority::Authority, now};

const HOUR: Duration = Duration::from_secs(3_600);

struct Place {
    folder: TempDir,
    authority: Authority,
}

impl Place {
    fn new() -> Place {
        Place { folder: TempDir::new().expect("a folder"), authority: Authority::new(HOUR).expect("an authority") }
    }

    fn path(&self, identity: &Identity) -> std::path::PathBuf {
        self.folder.path().join(identity.folder())
    }

    fn live(&self, identity: &Identity) -> Arc<Live> {
        self.authority.issue_for(identity, &[], HOUR, &self.path(identity)).expect("a certificate");
        Live::open(&self.path(identity)).expect("an identity")
    }
}

fn care() -> Identity {
    Identity::Care("310000".into())
}

/// Both ends, and what a byte each way brings.
async fn meet(client: &Live, server: &Live, expected: &Identity) -> (io::Result<Identity>, io::Result<Identity>) {
    let (here, there) = duplex(1 << 16);
    let accepting = async {
        let mut stream = server.accept(there).await?;
        let mut byte = [0];
        stream.read_exact(&mut byte).await?;
        stream.write_all(&byte).await?;
        stream.flush().await?;
        Ok(stream.peer().clone())
    };
    let connecting = async {
        let mut stream = client.connect(here, expected).await?;
        stream.write_all(b"x").await?;
        stream.flush().await?;
        stream.read_exact(&mut [0]).await?;
        Ok(stream.peer().clone())
    };
    tokio::join!(connecting, accepting)
}

#[tokio::test]
async fn both_ends_learn_who_the_other_is() {
    let place = Place::new();
    let (client, server) = (place.live(&care()), place.live(&Identity::Hub));
    let (found, caller) = meet(&client, &server, &Identity::Hub).await;
    assert_eq!((found.expect("the hub"), caller.expect("the care")), (Identity::Hub, care()));
}

#[tokio::test]
async fn a_server_that_is_somebody_else_is_left() {
    let place = Place::new();
    let (client, server) = (place.live(&Identity::Hub), place.live(&care()));
    let expected = Identity::Care("340000".into());
    let (found, caller) = meet(&client, &server, &expected).await;
    let told = found.expect_err("another care").to_string();
    assert!(told.contains("340000") && told.contains("310000"), "{told}");
    assert!(caller.is_err());
    // Who is no service cannot stand for one.
    let hospital = Identity::Institution("310000".into(), "H31010000004".into());
    let server = place.live(&hospital);
    assert!(meet(&client, &server, &hospital).await.0.is_err());
}

#[tokio::test]
async fn another_authority_and_another_time_get_nothing() {
    let (place, elsewhere) = (Place::new(), Place::new());
    let (client, server) = (place.live(&care()), place.live(&Identity::Hub));
    let stranger = elsewhere.live(&care());
    let (found, caller) = meet(&stranger, &server, &Identity::Hub).await;
    let refused = |error: io::Error| {
        let told = error.to_string();
        assert!(told.contains("BadSignature"), "{told}");
    };
    // It does not believe the hub either, and says so first.
    refused(found.expect_err("a stranger"));
    assert!(caller.is_err(), "a stranger");
    let (found, _) = meet(&client, &elsewhere.live(&Identity::Hub), &Identity::Hub).await;
    refused(found.expect_err("a strange hub"));

    // One that trusts the hub's authority, but shows what the other signed.
    let mixed = place.folder.path().join("mixed");
    elsewhere.authority.issue_for(&care(), &[], HOUR, &mixed).expect("a certificate");
    fs::copy(place.path(&care()).join(AUTHORITIES), mixed.join(AUTHORITIES)).expect("a copy");
    assert!(matches!(Own::read(&mixed), Err(IdentityError::Refused(_))), "an own certificate of another authority");

    // What expires while it is held ends the connection, and opens no other.
    let short = place.path(&Identity::National);
    let until = now() + 2;
    place.authority.issue(&Identity::National, &[], (now() - 100, until), &short).expect("a certificate");
    let brief = Live::open(&short).expect("valid still");
    let (here, there) = duplex(1 << 16);
    let (here, there) = tokio::join!(brief.connect(here, &Identity::Hub), server.accept(there));
    let (_here, mut there) = (here.expect("valid still"), there.expect("valid still"));
    let ended = there.read_exact(&mut [0]).await.expect_err("its certificate ends");
    assert_eq!(ended.kind(), io::ErrorKind::ConnectionAborted, "{ended}");
    // A certificate is valid throughout its last second. It is the server that refuses; the client has shaken hands by then.
    while now() <= until {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (_, caller) = meet(&brief, &server, &Identity::Hub).await;
    let told = caller.expect_err("expired").to_string();
    assert!(told.contains("Expired"), "{told}");
    assert!(Own::read(&short).is_err(), "nobody starts with it");
}

#[tokio::test]
async fn new_files_are_taken_up_and_wrong_ones_are_not() {
    let place = Place::new();
    let live = place.live(&care());
    let (before, folder) = (live.own().certificate().to_vec(), place.path(&care()));
    let look = || async {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(3)).await;
        tokio::time::resume();
        live.own().certificate().to_vec()
    };
    fs::write(folder.join(KEY), b"torn").expect("a file");
    assert_eq!(look().await, before);
    place.authority.issue_for(&Identity::Hub, &[], HOUR, &folder).expect("a certificate");
    assert_eq!(look().await, before, "another's");
    place.authority.issue_for(&care(), &[], HOUR, &folder).expect("a certificate");
    let after = look().await;
    assert_ne!(after, before);
    assert_eq!(Own::read(&folder).expect("an identity").certificate(), after);
}

#[test]
fn a_signature_is_of_the_certificate_at_its_time() {
    let place = Place::new();
    place.live(&care());
    let own = Own::read(&place.path(&care())).expect("an identity");
    let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(own.private_key()).expect("an Ed25519 key");
    let signature = key.sign(b"a fact");
    let proven = own.authorities().verify(own.certificate(), now()).expect("valid");
    assert_eq!((&proven.identity, proven.until), (&care(), own.until()));
    assert!(proven.from <= now() && now() < proven.until);
    proven.verify_signature(b"a fact", signature.as_ref()).expect("its own signature");
    assert!(proven.verify_signature(b"another", signature.as_ref()).is_err());
    for at in [proven.from - 1, proven.until + 1] {
        assert!(own.authorities().verify(own.certificate(), at).is_err(), "{at}");
    }
    assert!(own.authorities().verify(own.authorities().certificates().next().expect("one"), now()).is_err());
}

#[test]
fn files_are_private_and_an_authority_is_not_overwritten() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let home = place.folder.path().join("authority");
    place.authority.keep(&home).expect("kept");
    assert!(Authority::new(HOUR).expect("another").keep(&home).is_err());
    let again = Authority::open(&home).expect("the same");
    place.live(&care());
    let mode = |path: &Path| fs::metadata(path).expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode(&home.join(KEY)), 0o600);
    assert_eq!(mode(&place.path(&care()).join(KEY)), 0o600);
    // What the reopened one signs is trusted by those who trust the first.
    let other = place.folder.path().join("other");
    again.issue_for(&care(), &[], HOUR, &other).expect("a certificate");
    let trusted = Own::read(&place.path(&care())).expect("an identity");
    trusted
        .authorities()
        .verify(Own::read(&other).expect("an identity").certificate(), now())
        .expect("the same authority");
    // RFC 8410, section 7, without the public key: some clients read no more.
    assert_eq!(trusted.private_key().len(), 48);
    fs::copy(place.path(&care()).join(CERTIFICATE), home.join(CERTIFICATE)).expect("a copy");
    assert!(Authority::open(&home).is_err(), "a key of another certificate");
}
