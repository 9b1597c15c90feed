//! Documents of the ceiling: what real services would send for a bill, in shape and size, without deciding anything.

use anyhow::Context;
use tonic::Status;
use zhijie_services::{
    node::embedded_parameters,
    pb::{self, answer::Outcome},
    quote::Quote,
    wire::settlement::print_computation,
};

/// Fee lines of the explained bill.
const LINES: usize = 20;
/// Fee categories of a bill.
const CATEGORIES: u32 = 4;
/// Half a fen, where a price in millionths of a yuan is taken by a quantity in ten-thousandths.
const HALF_FEN: i128 = 50_000_000;
/// An id as services make them.
const ID: &str = "01957d90e6ce7993afe38e0d696eab61";
/// A moment, ms.
const AT: i64 = 1_741_570_000_000;
/// A doctor's visit of an employee of Chengdu in Chongqing.
const VISIT: &str = r#"
home = "510100"
scheme = "employee"
care = "500100"
level = "tertiary"
service = "outpatient"
class = "other"
from = "2025-03-10"
account_use = "own"
person = { category = "active", birth = "1988-11-02" }
"#;
/// One of its lines: nursing.
const LINE: &str = r#"
[[line]]
item = "001201000030000"
price = "40"
quantity = "1"
"#;

/// What a home policy makes of a bill, with its explanation: computed once, as the ceiling decides nothing.
pub(super) fn computation() -> anyhow::Result<pb::Computation> {
    let quoted = Quote::parse(&format!("{VISIT}{}", LINE.repeat(LINES)))?.explain(&embedded_parameters()?);
    Ok(print_computation(&quoted.context("the bill of the ceiling")?.computation))
}

/// The claim that care sends home for a bill.
pub(super) fn claim(request: pb::SettleAtOnceRequest) -> pb::ClaimRequest {
    let header = request.header.unwrap_or_default();
    let lines: Vec<pb::SplitLine> = request.lines.into_iter().map(split).collect();
    let total = lines.iter().filter_map(|line| line.parts).map(|parts| parts.total).sum();
    let parts = pb::Parts { total, in_scope: total, ..pb::Parts::default() };
    let claim = pb::Claim {
        visit: ID.into(),
        person: request.person,
        home: header.home.clone(),
        scheme: request.scheme,
        care: header.care.clone(),
        institution: header.institution.clone(),
        level: pb::Level::Tertiary.into(),
        service: request.service,
        disease: request.disease,
        emergency: request.emergency,
        injury: request.injury,
        third_party: request.third_party,
        from: request.from.clone(),
        to: request.from,
        parts: Some(parts),
        categories: (1..=CATEGORIES).map(|category| pb::CategoryParts { category, parts: Some(parts) }).collect(),
        account_use: request.account_use,
        lines,
    };
    pb::ClaimRequest { header: Some(header), claim: Some(claim), listed: None }
}

/// A line as the catalogue would split it.
fn split(line: pb::FeeLine) -> pb::SplitLine {
    let amount = i128::from(line.price) * i128::from(line.quantity);
    let total = i64::try_from((amount + HALF_FEN) / (2 * HALF_FEN)).unwrap_or(0);
    let parts = Some(pb::Parts { total, in_scope: total, ..pb::Parts::default() });
    let item_class = pb::ItemClass::A.into();
    pb::SplitLine { line: Some(line), category: 1, item_class, self_pay: 0, limit: None, parts }
}

/// What home answers to a claim: the fund pays half of the bill.
pub(super) fn settled(request: pb::ClaimRequest, mut computation: pb::Computation) -> pb::Answer {
    // A settlement repeats its claim without the lines.
    let claim = request.claim.map(|claim| pb::Claim { lines: Vec::new(), ..claim });
    let parts = claim.as_ref().and_then(|claim| claim.parts).unwrap_or_default();
    let (fund, cash) = (parts.total / 2, parts.total - parts.total / 2);
    computation.amounts = Some(pb::Amounts {
        parts: Some(parts),
        funds: Some(pb::Funds { basic: fund, ..pb::Funds::default() }),
        fund_total: fund,
        personal: cash,
        cash,
        ..pb::Amounts::default()
    });
    let kind = pb::EntryKind::Settled.into();
    let settlement = pb::Settlement {
        id: ID.into(),
        kind,
        claim,
        computation: Some(computation),
        at: AT,
        ..pb::Settlement::default()
    };
    pb::Answer { outcome: Some(Outcome::Settlement(settlement.into())) }
}

/// What the hub answers about an institution: it is opened for everything.
pub(super) async fn open_for_all(_: pb::InstitutionRequest) -> Result<pb::InstitutionReply, Status> {
    let opening = |service: pb::Service| pb::Opening { service: service.into(), ..pb::Opening::default() };
    let services = [pb::Service::Outpatient, pb::Service::Pharmacy, pb::Service::Chronic, pb::Service::Stay];
    let institution = pb::Institution { openings: services.map(opening).into(), ..pb::Institution::default() };
    Ok(pb::InstitutionReply { institution: Some(institution), ..pb::InstitutionReply::default() })
}

/// What home answers to a filing: the hub has it.
pub(super) async fn filed(_: pb::FileRequest) -> Result<pb::FilingReply, Status> {
    Ok(pb::FilingReply { mirrored: true, ..pb::FilingReply::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_have_the_shape_of_the_real_ones() {
        let line = pb::FeeLine { price: 40_500_000, quantity: 20_000, ..pb::FeeLine::default() };
        let request = pb::SettleAtOnceRequest { lines: vec![line; LINES], ..pb::SettleAtOnceRequest::default() };
        let claim = claim(request);
        let document = claim.claim.as_ref().unwrap();
        assert_eq!((document.lines.len(), document.parts.unwrap().total), (LINES, 20 * 8_100));
        let Some(Outcome::Settlement(settlement)) = settled(claim, computation().unwrap()).outcome else { panic!() };
        assert_eq!(settlement.claim.unwrap().lines, []);
        assert!(settlement.computation.unwrap().steps.len() > 2, "it is explained");
    }
}
