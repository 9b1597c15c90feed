//! A visit that is under way: which message comes next, what it says, and what its answer may be. What the generator
//! knows of the visit decides that; nothing is asked of the rules.

use std::time::Duration;

use zhijie_protocol::v1::{self as pb, answer::Outcome};

use super::clients::{Ask, Reply};
use crate::{
    gate::{
        answers::{self, Sent},
        books::Entry,
    },
    measure::{Act, Class},
    plan::{
        Kind,
        visits::{Step, VisitPlan},
        world::Places,
    },
    run::Down,
};

/// Filings that a person may hold; beyond it one is refused.
const FILINGS_MAX: u32 = 200;

/// What all visits of a run share.
#[derive(Debug)]
pub(crate) struct Setting<'a> {
    pub(crate) places: &'a Places,
    pub(crate) seed: u64,
    /// Begins every message id, so that a cluster can be used again.
    pub(crate) run: String,
    /// The day of the run, the day before it, and so on, as far as a stay reaches back.
    pub(crate) days: Vec<String>,
    /// What may be down meanwhile.
    pub(crate) down: &'a Down,
}

impl Setting<'_> {
    /// Whether messages of the people of a home may find something down.
    pub(crate) fn may_be_down(&self, home: u16) -> bool {
        let code = || self.places.homes.get(usize::from(home)).map(|home| home.code.as_str());
        match self.down {
            Down::Nothing => false,
            Down::Home(down) => code() == Some(down),
            Down::Any => true,
        }
    }

    /// The day so many days before the run.
    fn day(&self, back: usize) -> String {
        self.days.get(back).or(self.days.last()).cloned().unwrap_or_default()
    }
}

/// What is special about the person while a message was under way.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Circumstances {
    /// Another visit of the person was under way, or what became of one is not known.
    pub(crate) met: bool,
    /// Filings that the person holds at most.
    pub(crate) filings: u32,
}

/// A settle that was sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attempt {
    pub(crate) message: String,
    /// The settlement, if it is known.
    pub(crate) settled: Option<Box<pb::Settlement>>,
    /// It is undone, and the negative record is counted.
    pub(crate) undone: bool,
}

/// A visit under way.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    pub(crate) plan: VisitPlan,
    /// The stage in which it came.
    pub(crate) stage: usize,
    /// Index of the step that is under way or comes next.
    pub(crate) step: usize,
    /// Its id at care.
    id: String,
    person: String,
    /// What care made of the lines so far.
    bill: Option<pb::Parts>,
    /// Fen of the lines uploaded so far.
    uploaded: i64,
    /// What the pre-settlement said.
    quoted: Option<Box<pb::Amounts>>,
    pub(crate) attempts: Vec<Attempt>,
    /// Messages of which it is not known what became of them, besides the settles.
    pub(crate) unsure: Vec<(pb::Act, String)>,
}

/// What a reply means.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) class: Class,
    pub(crate) code: &'static str,
    pub(crate) permitted: bool,
    /// What is not as it may be.
    pub(crate) why: String,
    /// Settlements and negative records that are new to the generator.
    pub(crate) booked: Vec<Entry>,
    /// It settled something.
    pub(crate) settles: bool,
    /// The visit goes on with its next step.
    pub(crate) on: bool,
}

impl Heard {
    fn of(class: Class, code: &'static str) -> Heard {
        let on = class == Class::Good;
        Heard { class, code, permitted: true, why: String::new(), booked: Vec::new(), settles: false, on }
    }

    /// It asked for something and got it; an error says what is wrong with it.
    fn good(code: &'static str, right: Result<(), String>) -> Heard {
        match right {
            Ok(()) => Heard::of(Class::Good, code),
            Err(why) => Heard { permitted: false, why, on: false, ..Heard::of(Class::Good, "wrong") },
        }
    }

    /// The same with a record that it made.
    fn with(mut self, record: &pb::Settlement) -> Heard {
        match Entry::of(record) {
            Ok(entry) => self.booked.push(entry),
            Err(why) => return Heard { booked: self.booked, ..Heard::good("wrong", Err(why)) },
        }
        self
    }

    fn unpermitted(code: &'static str, why: impl ToString) -> Heard {
        Heard { permitted: false, why: why.to_string(), ..Heard::of(Class::Refused, code) }
    }
}

