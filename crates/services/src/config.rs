//! Configurations of services, and starting the roles they name. A process may play several roles; each has its own
//! store and its own port, and they still meet only over the wire.

mod speaks;

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Deserializer, de::Error as _};
use zhijie_domain::ids::RegionCode;
use zhijie_identity::{Identity, IdentityError};
use zhijie_store::StoreError;

pub use self::speaks::Reach;
use self::speaks::Speaks;
use crate::{
    care::{self, CareSetup},
    home::{self, HomeSetup},
    hub::{self, HubSetup, RegionPeer},
    node::{
        EngineKind, LoadError, Node, RandomIds, Role, Served, Signer, SystemClock, Tcp, embedded_parameters, limits,
        load_parameters, open_store_of,
    },
};

/// A configuration file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Folder of parameters; without it, those the program was built with.
    pub parameters: Option<PathBuf>,
    /// The hub, if this process plays it.
    pub hub: Option<HubConfig>,
    /// A home region, if this process plays one.
    pub home: Option<RegionConfig>,
    /// A care region, if this process plays one.
    pub care: Option<RegionConfig>,
}

/// `[hub]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubConfig {
    /// `host:port` to listen on.
    pub listen: String,
    /// Folder of the store.
    pub store: PathBuf,
    /// `engine = "sled"` or `"fjall"`: what a new store is made with, sled where it is left out.
    #[serde(default, deserialize_with = "engine")]
    pub engine: EngineKind,
    /// Folder with its certificate, key and authority; see `zhijie certs`.
    pub identity: Option<PathBuf>,
    /// Without an identity, and only on loopback: nobody proves who they are.
    #[serde(default)]
    pub plaintext: bool,
    /// `[hub.regions.340000]`: the provinces.
    pub regions: BTreeMap<RegionCode, PeerConfig>,
}

/// `[hub.regions.340000]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerConfig {
    /// Its home service: `https://host:port`, or `http` in plaintext.
    pub home: Option<String>,
    /// Its care service, in the same way.
    pub care: Option<String>,
}

/// `[home]` or `[care]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionConfig {
    /// The province.
    pub region: RegionCode,
    /// `host:port` to listen on.
    pub listen: String,
    /// Folder of the store.
    pub store: PathBuf,
    /// `engine = "sled"` or `"fjall"`: what a new store is made with, sled where it is left out.
    #[serde(default, deserialize_with = "engine")]
    pub engine: EngineKind,
    /// Folder with its certificate, key and authority; see `zhijie certs`.
    pub identity: Option<PathBuf>,
    /// Without an identity, and only on loopback: nobody proves who they are.
    #[serde(default)]
    pub plaintext: bool,
    /// The hub: `https://host:port`, or `http` in plaintext.
    pub hub: String,
    /// Care only: how long a hospital waits before the answer is "unknown", ms. 8,000 where it is left out.
    pub answer_deadline_ms: Option<u64>,
}

