//! The shipped parameters, and a case driven by steps written as text.

use std::sync::OnceLock;

use zhijie_domain::{
    audit::case::{Case, Command, Finality, Opening, Reason, Stage, Statement, Terms, apply, decide},
    calendar::{Date, add_days, parse_date},
    ids::{OfficerId, RegionCode, SettlementId},
    money::Fen,
    parameters::{File, Parameters},
    party::Party,
    refusal::Refusal,
};

/// The shipped parameters, read once.
pub(crate) fn shipped() -> &'static Parameters {
    static ALL: OnceLock<Parameters> = OnceLock::new();
    ALL.get_or_init(|| {
        let files = crate::shipped::files();
        let files: Vec<File<'_>> = files.iter().map(|(path, text)| File { path, text }).collect();
        Parameters::parse(&files).unwrap_or_else(|problems| panic!("{problems:#?}"))
    })
}

pub(crate) fn date(text: &str) -> Date {
    parse_date(text).unwrap()
}

pub(crate) fn region(text: &str) -> RegionCode {
    RegionCode::parse(text).unwrap()
}

/// The day on which cases of these tests are opened.
pub(crate) const OPENED: &str = "2025-03-10";
/// What the funds paid for the settlement, fen.
pub(crate) const FUND: i64 = 1_000;

/// A case of Anhui and Beijing, which lie in no cluster together.
pub(crate) fn opened(reason: Reason) -> Case {
    let opening = Opening {
        settlement: SettlementId::parse("S1").unwrap(),
        home: region("341200"),
        care: region("110100"),
        fund: Fen(FUND),
        reason,
    };
    Case::open(opening, &shipped().rules.verification, date(OPENED)).unwrap()
}

/// Takes a step on a day; what closes can be appealed for a week.
pub(crate) fn step(case: &Case, party: Party, command: &Command, today: Date) -> Result<Case, Refusal> {
    let terms = Terms { rules: &shipped().rules.verification, today, appeal_until: add_days(today, 7) };
    decide(case, party, command, &terms).map(|fact| apply(case, &fact))
}

pub(crate) fn party(name: &str) -> Party {
    match name {
        "care" => Party::Care,
        "home" => Party::Home,
        "hub" => Party::Hub,
        _ => panic!("{name}"),
    }
}

/// The command of a name.
pub(crate) fn command(name: &str, officer: &str, deduction: i64, note: &str) -> Command {
    let reviewer = OfficerId::parse(officer).unwrap();
    let (said, deduction) = (Statement { reviewer: reviewer.clone(), note: note.into() }, Fen(deduction));
    match name {
        "review" => Command::Review(said, deduction),
        "countersign" => Command::Countersign(reviewer),
        "return" => Command::Return(said),
        "concur" => Command::Concur(said),
        "dispute" => Command::Dispute(said, deduction),
        "mediate" => Command::Mediate(said, deduction),
        "appeal" => Command::Appeal(said),
        "rule" => Command::Rule(said, deduction),
        "ask" => Command::AskJoint(said),
        "request" => Command::Request(said),
        "expire" => Command::Expire,
        _ => panic!("{name}"),
    }
}

/// Steps `party command officer deduction`, between them `day 2025-04-01` and `note text` for the steps that follow.
pub(crate) fn run(script: &str) -> Result<Case, Refusal> {
    let (mut case, mut today, mut note) = (opened(Reason::Threshold), date(OPENED), "because");
    for words in script.split(';').map(str::trim).filter(|words| !words.is_empty()) {
        let (first, rest) = words.split_once(' ').unwrap_or((words, ""));
        match first {
            "day" => today = date(rest),
            "note" => note = rest,
            _ => {
                let mut rest = rest.split(' ');
                let (name, officer) = (rest.next().unwrap(), rest.next().unwrap_or("X"));
                let deduction = rest.next().map_or(0, |fen| fen.parse().unwrap());
                case = step(&case, party(first), &command(name, officer, deduction, note), today)?;
            }
        }
    }
    Ok(case)
}

/// The stage, `+` where it is joint, `!` for each time it was carried over.
pub(crate) fn stage(case: &Case) -> String {
    let name = match &case.stage {
        Stage::Opened => "opened",
        Stage::Proposed(_) => "proposed",
        Stage::AwaitingHome(_) => "awaiting",
        Stage::Disputed { .. } => "disputed",
        Stage::Closed(closed) if closed.finality == Finality::Final => "final",
        Stage::Closed(_) => "closed",
        Stage::Appealed { .. } => "appealed",
    };
    let joint = if case.joint { "+" } else { "" };
    format!("{name}{joint}{}", "!".repeat(usize::try_from(case.overdue).unwrap()))
}

/// The deductions that a case stands at, in fen.
pub(crate) fn deductions(case: &Case) -> Vec<i64> {
    match &case.stage {
        Stage::Opened => vec![],
        Stage::Proposed(proposal) | Stage::AwaitingHome(proposal) => vec![proposal.deduction.0],
        Stage::Disputed { care, home } => vec![care.deduction.0, home.0],
        Stage::Closed(closed) => vec![closed.deduction.0],
        Stage::Appealed { deduction } => vec![deduction.0],
    }
}
