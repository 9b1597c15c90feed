//! Pre-settle through the hub: enforced like a settle, so that a refusal is known before the patient pays; books nothing.

use super::{
    Hub,
    enforce::{Enforced, check, enforce},
    relay::{ask_home, without_lines},
};
use crate::{
    node::{Caller, Failure, answer_of},
    wire::pb,
};

pub(super) async fn pre_settle(
    hub: &Hub,
    caller: &Caller,
    mut request: pb::ClaimRequest,
) -> Result<pb::Answer, Failure> {
    let relayed = async {
        let checked = check(caller, &request)?;
        let Enforced { home, listed } = enforce(hub, &checked).await?;
        request.listed = listed;
        without_lines(&mut request);
        Ok(ask_home(home.ask(pb::RoadCall::PreSettle, &request)).await?)
    };
    answer_of(relayed.await)
}
