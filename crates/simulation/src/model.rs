//! The books by the protocol alone: what hospitals were told, message by message, and what that forbids from then on. No
//! rule of any region is known here; amounts are those of the answers.

use std::collections::{BTreeMap, BTreeSet};

use zhijie_services::pb::{self, answer::Outcome};

use crate::{prepayments, registry, rules};

/// A record that somebody was told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) kind: pb::EntryKind,
    /// Of a negative record: what it undoes.
    pub(crate) undoes: String,
    pub(crate) person: String,
    pub(crate) visit: String,
    pub(crate) home: String,
    pub(crate) care: String,
    /// The first day of service, and the disease of a chronic visit.
    pub(crate) from: String,
    pub(crate) disease: String,
    /// The listed diseases towards which it counts.
    pub(crate) counted: BTreeSet<String>,
    pub(crate) service: pb::Service,
    /// Whether a renewed rule made it.
    pub(crate) renewed: bool,
    /// When it was booked, ms.
    pub(crate) at: i64,
    pub(crate) total: i64,
    pub(crate) fund: i64,
    pub(crate) account: i64,
    pub(crate) family: i64,
    pub(crate) cash: i64,
    /// What it adds to accumulators, by year and name.
    pub(crate) adds: BTreeMap<(i32, String), i64>,
}

/// When a record was told, and how much had been told when its message was first sent.
#[derive(Debug, Clone, Copy)]
struct Place {
    told: usize,
    asked: usize,
}

/// What is known of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Known {
    /// It was sent, and no more is known.
    Sent,
    /// It made this record.
    Made(String),
    /// It registered this visit.
    Registered(String),
    /// It was refused.
    Refused,
    /// It is reversed.
    Reversed,
}

/// Everything that was told.
#[derive(Default)]
pub(crate) struct Model {
    messages: BTreeMap<(String, i32, String), Known>,
    /// How much had been told when a message was first sent.
    asked: BTreeMap<(String, i32, String), usize>,
    pub(crate) records: BTreeMap<String, Told>,
    /// When records were told that answered a message.
    places: BTreeMap<String, Place>,
    /// Settlements that were cancelled while a later one of the person seemed to be in force.
    out_of_order: Vec<(String, String)>,
    /// Negative records by what they undo.
    pub(crate) undone: BTreeMap<String, String>,
    /// Deductions of closed reviews.
    pub(crate) deductions: BTreeMap<String, i64>,
    /// Disputed settlements that were not resolved.
    pub(crate) disputed: BTreeSet<String>,
    /// What officers were told of prepayments.
    pub(crate) prepaid: prepayments::Told,
    /// What the registry was told.
    pub(crate) registry: registry::Told,
}

/// Refusals that care makes before it sends anything.
const CARES_OWN: [pb::RefusalCode; 2] = [pb::RefusalCode::E001FieldInvalid, pb::RefusalCode::E505VisitState];

fn key(message: &pb::MessageKey) -> (String, i32, String) {
    (message.institution.clone(), message.act, message.message_id.clone())
}

impl Model {
    /// A message is sent, and nobody may ever hear what became of it.
    pub(crate) fn sent(&mut self, message: &pb::MessageKey) {
        self.messages.entry(key(message)).or_insert(Known::Sent);
    }

    /// A message is sent, for the first time or again.
    pub(crate) fn asks(&mut self, message: &pb::MessageKey) {
        let so_far = self.records.len();
        self.asked.entry(key(message)).or_insert(so_far);
    }

    /// The moments at which records were booked, ms.
    pub(crate) fn moments(&self) -> impl Iterator<Item = i64> {
        self.records.values().map(|told| told.at)
    }

    /// Messages of which nothing is known.
    pub(crate) fn unsure(&self) -> Vec<pb::MessageKey> {
        let unsure = self.messages.iter().filter(|(_, known)| **known == Known::Sent);
        let message = |((institution, act, id), _): (&(String, i32, String), _)| pb::MessageKey {
            institution: institution.clone(),
            act: *act,
            message_id: id.clone(),
        };
        unsure.map(message).collect()
    }

    /// True where nothing undoes the settlement, as far as was told.
    pub(crate) fn in_force(&self, id: &str) -> bool {
        !self.undone.contains_key(id)
    }

