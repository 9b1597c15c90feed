//! Before a run: the institutions of the plan are on the network, its people are enrolled, and have their filings.

use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt, stream};
use tonic::Status;
use zhijie_protocol::v1::{self as pb, registry_client::RegistryClient};

use crate::{
    Targets,
    drive::{Treated, clients::Clients, clock::date},
    plan::{Kind, population::Someone, visits::Plan},
    run::RunError,
};

/// People that are enrolled side by side.
const TOGETHER: usize = 128;
/// Attempts to enrol a person.
const ATTEMPTS: usize = 5;

/// Checks that every institution of the plan is opened for what the plan sends it.
///
/// # Errors
/// [`RunError::Institution`] for the first that is not.
pub(crate) async fn institutions(targets: &Targets, plan: &Plan, today: i64) -> Result<(), RunError> {
    let registry = RegistryClient::new(targets.national()?);
    let services = BTreeMap::from([
        (Kind::Outpatient, pb::Service::Outpatient),
        (Kind::Pharmacy, pb::Service::Pharmacy),
        (Kind::Chronic, pb::Service::Chronic),
        (Kind::Stay, pb::Service::Stay),
    ]);
    let today = &date(today);
    let all = plan.places.cares.iter().flat_map(|care| &care.institutions);
    let services = &services;
    let checked = stream::iter(all).map(|one| {
        let mut registry = registry.clone();
        async move {
            let request = pb::InstitutionRequest { code: one.0.clone() };
            let reply = registry.institution(request).await.map_err(|status| RunError::service("hub", &status))?;
            let openings = reply.into_inner().institution.unwrap_or_default().openings;
            for (&kind, &service) in services.iter().filter(|(kind, _)| plan.mix.shares.contains_key(*kind)) {
                let now = |opening: &pb::Opening| {
                    opening.service() == service
                        && opening.from <= *today
                        && (opening.to.is_empty() || *today <= opening.to)
                };
                if one.takes(kind, "") && !openings.iter().any(now) {
                    return Err(RunError::Institution(one.0.clone(), kind.service()));
                }
            }
            Ok(())
        }
    });
    checked.buffer_unordered(TOGETHER).try_collect().await
}

/// Enrols everybody, and makes the filings that are missing. Harmless to repeat. Gives how each is found.
///
/// # Errors
/// [`RunError::Person`] for one that a home refuses, [`RunError::Service`] where a home does not answer.
pub(crate) async fn people(
    clients: &Clients,
    plan: &Plan,
    seed: u64,
    today: i64,
    mut tell: impl FnMut(usize),
) -> Result<Vec<Treated>, RunError> {
    let enrolled = plan.people.people().iter().map(|one| enrol(clients, plan, seed, today, one));
    let mut enrolled = stream::iter(enrolled).buffered(TOGETHER);
    let mut people = Vec::with_capacity(plan.people.people().len());
    while let Some(one) = enrolled.next().await {
        people.push(one?);
        tell(people.len());
    }
    Ok(people)
}

async fn enrol(clients: &Clients, plan: &Plan, seed: u64, today: i64, one: &Someone) -> Result<Treated, RunError> {
    let mut home = clients.home(one.home.into()).ok_or(RunError::Person("nowhere".into()))?;
    let today = date(today);
    let year = today.get(..4).and_then(|year| year.parse().ok()).unwrap_or(0);
    let refused = |refusal: pb::Refusal| RunError::Person(format!("{} ({})", refusal.en, refusal.field));
    let mut last = Status::ok("");
    for _ in 0..ATTEMPTS {
        let reply = match home.enrol(one.enrolment(seed, &plan.places, year)).await {
            Ok(reply) => reply.into_inner(),
            Err(status) => {
                last = status;
                continue;
            }
        };
        if let Some(refusal) = reply.refused {
            return Err(refused(refusal));
        }
        let wanted = one.filing(seed, &plan.places, &today);
        let covers = |filing: &pb::Filing| {
            filing.place == wanted.place
                && filing.status() == pb::FilingStatus::Active
                && (filing.to.is_empty() || today <= filing.to)
        };
        let found = |more: usize| Treated::found(reply.filings.len() + more, !reply.open_stay.is_empty());
        if reply.filings.iter().any(covers) {
            return Ok(found(0));
        }
        match home.file(wanted).await.map(tonic::Response::into_inner) {
            Ok(pb::FilingReply { refused: Some(refusal), .. }) => return Err(refused(refusal)),
            // The hub must have it before the person is treated.
            Ok(pb::FilingReply { mirrored: true, .. }) => return Ok(found(1)),
            Ok(_) => last = Status::unavailable("the hub has no mirror of a filing yet"),
            Err(status) => last = status,
        }
    }
    Err(RunError::service("home", &last))
}