impl Visit {
    /// A planned visit begins.
    pub(crate) fn begin(plan: VisitPlan, stage: usize, setting: &Setting<'_>) -> Visit {
        let person = plan.person.id(setting.seed, setting.places);
        Visit {
            plan,
            stage,
            step: 0,
            id: String::new(),
            person,
            bill: None,
            uploaded: 0,
            quoted: None,
            attempts: Vec::new(),
            unsure: Vec::new(),
        }
    }

    fn now(&self) -> Step {
        self.plan.steps.get(self.step).copied().unwrap_or(Step::File)
    }

    /// True while there is a message to send.
    pub(crate) fn goes_on(&self) -> bool {
        self.step < self.plan.steps.len()
    }

    /// What the message that comes next is.
    pub(crate) fn act(&self) -> Act {
        match self.now() {
            Step::File => Act::File,
            Step::Register => Act::Register,
            Step::Upload(..) => Act::Upload,
            Step::PreSettle => Act::PreSettle,
            Step::Discharge => Act::Discharge,
            Step::Settle(_) => Act::Settle,
            Step::AtOnce(_) => Act::AtOnce,
            Step::Again => Act::Again,
            Step::Cancel => Act::Cancel,
            Step::Reverse | Step::Withdraw => Act::Reverse,
        }
    }

    /// When its answer is thrown away, if it is.
    pub(crate) fn drop_after(&self) -> Option<Duration> {
        let lost = matches!(self.now(), Step::Settle(true) | Step::AtOnce(true));
        // Before, while and after the road works on it.
        lost.then(|| Duration::from_millis(self.plan.number % 12))
    }

    /// The institution's code.
    pub(crate) fn institution<'a>(&self, setting: &'a Setting<'_>) -> &'a str {
        let care = setting.places.cares.get(self.plan.care);
        care.and_then(|care| care.institutions.get(self.plan.institution)).map_or("", |one| one.0.as_str())
    }

    fn message(&self, setting: &Setting<'_>, what: &str) -> String {
        format!("{}-{}-{what}", setting.run, self.plan.number)
    }

    fn header(&self, setting: &Setting<'_>, message: String) -> pb::Header {
        let institution = self.institution(setting);
        pb::Header {
            message_id: message,
            care: institution.get(1..7).unwrap_or("").to_owned(),
            home: self.plan.person.area(setting.places).to_owned(),
            institution: institution.to_owned(),
            ..pb::Header::default()
        }
    }

    /// The message that comes next.
    pub(crate) fn ask(&mut self, setting: &Setting<'_>) -> Ask {
        match self.now() {
            Step::File => {
                let message_id = self.message(setting, "f");
                let request = self.plan.person.filing(setting.seed, setting.places, &setting.day(0));
                Ask::File(pb::FileRequest { message_id, kind: pb::FilingKind::OtherTemporary.into(), ..request })
            }
            Step::Register => {
                let header = self.header(setting, self.message(setting, "r"));
                Ask::Register(pb::RegisterVisitRequest {
                    header: Some(header),
                    person: self.person.clone(),
                    scheme: self.plan.person.scheme().into(),
                    service: service(self.plan.kind).into(),
                    emergency: self.plan.emergency,
                    from: setting.day(self.plan.days),
                })
            }
            Step::Upload(from, to) => {
                let lines = self.plan.bill.lines.get(from..to).unwrap_or_default().to_vec();
                Ask::Upload(pb::UploadLinesRequest { visit: self.id.clone(), lines })
            }
            Step::PreSettle => Ask::PreSettle(self.settle_request(setting, self.message(setting, "p"))),
            Step::Discharge => Ask::Discharge(pb::DischargeRequest { visit: self.id.clone(), to: setting.day(0) }),
            Step::Settle(_) => {
                let message = self.begin_attempt(setting);
                Ask::Settle(self.settle_request(setting, message))
            }
            Step::AtOnce(_) => {
                let message = self.begin_attempt(setting);
                Ask::AtOnce(self.at_once(setting, message))
            }
            Step::Again => {
                let message = self.attempts.last().map(|attempt| attempt.message.clone()).unwrap_or_default();
                match self.plan.steps.contains(&Step::AtOnce(false)) {
                    true => Ask::AtOnce(self.at_once(setting, message)),
                    false => Ask::Settle(self.settle_request(setting, message)),
                }
            }
            Step::Cancel => Ask::Cancel(pb::CancelRequest {
                header: Some(self.header(setting, self.message(setting, "c"))),
                settlement: self.last_settled().map(|settled| settled.id.clone()).unwrap_or_default(),
                visit: self.id.clone(),
                person: self.person.clone(),
            }),
            Step::Reverse => self.reverse(setting, pb::Act::Settle, "v"),
            Step::Withdraw => self.reverse(setting, pb::Act::Register, "w"),
        }
    }

