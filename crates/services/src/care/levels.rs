//! The level of an institution, which care writes into a claim. What an institution is opened for is the hub's to judge;
//! its registry may know institutions, and levels, that the parameters do not.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use zhijie_domain::{claim::Level, ids::InstitutionCode, institution::unknown, parameters::Parameters};
use zhijie_protocol::v1::registry_client::RegistryClient;

use crate::{
    node::{Link, Stop, call, limits},
    wire::{
        pb::{self, answer::Outcome},
        registry::parse_institution,
    },
};

/// Levels as the hub has them, where it was asked; none where it is to be asked again.
pub(super) struct Levels {
    heard: Mutex<BTreeMap<InstitutionCode, Option<Level>>>,
    registry: RegistryClient<Link>,
}

impl Levels {
    /// Nothing is heard yet.
    pub(super) fn new(registry: RegistryClient<Link>) -> Levels {
        Levels { heard: Mutex::default(), registry }
    }

    /// The level of an institution: as heard, or else as the parameters have it; what is in neither is asked of the hub.
    pub(super) async fn level(&self, parameters: &Parameters, code: &InstitutionCode) -> Result<Level, Stop> {
        let heard = self.heard().get(code).copied();
        let shipped = || parameters.institutions.get(code).map(|institution| institution.level);
        if let Some(level) = heard.unwrap_or_else(shipped) {
            return Ok(level);
        }
        let request = pb::InstitutionRequest { code: code.to_string() };
        let asking = async { self.registry.clone().institution(request).await };
        let reply = call("hub", limits::CALL_DEADLINE_MS, asking).await?;
        let level = parse_institution(&reply.institution.ok_or_else(|| unknown(code))?)?.level;
        self.heard().insert(code.clone(), Some(level));
        Ok(level)
    }

    /// Learns from the hub's answer to a claim: where it refused the institution, the level may have been an old one.
    pub(super) fn learn(&self, institution: &str, answer: &pb::Answer) {
        let Some(Outcome::Refused(refused)) = &answer.outcome else { return };
        if let (pb::RefusalCode::E301InstitutionNotOpened, Ok(code)) =
            (refused.code(), InstitutionCode::parse(institution))
        {
            self.heard().insert(code, None);
        }
    }

    fn heard(&self) -> MutexGuard<'_, BTreeMap<InstitutionCode, Option<Level>>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
