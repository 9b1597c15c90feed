//! Bills for the benchmark: doctor's visits of employees of Chengdu in Chongqing with twenty fee lines each, settled at
//! once, offered at a rate and counted from the moment each was due.

use std::{collections::BTreeMap, pin::pin, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use futures_util::{StreamExt, stream, stream::FuturesUnordered};
use hdrhistogram::Histogram;
use tokio::time::{Instant, sleep_until};
use tonic::transport::Channel;
use zhijie_loadgen::{
    Targets,
    report::{Latency, Stage},
};
use zhijie_services::{
    node::{Clock, Ids, Net, RandomIds, SystemClock, Tcp, channel},
    pb::{self, answer::Outcome, books_client::BooksClient, care_client::CareClient, home_client::HomeClient},
};

/// Where the people are insured, where they are treated, and by whom.
pub(super) const HOME: &str = "510000";
pub(super) const CARE: &str = "500000";
const AREA: &str = "510100";
const DIVISION: &str = "500100";
const HOSPITAL: &str = "H50010000001";
/// Items of the bills: drugs, examinations, nursing.
const ITEMS: [&str; 7] = [
    "XB01ABG095B003030474637",
    "XN06BXD188B002010157275",
    "XB01ADT071B001030173355",
    "002102000020000",
    "002503070210000",
    "002501010150000",
    "001201000030000",
];
/// Fee lines of a bill.
pub(super) const LINES: usize = 20;
/// People; each is treated by one visit at a time, as long as fewer messages are open.
const PEOPLE: u64 = 10_000;
/// Messages that may be open; what is due beyond is held back and counted.
const OPEN_MAX: usize = 4_096;
/// People enrolled side by side.
const ENROLLED_TOGETHER: usize = 256;
/// How long the last messages of a stage are waited for.
const DRAIN: Duration = Duration::from_secs(15);
/// How long the books may take to agree: care sends again what it has no answer to.
const AGREE: Duration = Duration::from_secs(60);
/// Longest latency that is told apart, µs.
const LATENCY_MAX_US: u64 = 60_000_000;

/// A cluster as the benchmark uses it.
pub(super) struct Road {
    care: CareClient<Channel>,
    /// The bill; each message is of another person and under another id.
    bill: pb::SettleAtOnceRequest,
    /// Makes messages and people of this run its own.
    run: String,
    sent: u64,
    random: Random,
}

/// When messages are due.
#[derive(Debug, Clone, Copy)]
pub(super) enum Arrival {
    /// So many a second, whatever was answered, at random moments.
    Open(f64),
    /// When one of so many is answered.
    Closed(usize),
}

/// What a stage showed.
pub(super) struct Shown {
    pub(super) stage: Stage,
    /// Settlements, those answered after the stage among them.
    pub(super) settled: u64,
    /// Until the last of them, s.
    pub(super) seconds: f64,
    /// What else the answers were.
    pub(super) others: BTreeMap<String, u64>,
}

impl Road {
    /// A road to the care service of a cluster.
    pub(super) fn new(targets: &Targets, seed: u64) -> anyhow::Result<Road> {
        let (_, care) = targets.cares.first().context("a cluster with a care service")?;
        let run = RandomIds.next(SystemClock.now());
        let run = run.get(run.len() - 8..).unwrap_or_default().to_owned();
        let care = CareClient::new(link(care)?);
        Ok(Road { care, bill: bill(&SystemClock.today().to_string()), run, sent: 0, random: Random(seed) })
    }

    /// Enrols the people.
    pub(super) async fn enrol(&self, targets: &Targets) -> anyhow::Result<()> {
        let (_, home) = targets.homes.first().context("a cluster with a home service")?;
        let home = HomeClient::new(link(home)?);
        let enrolling = stream::iter(0..PEOPLE).map(|number| {
            let (mut home, person) = (home.clone(), Some(self.person(number)));
            async move { home.enrol(pb::EnrolRequest { person, purse: None }).await }
        });
        let mut enrolling = pin!(enrolling.buffer_unordered(ENROLLED_TOGETHER));
        while let Some(enrolled) = enrolling.next().await {
            if let Some(refused) = enrolled?.into_inner().refused {
                bail!("a person was not enrolled: {} {}", refused.en, refused.field);
            }
        }
        Ok(())
    }

    /// Offers messages for so long, and waits for those that are open then.
    pub(super) async fn offer(&mut self, arrival: Arrival, lasting: Duration) -> anyhow::Result<Shown> {
        let mut stage = Offered::new(lasting)?;
        let (mut open, mut due) = (FuturesUnordered::new(), stage.begun);
        loop {
            let now = Instant::now();
            if now >= stage.until {
                break;
            }
            match arrival {
                Arrival::Open(rate) => {
                    while due <= now {
                        stage.offered += 1;
                        // What is held back is missing among the good ones.
                        if open.len() < OPEN_MAX {
                            open.push(self.send(due));
                        }
                        due += self.random.gap(rate);
                    }
                }
                Arrival::Closed(together) => {
                    while open.len() < together {
                        stage.offered += 1;
                        open.push(self.send(Instant::now()));
                    }
                    due = stage.until;
                }
            }
            tokio::select! {
                biased;
                Some(ended) = open.next() => stage.record(ended),
                () = sleep_until(due.min(stage.until)) => {}
            }
        }
        let drained = async {
            while let Some(ended) = open.next().await {
                stage.record(ended);
            }
        };
        let late = tokio::time::timeout(DRAIN, drained).await.is_err();
        if late {
            *stage.others.entry("no answer".to_owned()).or_default() += u64::try_from(open.len()).unwrap_or(0);
        }
        Ok(stage.shown())
    }

    /// Sends the next bill; gives when it was due, and what came of it.
    fn send(&mut self, due: Instant) -> impl Future<Output = (Instant, Ended)> + use<> {
        let number = self.sent;
        self.sent += 1;
        let (mut care, mut request) = (self.care.clone(), self.bill.clone());
        request.person = self.id(number % PEOPLE);
        if let Some(header) = &mut request.header {
            header.message_id = format!("{}-{number}", self.run);
        }
        async move {
            let ended = match care.settle_at_once(request).await.map(tonic::Response::into_inner) {
                Ok(pb::Answer { outcome: Some(Outcome::Settlement(settlement)) }) => settled(&settlement),
                Ok(pb::Answer { outcome: Some(Outcome::Refused(no)) }) => Ended::Other(no.code().as_str_name().into()),
                Ok(pb::Answer { outcome: Some(Outcome::Unknown(_)) }) => Ended::Other("unknown".into()),
                Ok(_) => Ended::Other("an answer to something else".into()),
                Err(status) => Ended::Other(format!("{}: {}", status.code(), status.message())),
            };
            (due, ended)
        }
    }

    fn id(&self, number: u64) -> String {
        format!("{AREA}{}{number:06}", self.run)
    }

    fn person(&self, number: u64) -> pb::Person {
        pb::Person {
            id: self.id(number),
            area: AREA.into(),
            scheme: pb::Scheme::Employee.into(),
            category: pb::Category::Active.into(),
            birth: "1988-11-02".into(),
            insured_from: "2010-01-01".into(),
            ..pb::Person::default()
        }
    }
}

/// The three books of the day agree.
pub(super) async fn agreed(targets: &Targets) -> anyhow::Result<()> {
    let (mut books, until) = (BooksClient::new(link(&targets.hub)?), Instant::now() + AGREE);
    loop {
        let request = pb::ReconcileRequest { day: SystemClock.today().to_string() };
        let reply = books.reconcile(request).await?.into_inner();
        if reply.equal {
            return Ok(());
        }
        if Instant::now() > until {
            bail!("the books do not agree: {} differences, {} books missing", reply.found, reply.missing.len());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn link(address: &str) -> anyhow::Result<Channel> {
    let net: Arc<dyn Net> = Arc::new(Tcp);
    Ok(channel(&net, address)?)
}

/// A bill of a day, without the person.
fn bill(day: &str) -> pb::SettleAtOnceRequest {
    let header =
        pb::Header { care: DIVISION.into(), home: AREA.into(), institution: HOSPITAL.into(), ..pb::Header::default() };
    let line = |(number, item): (i64, &&str)| pb::FeeLine {
        serial: (number + 1).to_string(),
        item: (*item).into(),
        price: (3 + number) * 1_250_000,
        quantity: 10_000,
        ..pb::FeeLine::default()
    };
    pb::SettleAtOnceRequest {
        header: Some(header),
        scheme: pb::Scheme::Employee.into(),
        service: pb::Service::Outpatient.into(),
        from: day.into(),
        lines: (0..).zip(ITEMS.iter().cycle()).take(LINES).map(line).collect(),
        account_use: pb::AccountUse::Own.into(),
        ..pb::SettleAtOnceRequest::default()
    }
}

/// What came of a message.
enum Ended {
    Settled,
    Other(String),
}

/// A settlement pays the whole bill, neither more nor less.
fn settled(settlement: &pb::Settlement) -> Ended {
    let amounts = settlement.computation.as_ref().and_then(|computation| computation.amounts);
    let paid = amounts.map(|amounts| amounts.fund_total + amounts.personal + amounts.hospital);
    let total = settlement.claim.as_ref().and_then(|claim| claim.parts).map(|parts| parts.total);
    if paid == total { Ended::Settled } else { Ended::Other("a settlement that does not pay its bill".into()) }
}

/// A stage while messages are offered.
struct Offered {
    begun: Instant,
    until: Instant,
    offered: u64,
    /// Settled before the stage ended.
    in_time: u64,
    took: Histogram<u64>,
    others: BTreeMap<String, u64>,
}

impl Offered {
    fn new(lasting: Duration) -> anyhow::Result<Offered> {
        let begun = Instant::now();
        let took = Histogram::new_with_max(LATENCY_MAX_US, 3)?;
        Ok(Offered { begun, until: begun + lasting, offered: 0, in_time: 0, took, others: BTreeMap::new() })
    }

    fn record(&mut self, (due, ended): (Instant, Ended)) {
        match ended {
            Ended::Settled => {
                let now = Instant::now();
                self.in_time += u64::from(now <= self.until);
                self.took.saturating_record(u64::try_from((now - due).as_micros()).unwrap_or(u64::MAX));
            }
            Ended::Other(what) => *self.others.entry(what).or_default() += 1,
        }
    }

    fn shown(self) -> Shown {
        let lasted = self.until - self.begun;
        let rate = |count: u64| count as f64 / lasted.as_secs_f64();
        let at = |share: f64| self.took.value_at_quantile(share);
        let latency = Latency {
            count: self.took.len(),
            mean: self.took.mean() as u64,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: self.took.max(),
        };
        let stage = Stage {
            to_ms: u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX),
            offered: rate(self.offered),
            good: rate(self.in_time),
            settled: rate(self.in_time),
            latency,
            ..Stage::default()
        };
        Shown { stage, settled: self.took.len(), seconds: self.begun.elapsed().as_secs_f64(), others: self.others }
    }
}

/// Random gaps between messages, from a seed (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The gap to the next of independent arrivals at a rate.
    fn gap(&mut self, rate: f64) -> Duration {
        let unit = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        Duration::from_secs_f64(-(1.0 - unit).ln() / rate)
    }
}