    fn begin_attempt(&mut self, setting: &Setting<'_>) -> String {
        let message = self.message(setting, &format!("s{}", self.attempts.len()));
        self.attempts.push(Attempt { message: message.clone(), ..Attempt::default() });
        message
    }

    fn reverse(&self, setting: &Setting<'_>, act: pb::Act, what: &str) -> Ask {
        let settle = || self.attempts.last().map(|attempt| attempt.message.clone()).unwrap_or_default();
        let original = if act == pb::Act::Settle { settle() } else { self.message(setting, "r") };
        Ask::Reverse(pb::ReverseRequest {
            header: Some(self.header(setting, self.message(setting, what))),
            act: act.into(),
            original_message_id: original,
            person: self.person.clone(),
        })
    }

    fn settle_request(&self, setting: &Setting<'_>, message: String) -> pb::SettleRequest {
        pb::SettleRequest {
            header: Some(self.header(setting, message)),
            visit: self.id.clone(),
            disease: self.plan.disease.to_owned(),
            account_use: self.plan.account.into(),
            declared: self.bill,
            ..pb::SettleRequest::default()
        }
    }

    fn at_once(&mut self, setting: &Setting<'_>, message: String) -> pb::SettleAtOnceRequest {
        // Most bills are sent once.
        let once = !self.plan.steps.contains(&Step::Again);
        let lines = if once { std::mem::take(&mut self.plan.bill.lines) } else { self.plan.bill.lines.clone() };
        pb::SettleAtOnceRequest {
            header: Some(self.header(setting, message)),
            person: self.person.clone(),
            scheme: self.plan.person.scheme().into(),
            service: service(self.plan.kind).into(),
            from: setting.day(0),
            lines,
            disease: self.plan.disease.to_owned(),
            account_use: self.plan.account.into(),
            ..pb::SettleAtOnceRequest::default()
        }
    }

    fn last_settled(&self) -> Option<&pb::Settlement> {
        self.attempts.last().and_then(|attempt| attempt.settled.as_deref())
    }

    /// Takes a reply to the message that was sent last.
    pub(crate) fn hear(&mut self, reply: Reply, setting: &Setting<'_>, around: Circumstances) -> Heard {
        let heard = self.meaning(reply, setting, around);
        if heard.class == Class::Unknown || !heard.permitted {
            self.doubt(setting);
        }
        if heard.on {
            self.step += 1;
        }
        heard
    }

    /// Keeps that it is not known what became of the message.
    pub(crate) fn doubt(&mut self, setting: &Setting<'_>) {
        let doubted = match self.now() {
            Step::Register => (pb::Act::Register, self.message(setting, "r")),
            Step::Cancel => (pb::Act::Cancel, self.message(setting, "c")),
            Step::Reverse => (pb::Act::Reverse, self.message(setting, "v")),
            Step::Withdraw => (pb::Act::Reverse, self.message(setting, "w")),
            Step::Settle(_) | Step::AtOnce(_) => {
                (pb::Act::Settle, self.attempts.last().map(|attempt| attempt.message.clone()).unwrap_or_default())
            }
            // They change nothing that counts, or what they changed is known.
            Step::File | Step::Upload(..) | Step::PreSettle | Step::Discharge | Step::Again => return,
        };
        self.unsure.push(doubted);
    }

