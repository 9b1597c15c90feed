//! A seed from its first act to the comparison: two months of a hub, two homes and two cares, with everything that the
//! seed lets go wrong.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use futures_util::{
    StreamExt,
    future::{try_join, try_join3},
    stream::FuturesUnordered,
};
use zhijie_services::{
    cluster::HUB,
    domain::{
        calendar::{Date, Moment, add_days, parse_date},
        ids::RegionCode,
    },
    pb,
};

use crate::{
    clerk::Clerk,
    cluster::{Ended, Setting, simulate},
    compare,
    desk::{Desk, sends, taken},
    dice::Dice,
    disk::Lie,
    errands::{Errand, Kind, Someone, cast, errands},
    faults::{apart, faults, weather},
    officers::Officers,
    prepayments, registry,
    rest::at_rest,
    rules::Rules,
    stage::{Fault, Stage},
};

/// The first working day.
const FIRST_DAY: &str = "2025-03-10";
/// The months that are cleared.
const MONTHS: [&str; 2] = ["2025-03", "2025-04"];
/// Settlements of the first month that are reversed when its tables are made.
const LATE_REVERSALS: usize = 3;
/// Settlements of the first month that are cancelled in the second.
const LATE_CANCELS: usize = 4;
/// Between two services that start again with renewed parameters, ms.
const RENEWED_EVERY_MS: (u64, u64) = (50, 600);
/// Clerks who work side by side.
const CLERKS: usize = 10;
/// Acts in which faults are planned, for each settlement.
const ACTS_PERCENT: usize = 280;
/// Simulated time in one step, ms.
const TICK_MS: u64 = 15;
const ANSWER_DEADLINE_MS: u64 = 3_000;
/// Of a hundred seeds, those in which regions sign: to verify takes as long as all else.
const SIGNED_PERCENT: u64 = 10;

/// How a seed is run.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Settlements of a seed.
    pub settlements: usize,
    /// Whether anything goes wrong.
    pub with_faults: bool,
    /// What all disks lie about, for the tests of the simulation.
    pub lie: Option<Lie>,
}

impl Default for Options {
    fn default() -> Options {
        Options { settlements: 100, with_faults: true, lie: None }
    }
}

/// What came of a seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The seed.
    pub seed: u64,
    /// What happened, line by line, and then what the services warned of.
    pub transcript: String,
    /// What promise was broken.
    pub broken: Option<String>,
    /// Simulated time.
    pub elapsed: Duration,
}

/// Runs a seed.
///
/// # Panics
/// Never with the seeds' own constants.
#[must_use]
pub fn run(seed: u64, rules: &Rules, options: Options) -> Run {
    let setting = match setting(seed, rules, options) {
        Ok(setting) => setting,
        Err(wrong) => {
            return Run { seed, transcript: String::new(), broken: Some(wrong), elapsed: Duration::ZERO };
        }
    };
    let story = |stage: Stage| {
        if options.with_faults {
            let acts = options.settlements * ACTS_PERCENT / 100;
            stage.plan(faults(&mut Dice::of(seed, "faults"), &setting, acts));
        }
        let (homes, cares) = (setting.homes.clone(), setting.cares.clone());
        async move {
            Story {
                desk: Desk::of(seed, &homes, &cares, stage)?,
                seed,
                options,
                plain: RefCell::default(),
                days: RefCell::default(),
            }
            .tell()
            .await
        }
    };
    let Ended { transcript, trouble, elapsed, stores } = simulate(&setting, story);
    let broken = trouble.or_else(|| at_rest(seed, &stores).err()).or_else(|| named(&transcript));
    Run { seed, transcript, broken, elapsed }
}

/// What services warn of names nobody; people themselves may.
fn named(transcript: &str) -> Option<String> {
    let mut said = transcript.lines().filter(|line| line.contains(" zhijie_services::"));
    let cast = cast();
    let line = said.find(|line| cast.iter().any(|someone| line.contains(&someone.id)));
    line.map(|line| format!("a service names a person: {line}"))
}

