//! An emergency: nothing was filed, the hospital's flag makes the person deemed filed.

use super::{
    super::{
        cast::{APPENDIX, CHENGDU_HOSPITAL},
        stage::Scene,
        story::{Story, settled},
    },
    bills, computed, stay,
};
use crate::quote::steps;

pub(crate) async fn play(story: &mut Story) -> anyhow::Result<()> {
    let zhou = story.cast.zhou.clone();
    let mut scene = Scene::new("emergency", "急诊视同备案", "An emergency, deemed filed");
    scene.say(
        "当晚周敏急性阑尾炎入院。医院上传急诊标志，上海须视同已备案。",
        "That night Zhou Min is admitted with appendicitis. The hospital sends the emergency flag, and Shanghai must treat her as filed.",
    );
    let stay = stay::open(story, &zhou, CHENGDU_HOSPITAL, true).await?;
    stay::upload(story, &stay, APPENDIX).await?;
    story.pass_days(3);
    stay::discharge(story, &stay).await?;
    let answer = stay::pay(story, &stay).await?;
    let settlement = settled(&answer)?;
    scene.show(steps(&computed(settlement.computation.as_ref())?));
    scene.show(bills(&[("急诊住院 emergency stay", settlement)]));
    story.play(scene).await;
    Ok(())
}
