//! Who calls (调用方): the certificate of its connection proves it; in plaintext, where nothing is proven, a caller is what it
//! says of itself. What is known of it becomes a value that handlers take.

use std::sync::Arc;

use tonic::{
    Extensions, Request, Status,
    metadata::{Ascii, MetadataMap, MetadataValue},
    service::Interceptor,
};
use zhijie_domain::{
    ids::RegionCode,
    refusal::{Code, Refusal},
};
use zhijie_identity::Identity;

use super::Peer;

/// Where a caller says who it is, such as `care/310000`.
const CALLER: &str = "zhijie-caller";

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

    /// The identity of a province's service; the hub has no province.
    #[must_use]
    pub fn of(self, region: &RegionCode) -> Identity {
        match self {
            Role::Care => Identity::Care(region.to_string()),
            Role::Hub => Identity::Hub,
            Role::Home => Identity::Home(region.to_string()),
        }
    }
}

/// A caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// Who it is.
    Known(Arc<Identity>),
    /// In plaintext, one that says nothing of itself: it may be any hospital and any officer, and is no service.
    Unnamed,
}

impl Caller {
    /// Who sends what came with these.
    ///
    /// # Errors
    /// [`Code::NotYourRegion`] for a name that is none.
    pub fn of(extensions: &Extensions, metadata: &MetadataMap) -> Result<Caller, Refusal> {
        match (extensions.get::<Peer>(), metadata.get(CALLER)) {
            (Some(Peer::Proven(identity)), _) => Ok(Caller::Known(Arc::clone(identity))),
            (Some(Peer::Plain), None) => Ok(Caller::Unnamed),
            (Some(Peer::Plain), Some(said)) => match said.to_str().map(Identity::of_path) {
                Ok(Ok(identity)) => Ok(Caller::Known(Arc::new(identity))),
                _ => Err(not_yours("caller", "不知何人", "it names nobody")),
            },
            (None, _) => Err(not_yours("caller", "不知何人", "nothing is known of its connection")),
        }
    }

    /// The same, where a rule does not refuse it: a stranger gets no answer that could be taken for one about its message.
    pub(crate) fn admitted(
        extensions: &Extensions,
        metadata: &MetadataMap,
        rule: impl FnOnce(&Caller) -> Result<(), Refusal>,
    ) -> Result<Caller, Status> {
        let caller = Caller::of(extensions, metadata).and_then(|caller| rule(&caller).map(|()| caller));
        caller.map_err(|no| Status::unauthenticated(format!("{} {} · {}", no.code, no.zh, no.en)))
    }

    /// Refuses a caller that is not the service of the role in the province of a place.
    ///
    /// # Errors
    /// [`Code::NotYourRegion`].
    pub fn speaks_as(&self, role: Role, place: &RegionCode) -> Result<(), Refusal> {
        self.is(&role.of(&place.province()))
    }

    /// Refuses a caller that is not the hub.
    ///
    /// # Errors
    /// [`Code::NotYourRegion`].
    pub fn is_hub(&self) -> Result<(), Refusal> {
        self.is(&Identity::Hub)
    }

    /// Refuses a caller that is no officer of the province.
    ///
    /// # Errors
    /// [`Code::NotYourRegion`].
    pub fn is_officer_of(&self, province: &RegionCode) -> Result<(), Refusal> {
        self.unnamed_or(&Identity::Office(province.to_string()))
    }

    /// Refuses a caller that is no officer of the national agency.
    ///
    /// # Errors
    /// [`Code::NotYourRegion`].
    pub fn is_national(&self) -> Result<(), Refusal> {
        self.unnamed_or(&Identity::National)
    }

    /// Refuses a caller that is not of an institution of the province.
    ///
    /// # Errors
    /// [`Code::NotYourRegion`].
    pub fn is_treating_in(&self, province: &RegionCode) -> Result<(), Refusal> {
        match self {
            Caller::Unnamed => Ok(()),
            Caller::Known(known) => match &**known {
                Identity::Institution(place, _) if place == province.as_str() => Ok(()),
                other => Err(not_yours(
                    "caller",
                    format!("{other} 不是 {province} 的医药机构"),
                    format!("{other} is no institution of {province}"),
                )),
            },
        }
    }

    /// Refuses what is of another institution than the caller. The field says where that institution is named.
    ///
    /// # Errors
    /// [`Code::NotYourRegion`].
    pub fn is_institution(&self, code: &str, field: &str) -> Result<(), Refusal> {
        match self {
            Caller::Unnamed => Ok(()),
            Caller::Known(known) => match &**known {
                Identity::Institution(_, own) if own == code => Ok(()),
                other => Err(not_yours(
                    field,
                    format!("{other} 不得代表 {code}"),
                    format!("{other} may not speak for {code}"),
                )),
            },
        }
    }

    /// The role and the province it speaks for; nothing for the hub, and for who is no service.
    #[must_use]
    pub fn place(&self) -> Option<(Role, RegionCode)> {
        let Caller::Known(known) = self else { return None };
        let (role, region) = match &**known {
            Identity::Care(region) => (Role::Care, region),
            Identity::Home(region) => (Role::Home, region),
            _ => return None,
        };
        RegionCode::parse(region).ok().map(|region| (role, region))
    }

    fn is(&self, needed: &Identity) -> Result<(), Refusal> {
        match self {
            Caller::Known(known) if **known == *needed => Ok(()),
            Caller::Known(known) => {
                Err(not_yours("caller", format!("{known} 不是 {needed}"), format!("{known} is not {needed}")))
            }
            Caller::Unnamed => Err(not_yours("caller", format!("须为 {needed}"), format!("it is for {needed}"))),
        }
    }

