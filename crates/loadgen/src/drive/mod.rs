//! Sending (发压): visits come when the plan says so, whatever the cluster does; each message counts from when it was due.
//! All in one task: due messages, answers and the alarm; nothing is spawned.

pub(crate) mod channels;
pub(crate) mod clients;
pub(crate) mod clock;
pub(crate) mod visit;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, VecDeque},
    iter::Peekable,
    pin::{Pin, pin},
    time::Duration,
};

use futures_util::{StreamExt, stream::FuturesUnordered};

use self::{
    clients::{Clients, Reply},
    clock::{Alarm, Clock},
    visit::{Circumstances, Setting, Visit},
};
use crate::{
    gate::books::Totals,
    measure::{Act, Class, Ended, Measure},
    plan::{
        Kind,
        profile::{Arrivals, Profile},
        visits::Plan,
    },
    report::Second,
};

/// Held messages, in multiples of those that may be open.
const HELD_MAX: usize = 4;
/// A visit whose first message was held back for so long is given up: the patient has left.
const GIVEN_UP: Duration = Duration::from_secs(10);
/// How long open visits may take to end once no more come.
const DRAIN: Duration = Duration::from_secs(40);
/// Between an answer and the next message of the visit, ms: at least, and at most so much more.
const THINK_MS: (u64, u64) = (20, 180);
/// Things that are not as they may be, in words.
const FAULTS_SHOWN: usize = 20;
/// Stages in a row that must break before a climb ends.
const BROKEN: usize = 2;

/// How visits come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// When they are due.
    Open,
    /// When one has ended: so many at a time.
    Closed(usize),
}

/// A person while a run goes on.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Treated {
    /// Visits under way.
    open: u16,
    /// Visits begun so far.
    begun: u32,
    /// Visits that ended without it being known how, or in the middle.
    unsure: u16,
    /// Filings made.
    filings: u32,
}

impl Treated {
    /// A person as found in the register; a stay that an earlier run left open makes it unsure.
    pub(crate) fn found(filings: usize, open_stay: bool) -> Treated {
        let filings = u32::try_from(filings).unwrap_or(u32::MAX);
        Treated { filings, unsure: u16::from(open_stay), ..Treated::default() }
    }
}

/// A visit under way, and what it must know of its person.
struct Running {
    visit: Visit,
    /// When the message under way was due.
    due: Duration,
    /// Visits of the person begun when this one was.
    begun: u32,
    /// Another was under way, or is not known, when this one began.
    met: bool,
}

/// A message that has come back.
struct Back {
    number: u64,
    act: Act,
    sent: Duration,
    at: Duration,
    reply: Reply,
}

type Flying = FuturesUnordered<Pin<Box<dyn Future<Output = Back> + Send>>>;

/// What is left when sending is over.
pub(crate) struct Driven {
    pub(crate) measure: Measure,
    pub(crate) known: Totals,
    /// Visits of which it is not known what became of them.
    pub(crate) unsure: Vec<Visit>,
    /// Answers that are not as they may be.
    pub(crate) faults: u64,
    /// The first of them, in words.
    pub(crate) first_faults: Vec<String>,
    /// Messages of people whose home was up that were busy or unknown.
    pub(crate) harmed: u64,
    /// How long visits came.
    pub(crate) lasted: Duration,
    /// Stages that were reached.
    pub(crate) stages: usize,
    /// The last stage that did not break, of a climb.
    pub(crate) knee: Option<usize>,
    pub(crate) interrupted: bool,
}

/// A look at a run under way.
#[derive(Debug, Clone)]
pub struct Look {
    /// Since the start.
    pub at: Duration,
    /// The second that has just ended.
    pub second: Second,
    /// The stage it belongs to.
    pub stage: usize,
}

/// What is told of a run under way.
pub(crate) enum Told {
    /// A second is over.
    Second(Look),
    /// A settlement of these places, by their index, was answered so long after its message was sent.
    Settled { home: usize, care: usize, took: Duration },
}

pub(crate) struct Drive<'a> {
    plan: &'a Plan,
    profile: &'a Profile,
    setting: &'a Setting<'a>,
    clients: &'a Clients,
    arrival: Arrival,
    open_max: usize,
    clock: Clock,
    arrivals: Peekable<Arrivals>,
    /// Visits still come.
    coming: bool,
    next: u64,
    visits: BTreeMap<u64, Running>,
    due: BinaryHeap<Reverse<(Duration, u64)>>,
    held: VecDeque<u64>,
    flying: Flying,
    people: Vec<Treated>,
    stage: usize,
    broken: usize,
    done: Driven,
}

