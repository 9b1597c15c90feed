//! The month's table: what each home province owes each care province, gross, by scheme and kind of service.

use zhijie_services::pb;

use super::super::{
    stage::Scene,
    story::{Story, answered},
};
use crate::table::{Cell, Table};

pub(crate) async fn play(story: &mut Story) -> anyhow::Result<()> {
    let month = story.today.to_string()[..7].to_owned();
    let mut scene = Scene::new("month", "月度清算表", "The month's clearing table");
    scene.say(
        format!("{month}：参保省应付就医省（基金与个人账户），按险种与业务类型，全额，撤销与冲正以负数计入。"),
        format!("{month}: what home provinces owe care provinces, funds and accounts, gross, negative records inside."),
    );
    let reply = preview(story, &month).await?;
    let columns = [
        ("home", "参保省", "home pays"),
        ("care", "就医省", "care gets"),
        ("scheme", "险种", "scheme"),
        ("service", "业务", "service"),
        ("items", "笔数", "items"),
        ("new", "本期", "new"),
        ("carried", "结转", "carried"),
        ("payable", "应付", "payable"),
    ];
    let mut table = Table::new("rows", &columns);
    for pair in &reply.tables {
        for row in &pair.rows {
            let (new, carried) = (row.new.unwrap_or_default(), row.carried.unwrap_or_default());
            table.row([
                Cell::text(&pair.home),
                Cell::text(&pair.care),
                Cell::text(short(row.scheme().as_str_name())),
                Cell::text(short(row.service().as_str_name())),
                Cell::Count(new.items),
                Cell::money(new.amount),
                Cell::money(-carried.amount),
                Cell::money(row.payable),
            ]);
        }
    }
    scene.show(table);
    let columns = [("region", "省", "province"), ("payable", "应付", "pays"), ("receivable", "应收", "gets")];
    let mut positions = Table::new("positions", &columns);
    for position in &reply.positions {
        positions.row([Cell::text(&position.region), Cell::money(position.payable), Cell::money(position.receivable)]);
    }
    scene.show(positions);
    story.play(scene).await;
    Ok(())
}

fn short(name: &str) -> String {
    name.split('_').next_back().unwrap_or_default().to_lowercase()
}

/// The tables of a month as they would be if every bill were agreed now.
pub(crate) async fn preview(story: &Story, month: &str) -> anyhow::Result<pb::TablesReply> {
    answered(|| {
        let (mut hub, request) = (story.clients.national.clone(), pb::PreviewRequest { period: month.to_owned() });
        async move { hub.preview(request).await }
    })
    .await
}
