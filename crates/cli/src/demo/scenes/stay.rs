//! A stay: admitted, billed, explained before the patient pays, discharged, settled.

use zhijie_services::pb::{self, answer::Outcome};

use super::{
    super::{
        cast::{Player, SHANGHAI_HOSPITAL, SURGERY, lines},
        stage::Scene,
        story::{Story, answered, patiently, settled, told},
    },
    bills, computed,
};
use crate::quote::{amounts, steps};

/// An open stay.
pub(crate) struct Stay {
    player: Player,
    institution: &'static str,
    visit: String,
}

pub(crate) async fn admit(story: &mut Story) -> anyhow::Result<Stay> {
    let li = story.cast.li.clone();
    let mut scene = Scene::new("stay", "住院登记与费用上传", "A stay: admission and fee lines");
    scene.say(
        "李桂芳在上海三级医院入院。就医地按本地目录逐项分割费用：超限价、乙类先行自付、丙类全自费。",
        "Li Guifang is admitted to a tertiary hospital of Shanghai. The care region splits each line by its own catalogue.",
    );
    let stay = open(story, &li, SHANGHAI_HOSPITAL, false).await?;
    let reply = upload(story, &stay, SURGERY).await?;
    scene.show(super::lines(&reply));
    story.play(scene).await;
    Ok(stay)
}

/// Registers a stay from today on.
pub(crate) async fn open(
    story: &mut Story,
    player: &Player,
    institution: &'static str,
    emergency: bool,
) -> anyhow::Result<Stay> {
    let request = pb::RegisterVisitRequest {
        header: Some(story.header(institution, player)),
        person: player.id(),
        scheme: player.person.scheme,
        service: pb::Service::Stay.into(),
        emergency,
        from: story.today.to_string(),
    };
    let care = story.care(institution)?;
    let answer = patiently(|| {
        let (mut care, request) = (care.clone(), request.clone());
        async move { care.register_visit(request).await }
    });
    match answer.await?.outcome {
        Some(Outcome::Visit(visit)) => Ok(Stay { player: player.clone(), institution, visit: visit.id }),
        other => anyhow::bail!("expected a visit, got {}", told(other.as_ref())),
    }
}

/// Uploads the lines of a stay. Serials make it safe to send them again.
pub(crate) async fn upload(
    story: &Story,
    stay: &Stay,
    rows: &[(&str, i64, i64)],
) -> anyhow::Result<pb::UploadLinesReply> {
    let request = pb::UploadLinesRequest { visit: stay.visit.clone(), lines: lines(rows) };
    let care = story.care(stay.institution)?;
    let reply = answered(|| {
        let (mut care, request) = (care.clone(), request.clone());
        async move { care.upload_lines(request).await }
    });
    let reply = reply.await?;
    anyhow::ensure!(reply.refused.is_none(), "uploading: {:?}", reply.refused);
    Ok(reply)
}

/// Discharges today.
pub(crate) async fn discharge(story: &Story, stay: &Stay) -> anyhow::Result<()> {
    let request = pb::DischargeRequest { visit: stay.visit.clone(), to: story.today.to_string() };
    let care = story.care(stay.institution)?;
    let reply = answered(|| {
        let (mut care, request) = (care.clone(), request.clone());
        async move { care.discharge(request).await }
    });
    let refused = reply.await?.refused;
    anyhow::ensure!(refused.is_none(), "discharging: {refused:?}");
    Ok(())
}

fn request(story: &mut Story, stay: &Stay) -> pb::SettleRequest {
    pb::SettleRequest {
        header: Some(story.header(stay.institution, &stay.player)),
        visit: stay.visit.clone(),
        account_use: pb::AccountUse::Own.into(),
        ..pb::SettleRequest::default()
    }
}

/// Asks what the home region would pay.
pub(crate) async fn ask(story: &mut Story, stay: &Stay) -> anyhow::Result<pb::Answer> {
    let (request, care) = (request(story, stay), story.care(stay.institution)?);
    patiently(|| {
        let (mut care, request) = (care.clone(), request.clone());
        async move { care.pre_settle(request).await }
    })
    .await
}

pub(crate) async fn pre_settle(story: &mut Story, stay: &Stay) -> anyhow::Result<()> {
    story.pass_days(12);
    discharge(story, stay).await?;
    let mut scene = Scene::new("pre_settle", "预结算，逐步解释", "Pre-settle, explained step by step");
    scene.say(
        format!("{} 出院。参保地阜阳按本地政策计算待遇：不记账，可重复。", story.today),
        format!("Discharged on {}. Home (Fuyang) computes the benefit by its policy: nothing is booked, it may be repeated.", story.today),
    );
    let answer = ask(story, stay).await?;
    let Some(Outcome::Computation(document)) = &answer.outcome else {
        anyhow::bail!("expected a computation, got {}", told(answer.outcome.as_ref()));
    };
    let computation = computed(Some(document))?;
    scene.show(steps(&computation));
    scene.show(amounts(&computation));
    story.play(scene).await;
    Ok(())
}

/// Settles a discharged stay.
pub(crate) async fn pay(story: &mut Story, stay: &Stay) -> anyhow::Result<pb::Answer> {
    let (request, care) = (request(story, stay), story.care(stay.institution)?);
    let answer = patiently(|| {
        let (mut care, request) = (care.clone(), request.clone());
        async move { care.settle(request).await }
    });
    let answer = answer.await?;
    story.remember(&answer);
    Ok(answer)
}

pub(crate) async fn settle(story: &mut Story, stay: &Stay) -> anyhow::Result<pb::Settlement> {
    let mut scene = Scene::new("settle", "出院结算", "Settle at discharge");
    let answer = pay(story, stay).await?;
    let settlement = settled(&answer)?;
    scene.say(
        format!("结算号 {}。李桂芳在窗口只付自己的部分，基金部分次月由安徽与上海清算。", settlement.id),
        "Li Guifang pays only her own part at the counter; next month Anhui clears the funds' part with Shanghai.",
    );
    scene.show(bills(&[("住院 stay", settlement)]));
    let settlement = settlement.clone();
    story.play(scene).await;
    Ok(settlement)
}
