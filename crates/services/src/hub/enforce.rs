//! What the hub enforces on every claim, whoever sends it: who may speak for the region, the identities of the bill,
//! the institution opened for the service and the disease, the disease on the list of the date, the items related to it,
//! the filing.

use zhijie_domain::{
    chronic::Listed,
    claim::{Claim, Service},
    filing::{Filing, cover, treatment_class},
    refusal::{Code, Refusal},
    split::SplitLine,
    visit::Visit,
};

use super::{Hub, from_care, registry::institution};
use crate::{
    node::{Caller, Failure, Records, Stop, keys, road::RoadClient, stored},
    wire::{
        claim::{self, Header, parse_header},
        pb, person, registry, required, visit,
    },
};

/// A claim that has the form and the identities it must have, of a caller that may send it.
pub(super) struct Checked {
    pub(super) header: Header,
    pub(super) claim: Claim,
    lines: Vec<SplitLine>,
}

/// Where an enforced claim goes, and for a chronic one by what it was judged.
pub(super) struct Enforced {
    pub(super) home: RoadClient,
    pub(super) listed: Option<pb::ListedDisease>,
}

/// Checks form, caller and identities: all that does not depend on what the hub knows.
pub(super) fn check(caller: &Caller, request: &pb::ClaimRequest) -> Result<Checked, Refusal> {
    let header = parse_header(request.header.as_ref())?;
    from_care(caller, &header.care)?;
    let document = required(request.claim.as_ref(), "claim")?;
    let claim = claim::parse_under(&header, document)?;
    let lines: Vec<SplitLine> = document.lines.iter().map(claim::parse_split).collect::<Result<_, Refusal>>()?;
    claim.check_lines(&lines)?;
    Ok(Checked { header, claim, lines })
}

/// Enforces the national rules on a checked claim.
pub(super) async fn enforce(hub: &Hub, checked: &Checked) -> Result<Enforced, Stop> {
    let claim = &checked.claim;
    let home = hub.home(&claim.home)?;
    let listed = opened(hub, claim).await?;
    if let Some(listed) = &listed {
        hub.node.parameters.related.check(listed, &checked.lines)?;
    }
    let filings = mirrored(hub, claim).await?;
    let snapshot = visit_of(hub, claim).await?.and_then(|visit| visit.snapshot);
    let parameters = &hub.node.parameters;
    let day = if claim.service == Service::Stay { hub.node.today() } else { claim.from };
    let covered = snapshot.or_else(|| cover(&filings, &claim.institution.division(), day, claim.emergency));
    let rules = &parameters.policy(&claim.home, claim.scheme, claim.to)?.filing;
    treatment_class(rules, covered.as_ref(), claim)?;
    Ok(Enforced { home, listed: listed.as_ref().map(registry::print_listed) })
}

/// The institution must be opened on the first day of service, and the disease be on that day's list: its listing.
async fn opened(hub: &Hub, claim: &Claim) -> Result<Option<Listed>, Stop> {
    let store = &hub.node.store;
    let institution = institution(&hub.node, &mut store.begin(), &claim.institution).await?;
    institution.opened(claim.service, None, claim.from)?;
    if institution.level != claim.level {
        let refused =
            Refusal::new(Code::InstitutionNotOpened, "level of the institution on the network", "claim.level");
        return Err(refused.with(format!("{:?}", institution.level), format!("it is {:?}", institution.level)).into());
    }
    let Some(disease) = &claim.disease else { return Ok(None) };
    let regions = [claim.home.province(), claim.care.province()];
    let listed = hub.chronic.list(store).await?.listed(disease, claim.from, &regions)?;
    institution.opened(claim.service, Some(&listed), claim.from)?;
    Ok(Some(listed))
}

/// The mirrored filings of the claim's person.
async fn mirrored(hub: &Hub, claim: &Claim) -> Result<Vec<Filing>, Failure> {
    let key = keys::filings(&claim.home.province(), &claim.person);
    let mirrored = hub.node.store.begin().record::<pb::MirroredFilings>(&key).await?.unwrap_or_default();
    let filings = mirrored.filings.iter().map(person::parse_filing);
    stored(filings.collect(), &key)
}

/// The claim's visit, where the hub knows it. One of another person or institution says nothing of this claim.
async fn visit_of(hub: &Hub, claim: &Claim) -> Result<Option<Visit>, Failure> {
    let key = keys::visit(&claim.visit);
    let document = hub.node.store.begin().record::<pb::Visit>(&key).await?;
    let visit = document.map(|document| stored(visit::parse(&document), &key)).transpose()?;
    Ok(visit.filter(|visit| visit.is_of(claim)))
}
