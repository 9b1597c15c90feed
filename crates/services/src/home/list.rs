//! The chronic list as this home region knows it. The hub names the listed disease and the version by which it judged a
//! claim; a version that is not known here is fetched from the hub, so that both judge by the same one.

use std::sync::{Arc, PoisonError, RwLock};

use zhijie_domain::{
    chronic::{ChronicList, Listed},
    claim::Claim,
    ids::DiseaseCode,
    refusal::Refusal,
};
use zhijie_protocol::v1::registry_client::RegistryClient;

use crate::{
    node::{Failure, Link, Stop, call, limits},
    wire::{
        pb,
        registry::{parse_list, parse_listed},
    },
};

/// What is known of the published list. It is not kept: after a restart it begins with the parameters again.
pub(super) struct KnownList {
    list: RwLock<Arc<ChronicList>>,
    registry: RegistryClient<Link>,
}

impl KnownList {
    /// Begins with the list of the parameters.
    pub(super) fn new(list: ChronicList, registry: RegistryClient<Link>) -> KnownList {
        KnownList { list: RwLock::new(Arc::new(list)), registry }
    }

    /// The disease of a chronic claim, as listed by the version by which the hub judged it.
    ///
    /// # Errors
    /// A refusal where the hub names none, a failure where the list cannot be had or says otherwise than the hub.
    pub(super) async fn listed(
        &self,
        claim: &Claim,
        named: Option<&pb::ListedDisease>,
    ) -> Result<Option<Listed>, Stop> {
        let Some(disease) = &claim.disease else { return Ok(None) };
        let (code, version) = parse_listed(named)?;
        let known = Arc::clone(&self.list.read().unwrap_or_else(PoisonError::into_inner));
        if let Some(listed) = judged(&known, claim, disease, &code, version) {
            return Ok(Some(listed));
        }
        let fetched = self.fetch().await?;
        let listed = judged(&fetched, claim, disease, &code, version);
        Ok(Some(listed.ok_or_else(|| outside("the listing of a claim is that of the published list"))?))
    }

    async fn fetch(&self) -> Result<Arc<ChronicList>, Failure> {
        let asking = async { self.registry.clone().chronic_list(pb::ChronicListRequest {}).await };
        let reply = call("hub", limits::CALL_DEADLINE_MS, asking).await?;
        let list = parse_list(&reply.versions).map_err(|refusal: Refusal| outside(&refusal.to_string()))?;
        let fetched = Arc::new(list);
        *self.list.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&fetched);
        Ok(fetched)
    }
}

fn judged(
    list: &ChronicList,
    claim: &Claim,
    disease: &DiseaseCode,
    code: &DiseaseCode,
    version: &str,
) -> Option<Listed> {
    let regions = [claim.home.province(), claim.care.province()];
    let listed = list.version(version).and_then(|version| version.listed(disease, &regions));
    listed.filter(|listed| listed.code() == code)
}

fn outside(what: &str) -> Failure {
    Failure::Protocol { peer: "hub".into(), what: what.into() }
}
