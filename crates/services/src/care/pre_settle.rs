//! Pre-settle at care (2206, 2303): the claim of the lines so far, asked and not kept.

use super::{
    Care,
    claim::{Terms, claim_of},
    visits::CareVisit,
};
use crate::{
    node::{Failure, Stop, answer_of, call, limits},
    wire::pb,
};

pub(super) async fn pre_settle(care: &Care, request: pb::SettleRequest) -> Result<pb::Answer, Failure> {
    let asked = async {
        let header = care.header(request.header.as_ref())?;
        let _place = care.admission.place(&header.home)?;
        let visit = CareVisit::under(&mut care.node.store.begin(), &request.visit, &header).await?;
        visit.must_be(pb::VisitStatus::Open, "an open visit is pre-settled")?;
        let lines = visit.lines(&care.node.store).await?;
        let claimed = claim_of(care, &header, &visit, &lines, &terms(&request)).await?;
        let asking = care.road.ask(pb::RoadCall::PreSettle, &claimed.request);
        let answer = call("hub", limits::CALL_DEADLINE_MS, asking).await?;
        care.levels.learn(header.institution.as_str(), &answer);
        Ok::<_, Stop>(answer)
    };
    answer_of(asked.await)
}

/// What the hospital says of the bill.
pub(super) fn terms(request: &pb::SettleRequest) -> Terms<'_> {
    Terms {
        disease: &request.disease,
        injury: request.injury,
        third_party: request.third_party,
        account_use: request.account_use,
        declared: request.declared.as_ref(),
    }
}