    /// The negative record of a settlement.
    pub(crate) fn undone_by(&self, id: &str) -> Option<&Told> {
        self.undone.get(id).and_then(|record| self.records.get(record))
    }

    /// Hears an answer to a message.
    pub(crate) fn hear(&mut self, message: &pb::MessageKey, answer: &pb::Answer) -> Result<(), String> {
        let asked = self.asked.get(&key(message)).copied().unwrap_or_default();
        let known = self.messages.get(&key(message)).cloned().unwrap_or(Known::Sent);
        let next = match &answer.outcome {
            Some(Outcome::Settlement(record)) => {
                self.may_book(message, &known, record)?;
                if record.kind() != pb::EntryKind::Settled && !self.records.contains_key(&record.id) {
                    self.note_order(&record.undoes, asked);
                }
                let place = Place { told: self.records.len(), asked };
                self.take(record)?;
                self.places.entry(record.id.clone()).or_insert(place);
                Known::Made(record.id.clone())
            }
            Some(Outcome::Visit(visit)) => match &known {
                Known::Sent => Known::Registered(visit.id.clone()),
                Known::Registered(id) if *id == visit.id => known,
                _ => return Err(format!("it registered {}, and before {known:?}", visit.id)),
            },
            Some(Outcome::Refused(refused)) => match known {
                Known::Made(id) => return Err(format!("it made {id}, and is refused now: {}", refused.en)),
                Known::Registered(id) => return Err(format!("it registered {id}, and is refused now: {}", refused.en)),
                // A refusal that care itself makes is not kept, and the message may come again.
                known if CARES_OWN.contains(&refused.code()) => known,
                Known::Reversed => Known::Reversed,
                Known::Sent | Known::Refused => Known::Refused,
            },
            Some(Outcome::Reversal(reversal)) => {
                self.take_reversal(reversal)?;
                Known::Reversed
            }
            other => return Err(format!("no answer to a message: {other:?}")),
        };
        self.messages.insert(key(message), next);
        Ok(())
    }

    /// A reversal answers for the message that it names as well.
    pub(crate) fn hear_reversal(&mut self, original: &pb::MessageKey, reversal: &pb::Reversal) -> Result<(), String> {
        let known = self.messages.get(&key(original)).cloned();
        if let Some(Known::Made(id)) = known {
            let undone = reversal.undone.as_ref().map(|undone| undone.id.as_str()).unwrap_or_default();
            if undone != id {
                return Err(format!("the message made {id}, and its reversal undid {undone:?}"));
            }
        }
        self.messages.insert(key(original), Known::Reversed);
        Ok(())
    }

    fn may_book(&mut self, message: &pb::MessageKey, known: &Known, record: &pb::Settlement) -> Result<(), String> {
        match known {
            Known::Made(id) if *id != record.id => {
                return Err(format!("one message made two records, {id} and {}", record.id));
            }
            Known::Reversed => return Err(format!("it is reversed, and made {}", record.id)),
            Known::Refused => return Err(format!("it was refused, and made {}", record.id)),
            _ => {}
        }
        let negative = record.kind() != pb::EntryKind::Settled;
        if negative != (message.act() == pb::Act::Cancel) {
            return Err(format!("{:?} is no answer to {:?}", record.kind(), message.act()));
        }
        Ok(())
    }

    /// Undoing is last in, first out: what was asked for after this settlement was told, and was told before its cancel
    /// was asked for, should have gone first. It may have, without anybody being told yet.
    fn note_order(&mut self, original: &str, asked: usize) {
        let (Some(first), Some(place)) = (self.records.get(original), self.places.get(original)) else { return };
        let later = self.places.iter().find(|(id, other)| {
            let told = self.records.get(*id);
            other.asked > place.told
                && other.told < asked
                && self.in_force(id)
                && told.is_some_and(|told| told.kind == pb::EntryKind::Settled && told.person == first.person)
        });
        if let Some((later, _)) = later {
            self.out_of_order.push((original.to_owned(), later.clone()));
        }
    }

    /// Settlements that were undone while a later one stood.
    pub(crate) fn out_of_order(&self) -> Option<&(String, String)> {
        self.out_of_order.iter().find(|(_, later)| self.in_force(later))
    }

