//! Verifying evidence, from the file alone: what is right, what is wrong, and what cannot be verified with what is there.

use std::collections::BTreeSet;

use zhijie_domain::{
    proof::{CLAIM, DAY, Facts, RECORD, Statement, UNDO, tree},
    signature::{PublicKey, Signature},
};
use zhijie_identity::{Authorities, Identity};

use super::{Day, Evidence, Fact, Key, Signed, unhex};
use crate::node::verifies;

/// What came of one thing that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is right.
    Right,
    /// It is wrong: the file does not prove what it says.
    Wrong,
    /// What it would take is not there.
    Unverified,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which record: `settlement` or `undone_by`.
    pub record: &'static str,
    /// What was looked at: its stable name.
    pub key: &'static str,
    /// In Chinese.
    pub zh: &'static str,
    /// In English.
    pub en: &'static str,
    /// What came of it.
    pub verdict: Verdict,
    /// By whom it is signed, or why not.
    pub detail: String,
}

/// Verifies evidence. Whose the keys are is verified by their certificates, where authorities are given that are trusted.
#[must_use]
pub fn verify(evidence: &Evidence, authorities: Option<&Authorities>) -> Vec<Finding> {
    let claim = Statement::of_lines(&evidence.settlement.request);
    let mut verifying = Verifying {
        evidence,
        authorities,
        claim: &claim,
        record: SETTLEMENT,
        used: BTreeSet::new(),
        found: Vec::new(),
    };
    verifying.fact(&evidence.settlement);
    verifying.claimed();
    if let Some(undone_by) = &evidence.undone_by {
        verifying.record = "undone_by";
        verifying.fact(undone_by);
        verifying.undone(undone_by);
    }
    let unused = evidence.keys.iter().find(|key| !verifying.used.contains(*key));
    if let Some(unused) = unused {
        verifying.tell(
            "keys",
            "密钥",
            "its keys",
            Verdict::Wrong,
            format!("nothing is signed by the key of {}", unused.of),
        );
    }
    verifying.found
}

/// What is looked at: its stable name, and its names in Chinese and English.
type Looked = (&'static str, &'static str, &'static str);

const SETTLEMENT: &str = "settlement";
const HOME: Looked = ("home", "参保地签名", "home signed the record");
const CARE: Looked = ("care", "就医地签名", "care signed its request");
const HEAD: Looked = ("day", "日链签名", "the head of its day is signed");

struct Verifying<'a> {
    evidence: &'a Evidence,
    authorities: Option<&'a Authorities>,
    claim: &'a Statement,
    record: &'static str,
    used: BTreeSet<Key>,
    found: Vec<Finding>,
}

