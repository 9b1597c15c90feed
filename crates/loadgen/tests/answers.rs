//! The generator's own arithmetic finds each falsity that an answer could hold.
#![allow(clippy::unwrap_used)]

use zhijie_loadgen::gate::{
    answers::{Sent, computation, negative, settlement},
    books::{Entry, Totals},
};
use zhijie_protocol::v1 as pb;

fn sent() -> Sent<'static> {
    Sent { person: "P1", home: "341200", institution: "H31010000001", visit: "V1", total: 10_000 }
}

/// 100.00 yuan: own 10, over 5, pre 15, in scope 70; funds 40, account 25 with 10 of the family's, cash 30, hospital 5.
fn right() -> pb::Settlement {
    let parts = pb::Parts { total: 10_000, own: 1_000, over: 500, pre: 1_500, in_scope: 7_000 };
    let amounts = pb::Amounts {
        parts: Some(parts),
        deductible: 500,
        funds: Some(pb::Funds { basic: 3_000, catastrophic: 1_000, ..pb::Funds::default() }),
        fund_total: 4_000,
        hospital: 500,
        personal: 5_500,
        account: 2_500,
        family: 1_000,
        cash: 3_000,
        balance: 700,
        ..pb::Amounts::default()
    };
    let claim = pb::Claim {
        visit: "V1".into(),
        person: "P1".into(),
        home: "341200".into(),
        care: "310100".into(),
        institution: "H31010000001".into(),
        parts: Some(parts),
        ..pb::Claim::default()
    };
    pb::Settlement {
        id: "S1".into(),
        kind: pb::EntryKind::Settled.into(),
        claim: Some(claim),
        computation: Some(pb::Computation { amounts: Some(amounts), ..pb::Computation::default() }),
        at: 1_741_568_400_000,
        ..pb::Settlement::default()
    }
}

fn amounts(settlement: &mut pb::Settlement) -> &mut pb::Amounts {
    settlement.computation.as_mut().unwrap().amounts.as_mut().unwrap()
}

fn parts(settlement: &mut pb::Settlement) -> &mut pb::Parts {
    amounts(settlement).parts.as_mut().unwrap()
}

fn claim(settlement: &mut pb::Settlement) -> &mut pb::Claim {
    settlement.claim.as_mut().unwrap()
}

/// Changes the right settlement, and expects `-` or the beginning of what is wrong with it.
fn check(change: fn(&mut pb::Settlement), expected: &str) {
    let mut settled = right();
    change(&mut settled);
    let found = settlement(&settled, &sent()).err().unwrap_or_else(|| "-".into());
    assert!(found.starts_with(expected), "{found} is not {expected}");
}

#[test]
fn a_settlement_is_of_its_message_and_adds_up() {
    check(|_| (), "-");
    check(|s| s.id.clear(), "a settlement has an id");
    check(|s| s.undoes = "S0".into(), "a settlement has an id");
    check(|s| s.at = 0, "a settlement has an id");
    check(|s| s.kind = pb::EntryKind::Cancelled.into(), "kind");
    check(|s| s.claim = None, "a settlement has a claim");
    check(|s| s.computation = None, "a settlement has amounts");
    check(|s| claim(s).person = "P2".into(), "claim.person");
    check(|s| claim(s).home = "340100".into(), "claim.home");
    check(|s| claim(s).institution = "H31010000002".into(), "claim.institution");
    check(|s| claim(s).visit = "V2".into(), "claim.visit");
    check(|s| claim(s).parts.as_mut().unwrap().own += 1, "claim.parts");
    // A fen from here to there, each way that a sum can be wrong.
    let both: fn(&mut pb::Settlement) = |s| {
        parts(s).total += 1;
        parts(s).own += 1;
        amounts(s).cash += 1;
        amounts(s).personal += 1;
        claim(s).parts = amounts(s).parts;
    };
    let mut settled = right();
    both(&mut settled);
    let found = settlement(&settled, &sent()).unwrap_err();
    assert!(found.starts_with("total = the lines sent"), "{found}");
    let split: fn(&mut pb::Settlement) = |s| {
        parts(s).pre += 1;
        let parts = amounts(s).parts;
        claim(s).parts = parts;
    };
    check(split, "total = own + over + pre + in scope");
    check(|s| amounts(s).fund_total += 1, "fund total");
    check(|s| amounts(s).funds.as_mut().unwrap().basic -= 1, "fund total");
    check(|s| amounts(s).hospital += 1, "total = funds");
    check(|s| amounts(s).personal -= 1, "total = funds");
    check(|s| amounts(s).cash -= 1, "personal = account + cash");
    check(|s| amounts(s).account += 1, "personal = account + cash");
    check(|s| amounts(s).family = 2_501, "family");
    check(|s| amounts(s).balance = -1, "balance");
    let turned: fn(&mut pb::Settlement) = |s| {
        let amounts = amounts(s);
        amounts.account = -500;
        amounts.cash = 6_000;
    };
    check(turned, "account is -500");
}