fn setting(seed: u64, rules: &Rules, options: Options) -> Result<Setting, String> {
    let mut dice = Dice::of(seed, "setting");
    let region = |code: &str| RegionCode::parse(code).map_err(|wrong| format!("{wrong:?}"));
    let mut setting = Setting {
        seed,
        start: Moment::start_of(date(FIRST_DAY)?).plus_ms(9 * 3_600_000),
        homes: vec![region("340000")?, region("510000")?],
        cares: vec![region("310000")?, region("500000")?],
        parameters: Arc::clone(&rules.shipped),
        renewed: Arc::clone(&rules.renewed),
        answer_deadline_ms: ANSWER_DEADLINE_MS,
        weather: weather(&mut dice, TICK_MS),
        sync_ms: (1, dice.between(2, 6)),
        apart_ms: BTreeMap::new(),
        signed: dice.percent(SIGNED_PERCENT),
        lie: options.lie,
    };
    if !options.with_faults {
        setting.weather.fail_rate = 0.0;
        // To start again is a fault to those who ask at that moment.
        setting.parameters = Arc::clone(&rules.renewed);
    } else if dice.percent(50) {
        setting.apart_ms = setting.services().into_iter().map(|name| (name, apart(&mut dice))).collect();
    }
    Ok(setting)
}

fn date(text: &str) -> Result<Date, String> {
    parse_date(text).ok_or_else(|| format!("{text} is no day"))
}

/// Everybody outside the services.
struct Story {
    desk: Desk,
    seed: u64,
    options: Options,
    /// Errands that made one plain settlement.
    plain: RefCell<Vec<(String, Errand)>>,
    /// Days on which something may have been booked.
    days: RefCell<BTreeSet<Date>>,
}

type Done = Result<(), String>;

impl Story {
    async fn tell(self) -> Done {
        let mut dice = Dice::of(self.seed, "errands");
        self.come_to(FIRST_DAY)?;
        self.enrol().await?;
        let (share, tenth) = (self.options.settlements * 26 / 100, self.options.settlements / 10);
        let officers = Officers { desk: &self.desk, month: MONTHS[0] };
        let first = self.day(&mut dice, date(FIRST_DAY)?, share);
        try_join3(officers.open_prepayments(), registry::publish(&self.desk), first).await?;
        let second = self.day(&mut dice, add_days(date(FIRST_DAY)?, 1), share);
        try_join(registry::close(&self.desk), second).await?;
        self.day(&mut dice, add_days(date(FIRST_DAY)?, 2), share).await?;
        try_join(self.renew(), self.day(&mut dice, date("2025-03-28")?, tenth)).await?;
        self.first_month(&mut dice).await?;
        let calm_first = dice.percent(50);
        if calm_first {
            self.desk.stage.calm().await;
        }
        let made_at = self.second_month().await?;
        if !calm_first {
            self.desk.stage.calm().await;
        }
        let days = self.days.borrow().iter().map(ToString::to_string).collect();
        compare::compare(&self.desk, &cast(), &days).await?;
        prepayments::compare(&self.desk).await?;
        registry::compare(&self.desk).await?;
        compare::rules(&self.desk)?;
        compare::clearing(&self.desk, &MONTHS, made_at).await
    }

    /// Lets time pass until a day.
    fn come_to(&self, day: &str) -> Done {
        let day = date(day)?;
        self.desk.stage.sun.pass_until(day);
        self.days.borrow_mut().insert(day);
        Ok(())
    }

    /// Everybody is entered at home, with a filing for each place.
    async fn enrol(&self) -> Done {
        let people = cast();
        let mut entering: FuturesUnordered<_> = people.iter().map(|someone| self.enter(someone)).collect();
        while let Some(done) = entering.next().await {
            done?;
        }
        Ok(())
    }

    async fn enter(&self, someone: &Someone) -> Done {
        let desk = &self.desk;
        let home = desk.home(&someone.id)?;
        let request = pb::EnrolRequest { person: Some(someone.person()), purse: Some(someone.purse) };
        let told = |reply: &pb::PersonReply| taken(reply.refused.as_ref());
        desk.ask(&format!("enrol {}", someone.id), told, sends!(home, enrol, request)).await?;
        for place in desk.cares.keys() {
            let request = pb::FileRequest {
                person: someone.id.clone(),
                kind: pb::FilingKind::Referred.into(),
                place: place.clone(),
                from: desk.stage.sun.today().to_string(),
                needs_review: false,
                message_id: format!("filing-{place}"),
            };
            let told = |reply: &pb::FilingReply| match (&reply.refused, reply.mirrored) {
                (None, false) => Err("not mirrored".into()),
                (refused, _) => taken(refused.as_ref()),
            };
            desk.ask(&format!("file {} {place}", someone.id), told, sends!(home, file, request)).await?;
        }
        Ok(())
    }

