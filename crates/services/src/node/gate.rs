//! Who calls: a role and a region, proven by a shared secret. The proof becomes a value that handlers take.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataMap, MetadataValue},
    service::Interceptor,
};
use zhijie_domain::{
    ids::RegionCode,
    refusal::{Code, Refusal},
};

const CALLER: &str = "zhijie-caller";
const SECRET: &str = "zhijie-secret";

/// What a service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// 就医地.
    Care,
    /// 国家平台.
    Hub,
    /// 参保地.
    Home,
}

impl Role {
    /// Its name on the wire and in configurations.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Role::Care => "care",
            Role::Hub => "hub",
            Role::Home => "home",
        }
    }
}

/// A caller whose secret was right. Only [`Gate::admit`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    role: Role,
    region: Option<RegionCode>,
}

impl Caller {
    /// Refuses a caller that is not of the role, or not of the province it speaks for.
    ///
    /// # Errors
    /// [`Code::NotYourRegion`].
    pub fn speaks_as(&self, role: Role, place: &RegionCode) -> Result<(), Refusal> {
        if self.role == role && self.region.as_ref().is_none_or(|region| *region == place.province()) {
            return Ok(());
        }
        Err(stranger(format!("it may not speak as {} of {}", role.name(), place.province())))
    }

    /// The role and province it speaks for; nothing for the hub.
    #[must_use]
    pub fn place(&self) -> Option<(Role, &RegionCode)> {
        self.region.as_ref().map(|region| (self.role, region))
    }

    /// Refuses a caller that is not the hub.
    ///
    /// # Errors
    /// [`Code::NotYourRegion`].
    pub fn is_hub(&self) -> Result<(), Refusal> {
        if self.role == Role::Hub { Ok(()) } else { Err(stranger("only the hub may call this".into())) }
    }
}

fn stranger(what: String) -> Refusal {
    Refusal::new(Code::NotYourRegion, "who may speak for a region", "caller").with("调用方身份不符", &what)
}

/// The callers a service knows, by what they say they are; secrets are kept hashed.
#[derive(Debug, Clone, Default)]
pub struct Gate(BTreeMap<String, (Caller, [u8; 32])>);

impl Gate {
    /// Lets a caller in by its secret; the hub has no region.
    #[must_use]
    pub fn with(mut self, role: Role, region: Option<RegionCode>, secret: &str) -> Gate {
        self.0.insert(caller_name(role, region.as_ref()), (Caller { role, region }, Sha256::digest(secret).into()));
        self
    }

    /// The caller of a request.
    ///
    /// # Errors
    /// [`Code::NotYourRegion`] where it is unknown or its secret is wrong; which of them is not said.
    pub fn admit(&self, metadata: &MetadataMap) -> Result<Caller, Refusal> {
        let text = |key| metadata.get(key).and_then(|value| value.to_str().ok()).unwrap_or_default();
        // Hashes are compared, so that the time of comparing tells nothing of the secret.
        let given: [u8; 32] = Sha256::digest(text(SECRET)).into();
        match self.0.get(text(CALLER)) {
            Some((caller, known)) if *known == given => Ok(caller.clone()),
            _ => Err(stranger("unknown caller or wrong secret".into())),
        }
    }
}

fn caller_name(role: Role, region: Option<&RegionCode>) -> String {
    region.map_or_else(|| role.name().to_owned(), |region| format!("{}/{region}", role.name()))
}

/// What a service says of itself to its peers.
#[derive(Clone)]
pub struct Credentials {
    caller: MetadataValue<Ascii>,
    secret: MetadataValue<Ascii>,
}

impl Credentials {
    /// Credentials of a role; nothing where the secret is empty or not plain ASCII.
    #[must_use]
    pub fn new(role: Role, region: Option<&RegionCode>, secret: &str) -> Option<Credentials> {
        if secret.is_empty() {
            return None;
        }
        let caller = caller_name(role, region).parse().ok()?;
        let mut secret: MetadataValue<Ascii> = secret.parse().ok()?;
        secret.set_sensitive(true);
        Some(Credentials { caller, secret })
    }
}

impl Credentials {
    /// As they stand in the head of a request.
    #[must_use]
    pub fn metadata(&self) -> MetadataMap {
        let mut metadata = MetadataMap::new();
        self.enter(&mut metadata);
        metadata
    }

    fn enter(&self, metadata: &mut MetadataMap) {
        metadata.insert(CALLER, self.caller.clone());
        metadata.insert(SECRET, self.secret.clone());
    }
}

impl Interceptor for Credentials {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        self.enter(request.metadata_mut());
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(gate: &Gate, credentials: Option<Credentials>) -> Result<Caller, Refusal> {
        let request = match credentials {
            Some(mut credentials) => credentials.call(Request::new(())).unwrap(),
            None => Request::new(()),
        };
        gate.admit(request.metadata())
    }

    #[test]
    fn only_the_right_secret_speaks_and_only_for_its_region() {
        let (shanghai, anhui) = (RegionCode::parse("310000").unwrap(), RegionCode::parse("341200").unwrap());
        let gate = Gate::default().with(Role::Care, Some(shanghai.clone()), "s1").with(Role::Hub, None, "s2");
        let caller = admitted(&gate, Credentials::new(Role::Care, Some(&shanghai), "s1")).unwrap();
        assert!(caller.speaks_as(Role::Care, &RegionCode::parse("310100").unwrap()).is_ok());
        assert!(caller.speaks_as(Role::Care, &anhui).is_err());
        assert!(caller.speaks_as(Role::Home, &shanghai).is_err() && caller.is_hub().is_err());
        assert!(admitted(&gate, Credentials::new(Role::Hub, None, "s2")).unwrap().is_hub().is_ok());
        for wrong in [
            None,
            Credentials::new(Role::Care, Some(&shanghai), "s2"),
            Credentials::new(Role::Home, Some(&shanghai), "s1"),
        ] {
            assert_eq!(admitted(&gate, wrong).unwrap_err().code, Code::NotYourRegion);
        }
    }
}
