//! How a role speaks: with an identity, over mutual TLS; or in plaintext, only when it is asked for, and only on loopback.

use std::{net::IpAddr, path::PathBuf, sync::Arc};

use zhijie_identity::{Identity, Live};

use super::StartError;
use crate::node::{Net, Role, Tcp, Tls};

/// What a configuration says of it.
pub(super) struct Speaks<'a> {
    pub(super) role: Role,
    pub(super) own: Identity,
    pub(super) identity: Option<&'a PathBuf>,
    pub(super) plaintext: bool,
    pub(super) listen: &'a str,
    pub(super) peers: Vec<&'a str>,
}

/// How to reach a service.
pub struct Reach {
    /// Its address, `http://host:port`, or `https`.
    pub address: String,
    /// The network over which it is one.
    pub net: Arc<dyn Net>,
}

impl Speaks<'_> {
    /// How to reach the role where it listens.
    pub(super) fn reach(&self) -> Result<Reach, StartError> {
        let tcp: Arc<dyn Net> = Arc::new(Tcp);
        Ok(match self.identity()? {
            Some(own) => {
                let net = Arc::new(Tls::new(tcp, own, self.own.clone()));
                Reach { address: format!("https://{}", self.listen), net }
            }
            None => Reach { address: format!("http://{}", self.listen), net: tcp },
        })
    }

    /// The identity of the role, or nothing where it speaks in plaintext and may.
    pub(super) fn identity(&self) -> Result<Option<Arc<Live>>, StartError> {
        let wrong = |what: String| Err(StartError::Speaks { role: self.role.name(), what });
        match (self.identity, self.plaintext) {
            (Some(folder), false) => {
                let failed = |source| StartError::Identity { path: folder.clone(), source };
                let live = Live::open(folder).map_err(failed)?;
                let own = live.own();
                if *own.identity() != self.own {
                    let (found, own) = (own.identity(), &self.own);
                    return wrong(format!("the certificate in {} is of {found}, and this is {own}", folder.display()));
                }
                match self.peers.iter().find(|address| !address.starts_with("https://")) {
                    Some(address) => wrong(format!("with an identity peers are at https://…, and {address} is not")),
                    None => Ok(Some(live)),
                }
            }
            (None, true) => {
                let local = |address: &&str| address.strip_prefix("http://").is_some_and(is_loopback);
                match self.peers.iter().find(|address| !local(address)) {
                    _ if !is_loopback(self.listen) => wrong(format!(
                        "plaintext is for loopback only, such as 127.0.0.1, and not for {}; give it an identity",
                        self.listen
                    )),
                    Some(address) => {
                        wrong(format!("plaintext is for peers at http:// on loopback only, and {address} is not"))
                    }
                    None => Ok(None),
                }
            }
            _ => wrong("either `identity = \"FOLDER\"` or, on loopback, `plaintext = true`".into()),
        }
    }
}

/// True for `host:port` of this machine alone.
fn is_loopback(address: &str) -> bool {
    let Some((host, _)) = address.rsplit_once(':') else { return false };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plaintext_is_asked_for_and_stays_on_the_machine() {
        let allowed = |plaintext, listen, peers: &[&'static str]| {
            let (role, own) = (Role::Hub, Identity::Hub);
            let speaks = Speaks { role, own, identity: None, plaintext, listen, peers: peers.to_vec() };
            speaks.identity().map(|_| ()).map_err(|error| error.to_string())
        };
        for listen in ["127.0.0.1:7400", "127.1.2.3:0", "[::1]:7400", "localhost:7400"] {
            assert_eq!(allowed(true, listen, &["http://127.0.0.1:1", "http://localhost:2"]), Ok(()));
        }
        for listen in ["0.0.0.0:7400", "[::]:7400", "192.168.0.1:7400", "hub:7400", "127.0.0.1.example.org:1", ""] {
            let refused = allowed(true, listen, &[]).unwrap_err();
            assert!(refused.contains("plaintext is for loopback only") && refused.contains(listen), "{refused}");
        }
        for peer in ["http://hub:7400", "https://127.0.0.1:7400", "127.0.0.1:7400"] {
            assert!(allowed(true, "127.0.0.1:7400", &[peer]).unwrap_err().contains(peer));
        }
        assert!(allowed(false, "127.0.0.1:7400", &[]).unwrap_err().contains("plaintext = true"));
    }
}
