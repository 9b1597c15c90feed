//! Pre-settle at home (预结算; 2206, 2303): the whole computation, nothing booked, repeatable.

use super::{
    Home,
    judge::{Sent, judge},
};
use crate::{
    node::{Failure, Stop, answer_of},
    wire::{
        self,
        claim::{self, Header, parse_header},
        pb::{self, answer::Outcome},
        required, settlement,
    },
};

pub(super) async fn pre_settle(home: &Home, request: pb::ClaimRequest) -> Result<pb::Answer, Failure> {
    let judged = async {
        let (_, sent) = parse(home, &request).await?;
        judge(home, &mut home.node.store.begin(), &sent, home.node.now()).await
    };
    answer_of(
        judged.await.map(|judged| {
            wire::answer(Outcome::Computation(settlement::print_computation(&judged.computation).into()))
        }),
    )
}

/// Reads a claim for this home region and checks its identities.
pub(super) async fn parse(home: &Home, request: &pb::ClaimRequest) -> Result<(Header, Sent), Stop> {
    let header = parse_header(request.header.as_ref())?;
    home.serves(&header.home, "header.home")?;
    let claim = claim::parse_under(&header, required(request.claim.as_ref(), "claim")?)?;
    let listed = home.chronic.listed(&claim, request.listed.as_ref()).await?;
    Ok((header, Sent { claim, listed }))
}
