//! The day's reconciliation: the hub fetches both books of every region and compares the three.

use std::time::Duration;

use zhijie_services::pb;

use super::super::{
    stage::Scene,
    story::{Story, answered},
};
use crate::table::{Cell, Table};

pub(crate) async fn play(story: &mut Story) -> anyhow::Result<()> {
    let mut scene = Scene::new("reconciliation", "日对账：三方账", "Daily reconciliation: three books");
    scene.say(
        "国家平台每日取各省就医地、参保地账，与自己的账逐笔比对。取不到的账是缺账，不等于零。",
        "Every day the hub fetches the books of care and home and compares record by record. A book that cannot be had is missing, never zero.",
    );
    let columns = [
        ("day", "业务日", "day"),
        ("book", "账", "book"),
        ("records", "笔数", "records"),
        ("total", "总费用", "total"),
        ("fund", "基金", "funds"),
        ("account", "个账", "account"),
        ("result", "结果", "result"),
    ];
    let mut table = Table::new("books", &columns);
    for day in story.days.clone() {
        let reply = reconciled(story, &day.to_string()).await?;
        let result = if reply.equal { "平 equal".to_owned() } else { format!("{} 差异 differences", reply.found) };
        for (name, book) in [("就医地 care", reply.care), ("国家平台 hub", reply.hub), ("参保地 home", reply.home)]
        {
            let book = book.unwrap_or_default();
            table.row([
                Cell::text(day),
                Cell::text(name),
                Cell::Count(book.records),
                Cell::money(book.total),
                Cell::money(book.fund),
                Cell::money(book.account),
                Cell::text(&result),
            ]);
        }
    }
    scene.show(table);
    story.play(scene).await;
    Ok(())
}

/// Reconciles a day; while a book is missing or a message is still on its way, a little later again.
pub(crate) async fn reconciled(story: &Story, day: &str) -> anyhow::Result<pb::ReconcileReply> {
    let request = pb::ReconcileRequest { day: day.to_owned() };
    let mut books = story.clients.books.clone();
    let mut last = None;
    for _ in 0..40 {
        if let Ok(reply) = books.reconcile(request.clone()).await {
            let reply = reply.into_inner();
            if reply.equal {
                return Ok(reply);
            }
            last = Some(reply);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    last.ok_or_else(|| anyhow::anyhow!("the hub did not reconcile {day}"))
}

/// Reconciles a day as it stands.
pub(crate) async fn reconciled_once(story: &Story, day: &str) -> anyhow::Result<pb::ReconcileReply> {
    let (books, request) = (story.clients.books.clone(), pb::ReconcileRequest { day: day.to_owned() });
    answered(|| {
        let (mut books, request) = (books.clone(), request.clone());
        async move { books.reconcile(request).await }
    })
    .await
}
