//! The month as it stands: what each home province would owe each care province, by scheme and kind of service.

use zhijie_services::pb;

use super::super::{
    stage::Scene,
    story::{Story, answered},
};
use crate::table::{Cell, Table};

pub(crate) async fn play(story: &mut Story) -> anyhow::Result<()> {
    let month = story.today.to_string()[..7].to_owned();
    let mut scene = Scene::new("month", "月度清算试算", "The month, as it would be cleared");
    scene.say(
        format!("{month} 试算：参保省应付就医省（基金与个人账户），按险种与业务类型；已撤销、冲正的不计，审核扣款已减。"),
        format!("{month}, a preview: what home provinces owe care provinces, funds and accounts. What was undone is not in it; what reviews took away is taken off."),
    );
    let reply = preview(story, &month).await?;
    let columns = [
        ("home", "参保省", "home pays"),
        ("care", "就医省", "care gets"),
        ("scheme", "险种", "scheme"),
        ("service", "业务", "service"),
        ("items", "笔数", "items"),
        ("new", "本期", "new"),
        ("deductions", "扣款", "deductions"),
        ("payable", "应付", "payable"),
    ];
    let mut table = Table::new("rows", &columns);
    for pair in &reply.tables {
        for row in &pair.rows {
            let (new, deductions) = (row.new.unwrap_or_default(), row.deductions.unwrap_or_default());
            table.row([
                Cell::text(&pair.home),
                Cell::text(&pair.care),
                Cell::text(short(row.scheme().as_str_name())),
                Cell::text(short(row.service().as_str_name())),
                Cell::Count(new.items),
                Cell::money(new.amount),
                Cell::money(-deductions.amount),
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

/// The tables of a month that are made.
pub(crate) async fn tables(story: &Story, month: &str) -> anyhow::Result<pb::TablesReply> {
    answered(|| {
        let request = pb::TablesRequest { period: month.to_owned(), province: String::new() };
        let mut hub = story.clients.national.clone();
        async move { hub.tables(request).await }
    })
    .await
}

/// The tables of a month as they would be if every bill were agreed now.
pub(crate) async fn preview(story: &Story, month: &str) -> anyhow::Result<pb::TablesReply> {
    answered(|| {
        let (mut hub, request) = (story.clients.national.clone(), pb::PreviewRequest { period: month.to_owned() });
        async move { hub.preview(request).await }
    })
    .await
}
