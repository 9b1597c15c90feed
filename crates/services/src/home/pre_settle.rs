//! Pre-settle at home (预结算; 2206, 2303): the whole computation, nothing booked, repeatable.

use zhijie_domain::refusal::Refusal;

use super::{Home, judge::judge};
use crate::{
    node::{Failure, answer_of},
    wire::{
        self,
        claim::{self, parse_header},
        pb::{self, answer::Outcome},
        required, settlement,
    },
};

pub(super) async fn pre_settle(home: &Home, request: pb::ClaimRequest) -> Result<pb::Answer, Failure> {
    let judged = async {
        let claim = parse(home, &request)?;
        judge(home, &mut home.node.store.begin(), &claim, home.node.now()).await
    };
    answer_of(
        judged
            .await
            .map(|judged| wire::answer(Outcome::Computation(settlement::print_computation(&judged.computation)))),
    )
}

/// Reads a claim for this home region and checks its identities.
pub(super) fn parse(home: &Home, request: &pb::ClaimRequest) -> Result<zhijie_domain::claim::Claim, Refusal> {
    let header = parse_header(request.header.as_ref())?;
    let claim = claim::parse(required(request.claim.as_ref(), "claim")?)?;
    home.serves(&claim.home, "header.home")?;
    if claim.home != header.home || claim.institution != header.institution || claim.care != header.care {
        return Err(Refusal::malformed(
            "claim",
            "须与报文头的参保地、就医地、医药机构一致",
            "of the home, care and institution that its header names",
        ));
    }
    claim.check()?;
    Ok(claim)
}
