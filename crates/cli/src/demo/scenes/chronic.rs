//! A chronic visit: the disease is on the national list, the clinic is opened for it, the person is recognised at home.

use zhijie_services::pb;

use super::{
    super::{
        cast::{HYPERTENSION, LUNGS, SHANGHAI_CLINIC, SHANGHAI_HOSPITAL},
        stage::Scene,
        story::{Story, refused, settled},
    },
    bills, computed,
    outpatient::at_once,
};
use crate::quote::steps;

/// The last day of the list of five.
const BEFORE_2024: &str = "2024-11-30";

pub(crate) async fn play(story: &mut Story) -> anyhow::Result<()> {
    let wang = story.cast.wang.clone();
    let mut scene = Scene::new("chronic", "门诊慢特病", "A chronic visit");
    scene.say(
        "合肥退休职工王建国在上海社区医院开高血压药 (M03900)：病种在国家目录内，机构已开通，参保地已认定资格。",
        "Wang Jianguo, retired employee of Hefei, gets his hypertension medicine (M03900) at a community clinic of Shanghai.",
    );
    let early = pb::SettleAtOnceRequest {
        disease: "M05300".into(),
        from: BEFORE_2024.into(),
        ..at_once(story, &wang, SHANGHAI_HOSPITAL, pb::Service::Chronic, LUNGS)
    };
    let late = pb::SettleAtOnceRequest {
        disease: "M05300".into(),
        ..at_once(story, &wang, SHANGHAI_HOSPITAL, pb::Service::Chronic, LUNGS)
    };
    let request = pb::SettleAtOnceRequest {
        disease: "M03900".into(),
        ..at_once(story, &wang, SHANGHAI_CLINIC, pb::Service::Chronic, HYPERTENSION)
    };
    let answer = story.settle_at_once(request).await?;
    let settlement = settled(&answer)?;
    scene.show(steps(&computed(settlement.computation.as_ref())?));
    scene.show(bills(&[("高血压 hypertension", settlement)]));
    scene.say(
        format!("慢阻肺 (M05300) 属新增五病种：{BEFORE_2024} 的就诊按当日目录拒付并指明版本；目录扩到十种后，今日同样的就诊直接结算。"),
        format!("COPD (M05300) is one of the five added: a visit of {BEFORE_2024} is refused by the list of that day; today's is settled."),
    );
    let answer = story.settle_at_once(early).await?;
    scene.refused(refused(&answer)?);
    let answer = story.settle_at_once(late).await?;
    let mut copd = bills(&[("慢阻肺 COPD", settled(&answer)?)]);
    copd.key = "added";
    scene.show(copd);
    story.play(scene).await;
    Ok(())
}