#[test]
fn a_pre_settlement_adds_up_to_the_lines_sent() {
    let computed = right().computation.unwrap();
    assert_eq!(computation(&computed, &sent()), Ok(()));
    assert!(
        computation(&computed, &Sent { total: 9_999, ..sent() }).unwrap_err().starts_with("total = the lines sent")
    );
    assert!(computation(&pb::Computation::default(), &sent()).is_err());
}

/// The negative record of the right settlement.
fn undone() -> pb::Settlement {
    let mut record = right();
    (record.id, record.undoes, record.kind) = ("S2".into(), "S1".into(), pb::EntryKind::Cancelled.into());
    let parts = parts(&mut record);
    for fen in [&mut parts.total, &mut parts.own, &mut parts.over, &mut parts.pre, &mut parts.in_scope] {
        *fen = -*fen;
    }
    let amounts = amounts(&mut record);
    let funds = amounts.funds.as_mut().unwrap();
    (funds.basic, funds.catastrophic) = (-funds.basic, -funds.catastrophic);
    for fen in [
        &mut amounts.fund_total,
        &mut amounts.hospital,
        &mut amounts.personal,
        &mut amounts.account,
        &mut amounts.family,
        &mut amounts.cash,
    ] {
        *fen = -*fen;
    }
    amounts.balance = 2_200;
    record
}

/// Changes the right negative record, and expects `-` or the beginning of what is wrong with it.
fn check_negative(change: fn(&mut pb::Settlement), expected: &str) {
    let mut record = undone();
    change(&mut record);
    let found = negative(&record, &right(), pb::EntryKind::Cancelled).err().unwrap_or_else(|| "-".into());
    assert!(found.starts_with(expected), "{found} is not {expected}");
}

#[test]
fn a_negative_record_turns_every_sign() {
    check_negative(|_| (), "-");
    check_negative(|s| s.undoes = "S3".into(), "undoes");
    check_negative(|s| s.kind = pb::EntryKind::Reversed.into(), "kind");
    check_negative(|s| claim(s).visit = "V2".into(), "claim");
    check_negative(|s| parts(s).own = 1_000, "parts.own");
    check_negative(|s| parts(s).total = -9_999, "parts.total");
    check_negative(|s| amounts(s).funds.as_mut().unwrap().basic = 0, "funds.basic");
    check_negative(|s| amounts(s).cash = -2_999, "cash");
    check_negative(|s| amounts(s).family = 0, "family");
    check_negative(|s| amounts(s).fund_total = 4_000, "fund_total");
}

#[test]
fn books_are_compared_by_group_and_fen() {
    let mut known = Totals::default();
    known.add(Entry::of(&right()).unwrap());
    known.add(Entry::of(&undone()).unwrap());
    let total = |kind: pb::EntryKind, sign: i64| pb::GroupTotal {
        group: Some(pb::BookGroup { home: "340000".into(), care: "310000".into(), scheme: 0, kind: kind.into() }),
        total: Some(pb::BookTotal {
            records: 1,
            total: sign * 10_000,
            fund: sign * 4_000,
            account: sign * 2_500,
            cash: sign * 3_000,
            ..pb::BookTotal::default()
        }),
    };
    let day = 1_741_568_400_000_i64 / 86_400_000;
    let book = |kind, sign| {
        let mut book = Totals::default();
        book.add_book(day, &[total(pb::EntryKind::Settled, 1), total(kind, sign)]);
        book
    };
    assert_eq!(known.first_difference(&book(pb::EntryKind::Cancelled, -1)), None);
    assert_eq!((known.records(), known.total()), (2, 0));
    // The same sums in another group are not the same.
    assert!(known.first_difference(&book(pb::EntryKind::Reversed, -1)).is_some());
    assert!(known.first_difference(&book(pb::EntryKind::Cancelled, 1)).is_some());
    let before = book(pb::EntryKind::Cancelled, -1);
    let mut after = before.clone();
    after.plus_all(&known);
    assert_eq!(after.since(&before), known);
}