    fn meaning(&mut self, reply: Reply, setting: &Setting<'_>, around: Circumstances) -> Heard {
        let refused = |refusal: &pb::Refusal| self.refused(refusal, setting, around);
        match reply {
            Reply::Dropped => Heard { on: true, ..Heard::of(Class::Unknown, "thrown away") },
            Reply::Failed(status) => failed(&status, setting.down),
            Reply::Lines(pb::UploadLinesReply { refused: Some(refusal), .. })
            | Reply::Visit(pb::VisitReply { refused: Some(refusal), .. })
            | Reply::Filing(pb::FilingReply { refused: Some(refusal), .. })
            | Reply::Answer(pb::Answer { outcome: Some(Outcome::Refused(refusal)) }) => refused(&refusal),
            Reply::Answer(pb::Answer { outcome: Some(Outcome::Unknown(_)) }) => Heard::of(Class::Unknown, "unknown"),
            Reply::Lines(reply) => self.uploaded(&reply),
            Reply::Visit(reply) => {
                let discharged = reply.visit.is_some_and(|visit| visit.id == self.id && !visit.to.is_empty());
                Heard::good("discharged", right(discharged, "a discharged stay has its last day"))
            }
            Reply::Filing(reply) => {
                let filed = reply.filing.is_some_and(|filing| filing.person == self.person && !filing.id.is_empty());
                Heard::good("filed", right(filed, "a filing is of the person and has an id"))
            }
            Reply::Answer(answer) => self.answered(answer, setting, around),
        }
    }

    fn uploaded(&mut self, reply: &pb::UploadLinesReply) -> Heard {
        let Step::Upload(from, to) = self.now() else { return Heard::unpermitted("wrong", "a reply to another act") };
        let lines = self.plan.bill.lines.get(from..to).unwrap_or_default();
        let split = reply.lines.iter().map(|line| line.parts.map_or(0, |parts| parts.total));
        self.uploaded += split.clone().sum::<i64>();
        let bill = reply.bill.unwrap_or_default();
        self.bill = reply.bill;
        let whole = bill.own + bill.over + bill.pre + bill.in_scope;
        let ends = to == self.plan.bill.lines.len();
        let agrees = split.len() == lines.len()
            && bill.total == self.uploaded
            && bill.total == whole
            && (!ends || bill.total == self.plan.bill.total);
        Heard::good("uploaded", right(agrees, &format!("the bill is {bill:?}, sent were {} fen", self.plan.bill.total)))
    }

    fn answered(&mut self, answer: pb::Answer, setting: &Setting<'_>, around: Circumstances) -> Heard {
        match (self.now(), answer.outcome) {
            (Step::Register, Some(Outcome::Visit(visit))) => {
                let right = right(visit.person == self.person && !visit.id.is_empty(), "a visit of the person");
                self.id = visit.id;
                Heard::good("registered", right)
            }
            (Step::PreSettle, Some(Outcome::Computation(computed))) => {
                let right = answers::computation(&computed, &self.sent(setting));
                self.quoted = computed.amounts.map(Box::new);
                Heard::good("pre-settled", right)
            }
            (Step::Settle(_) | Step::AtOnce(_), Some(Outcome::Settlement(settled))) => {
                let right =
                    answers::settlement(&settled, &self.sent(setting)).and_then(|()| self.as_quoted(&settled, around));
                self.id = settled.claim.as_ref().map(|claim| claim.visit.clone()).unwrap_or_default();
                let heard = Heard::good("settled", right).with(&settled);
                if let Some(attempt) = self.attempts.last_mut() {
                    attempt.settled = Some(settled);
                }
                Heard { settles: heard.permitted, ..heard }
            }
            (Step::Again, Some(Outcome::Settlement(settled))) => {
                let same = self.last_settled() == Some(&*settled);
                Heard::good("the same", right(same, "the same message has the same settlement"))
            }
            (Step::Cancel, Some(Outcome::Settlement(record))) => {
                let right = match self.last_settled() {
                    Some(original) => answers::negative(&record, original, pb::EntryKind::Cancelled),
                    None => Err("nothing was settled".into()),
                };
                self.undone();
                Heard::good("cancelled", right).with(&record)
            }
            (Step::Reverse, Some(Outcome::Reversal(reversal))) => self.reversed(*reversal, setting),
            (Step::Withdraw, Some(Outcome::Reversal(reversal))) => {
                let withdrawn = reversal.undone.is_none() && reversal.record.is_none();
                Heard::good("withdrawn", right(withdrawn, "a registration has no settlement to undo"))
            }
            (step, outcome) => Heard::unpermitted("wrong", format!("{step:?} is answered by {outcome:?}")),
        }
    }

