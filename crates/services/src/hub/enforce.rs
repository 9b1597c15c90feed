//! What the hub enforces on every claim, whoever sends it: who may speak for the region, the identities of the bill,
//! the institution opened for the service and the disease, the disease on the list of the date, the filing.

use zhijie_domain::{
    chronic::Listed,
    claim::{Claim, Service},
    filing::{Filing, cover, treatment_class},
    refusal::{Code, Refusal},
    split::SplitLine,
    visit::Visit,
};
use zhijie_protocol::v1::home_client::HomeClient;

use super::{Hub, from_care};
use crate::{
    node::{Caller, Failure, Link, Records, Stop, document, keys, limits, stored},
    wire::{
        claim::{self, Header, parse_header},
        pb, person, required, visit,
    },
};

/// A claim that has the form and the identities it must have, of a caller that may send it.
pub(super) struct Checked {
    pub(super) header: Header,
    pub(super) claim: Claim,
}

/// Checks form, caller and identities: all that does not depend on what the hub knows.
pub(super) fn check(caller: &Caller, request: &pb::ClaimRequest) -> Result<Checked, Refusal> {
    let header = parse_header(request.header.as_ref())?;
    from_care(caller, &header.care)?;
    let document = required(request.claim.as_ref(), "claim")?;
    let claim = claim::parse_under(&header, document)?;
    let lines: Vec<SplitLine> = document.lines.iter().map(claim::parse_split).collect::<Result<_, Refusal>>()?;
    claim.check_lines(&lines)?;
    Ok(Checked { header, claim })
}

/// Enforces the national rules on a checked claim, and gives the home service it goes to.
pub(super) async fn enforce(hub: &Hub, checked: &Checked) -> Result<HomeClient<Link>, Stop> {
    let claim = &checked.claim;
    let home = hub.home(&claim.home)?;
    opened(hub, claim)?;
    let filings = mirrored(hub, claim).await?;
    let snapshot = visit_of(hub, claim).await?.and_then(|visit| visit.snapshot);
    let parameters = &hub.node.parameters;
    let day = if claim.service == Service::Stay { hub.node.now().day() } else { claim.from };
    let covered = snapshot.or_else(|| cover(&filings, &claim.institution.division(), day, claim.emergency));
    let rules = &parameters.policy(&claim.home, claim.scheme, claim.to)?.filing;
    treatment_class(rules, covered.as_ref(), claim)?;
    Ok(home)
}

fn opened(hub: &Hub, claim: &Claim) -> Result<(), Refusal> {
    let parameters = &hub.node.parameters;
    let institution = parameters.institution(&claim.institution)?;
    institution.opened(claim.service, None, claim.from)?;
    if institution.level != claim.level {
        return Err(Refusal::new(Code::InstitutionNotOpened, "level of the institution on the network", "claim.level")
            .with(format!("{:?}", institution.level), format!("it is {:?}", institution.level)));
    }
    let listed: Option<Listed> =
        claim.disease.as_ref().map(|disease| parameters.chronic.listed(disease, claim.from)).transpose()?;
    institution.opened(claim.service, listed.as_ref(), claim.from)
}

/// The mirrored filings of the claim's person.
async fn mirrored(hub: &Hub, claim: &Claim) -> Result<Vec<Filing>, Failure> {
    let prefix = keys::filings_of(&claim.home.province(), &claim.person);
    let page = hub.node.store.scan_prefix(&prefix, None, limits::FILINGS_MAX).await?;
    let filing = |(key, record): &(bytes::Bytes, zhijie_store::Record)| {
        let document = document(key, &record.value)?;
        stored(person::parse_filing(&document), key)
    };
    page.iter().map(filing).collect()
}

async fn visit_of(hub: &Hub, claim: &Claim) -> Result<Option<Visit>, Failure> {
    let key = keys::visit(&claim.visit);
    let document = hub.node.store.begin().record::<pb::Visit>(&key).await?;
    document.map(|document| stored(visit::parse(&document), &key)).transpose()
}
