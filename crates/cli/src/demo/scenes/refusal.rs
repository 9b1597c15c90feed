//! Refusals with their reasons: each names a code, the rule and the field, and changes nothing.

use zhijie_services::pb;

use super::{
    super::{
        cast::{CHENGDU_HOSPITAL, HYPERTENSION, SHANGHAI_HOSPITAL},
        stage::Scene,
        story::{Story, refused},
    },
    outpatient::at_once,
};

pub(crate) async fn play(story: &mut Story) -> anyhow::Result<()> {
    let mut scene = Scene::new("refusal", "拒付及原因", "Refusals, with their reasons");
    scene.say(
        "系统性红斑狼疮 (M07101) 不在国家目录；周敏未备案在成都看门诊，上海不予直接结算。",
        "Lupus (M07101) is not on the national list; Zhou Min did not file, and Shanghai does not settle unfiled visits.",
    );
    let (wang, zhou) = (story.cast.wang.clone(), story.cast.zhou.clone());
    let unlisted = pb::SettleAtOnceRequest {
        disease: "M07101".into(),
        ..at_once(story, &wang, SHANGHAI_HOSPITAL, pb::Service::Chronic, HYPERTENSION)
    };
    let unfiled = at_once(story, &zhou, CHENGDU_HOSPITAL, pb::Service::Outpatient, HYPERTENSION);
    for request in [unlisted, unfiled] {
        let answer = story.settle_at_once(request).await?;
        scene.refused(refused(&answer)?);
    }
    story.play(scene).await;
    Ok(())
}