/// A service could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration could not be read.
    #[error("{path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The configuration is wrong.
    #[error("{path}: {what}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        what: String,
    },
    /// The configuration does not name the role that was asked for.
    #[error("the configuration has no [{0}] section")]
    NoRole(&'static str),
    /// The parameters.
    #[error(transparent)]
    Parameters(#[from] LoadError),
    /// The store of a role.
    #[error("store {path}")]
    Store {
        /// Its folder.
        path: PathBuf,
        /// Why.
        source: StoreError,
    },
    /// Whether a role proves who it is, and asks others to.
    #[error("[{role}]: {what}")]
    Speaks {
        /// Which.
        role: &'static str,
        /// What is wrong.
        what: String,
    },
    /// The identity of a role.
    #[error("identity {path}")]
    Identity {
        /// Its folder.
        path: PathBuf,
        /// Why.
        source: IdentityError,
    },
    /// A role's service.
    #[error("{role} on {listen}")]
    Serve {
        /// Which.
        role: &'static str,
        /// Where it should have listened.
        listen: String,
        /// Why.
        source: io::Error,
    },
}

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// [`StartError::Read`] or [`StartError::Invalid`], naming file, line and field.
    pub fn read(path: &Path) -> Result<Config, StartError> {
        let text = std::fs::read_to_string(path).map_err(|source| StartError::Read { path: path.into(), source })?;
        toml::from_str(&text).map_err(|error| StartError::Invalid { path: path.into(), what: error.to_string() })
    }

    /// How to reach the roles that the configuration names, as each of them would itself.
    ///
    /// # Errors
    /// [`StartError`] of the first role whose identity does not read.
    pub fn reach(&self) -> Result<Vec<Reach>, StartError> {
        let hub = self.hub.as_ref().map(HubConfig::speaks);
        let home = self.home.as_ref().map(|home| home.speaks(Role::Home));
        let care = self.care.as_ref().map(|care| care.speaks(Role::Care));
        hub.into_iter().chain(home).chain(care).map(|speaks| speaks.reach()).collect()
    }

    /// Starts the roles that the configuration names, or only `role` where one is given, with the machine's clock,
    /// network and randomness.
    ///
    /// # Errors
    /// [`StartError`] of the first role that cannot be started.
    pub async fn start(&self, role: Option<Role>) -> Result<Vec<Served>, StartError> {
        let parameters = match &self.parameters {
            Some(folder) => load_parameters(folder)?,
            None => embedded_parameters()?,
        };
        let parameters = Arc::new(parameters);
        let node = |store: &Path, engine, speaks: &Speaks<'_>| {
            let identity = speaks.identity()?;
            let failed = |source| StartError::Store { path: store.into(), source };
            Ok::<_, StartError>(Node {
                store: open_store_of(store, engine).map_err(failed)?,
                clock: Arc::new(SystemClock),
                ids: Arc::new(RandomIds),
                net: Arc::new(Tcp),
                identity,
                parameters: Arc::clone(&parameters),
            })
        };
        let failed = |role: Role, listen: &str| {
            let listen = listen.to_owned();
            move |source| StartError::Serve { role: role.name(), listen, source }
        };
        let wanted = |this: Role| role.is_none_or(|role| role == this);
        let mut served = Vec::new();
        if let Some(config) = self.hub.as_ref().filter(|_| wanted(Role::Hub)) {
            let node = node(&config.store, config.engine, &config.speaks())?;
            let setup = hub_setup(config);
            let store = node.store.clone();
            served.push(hub::start(node, &setup).await.map_err(failed(Role::Hub, &setup.listen))?.over(store));
        }
        if let Some(config) = self.home.as_ref().filter(|_| wanted(Role::Home)) {
            let node = node(&config.store, config.engine, &config.speaks(Role::Home))?;
            let (store, signer) = (node.store.clone(), Signer::of(node.identity.as_deref()));
            let RegionConfig { region, listen, hub, .. } = config.clone();
            let setup = HomeSetup { region, listen, hub, signer };
            served.push(home::start(node, &setup).await.map_err(failed(Role::Home, &setup.listen))?.over(store));
        }
        if let Some(config) = self.care.as_ref().filter(|_| wanted(Role::Care)) {
            let node = node(&config.store, config.engine, &config.speaks(Role::Care))?;
            let RegionConfig { region, listen, hub, answer_deadline_ms, .. } = config.clone();
            let answer_deadline_ms = answer_deadline_ms.unwrap_or(limits::ANSWER_DEADLINE_MS);
            let (store, signer) = (node.store.clone(), Signer::of(node.identity.as_deref()));
            let setup = CareSetup { region, listen, hub, signer, answer_deadline_ms };
            served.push(care::start(node, &setup).await.map_err(failed(Role::Care, &setup.listen))?.over(store));
        }
        match (served.is_empty(), role) {
            (true, Some(role)) => Err(StartError::NoRole(role.name())),
            (true, None) => Err(StartError::NoRole("hub], [home] or [care")),
            (false, _) => Ok(served),
        }
    }
}

fn engine<'a, D: Deserializer<'a>>(deserializer: D) -> Result<EngineKind, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

impl HubConfig {
    fn speaks(&self) -> Speaks<'_> {
        let HubConfig { listen, identity, plaintext, regions, .. } = self;
        let peers = regions.values().flat_map(|peer| peer.home.iter().chain(&peer.care)).map(String::as_str).collect();
        let (role, own) = (Role::Hub, Identity::Hub);
        Speaks { role, own, identity: identity.as_ref(), plaintext: *plaintext, listen, peers }
    }
}

impl RegionConfig {
    fn speaks(&self, role: Role) -> Speaks<'_> {
        let RegionConfig { region, listen, hub, identity, plaintext, .. } = self;
        let (own, peers) = (role.of(region), vec![hub.as_str()]);
        Speaks { role, own, identity: identity.as_ref(), plaintext: *plaintext, listen, peers }
    }
}

fn hub_setup(config: &HubConfig) -> HubSetup {
    let regions = config.regions.iter().map(|(code, peer)| RegionPeer {
        code: code.clone(),
        home: peer.home.clone(),
        care: peer.care.clone(),
    });
    HubSetup { listen: config.listen.clone(), regions: regions.collect() }
}