    fn unnamed_or(&self, needed: &Identity) -> Result<(), Refusal> {
        if *self == Caller::Unnamed { Ok(()) } else { self.is(needed) }
    }
}

/// The refusal of whoever is another than it should be.
pub(crate) fn not_yours(field: &str, zh: impl std::fmt::Display, en: impl std::fmt::Display) -> Refusal {
    Refusal::new(Code::NotYourRegion, "who may speak for a region or an institution", field).with(zh, en)
}

/// Lets only those callers through that a rule does not refuse.
pub(crate) fn only(rule: impl Fn(&Caller) -> Result<(), Refusal> + Clone) -> impl Interceptor + Clone {
    move |request: Request<()>| {
        Caller::admitted(request.extensions(), request.metadata(), &rule)?;
        Ok(request)
    }
}

/// What a service says of itself to its peers. It counts in plaintext, where they cannot know better.
#[derive(Clone)]
pub struct Introduction(Option<MetadataValue<Ascii>>);

impl Introduction {
    /// The introduction of whom.
    #[must_use]
    pub fn of(identity: &Identity) -> Introduction {
        // A name is plain ASCII; without one the caller is a stranger.
        Introduction(identity.path().parse().ok())
    }

    /// As it stands in the head of a request.
    #[must_use]
    pub fn metadata(&self) -> MetadataMap {
        let mut metadata = MetadataMap::new();
        self.enter(&mut metadata);
        metadata
    }

    fn enter(&self, metadata: &mut MetadataMap) {
        if let Some(name) = &self.0 {
            metadata.insert(CALLER, name.clone());
        }
    }
}

impl Interceptor for Introduction {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        self.enter(request.metadata_mut());
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(peer: Option<Peer>, said: &str) -> Result<Caller, Refusal> {
        let (mut extensions, mut metadata) = (Extensions::new(), MetadataMap::new());
        if let Some(peer) = peer {
            extensions.insert(peer);
        }
        if !said.is_empty() {
            metadata.insert(CALLER, said.parse().unwrap());
        }
        Caller::of(&extensions, &metadata)
    }

    fn proven(identity: Identity) -> Option<Peer> {
        Some(Peer::Proven(Arc::new(identity)))
    }

    fn region(code: &str) -> RegionCode {
        RegionCode::parse(code).unwrap()
    }

    #[test]
    fn a_certificate_says_who_calls_whatever_the_caller_says() {
        let care = caller(proven(Identity::Care("310000".into())), "hub").unwrap();
        assert!(care.speaks_as(Role::Care, &region("310100")).is_ok());
        assert!(care.speaks_as(Role::Care, &region("341200")).is_err());
        assert!(care.speaks_as(Role::Home, &region("310000")).is_err() && care.is_hub().is_err());
        assert!(care.is_national().is_err() && care.is_officer_of(&region("310000")).is_err());
        assert!(care.is_treating_in(&region("310000")).is_err());
        assert_eq!(care.place(), Some((Role::Care, region("310000"))));
        assert!(caller(proven(Identity::Hub), "").unwrap().is_hub().is_ok());
        let officer = caller(proven(Identity::Office("310000".into())), "").unwrap();
        assert!(officer.is_officer_of(&region("310000")).is_ok() && officer.is_officer_of(&region("340000")).is_err());
        assert!(officer.is_national().is_err() && officer.place().is_none());
    }

    #[test]
    fn an_institution_speaks_for_itself_where_it_treats() {
        let own = "H31010000004";
        let hospital = caller(proven(Identity::Institution("310000".into(), own.into())), "").unwrap();
        assert!(hospital.is_treating_in(&region("310000")).is_ok() && hospital.is_institution(own, "header").is_ok());
        assert!(hospital.is_treating_in(&region("340000")).is_err());
        let refused = hospital.is_institution("H31010000001", "header.institution").unwrap_err();
        assert_eq!((refused.code, refused.field.as_str()), (Code::NotYourRegion, "header.institution"));
    }

    #[test]
    fn in_plaintext_the_unnamed_are_any_hospital_or_officer_and_no_service() {
        let unnamed = caller(Some(Peer::Plain), "").unwrap();
        let shanghai = region("310000");
        assert!(unnamed.is_institution("H31010000004", "header").is_ok() && unnamed.is_treating_in(&shanghai).is_ok());
        assert!(unnamed.is_national().is_ok() && unnamed.is_officer_of(&shanghai).is_ok());
        assert!(unnamed.is_hub().is_err() && unnamed.speaks_as(Role::Care, &shanghai).is_err());
        let named = caller(Some(Peer::Plain), "care/310000").unwrap();
        assert!(named.speaks_as(Role::Care, &shanghai).is_ok() && named.is_national().is_err());
        assert!(caller(Some(Peer::Plain), "anybody").is_err());
        assert!(caller(None, "hub").is_err(), "a connection that says nothing of itself is none of ours");
    }

    #[test]
    fn a_service_introduces_itself() {
        let request = Introduction::of(&Identity::Home("340000".into())).call(Request::new(())).unwrap();
        let mut extensions = Extensions::new();
        extensions.insert(Peer::Plain);
        let caller = Caller::of(&extensions, request.metadata()).unwrap();
        assert_eq!(caller.place(), Some((Role::Home, region("340000"))));
    }
}
