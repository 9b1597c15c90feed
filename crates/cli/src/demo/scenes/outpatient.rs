//! An outpatient visit in one call, with the personal account and the family's share.

use zhijie_services::pb;

use super::{
    super::{
        cast::{CHECK_UP, CHONGQING_HOSPITAL, Player, lines},
        stage::Scene,
        story::{Story, settled},
    },
    bills, computed,
};
use crate::quote::steps;

/// One call for a visit of today.
pub(crate) fn at_once(
    story: &mut Story,
    player: &Player,
    institution: &str,
    service: pb::Service,
    rows: &[(&str, i64, i64)],
) -> pb::SettleAtOnceRequest {
    pb::SettleAtOnceRequest {
        header: Some(story.header(institution, player)),
        person: player.id(),
        scheme: player.person.scheme,
        service: service.into(),
        from: story.today.to_string(),
        lines: lines(rows),
        account_use: pb::AccountUse::OwnAndFamily.into(),
        ..pb::SettleAtOnceRequest::default()
    }
}

pub(crate) async fn play(story: &mut Story) -> anyhow::Result<String> {
    let zhang = story.cast.zhang.clone();
    let mut scene = Scene::new("outpatient", "普通门诊", "An outpatient visit");
    scene.say(
        "成都职工张伟在重庆就诊。川渝门诊免备案。起付线 200，三级医院 50 %；先个人账户，后家庭共济，再现金。",
        "Zhang Wei, employee of Chengdu, sees a doctor in Chongqing; between the two no outpatient filing is asked. Account first, then the family's share, then cash.",
    );
    let request = at_once(story, &zhang, CHONGQING_HOSPITAL, pb::Service::Outpatient, CHECK_UP);
    let answer = story.settle_at_once(request).await?;
    let settlement = settled(&answer)?;
    scene.show(steps(&computed(settlement.computation.as_ref())?));
    scene.show(bills(&[("门诊 outpatient", settlement)]));
    let id = settlement.id.clone();
    story.play(scene).await;
    Ok(id)
}
