//! A chronic visit: the disease is on the national list, the clinic is opened for it, the person is recognised at home.

use zhijie_services::pb;

use super::{
    super::{
        cast::{HYPERTENSION, SHANGHAI_CLINIC},
        stage::Scene,
        story::{Story, settled},
    },
    bills, computed,
    outpatient::at_once,
};
use crate::quote::steps;

pub(crate) async fn play(story: &mut Story) -> anyhow::Result<()> {
    let wang = story.cast.wang.clone();
    let mut scene = Scene::new("chronic", "门诊慢特病", "A chronic visit");
    scene.say(
        "合肥退休职工王建国在上海社区医院开高血压药 (M03900)：病种在国家目录内，机构已开通，参保地已认定资格。",
        "Wang Jianguo, retired employee of Hefei, gets his hypertension medicine (M03900) at a community clinic of Shanghai.",
    );
    let request = pb::SettleAtOnceRequest {
        disease: "M03900".into(),
        ..at_once(story, &wang, SHANGHAI_CLINIC, pb::Service::Chronic, HYPERTENSION)
    };
    let answer = story.settle_at_once(request).await?;
    let settlement = settled(&answer)?;
    scene.show(steps(&computed(settlement.computation.as_ref())?));
    scene.show(bills(&[("慢特病 chronic", settlement)]));
    story.play(scene).await;
    Ok(())
}
