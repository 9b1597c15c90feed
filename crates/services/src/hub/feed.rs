//! The feed (动态): every decision of the hub after its commit, in order. A ring holds the latest for newcomers; a watcher
//! that is too slow is told how many it missed, and never holds up the hub.

use std::{
    collections::{BTreeSet, VecDeque},
    future::ready,
    sync::{Mutex, MutexGuard, PoisonError},
};

use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::sync::broadcast::{self, error::RecvError};
use tonic::Status;
use zhijie_domain::calendar::Moment;

use crate::{
    node::limits,
    wire::pb::{self, HubEventKind as Kind},
};

/// Events, streamed to a watcher.
pub(super) type Events = BoxStream<'static, Result<pb::HubEvent, Status>>;

/// The feed of a hub that runs.
pub(super) struct Feed(Mutex<State>);

struct State {
    told: u64,
    ring: VecDeque<pb::HubEvent>,
    /// None: the hub ends, and every watcher's stream with it.
    sender: Option<broadcast::Sender<pb::HubEvent>>,
}

impl Default for Feed {
    fn default() -> Feed {
        let (sender, _) = broadcast::channel(limits::EVENTS_BEHIND_MAX);
        Feed(Mutex::new(State { told: 0, ring: VecDeque::new(), sender: Some(sender) }))
    }
}

impl Feed {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells what was decided, when its commit is durable.
    pub(super) fn tell(&self, at: Moment, event: pb::HubEvent) {
        let mut state = self.state();
        state.told += 1;
        let event = pb::HubEvent { sequence: state.told, at: at.0, ..event };
        if state.ring.len() == limits::EVENTS_KEPT {
            state.ring.pop_front();
        }
        state.ring.push_back(event.clone());
        if let Some(sender) = &state.sender {
            // An error says that nobody watches.
            let _ = sender.send(event);
        }
    }

    /// What a watcher is told: what the ring holds from the moment on, then what comes.
    pub(super) fn watch(&self, request: &pb::WatchRequest) -> Events {
        let kinds: BTreeSet<i32> = request.kinds.iter().copied().collect();
        let (ring, receiver) = {
            let state = self.state();
            let since = request.since_ms.unwrap_or(i64::MIN);
            let ring: Vec<_> = state.ring.iter().filter(|event| event.at >= since).cloned().collect();
            (ring, state.sender.as_ref().map(broadcast::Sender::subscribe))
        };
        let coming = stream::unfold(receiver, |receiver| async move {
            let mut receiver = receiver?;
            match receiver.recv().await {
                Ok(event) => Some((event, Some(receiver))),
                Err(RecvError::Lagged(missed)) => Some((missing(missed), Some(receiver))),
                Err(RecvError::Closed) => None,
            }
        });
        let wanted = move |event: &pb::HubEvent| {
            ready(kinds.is_empty() || event.kind() == Kind::Missed || kinds.contains(&event.kind))
        };
        stream::iter(ring).chain(coming).filter(wanted).map(Ok).boxed()
    }

    /// Ends every watcher's stream: the hub ends.
    pub(super) fn close(&self) {
        self.state().sender = None;
    }
}

fn missing(missed: u64) -> pb::HubEvent {
    let count = i64::try_from(missed).unwrap_or(i64::MAX);
    pb::HubEvent { kind: Kind::Missed.into(), count, ..pb::HubEvent::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(feed: &Feed, from: usize, to: usize) {
        for at in from..=to {
            feed.tell(Moment(i64::try_from(at).unwrap()), pb::HubEvent::default());
        }
    }

    #[tokio::test]
    async fn newcomers_get_the_latest_and_slow_ones_are_told_what_they_missed() {
        let feed = Feed::default();
        told(&feed, 1, limits::EVENTS_KEPT + 5);
        let kept = u64::try_from(limits::EVENTS_KEPT).unwrap();
        let behind = u64::try_from(limits::EVENTS_BEHIND_MAX).unwrap();
        let slow = feed.watch(&pb::WatchRequest::default());
        let since = i64::try_from(limits::EVENTS_KEPT + 4).unwrap();
        let late = feed.watch(&pb::WatchRequest { since_ms: Some(since), ..pb::WatchRequest::default() });
        told(&feed, limits::EVENTS_KEPT + 6, limits::EVENTS_KEPT + limits::EVENTS_BEHIND_MAX + 12);
        feed.close();
        let mut slow: Vec<_> = slow.map(Result::unwrap).collect().await;
        let live = slow.split_off(limits::EVENTS_KEPT);
        assert_eq!((slow[0].sequence, slow.last().unwrap().sequence), (6, kept + 5));
        assert_eq!((live[0].kind(), live[0].count), (Kind::Missed, 7), "of {} told", behind + 7);
        assert_eq!((live[1].sequence, live.last().unwrap().sequence), (kept + 13, kept + behind + 12));
        assert_eq!(late.take(2).map(|event| event.unwrap().sequence).collect::<Vec<_>>().await, [kept + 4, kept + 5]);
    }

    #[tokio::test]
    async fn a_watcher_gets_the_kinds_it_asks_for() {
        let feed = Feed::default();
        for kind in [Kind::Settled, Kind::Refused, Kind::Settled] {
            feed.tell(Moment(0), pb::HubEvent { kind: kind.into(), ..pb::HubEvent::default() });
        }
        feed.close();
        let request = pb::WatchRequest { kinds: vec![Kind::Refused.into()], since_ms: None };
        let told: Vec<u64> = feed.watch(&request).map(|event| event.unwrap().sequence).collect().await;
        assert_eq!(told, [2]);
    }
}
