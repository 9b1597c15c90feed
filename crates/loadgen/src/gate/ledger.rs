//! Reading the books of all services (取三方账) and the hub's ledger.

use std::time::Duration;

use zhijie_protocol::v1::{self as pb, books_client::BooksClient, national_client::NationalClient};

use super::books::Totals;
use crate::{
    Targets,
    drive::{clients::Clients, clock::date, visit::Setting},
    run::RunError,
};

/// How long the hub may take for the books of a day, and for its ledger.
const PATIENCE: Duration = Duration::from_secs(120);

/// The books of the regions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Books {
    pub(crate) cares: Totals,
    pub(crate) homes: Totals,
}

/// What the hub says of the days.
#[derive(Debug, Clone, Default)]
pub(crate) struct HubSays {
    pub(crate) days: Vec<pb::ReconcileReply>,
    pub(crate) ledger: pb::LedgerReply,
}

/// Reads the books of some days at every care and home.
pub(crate) async fn books(clients: &Clients, setting: &Setting<'_>, days: &[i64]) -> Result<Books, RunError> {
    let mut books = Books::default();
    for &day in days {
        let request = || pb::DayTotalsRequest { day: date(day), after: 0 };
        for index in 0..setting.places.cares.len() {
            let Some(mut care) = clients.office(index) else { continue };
            let reply = care.day_totals(request()).await.map_err(|status| RunError::service("care", &status))?;
            books.cares.add_book(day, &reply.into_inner().totals);
        }
        for index in 0..setting.places.homes.len() {
            let Some(mut home) = clients.home(index) else { continue };
            let reply = home.day_totals(request()).await.map_err(|status| RunError::service("home", &status))?;
            books.homes.add_book(day, &reply.into_inner().totals);
        }
    }
    Ok(books)
}

/// Lets the hub compare the three books of some days, and asks for its ledger.
pub(crate) async fn hub(targets: &Targets, days: &[i64]) -> Result<HubSays, RunError> {
    let channel = targets.national()?;
    let (mut books, mut national) = (BooksClient::new(channel.clone()), NationalClient::new(channel));
    let failed = |status: tonic::Status| RunError::service("hub", &status);
    let mut says = HubSays::default();
    for &day in days {
        let mut request = tonic::Request::new(pb::ReconcileRequest { day: date(day) });
        request.set_timeout(PATIENCE);
        says.days.push(books.reconcile(request).await.map_err(failed)?.into_inner());
    }
    let mut request = tonic::Request::new(pb::LedgerRequest::default());
    request.set_timeout(PATIENCE);
    says.ledger = national.ledger(request).await.map_err(failed)?.into_inner();
    Ok(says)
}