    /// Takes both records of a reversal.
    pub(crate) fn take_reversal(&mut self, reversal: &pb::Reversal) -> Result<(), String> {
        match (&reversal.undone, &reversal.record) {
            (Some(undone), Some(record)) => {
                self.take(undone)?;
                self.take(record)
            }
            (None, None) => Ok(()),
            _ => Err("a reversal with one record of two".into()),
        }
    }

    /// Takes a record: its money adds up, it is what it was before, and it is the only one of its kind.
    pub(crate) fn take(&mut self, document: &pb::Settlement) -> Result<(), String> {
        let told = read(document)?;
        if let Some(known) = self.records.get(&document.id) {
            return if *known == told {
                Ok(())
            } else {
                Err(format!("{} changed: {known:?}, now {told:?}", document.id))
            };
        }
        if told.kind == pb::EntryKind::Settled {
            let twin = self.records.iter().find(|(id, other)| {
                other.kind == pb::EntryKind::Settled && other.visit == told.visit && self.in_force(id)
            });
            if let Some((twin, _)) = twin {
                return Err(format!("visit {} is settled twice, by {twin} and {}", told.visit, document.id));
            }
        } else if let Some(other) = self.undone.insert(told.undoes.clone(), document.id.clone()) {
            return Err(format!("{} is undone twice, by {other} and {}", told.undoes, document.id));
        }
        if let Some(original) = self.records.get(&told.undoes)
            && (original.total, original.fund, original.account, original.cash)
                != (-told.total, -told.fund, -told.account, -told.cash)
        {
            return Err(format!("{} gives back other amounts than {} took", document.id, told.undoes));
        }
        self.records.insert(document.id.clone(), told);
        Ok(())
    }
}

/// Reads a record, and adds its money up.
fn read(document: &pb::Settlement) -> Result<Told, String> {
    let claim = document.claim.clone().unwrap_or_default();
    let computation = document.computation.clone().unwrap_or_default();
    let amounts = computation.amounts.unwrap_or_default();
    let parts = amounts.parts.unwrap_or_default();
    let sums = [
        ("parts", parts.total, parts.own + parts.over + parts.pre + parts.in_scope),
        ("payers", parts.total, amounts.fund_total + amounts.personal + amounts.hospital),
        ("personal", amounts.personal, amounts.account + amounts.cash),
    ];
    if let Some((what, left, right)) = sums.into_iter().find(|(_, left, right)| left != right) {
        return Err(format!("{}: the {what} do not add up, {left} and {right}", document.id));
    }
    let kind = document.kind();
    // A negative record names what it gives back.
    let sign = if kind == pb::EntryKind::Settled { 1 } else { -1 };
    let mut adds = BTreeMap::new();
    add(&mut adds, sign, &computation.differences);
    Ok(Told {
        kind,
        service: claim.service(),
        undoes: document.undoes.clone(),
        home: format!("{}0000", claim.home.get(..2).unwrap_or_default()),
        care: format!("{}0000", claim.care.get(..2).unwrap_or_default()),
        person: claim.person,
        visit: claim.visit,
        from: claim.from,
        renewed: computation.steps.iter().any(|step| step.source.ends_with(rules::SOURCE)),
        disease: claim.disease,
        counted: computation.differences.iter().flat_map(|year| year.chronic.keys().cloned()).collect(),
        at: document.at,
        total: parts.total,
        fund: amounts.fund_total,
        account: amounts.account,
        family: amounts.family,
        cash: amounts.cash,
        adds,
    })
}

/// Adds accumulators up by year and name, and forgets what is zero.
pub(crate) fn add(sums: &mut BTreeMap<(i32, String), i64>, sign: i64, accumulators: &[pb::Accumulator]) {
    for accumulator in accumulators {
        let names = accumulator.amounts.iter().chain(&accumulator.chronic);
        let admissions = ("admissions".to_owned(), accumulator.admissions);
        for (name, amount) in names.map(|(name, amount)| (name.clone(), *amount)).chain([admissions]) {
            *sums.entry((accumulator.year, name)).or_default() += sign * amount;
        }
    }
    sums.retain(|_, sum| *sum != 0);
}