    fn sent<'a>(&'a self, setting: &'a Setting<'_>) -> Sent<'a> {
        Sent {
            person: &self.person,
            home: self.plan.person.area(setting.places),
            institution: self.institution(setting),
            visit: &self.id,
            total: self.plan.bill.total,
        }
    }

    /// Where nothing of the person came between, a bill is settled as it was pre-settled.
    fn as_quoted(&self, settled: &pb::Settlement, around: Circumstances) -> Result<(), String> {
        let Some(quoted) = self.quoted.as_deref().filter(|_| !around.met) else { return Ok(()) };
        let amounts = answers::amounts_of(settled)?;
        right(amounts == quoted, &format!("settled as {amounts:?}, pre-settled as {quoted:?}"))
    }

    fn reversed(&mut self, reversal: pb::Reversal, setting: &Setting<'_>) -> Heard {
        let known = self.last_settled().cloned();
        match (reversal.undone, reversal.record, known) {
            (Some(undone), Some(record), known) => {
                let same = known.as_ref().is_none_or(|known| *known == undone);
                let checked = answers::settlement(&undone, &self.sent(setting))
                    .and_then(|()| answers::negative(&record, &undone, pb::EntryKind::Reversed))
                    .and_then(|()| right(same, "a reversal undoes the settlement that was answered"));
                let heard = Heard::good("reversed", checked).with(&record);
                let heard = if known.is_none() { heard.with(&undone) } else { heard };
                if let Some(attempt) = self.attempts.last_mut() {
                    attempt.settled = Some(Box::new(undone));
                }
                self.undone();
                // The answer that was thrown away is known now.
                self.unsure.retain(|(act, _)| *act != pb::Act::Settle);
                heard
            }
            (None, None, None) => {
                self.unsure.retain(|(act, _)| *act != pb::Act::Settle);
                Heard::good("reversed", Ok(()))
            }
            _ => Heard::good("reversed", Err("a known settlement is undone by a negative record".into())),
        }
    }

    fn undone(&mut self) {
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.undone = true;
        }
    }

    fn refused(&self, refusal: &pb::Refusal, setting: &Setting<'_>, around: Circumstances) -> Heard {
        use pb::RefusalCode as Code;
        let code = refusal.code();
        let step = self.now();
        let down = setting.may_be_down(self.plan.person.home);
        if code == Code::E605Busy || code == Code::E503PersonBusy && (around.met || down) {
            return Heard::of(Class::Busy, "busy");
        }
        let settles = matches!(step, Step::Settle(_) | Step::AtOnce(_) | Step::PreSettle);
        let undoes = matches!(step, Step::Cancel | Step::Reverse | Step::Withdraw);
        let permitted = match code {
            Code::E201FilingMissing => settles && self.plan.astray,
            Code::E502OpenStay => around.met && (step == Step::Register || undoes) && self.plan.kind == Kind::Stay,
            Code::E701CancelRefused => around.met && undoes,
            Code::E505VisitState => around.met && undoes,
            Code::E002LimitExceeded => step == Step::File && around.filings >= FILINGS_MAX,
            _ => false,
        };
        let name = name_of(code);
        if permitted {
            Heard::of(Class::Refused, name)
        } else {
            Heard::unpermitted(name, format!("{} {}", refusal.en, refusal.field))
        }
    }
}

/// A call that ended with a status: whether the service told us to come again, or whether nobody answered.
fn failed(status: &tonic::Status, down: &Down) -> Heard {
    use tonic::Code;
    match status.code() {
        Code::ResourceExhausted => Heard::of(Class::Busy, "busy"),
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => Heard::of(Class::Unknown, "no answer"),
        // A connection that broke; a service itself never says so.
        Code::Unknown => Heard::of(Class::Unknown, "no answer"),
        // Its store failed, or a connection broke within a message.
        Code::Internal if *down == Down::Any => Heard::of(Class::Unknown, "failed"),
        _ => Heard::unpermitted("failed", status),
    }
}

fn right(holds: bool, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.to_owned()) }
}

fn service(kind: Kind) -> pb::Service {
    match kind {
        Kind::Outpatient => pb::Service::Outpatient,
        Kind::Pharmacy => pb::Service::Pharmacy,
        Kind::Chronic => pb::Service::Chronic,
        Kind::Stay => pb::Service::Stay,
        Kind::Filing => pb::Service::Unspecified,
    }
}

/// The code of a refusal, such as `E503`: the number that its name on the wire carries.
fn name_of(code: pb::RefusalCode) -> &'static str {
    let name = code.as_str_name().trim_start_matches("REFUSAL_CODE_");
    name.get(..4).unwrap_or(name)
}
