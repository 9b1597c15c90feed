//! The opening: which services run, and who is insured where.

use zhijie_services::pb;

use super::super::{
    stage::Scene,
    story::{Story, answered},
};
use crate::table::{Cell, Table};

pub(crate) async fn play(story: &mut Story) -> anyhow::Result<()> {
    let mut scene = Scene::new("opening", "参与各方", "Who takes part");
    scene.say(
        format!("国家平台一个，四省各有就医地、参保地服务。业务日 {}。金额单位为元。", story.today),
        format!(
            "One national hub; four provinces, each with a care and a home service. Business day {}. Amounts are yuan.",
            story.today
        ),
    );
    let columns = [
        ("person", "参保人", "person"),
        ("area", "统筹区", "area"),
        ("scheme", "险种", "scheme"),
        ("account", "个账", "account"),
        ("family", "共济", "family"),
    ];
    let mut table = Table::new("people", &columns);
    for player in story.cast.everybody().map(Clone::clone) {
        let request = pb::EnrolRequest { person: Some(player.person.clone()), purse: Some(player.purse) };
        let home = story.home(&player)?;
        let reply = answered(|| {
            let (mut home, request) = (home.clone(), request.clone());
            async move { home.enrol(request).await }
        });
        let reply = reply.await?;
        anyhow::ensure!(reply.refused.is_none(), "enrolling: {:?}", reply.refused);
        let (shown, code) = match player.person.scheme() {
            pb::Scheme::Employee => ("职工 employee", "employee"),
            _ => ("居民 resident", "resident"),
        };
        table.row([
            Cell::text(format!("{} {}", player.zh, player.en)),
            Cell::text(&player.person.area),
            Cell::Coded(shown.into(), code.into()),
            Cell::money(player.purse.account),
            Cell::money(player.purse.family),
        ]);
    }
    scene.show(table);
    story.play(scene).await;
    Ok(())
}
