//! What became of messages whose outcome was not known (查询): asked of the care region until it is.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use zhijie_protocol::v1::{self as pb, answer::Outcome, find_request::By};

use crate::{
    drive::{
        clients::Clients,
        visit::{Setting, Visit},
    },
    gate::books::{Entry, Totals},
};

/// Visits looked up side by side.
const TOGETHER: usize = 32;
/// Between two rounds.
const PAUSE: Duration = Duration::from_millis(300);
/// How often it is asked: about a minute and a half, longer than everything that care still drives takes.
const ROUNDS: usize = 300;

/// What the lookup found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Records that the generator had not been answered.
    pub(crate) booked: Totals,
    /// Visits that are still pending.
    pub(crate) pending: usize,
    /// What contradicts an answer, in words.
    pub(crate) faults: Vec<String>,
}

/// Looks up visits until nothing is pending, or for as long as it may take.
pub(crate) async fn resolve(
    clients: &Clients,
    setting: &Setting<'_>,
    visits: &[Visit],
    mut tell: impl FnMut(usize),
) -> Found {
    let mut found = Found::default();
    let mut pending: Vec<&Visit> = visits.iter().collect();
    for _ in 0..ROUNDS {
        tell(pending.len());
        let asked = pending.iter().map(|visit| async move { (*visit, one(clients, setting, visit).await) });
        let asked: Vec<_> = stream::iter(asked).buffered(TOGETHER).collect().await;
        let mut still = Vec::new();
        for (visit, result) in asked {
            match result {
                None => still.push(visit),
                Some(Ok(records)) => records.into_iter().for_each(|record| found.booked.add(record)),
                Some(Err(fault)) => found.faults.push(fault),
            }
        }
        pending = still;
        if pending.is_empty() {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    found.pending = pending.len();
    found
}

/// The records of a visit that are new; nothing while something of it is pending.
async fn one(clients: &Clients, setting: &Setting<'_>, visit: &Visit) -> Option<Result<Vec<Entry>, String>> {
    for (act, message) in &visit.unsure {
        if matches!(find(clients, setting, visit, *act, message).await?, Outcome::Unknown(_)) {
            return None;
        }
    }
    let mut new = Vec::new();
    for attempt in &visit.attempts {
        let found = find(clients, setting, visit, pb::Act::Settle, &attempt.message).await?;
        let (settled, record) = match found {
            Outcome::Unknown(_) => return None,
            Outcome::Settlement(settled) => (Some(*settled), None),
            Outcome::Reversal(reversal) => (reversal.undone, reversal.record),
            _ => (None, None),
        };
        let contradicts = match &attempt.settled {
            Some(known) => settled.as_ref() != Some(&**known) || attempt.undone && record.is_none(),
            None => false,
        };
        if contradicts {
            return Some(Err(format!("{} was answered otherwise than it is found", attempt.message)));
        }
        let settled = settled.filter(|_| attempt.settled.is_none());
        let record = record.filter(|_| !attempt.undone);
        new.extend(settled.iter().chain(&record).map(Entry::of));
    }
    Some(new.into_iter().collect())
}

async fn find(clients: &Clients, setting: &Setting<'_>, visit: &Visit, act: pb::Act, message: &str) -> Option<Outcome> {
    let mut care = clients.care(visit.plan.care, visit.plan.institution, visit.plan.number)?;
    let message = pb::MessageKey {
        institution: visit.institution(setting).to_owned(),
        act: act.into(),
        message_id: message.to_owned(),
    };
    let answer = care.calls.find(pb::FindRequest { by: Some(By::Message(message)) }).await.ok()?.into_inner();
    answer.outcome
}
