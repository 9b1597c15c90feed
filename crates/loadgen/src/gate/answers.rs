//! What an answer must be like, by the generator's own arithmetic: the identities of money, and the bill that was sent.

use zhijie_protocol::v1 as pb;

/// What was sent, as far as the answer must repeat it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent<'a> {
    /// The person.
    pub person: &'a str,
    /// The home pooling area.
    pub home: &'a str,
    /// The institution.
    pub institution: &'a str,
    /// The visit; empty where care gives it its id.
    pub visit: &'a str,
    /// The bill, fen.
    pub total: i64,
}

/// Checks a settlement.
///
/// # Errors
/// The first thing that is not as it must be, in words.
pub fn settlement(settled: &pb::Settlement, sent: &Sent<'_>) -> Result<(), String> {
    let claim = settled.claim.as_ref().ok_or("a settlement has a claim")?;
    let amounts = amounts_of(settled)?;
    same("kind", pb::EntryKind::Settled as i32, settled.kind)?;
    same("claim.person", sent.person, &claim.person)?;
    same("claim.home", sent.home, &claim.home)?;
    same("claim.institution", sent.institution, &claim.institution)?;
    if !sent.visit.is_empty() {
        same("claim.visit", sent.visit, &claim.visit)?;
    }
    if settled.id.is_empty() || !settled.undoes.is_empty() || settled.at <= 0 {
        return Err("a settlement has an id and a moment, and undoes nothing".into());
    }
    same("claim.parts", Some(parts(amounts)?), claim.parts.as_ref())?;
    identities(amounts, sent.total)
}

/// Checks what a pre-settlement computed.
///
/// # Errors
/// As [`settlement`].
pub fn computation(computed: &pb::Computation, sent: &Sent<'_>) -> Result<(), String> {
    identities(computed.amounts.as_ref().ok_or("a computation has amounts")?, sent.total)
}

/// Checks that a negative record undoes a settlement: the same with every sign turned.
///
/// # Errors
/// As [`settlement`].
pub fn negative(record: &pb::Settlement, original: &pb::Settlement, kind: pb::EntryKind) -> Result<(), String> {
    same("kind", kind as i32, record.kind)?;
    same("undoes", original.id.as_str(), &record.undoes)?;
    same("claim", original.claim.as_ref(), record.claim.as_ref())?;
    let (was, is) = (amounts_of(original)?, amounts_of(record)?);
    let turned = |name, was: i64, is: i64| same(name, -was, is);
    let (parts_was, parts_is) = (parts(was)?, parts(is)?);
    turned("parts.total", parts_was.total, parts_is.total)?;
    turned("parts.own", parts_was.own, parts_is.own)?;
    turned("parts.over", parts_was.over, parts_is.over)?;
    turned("parts.pre", parts_was.pre, parts_is.pre)?;
    turned("parts.in_scope", parts_was.in_scope, parts_is.in_scope)?;
    for ((name, was), (_, is)) in funds(was.funds.as_ref()).into_iter().zip(funds(is.funds.as_ref())) {
        turned(name, was, is)?;
    }
    turned("fund_total", was.fund_total, is.fund_total)?;
    turned("hospital", was.hospital, is.hospital)?;
    turned("personal", was.personal, is.personal)?;
    turned("account", was.account, is.account)?;
    turned("family", was.family, is.family)?;
    turned("cash", was.cash, is.cash)
}

/// Checks the amounts of a bill: each non-negative, and together what they must be.
fn identities(amounts: &pb::Amounts, total: i64) -> Result<(), String> {
    let parts = parts(amounts)?;
    let funds = funds(amounts.funds.as_ref());
    let named = [
        ("parts.own", parts.own),
        ("parts.over", parts.over),
        ("parts.pre", parts.pre),
        ("parts.in_scope", parts.in_scope),
        ("hospital", amounts.hospital),
        ("account", amounts.account),
        ("family", amounts.family),
        ("cash", amounts.cash),
        ("deductible", amounts.deductible),
        ("balance", amounts.balance),
    ];
    if let Some((name, fen)) = named.iter().chain(&funds).find(|(_, fen)| *fen < 0) {
        return Err(format!("{name} is {fen}"));
    }
    sum("total = the lines sent", parts.total, &[total])?;
    sum("total = own + over + pre + in scope", parts.total, &[parts.own, parts.over, parts.pre, parts.in_scope])?;
    sum("fund total = the funds", amounts.fund_total, &funds.map(|(_, fen)| fen))?;
    sum("total = funds + personal + hospital", parts.total, &[amounts.fund_total, amounts.personal, amounts.hospital])?;
    sum("personal = account + cash", amounts.personal, &[amounts.account, amounts.cash])?;
    if amounts.family > amounts.account {
        return Err(format!("family {} is part of account {}", amounts.family, amounts.account));
    }
    Ok(())
}

/// The amounts of a settlement.
///
/// # Errors
/// When it has none.
pub fn amounts_of(settled: &pb::Settlement) -> Result<&pb::Amounts, String> {
    let amounts = settled.computation.as_ref().and_then(|computation| computation.amounts.as_ref());
    amounts.ok_or_else(|| "a settlement has amounts".into())
}

fn parts(amounts: &pb::Amounts) -> Result<&pb::Parts, String> {
    amounts.parts.as_ref().ok_or_else(|| "amounts have parts".into())
}

fn funds(funds: Option<&pb::Funds>) -> [(&'static str, i64); 7] {
    let funds = funds.copied().unwrap_or_default();
    [
        ("funds.basic", funds.basic),
        ("funds.civil_servant", funds.civil_servant),
        ("funds.enterprise", funds.enterprise),
        ("funds.catastrophic", funds.catastrophic),
        ("funds.large_amount", funds.large_amount),
        ("funds.assistance", funds.assistance),
        ("funds.other", funds.other),
    ]
}

fn sum(name: &str, whole: i64, parts: &[i64]) -> Result<(), String> {
    let summed = parts.iter().try_fold(0_i64, |sum, part| sum.checked_add(*part));
    if summed == Some(whole) { Ok(()) } else { Err(format!("{name}: {whole} ≠ {parts:?}")) }
}

fn same<T: PartialEq + std::fmt::Debug>(name: &str, sent: T, found: T) -> Result<(), String> {
    if sent == found { Ok(()) } else { Err(format!("{name}: {sent:?} ≠ {found:?}")) }
}
