//! The gate (有效性核验): a run counts when every answer was one that its message may have, and the books say the same.

pub mod answers;
pub mod books;
pub(crate) mod ledger;
pub(crate) mod lookup;

use self::{
    ledger::{Books, HubSays},
    lookup::Found,
};
use crate::{drive::Driven, report::Check, run::Down};

/// The accounts of what homes owe: payable, and clearing money under way.
const OWED: [&str; 2] = ["payable-to", "under-way"];
/// The accounts of what cares are owed: receivable, and what is settled and not agreed with the hospital yet.
const DUE: [&str; 2] = ["receivable-from", "unagreed-of"];

/// Checks a run.
pub(crate) fn checks(
    driven: &Driven,
    found: &Found,
    before: &Books,
    after: &Books,
    hub: &HubSays,
    down: &Down,
) -> Vec<Check> {
    let mut checks = vec![answers(driven, found), ended(driven, found), equal(after, hub)];
    checks.push(complete(driven, found, before, after));
    checks.push(conserved(hub));
    if let Down::Home(province) = down {
        let detail = match driven.harmed {
            0 => format!("{province} was stopped; nobody else was busy or unknown"),
            harmed => format!("{harmed} messages of people of other provinces than {province} were busy or unknown"),
        };
        checks.push(check("只有停机省份受影响", "only the stopped province is touched", driven.harmed == 0, detail));
    }
    checks
}

fn check(zh: &str, en: &str, passed: bool, detail: String) -> Check {
    Check { en: en.to_owned(), zh: zh.to_owned(), passed, detail }
}

fn answers(driven: &Driven, found: &Found) -> Check {
    let faults = driven.faults + found.faults.len() as u64;
    let first = driven.first_faults.iter().chain(&found.faults).next();
    let detail = first
        .map_or_else(|| "each answer is one that its message may have".into(), |first| format!("{faults}: {first}"));
    check("应答均在许可之内", "every answer is permitted", faults == 0, detail)
}

fn ended(driven: &Driven, found: &Found) -> Check {
    let detail = format!("{} visits looked up, {} still pending", driven.unsure.len(), found.pending);
    check("未知结果均已查明", "nothing is unknown any more", found.pending == 0, detail)
}

/// Care, hub and home hold the same, by their totals here and by the hub's own comparison.
fn equal(after: &Books, hub: &HubSays) -> Check {
    let between = after.cares.first_difference(&after.homes).map(|what| format!("care and home: {what}"));
    let compared = hub.days.iter().find(|day| !day.equal).map(|day| {
        let missing: Vec<&str> = day.missing.iter().map(|book| book.region.as_str()).collect();
        let refused = day.refused.as_ref().map(|refusal| refusal.en.clone()).unwrap_or_default();
        format!("{}: {} differences, missing books {missing:?} {refused}", day.day, day.found)
    });
    let records: i64 = hub.days.iter().map(|day| day.hub.as_ref().map_or(0, |book| book.records)).sum();
    let fewer = (records != after.cares.records())
        .then(|| format!("the hub holds {records} records, care {}", after.cares.records()));
    let wrong = between.or(compared).or(fewer);
    let passed = wrong.is_none();
    let detail = wrong.unwrap_or_else(|| format!("{records} records in each of the three books"));
    check("三方账一致", "the three books are equal", passed, detail)
}

/// What was answered, and what was looked up, is what the books grew by.
fn complete(driven: &Driven, found: &Found, before: &Books, after: &Books) -> Check {
    let mut known = driven.known.clone();
    known.plus_all(&found.booked);
    let grown = after.cares.since(&before.cares);
    let wrong = known.first_difference(&grown);
    let passed = wrong.is_none();
    let records = grown.records();
    let detail = wrong.map_or_else(
        || format!("{records} records, {} fen", grown.total()),
        |what| format!("answered and booked: {what}"),
    );
    check("应答与账簿一致", "the books hold what was answered", passed, detail)
}

/// Both sides of every province's books are equal, and what some owe is what others are owed.
fn conserved(hub: &HubSays) -> Check {
    let side = |accounts: [&str; 2]| -> i64 {
        let of = hub.ledger.balances.iter().filter(|balance| accounts.contains(&balance.account.as_str()));
        of.map(|balance| balance.balance).sum()
    };
    let (owed, due) = (side(OWED), side(DUE));
    let violated = hub.ledger.violations.first().cloned();
    let refused = hub.ledger.refused.as_ref().map(|refusal| refusal.en.clone());
    let uneven = hub.ledger.trial.iter().find(|line| line.debit != line.credit);
    let uneven = uneven.map(|line| format!("{}: debit {} ≠ credit {}", line.province, line.debit, line.credit));
    let apart = (owed != due).then(|| format!("homes owe {owed}, cares are owed {due} fen"));
    let wrong = refused.or(violated).or(uneven).or(apart);
    let passed = wrong.is_none();
    let detail = wrong.unwrap_or_else(|| format!("homes owe what cares are owed: {owed} fen"));
    check("资金守恒", "money is conserved", passed, detail)
}
