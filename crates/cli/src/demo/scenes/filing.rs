//! Filing: a referral and a long-term residence, made at home and mirrored at the hub.

use std::time::Duration;

use zhijie_services::pb;

use super::super::{cast::Player, stage::Scene, story::Story};
use crate::table::{Cell, Table};

pub(crate) async fn play(story: &mut Story) -> anyhow::Result<()> {
    let mut scene = Scene::new("filing", "异地就医备案", "Filing");
    scene.say(
        "李桂芳经阜阳转诊上海；王建国随子女长住上海。备案在参保地生效，同步至国家平台。",
        "Li Guifang is referred from Fuyang to Shanghai; Wang Jianguo lives there with his children. A filing takes effect at home and is mirrored at the hub.",
    );
    let columns = [
        ("person", "参保人", "person"),
        ("kind", "备案类别", "kind"),
        ("place", "就医地", "place"),
        ("from", "起", "from"),
        ("to", "止", "to"),
        ("mirrored", "已同步", "mirrored"),
    ];
    let mut table = Table::new("filings", &columns);
    let (li, wang) = (story.cast.li.clone(), story.cast.wang.clone());
    for (player, kind, name) in [
        (li, pb::FilingKind::Referred, "异地转诊 referred"),
        (wang, pb::FilingKind::LongTermResident, "长期居住 long-term"),
    ] {
        let reply = file(story, &player, kind).await?;
        let filing = reply.filing.unwrap_or_default();
        let to = if filing.to.is_empty() { "长期 open".into() } else { filing.to };
        table.row([
            Cell::text(format!("{} {}", player.zh, player.en)),
            Cell::text(name),
            Cell::text(filing.place),
            Cell::text(filing.from),
            Cell::text(to),
            Cell::Coded((if reply.mirrored { "✓" } else { "…" }).into(), reply.mirrored.into()),
        ]);
    }
    scene.show(table);
    story.play(scene).await;
    Ok(())
}

/// Files, and sends the same message again until the hub has the mirror.
async fn file(story: &mut Story, player: &Player, kind: pb::FilingKind) -> anyhow::Result<pb::FilingReply> {
    let request = pb::FileRequest {
        person: player.id(),
        kind: kind.into(),
        place: "310000".into(),
        from: story.today.to_string(),
        needs_review: false,
        message_id: story.message_id("filing-app-"),
    };
    for _ in 0..40 {
        if let Ok(reply) = story.home(player)?.file(request.clone()).await {
            let reply = reply.into_inner();
            anyhow::ensure!(reply.refused.is_none(), "filing: {:?}", reply.refused);
            if reply.mirrored {
                return Ok(reply);
            }
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    anyhow::bail!("the hub did not take the mirror of a filing")
}
