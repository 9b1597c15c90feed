//! A lost answer: the line to the hospital goes silent after the settlement was booked. The outcome is unknown, not
//! failed; the hospital reverses its message, and whatever was booked is undone everywhere.

use std::time::Duration;

use anyhow::Context;
use zhijie_services::{
    cluster::{LinkState, care_of},
    domain::ids::RegionCode,
    pb::{self, answer::Outcome},
};

use super::{
    super::{
        cast::{CHONGQING, CHONGQING_PHARMACY, MEDICINE},
        stage::Scene,
        story::{Story, answered, patiently, told},
    },
    bills,
    outpatient::at_once,
};

pub(crate) async fn play(story: &mut Story) -> anyhow::Result<()> {
    let zhang = story.cast.zhang.clone();
    let mut scene = Scene::new("lost_answer", "应答丢失与冲正", "A lost answer and its reversal");
    let request = at_once(story, &zhang, CHONGQING_PHARMACY, pb::Service::Pharmacy, MEDICINE);
    let header = request.header.clone().context("the head")?;
    let care_name = care_of(&RegionCode::parse(CHONGQING)?);

    let care = story.care(CHONGQING_PHARMACY)?;
    // The line stands before it goes silent: two ends that cannot hear each other would not come to prove who they are.
    let known = find(&header);
    answered(|| {
        let (mut care, known) = (care.clone(), known.clone());
        async move { care.find(known).await }
    })
    .await?;
    story.net.set("outside", &care_name, LinkState::Muted);
    let waiting = tokio::spawn(async move {
        // Where the line breaks altogether the pharmacy sends the same message again: it is booked once.
        patiently(|| {
            let (mut care, request) = (care.clone(), request.clone());
            async move { care.settle_at_once(request).await }
        })
        .await
    });
    let booked = booked_at_hub(story, &header).await;
    waiting.abort();
    story.net.set("outside", &care_name, LinkState::Whole);
    let booked = booked?;
    scene.say(
        format!("张伟在重庆药店购药，应答中断。药店不知结果：未知不等于失败。（国家平台其实已记账 {booked}）"),
        "Zhang Wei buys medicine; the answer never comes. The pharmacy does not know: unknown is not failed. (The hub has it booked.)",
    );

    let reverse = pb::ReverseRequest {
        header: Some(pb::Header { message_id: story.message_id(CHONGQING_PHARMACY), ..header.clone() }),
        act: pb::Act::Settle.into(),
        original_message_id: header.message_id,
        person: zhang.id(),
    };
    let care = story.care(CHONGQING_PHARMACY)?;
    let answer = patiently(|| {
        let (mut care, reverse) = (care.clone(), reverse.clone());
        async move { care.reverse(reverse).await }
    });
    let answer = answer.await?;
    story.remember(&answer);
    let reversal = match &answer.outcome {
        Some(Outcome::Reversal(reversal)) => Some(&**reversal),
        _ => None,
    };
    let Some(pb::Reversal { undone: Some(undone), record: Some(record), .. }) = reversal else {
        anyhow::bail!("expected a reversal of a settlement, got {}", told(answer.outcome.as_ref()));
    };
    scene.say(
        "药店冲正原报文：三方各记一正一负两笔，个人账户、年度累计复原；重复冲正无害，迟到的原报文将被拒绝。",
        "It reverses its message: all three books keep both records, account and accumulators are as before. Repeating is harmless; a late original is refused.",
    );
    scene.show(bills(&[("结算 settlement", undone), ("冲正 reversal", record)]));
    story.play(scene).await;
    Ok(())
}

fn find(header: &pb::Header) -> pb::FindRequest {
    let key = pb::MessageKey {
        institution: header.institution.clone(),
        act: pb::Act::Settle.into(),
        message_id: header.message_id.clone(),
    };
    pb::FindRequest { by: Some(pb::find_request::By::Message(key)) }
}

/// Waits until the hub has booked a message, as nobody else could tell.
async fn booked_at_hub(story: &Story, header: &pb::Header) -> anyhow::Result<String> {
    let request = find(header);
    let mut hub = story.clients.hub.clone();
    for _ in 0..800 {
        if let Ok(found) = hub.find(request.clone()).await
            && let Some(Outcome::Settlement(settlement)) = found.into_inner().outcome
        {
            return Ok(settlement.id);
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    anyhow::bail!("the hub did not book the message")
}