impl<'a> Drive<'a> {
    pub(crate) fn new(
        plan: &'a Plan,
        profile: &'a Profile,
        setting: &'a Setting<'a>,
        clients: &'a Clients,
        arrival: Arrival,
        open_max: usize,
        people: Vec<Treated>,
    ) -> Drive<'a> {
        let done = Driven {
            measure: Measure::new(profile.stages.len()),
            known: Totals::default(),
            unsure: Vec::new(),
            faults: 0,
            first_faults: Vec::new(),
            harmed: 0,
            lasted: Duration::ZERO,
            stages: 0,
            knee: None,
            interrupted: false,
        };
        Drive {
            plan,
            profile,
            setting,
            clients,
            arrival,
            // Those of a closed loop are all open.
            open_max: if let Arrival::Closed(visits) = arrival { open_max.max(visits) } else { open_max },
            clock: Clock::start(),
            arrivals: Arrivals::of(profile, setting.seed).peekable(),
            coming: true,
            next: 0,
            visits: BTreeMap::new(),
            due: BinaryHeap::new(),
            held: VecDeque::new(),
            flying: Flying::new(),
            people,
            stage: 0,
            broken: 0,
            done,
        }
    }

    /// Sends until the profile is over or `stop` comes, and waits for what is open.
    pub(crate) async fn run(mut self, stop: impl Future<Output = ()>, mut tell: impl FnMut(Told)) -> Driven {
        let mut stop = pin!(stop);
        let mut alarm = Alarm::new(self.clock);
        let mut drained = None;
        if let Arrival::Closed(visits) = self.arrival {
            (0..visits).for_each(|_| self.begin(Duration::ZERO));
        }
        loop {
            let now = self.clock.now();
            self.dispatch(now);
            if let Some(second) = self.done.measure.tick(now, self.flying.len()) {
                tell(Told::Second(Look { at: now, second: second.clone(), stage: self.stage }));
            }
            if !self.coming && drained.is_none() {
                self.done.lasted = now;
                drained = Some(now + DRAIN);
            }
            if !self.coming && (self.visits.is_empty() || drained.is_some_and(|until| now >= until)) {
                break;
            }
            alarm.set(self.next_due(now));
            tokio::select! {
                biased;
                () = &mut stop, if self.coming => {
                    (self.coming, self.done.interrupted) = (false, true);
                }
                Some(back) = self.flying.next(), if !self.flying.is_empty() => {
                    if let Some(settled) = self.back(back) {
                        tell(settled);
                    }
                }
                () = alarm.rung() => {}
            }
        }
        if !self.done.interrupted {
            self.judge_stage();
        }
        // What has not ended by now is looked up afterwards.
        for (_, mut running) in std::mem::take(&mut self.visits) {
            running.visit.doubt(self.setting);
            self.done.unsure.push(running.visit);
        }
        self.done
    }

    /// When something is due next: at the latest in a second, for the figures of the second.
    fn next_due(&mut self, now: Duration) -> Duration {
        let tick = Duration::from_secs(now.as_secs() + 1);
        let step = self.due.peek().map(|Reverse((due, _))| *due);
        let open = self.coming && self.arrival == Arrival::Open;
        let arrival = if open { self.arrivals.peek().map(|(due, _)| *due) } else { None };
        [step, arrival].into_iter().flatten().fold(tick, Duration::min)
    }

    /// Sends everything that is due.
    fn dispatch(&mut self, now: Duration) {
        if self.arrival == Arrival::Open {
            while let Some(due) = self.arrives(now) {
                self.begin(due);
            }
        } else if self.coming && now >= self.profile.lasts() {
            self.coming = false;
        }
        while let Some(Reverse((due, _))) = self.due.peek()
            && *due <= now
            && let Some(Reverse((due, number))) = self.due.pop()
        {
            self.message(number, due);
        }
        while self.flying.len() < self.open_max
            && let Some(number) = self.held.pop_front()
        {
            let due = self.visits.get(&number).map(|running| (running.due, running.visit.step));
            match due {
                Some((due, 0)) if now.saturating_sub(due) > GIVEN_UP => self.give_up(number),
                Some(_) => self.send(number, true),
                None => {}
            }
        }
    }

    /// The next visit that is due by now, if visits still come.
    fn arrives(&mut self, now: Duration) -> Option<Duration> {
        if !self.coming {
            return None;
        }
        let Some((due, stage)) = self.arrivals.peek().copied() else {
            self.coming = now < self.profile.lasts();
            return None;
        };
        if due > now {
            return None;
        }
        while self.stage < stage {
            self.judge_stage();
            self.stage += 1;
            if !self.coming {
                return None;
            }
        }
        self.arrivals.next();
        Some(due)
    }

    /// Says of a step of a climb whether it broke, and ends the climb where it did again.
    fn judge_stage(&mut self) {
        let Some(climb) = self.profile.climb else { return };
        let Some(count) = self.done.measure.stage(self.stage).filter(|count| count.offered > 0) else { return };
        let good = count.good * 100 >= count.offered * u64::from(climb.good);
        let quick = count.latency().p99 <= climb.p99_ms * 1_000;
        if good && quick {
            self.done.knee = Some(self.stage);
            self.broken = 0;
        } else {
            self.broken += 1;
            self.coming = self.broken < BROKEN;
        }
    }

    fn begin(&mut self, due: Duration) {
        let number = self.next;
        self.next += 1;
        self.done.stages = self.done.stages.max(self.stage + 1);
        let visit = Visit::begin(self.plan.visit(number), self.stage, self.setting);
        let Some(person) = self.person(&visit) else { return };
        let met = person.open > 0 || person.unsure > 0;
        person.open += 1;
        person.begun += 1;
        let begun = person.begun;
        self.visits.insert(number, Running { visit, due, begun, met });
        self.message(number, due);
    }

    /// A message is due: it is sent, or held back where too many are open.
    fn message(&mut self, number: u64, due: Duration) {
        let Some(running) = self.visits.get_mut(&number) else { return };
        running.due = due;
        self.done.measure.due(due, running.visit.stage);
        if self.flying.len() < self.open_max {
            return self.send(number, false);
        }
        self.done.measure.held(due);
        if running.visit.step == 0 && self.held.len() >= self.open_max * HELD_MAX {
            return self.give_up(number);
        }
        self.held.push_back(number);
    }

    fn give_up(&mut self, number: u64) {
        let Some(running) = self.visits.get(&number) else { return };
        self.done.measure.ended(Ended {
            act: running.visit.act(),
            stage: running.visit.stage,
            due: running.due,
            at: self.clock.now(),
            class: Class::Held,
            code: "not sent",
            permitted: true,
            settles: false,
        });
        self.end(number, false);
    }

    fn send(&mut self, number: u64, was_held: bool) {
        let Some(running) = self.visits.get_mut(&number) else { return };
        let visit = &mut running.visit;
        let (home, care) = (usize::from(visit.plan.person.home), (visit.plan.care, visit.plan.institution));
        let (act, drop_after) = (visit.act(), visit.drop_after());
        let sending = self.clients.send(home, care, number, visit.ask(self.setting), drop_after);
        let clock = self.clock;
        let sent = clock.now();
        let lag = (!was_held).then(|| sent.saturating_sub(running.due));
        self.done.measure.sent(act, lag);
        self.flying.push(Box::pin(async move {
            let reply = sending.await;
            Back { number, act, sent, at: clock.now(), reply }
        }));
    }

    /// Takes a message that has come back; tells of it where it settled something.
    fn back(&mut self, Back { number, act, sent, at, reply }: Back) -> Option<Told> {
        let running = self.visits.get(&number)?;
        let person = self.people.get(running.visit.plan.person.number as usize).copied().unwrap_or_default();
        let met = running.met || person.begun != running.begun || person.unsure > 0;
        let around = Circumstances { met, filings: person.filings };
        let running = self.visits.get_mut(&number)?;
        let (stage, due) = (running.visit.stage, running.due);
        let (home, care) = (usize::from(running.visit.plan.person.home), running.visit.plan.care);
        let heard = running.visit.hear(reply, self.setting, around);
        let up = !self.setting.may_be_down(running.visit.plan.person.home);
        let harmed = matches!(heard.class, Class::Busy | Class::Unknown) && heard.code != "thrown away" && up;
        self.done.harmed += u64::from(harmed);
        if !heard.permitted {
            let message = format!("{} {}-{number}: {}", act.names().0, self.setting.run, heard.why);
            self.fault(message);
        }
        let (class, code, permitted) = (heard.class, heard.code, heard.permitted);
        self.done.measure.ended(Ended { act, stage, due, at, class, code, permitted, settles: heard.settles });
        heard.booked.into_iter().for_each(|record| self.done.known.add(record));
        let running = self.visits.get(&number)?;
        if heard.on && running.visit.goes_on() {
            self.due.push(Reverse((at + self.think(number, running.visit.step), number)));
        } else {
            self.end(number, heard.on);
        }
        heard.settles.then(|| Told::Settled { home, care, took: at.saturating_sub(sent) })
    }

    fn fault(&mut self, what: String) {
        self.done.faults += 1;
        if self.done.first_faults.len() < FAULTS_SHOWN {
            self.done.first_faults.push(what);
        }
    }

    /// A visit has ended, whole or in the middle.
    fn end(&mut self, number: u64, whole: bool) {
        let Some(Running { visit, .. }) = self.visits.remove(&number) else { return };
        let sure = visit.unsure.is_empty();
        if let Some(person) = self.person(&visit) {
            person.open = person.open.saturating_sub(1);
            person.unsure = person.unsure.saturating_add(u16::from(!sure || (!whole && visit.step > 0)));
            person.filings += u32::from(visit.plan.kind == Kind::Filing);
        }
        if !sure {
            self.done.unsure.push(visit);
        }
        if self.coming && matches!(self.arrival, Arrival::Closed(_)) {
            self.begin(self.clock.now());
        }
    }

    /// Between an answer and the next message of the visit; the same for a seed.
    fn think(&self, number: u64, step: usize) -> Duration {
        if self.arrival != Arrival::Open {
            return Duration::ZERO;
        }
        let turn = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17) ^ (step as u64).wrapping_mul(0x5851_f42d);
        Duration::from_millis(THINK_MS.0 + turn % THINK_MS.1)
    }

    fn person(&mut self, visit: &Visit) -> Option<&mut Treated> {
        self.people.get_mut(visit.plan.person.number as usize)
    }
}
