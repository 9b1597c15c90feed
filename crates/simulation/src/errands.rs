//! What people come for, by a seed: visits of every kind, and what goes wrong at the counter by itself.

use zhijie_services::pb;

use crate::{
    chronic::{self, qualifications},
    dice::Dice,
};

/// A tertiary hospital of Shanghai and one of Chongqing, opened for everything.
const HOSPITALS: [&str; 2] = ["H31010000001", "H50010000001"];
/// Residents of Fuyang and employees of Chengdu.
const RESIDENTS: usize = 4;
const EMPLOYEES: usize = 6;
/// What an employee holds at first, fen.
const PURSE: pb::Purse = pb::Purse { account: 300_000, family: 120_000 };
/// Of a hundred visits that are settled in one message, those for a chronic disease.
const CHRONIC_PERCENT: u64 = 15;
/// A bill above this many yuan is reviewed.
const EXPENSIVE_YUAN: u64 = 31_000;

/// A person of the cast.
#[derive(Debug, Clone)]
pub(crate) struct Someone {
    pub(crate) id: String,
    pub(crate) scheme: pb::Scheme,
    pub(crate) purse: pb::Purse,
}

impl Someone {
    /// As the register has it.
    pub(crate) fn person(&self) -> pb::Person {
        let category = match self.scheme {
            pb::Scheme::Employee => pb::Category::Active,
            _ => pb::Category::Adult,
        };
        pb::Person {
            id: self.id.clone(),
            area: self.id[..6].into(),
            scheme: self.scheme.into(),
            category: category.into(),
            birth: "1970-06-01".into(),
            insured_from: "2010-01-01".into(),
            qualifications: qualifications(),
            ..pb::Person::default()
        }
    }
}

/// Everybody.
pub(crate) fn cast() -> Vec<Someone> {
    let resident = |number: usize| Someone {
        id: format!("341200{:014}", number + 1),
        scheme: pb::Scheme::Resident,
        purse: pb::Purse::default(),
    };
    let employee =
        |number: usize| Someone { id: format!("510100{:014}", number + 1), scheme: pb::Scheme::Employee, purse: PURSE };
    (0..RESIDENTS).map(resident).chain((0..EMPLOYEES).map(employee)).collect()
}

/// What somebody comes for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Settled in one message.
    AtOnce,
    /// The message comes twice at the same time, and again later.
    Twice,
    /// Its id is used for other content.
    Reused,
    /// Cancelled, and cancelled again.
    Cancelled,
    /// Reversed although its answer came.
    Reversed,
    /// The hospital hangs up, and reverses.
    Lost,
    /// The hospital reverses before the message arrives, and it comes late.
    Overtaken,
    /// The hospital hangs up, and never asks again.
    Abandoned,
    /// Registered, uploaded, pre-settled, settled.
    Registered,
    /// The same as a stay, with a discharge.
    Stay,
    /// A stay whose settlement is cancelled, and which is settled again.
    StayAgain,
    /// Registered, and the registration reversed.
    Withdrawn,
    /// A filing is made, approved and cancelled at the window.
    Filing,
    /// A visit for a chronic disease that may be refused.
    Chronic,
}

/// How often each comes, of a hundred.
const SHARES: [(Kind, u64); 14] = [
    (Kind::AtOnce, 34),
    (Kind::Twice, 9),
    (Kind::Reused, 3),
    (Kind::Cancelled, 9),
    (Kind::Reversed, 6),
    (Kind::Lost, 8),
    (Kind::Overtaken, 3),
    (Kind::Abandoned, 6),
    (Kind::Registered, 6),
    (Kind::Stay, 5),
    (Kind::StayAgain, 2),
    (Kind::Withdrawn, 2),
    (Kind::Filing, 3),
    (Kind::Chronic, 4),
];

/// One errand.
#[derive(Debug, Clone)]
pub(crate) struct Errand {
    /// Begins the ids of its messages.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) who: Someone,
    pub(crate) hospital: &'static str,
    pub(crate) yuan: i64,
    pub(crate) account_use: pb::AccountUse,
    /// For a chronic disease.
    pub(crate) chronic: Option<chronic::Visit>,
}

impl Errand {
    /// How many settlements it should make.
    pub(crate) fn settlements(&self) -> usize {
        match self.kind {
            Kind::Withdrawn | Kind::Filing | Kind::Chronic => 0,
            Kind::StayAgain => 2,
            _ => 1,
        }
    }
}

/// Errands until they make so many settlements.
pub(crate) fn errands(dice: &mut Dice, day: &str, settlements: usize) -> Vec<Errand> {
    let cast = cast();
    let mut errands = Vec::new();
    let mut planned = 0;
    while planned < settlements {
        let mut left = dice.between(1, 100);
        let mut kind = Kind::AtOnce;
        for (share_of, share) in SHARES {
            if left <= share {
                kind = share_of;
                break;
            }
            left -= share;
        }
        let stay = matches!(kind, Kind::Stay | Kind::StayAgain);
        let yuan = if stay && dice.percent(50) { EXPENSIVE_YUAN } else { 20 } + dice.between(0, 900);
        let chronic = match kind {
            Kind::Chronic => Some(chronic::visit(dice, day)),
            _ => dice.percent(CHRONIC_PERCENT).then_some(chronic::PLAIN),
        };
        let hospital = HOSPITALS[dice.place(HOSPITALS.len())];
        let uses = [pb::AccountUse::Unspecified, pb::AccountUse::Own, pb::AccountUse::OwnAndFamily];
        let errand = Errand {
            name: format!("{day}-{}", errands.len()),
            kind,
            who: cast[dice.place(cast.len())].clone(),
            hospital: chronic.and_then(|visit| visit.hospital).unwrap_or(hospital),
            yuan: i64::try_from(yuan).unwrap_or(20),
            account_use: uses[dice.place(uses.len())],
            chronic,
        };
        planned += errand.settlements();
        errands.push(errand);
    }
    errands
}