impl Verifying<'_> {
    fn tell(&mut self, key: &'static str, zh: &'static str, en: &'static str, verdict: Verdict, detail: String) {
        self.found.push(Finding { record: self.record, key, zh, en, verdict, detail });
    }

    fn judge(&mut self, key: &'static str, zh: &'static str, en: &'static str, right: bool, detail: &str) {
        let verdict = if right { Verdict::Right } else { Verdict::Wrong };
        self.tell(key, zh, en, verdict, detail.into());
    }

    fn fact(&mut self, fact: &Fact) {
        let (record, request) = (Statement::of_lines(&fact.record), Statement::of_lines(&fact.request));
        let at = record.value("at").and_then(|at| at.parse().ok()).unwrap_or_default();
        let side = |side: &str| format!("{side}-{}", record.value(side).unwrap_or_default());
        let asked = if self.record == SETTLEMENT { CLAIM } else { UNDO };
        let (home, care) = (side("home"), side("care"));
        self.signature(&HOME, &home, (RECORD, &record), fact.home.as_ref(), at);
        self.signature(&CARE, &care, (asked, &request), fact.care.as_ref(), at);
        for day in &fact.days {
            self.day(fact, &record, day, at);
        }
        for side in [&home, &care] {
            if !fact.days.iter().any(|day| author_of(&Statement::of_lines(&day.head), &record) == *side) {
                let detail = format!("{side} has put the day under no head that holds this record");
                self.tell("day", "日链", "it is in a day's chain", Verdict::Unverified, detail);
            }
        }
    }

    /// The statement is of its kind and signed by a key of its author, and the key is the author's.
    fn signature(
        &mut self,
        &(key, zh, en): &Looked,
        author: &str,
        (title, statement): (&str, &Statement),
        signed: Option<&Signed>,
        at: i64,
    ) {
        let Some(signed) = signed else {
            return self.tell(key, zh, en, Verdict::Unverified, format!("{author} has not signed"));
        };
        let listed = self.evidence.keys.iter().find(|known| known.of == author && known.key == signed.key).cloned();
        let (signature, public) = (Signature::parse(&signed.signature), PublicKey::parse(&signed.key));
        let right = signature.zip(public).is_some_and(|(signature, public)| verifies(&public, statement, &signature));
        let Some(listed) = listed.filter(|_| right && statement.lines().next() == Some(title)) else {
            return self.tell(
                key,
                zh,
                en,
                Verdict::Wrong,
                format!("it is not signed by a key of {author} as it stands"),
            );
        };
        let (verdict, detail) = match self.authorities {
            _ if listed.certificate.is_empty() => {
                (Verdict::Unverified, format!("signed by a key that no certificate binds to {author}"))
            }
            None => {
                (Verdict::Unverified, format!("signed; whose key it is takes the authority's certificate: {author}?"))
            }
            Some(authorities) => match belongs(authorities, &listed, author, statement, signature, at) {
                Ok(()) => (Verdict::Right, format!("signed by {author}")),
                Err(why) => (Verdict::Wrong, format!("the key is not that of {author}: {why}")),
            },
        };
        self.used.insert(listed);
        self.tell(key, zh, en, verdict, detail);
    }

    /// The record is among those under a head, which its region has signed.
    fn day(&mut self, fact: &Fact, record: &Statement, day: &Day, at: i64) {
        let head = Statement::of_lines(&day.head);
        let role = head.value("role").unwrap_or_default();
        let author = author_of(&head, record);
        self.signature(&HEAD, &author, (DAY, &head), Some(&day.signed), at);
        let same = record.value("day").is_some() && record.value("day") == head.value("day");
        let own = head.value("region") == record.value(role);
        let signature =
            |signed: &Option<Signed>| signed.as_ref().and_then(|signed| Signature::parse(&signed.signature));
        let leaf = Facts::leaf_of(record, signature(&fact.care).as_ref(), signature(&fact.home).as_ref());
        let path: Option<Vec<tree::Step>> = day.path.iter().map(|step| tree::Step::parse(step)).collect();
        let root = leaf.zip(path).map(|(leaf, path)| tree::climb(leaf, &path).to_string());
        let among = root.is_some() && root.as_deref() == head.value("facts");
        let detail = format!("head {} of {author}", head.value("number").unwrap_or_default());
        self.judge("among", "日链包含", "the record is under that head", same && own && among, &detail);
    }

    /// The settlement answers the claim that stands beside it.
    fn claimed(&mut self) {
        let record = Statement::of_lines(&self.evidence.settlement.record);
        let digest = self.claim.digest().to_string();
        let right = record.value("kind") == Some("settled")
            && record.value("claim") == Some(digest.as_str())
            && ["visit", "person", "scheme", "service", "parts"].iter().all(|name| same(name, &record, self.claim));
        self.judge("claim", "申报一致", "the record answers the claim", right, "claim, visit, person and bill");
    }

    /// The negative record undoes this settlement, by the amounts that it had, and as care asked.
    fn undone(&mut self, fact: &Fact) {
        let settled = Statement::of_lines(&self.evidence.settlement.record);
        let (record, request) = (Statement::of_lines(&fact.record), Statement::of_lines(&fact.request));
        let amount = |of: &Statement, name: &str| of.value(name).and_then(|value| value.parse::<i64>().ok());
        let turned = ["total", "fund", "account", "cash"].iter().all(|name| {
            let (before, after) = (amount(&settled, name), amount(&record, name).and_then(i64::checked_neg));
            before.is_some() && before == after
        });
        let named = match request.value("cancel") {
            Some(settlement) => Some(settlement) == settled.value("id") && record.value("kind") == Some("cancelled"),
            None => {
                let message = request.value("reverse");
                let known = self.claim.value("message");
                record.value("kind") == Some("reversed") && message.is_some() && message == known
            }
        };
        let right = named
            && turned
            && record.value("undoes").is_some()
            && record.value("undoes") == settled.value("id")
            && ["visit", "person"].iter().all(|name| same(name, &record, &settled) && same(name, &request, &settled))
            && ["home", "institution"].iter().all(|name| same(name, &request, self.claim));
        self.judge("undoes", "冲销一致", "it undoes this settlement", right, "settlement, amounts and request");
    }
}

/// Whose head it is, by the record that it holds.
fn author_of(head: &Statement, record: &Statement) -> String {
    let role = head.value("role").unwrap_or_default();
    format!("{role}-{}", record.value(role).unwrap_or_default())
}

fn same(name: &str, one: &Statement, other: &Statement) -> bool {
    one.value(name).is_some() && one.value(name) == other.value(name)
}

/// The certificate of a key is of an authority, was valid when the record was made, and names the author; and the
/// signature is by the key in it. A head is made after its records: its certificate may have begun later.
fn belongs(
    authorities: &Authorities,
    key: &Key,
    author: &str,
    statement: &Statement,
    signature: Option<Signature>,
    at: i64,
) -> Result<(), String> {
    let certificate = unhex(&key.certificate).ok_or("its certificate does not read")?;
    let (made, is_head) = (at / 1_000, statement.lines().next() == Some(DAY));
    let proven =
        if is_head { authorities.verify_from(&certificate, made) } else { authorities.verify(&certificate, made) };
    let proven = proven.map_err(|error| error.to_string())?;
    let named = match &proven.identity {
        Identity::Home(region) => format!("home-{region}"),
        Identity::Care(region) => format!("care-{region}"),
        other => other.to_string(),
    };
    if named != author {
        return Err(format!("its certificate is that of {named}"));
    }
    let signature = signature.ok_or("no signature")?;
    proven.verify_signature(statement.as_str().as_bytes(), &signature.0).map_err(|error| error.to_string())
}
