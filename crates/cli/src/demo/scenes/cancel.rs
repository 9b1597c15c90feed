//! Cancelling: a known settlement is undone by a full negative record, last in, first out.

use zhijie_services::pb;

use super::{
    super::{
        cast::{CHECK_UP, CHONGQING_HOSPITAL},
        stage::Scene,
        story::{Story, patiently, refused, settled},
    },
    bills,
    outpatient::at_once,
};

pub(crate) async fn play(story: &mut Story, first: &str) -> anyhow::Result<()> {
    let zhang = story.cast.zhang.clone();
    let mut scene = Scene::new("cancel", "撤销：后结先撤", "Cancelling, last in, first out");
    scene.say(
        "张伟又结算一次门诊。先撤较早的一笔会被拒绝，并指明须先撤哪一笔；撤最后一笔则生成全额负记录。",
        "Zhang Wei settles another visit. Cancelling the earlier one is refused and names what must go first; the last one is undone by a full negative record.",
    );
    let request = at_once(story, &zhang, CHONGQING_HOSPITAL, pb::Service::Outpatient, CHECK_UP);
    let answer = story.settle_at_once(request).await?;
    let second = settled(&answer)?.clone();
    let earlier = story.records.iter().find(|record| record.id == first).cloned().unwrap_or_default();

    let answer = cancel(story, &earlier).await?;
    scene.refused(refused(&answer)?);
    let answer = cancel(story, &second).await?;
    scene.show(bills(&[("结算 settlement", &second), ("撤销 cancellation", settled(&answer)?)]));
    story.play(scene).await;
    Ok(())
}

async fn cancel(story: &mut Story, settlement: &pb::Settlement) -> anyhow::Result<pb::Answer> {
    let zhang = story.cast.zhang.clone();
    let request = pb::CancelRequest {
        header: Some(story.header(CHONGQING_HOSPITAL, &zhang)),
        settlement: settlement.id.clone(),
        visit: settlement.claim.clone().unwrap_or_default().visit,
        person: zhang.id(),
    };
    let care = story.care(CHONGQING_HOSPITAL)?;
    let answer = patiently(|| {
        let (mut care, request) = (care.clone(), request.clone());
        async move { care.cancel(request).await }
    });
    let answer = answer.await?;
    story.remember(&answer);
    Ok(answer)
}
