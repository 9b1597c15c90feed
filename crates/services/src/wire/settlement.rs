//! Computations and settlements.

use zhijie_domain::{
    calendar::Moment,
    ids::SettlementId,
    money::{Bp, Fen},
    refusal::{Code, Refusal},
    settlement::{Amounts, Computation, Funds, Kind, Settlement, Step},
};

use super::{claim, codes, id, optional_id, pb, person, proof, required, text};

fn parse_amounts(amounts: &pb::Amounts) -> Result<Amounts, Refusal> {
    let funds = required(amounts.funds.as_ref(), "amounts.funds")?;
    Ok(Amounts {
        parts: claim::parse_parts(amounts.parts.as_ref(), "amounts.parts")?,
        out_prepay: Fen(amounts.out_prepay),
        deductible: Fen(amounts.deductible),
        funds: Funds {
            basic: Fen(funds.basic),
            civil_servant: Fen(funds.civil_servant),
            enterprise: Fen(funds.enterprise),
            catastrophic: Fen(funds.catastrophic),
            large_amount: Fen(funds.large_amount),
            assistance: Fen(funds.assistance),
            other: Fen(funds.other),
        },
        fund_total: Fen(amounts.fund_total),
        hospital: Fen(amounts.hospital),
        personal: Fen(amounts.personal),
        account: Fen(amounts.account),
        family: Fen(amounts.family),
        cash: Fen(amounts.cash),
        balance: Fen(amounts.balance),
    })
}

fn print_amounts(amounts: &Amounts) -> pb::Amounts {
    let funds = &amounts.funds;
    pb::Amounts {
        parts: Some(claim::print_parts(&amounts.parts)),
        out_prepay: amounts.out_prepay.0,
        deductible: amounts.deductible.0,
        funds: Some(pb::Funds {
            basic: funds.basic.0,
            civil_servant: funds.civil_servant.0,
            enterprise: funds.enterprise.0,
            catastrophic: funds.catastrophic.0,
            large_amount: funds.large_amount.0,
            assistance: funds.assistance.0,
            other: funds.other.0,
        }),
        fund_total: amounts.fund_total.0,
        hospital: amounts.hospital.0,
        personal: amounts.personal.0,
        account: amounts.account.0,
        family: amounts.family.0,
        cash: amounts.cash.0,
        balance: amounts.balance.0,
    }
}

/// Reads a computation.
///
/// # Errors
/// `FieldInvalid` naming the field.
pub fn parse_computation(computation: &pb::Computation) -> Result<Computation, Refusal> {
    let step = |step: &pb::Step| Step {
        rule: step.rule.clone(),
        source: step.source.clone(),
        zh: step.zh.clone(),
        en: step.en.clone(),
        before: Fen(step.before),
        after: Fen(step.after),
    };
    Ok(Computation {
        class: codes::parse(computation.treatment_class, "computation.treatment_class")?,
        amounts: parse_amounts(required(computation.amounts.as_ref(), "computation.amounts")?)?,
        ratio: Bp(computation.ratio),
        steps: computation.steps.iter().map(step).collect(),
        differences: person::parse_years(&computation.differences)?,
    })
}

/// The computation as a document.
#[must_use]
pub fn print_computation(computation: &Computation) -> pb::Computation {
    let step = |step: &Step| pb::Step {
        rule: step.rule.clone(),
        source: step.source.clone(),
        zh: step.zh.clone(),
        en: step.en.clone(),
        before: step.before.0,
        after: step.after.0,
    };
    pb::Computation {
        treatment_class: codes::print(computation.class),
        amounts: Some(print_amounts(&computation.amounts)),
        ratio: computation.ratio.0,
        steps: computation.steps.iter().map(step).collect(),
        differences: person::print_years(&computation.differences),
    }
}

/// Reads a settlement and asserts its identities: nothing that does not add up enters a book.
///
/// # Errors
/// `FieldInvalid` naming the field, `SplitBroken` naming the identity.
pub fn parse(settlement: &pb::Settlement) -> Result<Settlement, Refusal> {
    let parsed = Settlement {
        id: id(SettlementId::parse, &settlement.id, "settlement.id")?,
        kind: codes::parse(settlement.kind, "settlement.kind")?,
        undoes: optional_id(SettlementId::parse, &settlement.undoes, "settlement.undoes")?,
        claim: claim::parse(required(settlement.claim.as_ref(), "settlement.claim")?)?,
        computation: parse_computation(required(settlement.computation.as_ref(), "settlement.computation")?)?,
        at: Moment(settlement.at),
        proof: proof::parse(settlement.proof.as_ref())?,
    };
    let amounts = &parsed.computation.amounts;
    amounts.check()?;
    let billed = if parsed.kind == Kind::Settled { parsed.claim.parts } else { parsed.claim.parts.negated()? };
    if amounts.parts != billed {
        return Err(Refusal::new(Code::SplitBroken, "identity: amounts are those of the claim", "settlement.amounts"));
    }
    Ok(parsed)
}

/// The settlement as a document.
#[must_use]
pub fn print(settlement: &Settlement) -> pb::Settlement {
    pb::Settlement {
        id: settlement.id.as_str().to_owned(),
        kind: codes::print(settlement.kind),
        undoes: text(settlement.undoes.as_ref()),
        claim: Some(claim::print(&settlement.claim)),
        computation: Some(print_computation(&settlement.computation)),
        at: settlement.at.0,
        proof: proof::print(&settlement.proof),
    }
}

/// Settlements for tests.
#[cfg(test)]
pub(crate) mod examples {
    use super::pb;

    /// A settlement of 100 fen that four funds and the account paid.
    pub(crate) fn paid() -> pb::Settlement {
        let parts = Some(pb::Parts { total: 100, in_scope: 100, ..pb::Parts::default() });
        let funds = pb::Funds { basic: 50, catastrophic: 20, assistance: 13, other: 7, ..pb::Funds::default() };
        let amounts = pb::Amounts {
            parts,
            funds: Some(funds),
            fund_total: 90,
            personal: 10,
            account: 10,
            ..pb::Amounts::default()
        };
        let computation = pb::Computation {
            treatment_class: pb::TreatmentClass::Local.into(),
            amounts: Some(amounts),
            ..pb::Computation::default()
        };
        let claim = pb::Claim {
            visit: "V1".into(),
            person: "P1".into(),
            home: "341200".into(),
            scheme: pb::Scheme::Resident.into(),
            care: "310100".into(),
            institution: "H31010000001".into(),
            level: pb::Level::Tertiary.into(),
            service: pb::Service::Stay.into(),
            from: "2024-06-01".into(),
            to: "2024-06-02".into(),
            parts,
            categories: vec![pb::CategoryParts { category: 7, parts }],
            ..pb::Claim::default()
        };
        pb::Settlement {
            id: "S1".into(),
            at: 1_717_200_000_000,
            kind: pb::EntryKind::Settled.into(),
            claim: Some(claim),
            computation: Some(computation),
            ..pb::Settlement::default()
        }
    }
}
