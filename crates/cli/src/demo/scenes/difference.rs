//! A difference: a record is lost at care, the day's reconciliation names it, and home's copy is given to care again.

use anyhow::Context;
use zhijie_services::{
    domain::{calendar::Moment, ids::SettlementId},
    node::keys,
    pb,
};

use super::{
    super::{
        cast::CHONGQING,
        stage::Scene,
        story::{Story, answered},
    },
    reconciliation::reconciled_once,
};
use crate::table::{Cell, Table};

pub(crate) async fn play(story: &mut Story) -> anyhow::Result<()> {
    let Some(store) = story.store.clone() else { return Ok(()) };
    let mut scene = Scene::new("difference", "账目差异：发现与处理", "A difference, found and cured");
    let lost = |record: &&pb::Settlement| {
        let claim = record.claim.clone().unwrap_or_default();
        claim.care.starts_with(&CHONGQING[..2]) && record.kind() == pb::EntryKind::Settled
    };
    let lost = story.records.iter().find(lost).cloned().context("a settlement of Chongqing")?;
    let (id, day) = (SettlementId::parse(&lost.id)?, Moment(lost.at).day());
    // What no service would do: the record is taken out of care's store.
    let mut txn = store.begin();
    txn.delete(keys::book(day, &id));
    txn.delete(keys::settlement(&id));
    txn.commit().await.map_err(|_| anyhow::anyhow!("the damage was not done"))?;
    scene.say(
        format!("假设重庆就医地丢失一笔记录（{}）。当日对账：先比汇总，不等才逐笔。", lost.id),
        "Suppose that Chongqing loses a record. The day's reconciliation compares totals first, and records only where totals differ.",
    );
    let found = reconciled_once(story, &day.to_string()).await?;
    let columns = [
        ("settlement", "结算号", "settlement"),
        ("kind", "差异", "difference"),
        ("home", "参保省", "home"),
        ("care", "就医省", "care"),
        ("cures", "可用处理", "cures that fit"),
    ];
    let mut table = Table::new("differences", &columns);
    for difference in &found.differences {
        let cures = difference.cures().map(|cure| word(cure.as_str_name(), "CURE_")).collect::<Vec<_>>().join(", ");
        table.row([
            Cell::text(&difference.settlement),
            Cell::text(word(difference.kind().as_str_name(), "DIFFERENCE_KIND_")),
            Cell::text(&difference.home),
            Cell::text(&difference.care),
            Cell::text(cures),
        ]);
    }
    scene.show(table);
    let request = pb::CureRequest {
        day: day.to_string(),
        settlement: lost.id.clone(),
        cure: pb::Cure::Replay.into(),
        note: None,
    };
    let books = story.clients.books.clone();
    let cured = answered(|| {
        let (mut books, request) = (books.clone(), request.clone());
        async move { books.cure(request).await }
    });
    let refused = cured.await?.refused;
    anyhow::ensure!(refused.is_none(), "curing: {refused:?}");
    let after = reconciled_once(story, &day.to_string()).await?;
    scene.check(
        after.equal,
        "补传：参保地所存的同一笔记录补给就医地，三方账平；重复执行无害",
        "replay: the record that home holds is given to care; the books agree, and repeating it is harmless",
    );
    story.play(scene).await;
    Ok(())
}

fn word(name: &str, prefix: &str) -> String {
    name.trim_start_matches(prefix).to_lowercase().replace('_', "-")
}