    /// A day's errands, taken by clerks who work side by side. Some days end while they work.
    async fn day(&self, dice: &mut Dice, day: Date, settlements: usize) -> Done {
        let sun = &self.desk.stage.sun;
        self.come_to(&day.to_string())?;
        // Clocks run apart, and some days end while people work.
        self.days.borrow_mut().extend([-1, 1].map(|near| add_days(day, near)));
        let late = self.options.with_faults && dice.percent(30);
        if late {
            let midnight = Moment::start_of(add_days(day, 1)).0;
            let before = i64::try_from(dice.between(500, 4_000)).unwrap_or(500);
            sun.pass(midnight - sun.now().0 - before);
        }
        let day = day.to_string();
        let queue: RefCell<VecDeque<Errand>> = RefCell::new(errands(dice, &day, settlements).into());
        let clerk = async || {
            loop {
                let Some(errand) = queue.borrow_mut().pop_front() else { return Ok(()) };
                Clerk { desk: &self.desk, errand: &errand, day: day.clone() }.see_through().await?;
                if errand.kind == Kind::AtOnce {
                    self.plain.borrow_mut().push((day.clone(), errand));
                }
            }
        };
        let mut clerks: FuturesUnordered<_> = (0..CLERKS).map(|_| clerk()).collect();
        while let Some(done) = clerks.next().await {
            let done: Done = done;
            done?;
        }
        Ok(())
    }

    /// The first month ends while the second goes on.
    async fn first_month(&self, dice: &mut Dice) -> Done {
        let officers = Officers { desk: &self.desk, month: MONTHS[0] };
        self.come_to("2025-04-05")?;
        officers.agree().await?;
        officers.review().await?;
        self.day(dice, date("2025-04-08")?, self.options.settlements * 12 / 100).await?;
        self.cancel_late(dice).await?;
        self.come_to("2025-04-21")?;
        officers.made().await?;
        officers.dispute().await?;
        officers.step(pb::TableStep::Confirm).await?;
        officers.raise_prepayments().await?;
        self.reverse_late(dice).await?;
        self.come_to("2025-04-30")?;
        officers.turn().await?;
        for step in [pb::TableStep::Submit, pb::TableStep::Pay, pb::TableStep::Receive] {
            officers.step(step).await?;
        }
        Ok(())
    }

    /// Services start again with renewed parameters, one after another, while people work.
    async fn renew(&self) -> Done {
        if !self.options.with_faults {
            return Ok(());
        }
        let mut hosts: Vec<String> = self.desk.offices.keys().cloned().chain([HUB.to_owned()]).collect();
        while !hosts.is_empty() {
            let (pause, next) = {
                let mut dice = self.desk.dice.borrow_mut();
                (dice.between(RENEWED_EVERY_MS.0, RENEWED_EVERY_MS.1), dice.place(hosts.len()))
            };
            tokio::time::sleep(Duration::from_millis(pause)).await;
            self.desk.stage.later(0, Fault::Renew(hosts.swap_remove(next)));
        }
        Ok(())
    }

    /// Hospitals cancel what was settled earlier, most of it by the rules before they changed.
    async fn cancel_late(&self, dice: &mut Dice) -> Done {
        for _ in 0..LATE_CANCELS {
            let picked = {
                let mut plain = self.plain.borrow_mut();
                let place = dice.place(plain.len());
                (place < plain.len()).then(|| plain.swap_remove(place))
            };
            let Some((day, errand)) = picked else { return Ok(()) };
            let clerk = Clerk { desk: &self.desk, errand: &errand, day };
            clerk.cancel_late().await.map_err(|broken| format!("{}: {broken}", errand.name))?;
        }
        Ok(())
    }

    /// Hospitals reverse what a table holds already.
    async fn reverse_late(&self, dice: &mut Dice) -> Done {
        let plain = self.plain.take();
        for _ in 0..LATE_REVERSALS {
            let Some((day, errand)) = plain.get(dice.place(plain.len())) else { return Ok(()) };
            let clerk = Clerk { desk: &self.desk, errand, day: day.clone() };
            clerk.reverse("late", pb::Act::Settle, "a").await.map_err(|broken| format!("{}: {broken}", errand.name))?;
        }
        Ok(())
    }

    /// The second month ends; gives when its tables were begun.
    async fn second_month(&self) -> Result<i64, String> {
        let officers = Officers { desk: &self.desk, month: MONTHS[1] };
        self.come_to("2025-05-06")?;
        officers.agree().await?;
        officers.review().await?;
        self.come_to("2025-05-21")?;
        let made_at = self.desk.stage.sun.now().0;
        officers.made().await?;
        Ok(made_at)
    }
}
