//! Pre-settle at home (预结算; 2206, 2303): the whole computation, nothing booked, repeatable.

use zhijie_domain::{claim::Claim, refusal::Refusal};

use super::{Home, judge::judge};
use crate::{
    node::{Failure, answer_of},
    wire::{
        self,
        claim::{self, Header, parse_header},
        pb::{self, answer::Outcome},
        required, settlement,
    },
};

pub(super) async fn pre_settle(home: &Home, request: pb::ClaimRequest) -> Result<pb::Answer, Failure> {
    let judged = async {
        let (_, claim) = parse(home, &request)?;
        judge(home, &mut home.node.store.begin(), &claim, home.node.now()).await
    };
    answer_of(
        judged
            .await
            .map(|judged| wire::answer(Outcome::Computation(settlement::print_computation(&judged.computation)))),
    )
}

/// Reads a claim for this home region and checks its identities.
pub(super) fn parse(home: &Home, request: &pb::ClaimRequest) -> Result<(Header, Claim), Refusal> {
    let header = parse_header(request.header.as_ref())?;
    home.serves(&header.home, "header.home")?;
    let claim = claim::parse_under(&header, required(request.claim.as_ref(), "claim")?)?;
    Ok((header, claim))
}
