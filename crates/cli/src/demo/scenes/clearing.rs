//! The month is closed: bills agreed, tables made on the 21st with their warnings, signed, noticed, paid, received; and
//! after a red warning the prepayment is increased.

use zhijie_services::{
    domain::calendar::{Month, add_days, parse_date},
    pb::{self, TableStep, agency_reply::Outcome, agency_request::Command, prepayment_act::Act},
};

use super::{
    super::{
        cast::{ANHUI, CHONGQING, SHANGHAI, SICHUAN},
        stage::Scene,
        story::{Story, answered},
    },
    month::{self, tables},
};
use crate::table::{Cell, Table};

/// Prepayments from before the story, fen: home, care, amount.
const LENT: [(&str, &str, i64); 3] =
    [(ANHUI, SHANGHAI, 5_000_000), (SICHUAN, CHONGQING, 75_000), (SHANGHAI, SICHUAN, 100_000)];

pub(crate) async fn play(story: &mut Story) -> anyhow::Result<()> {
    if !story.keeps_time() {
        return Ok(());
    }
    let period = Month::of(story.today);
    let next = |day: u8| parse_date(&format!("{}-{day:02}", period.plus(1)));
    for (home, care, lent) in LENT {
        let over = Act::TakeOver(pb::TakeOver { lent, cleared: Vec::new() });
        prepayment(story, "hub", home, care, over).await?;
    }
    let (Some(agreed), Some(made), Some(signed)) = (next(18), next(21), next(25)) else {
        anyhow::bail!("a month after {period}");
    };
    story.move_to(agreed);
    for care in [SHANGHAI, CHONGQING, SICHUAN] {
        let month = pb::AgreeMonth { month: period.to_string(), excepted: Vec::new() };
        story.act(&format!("care-{care}"), "agency", Command::AgreeMonth(month)).await?;
    }
    story.move_to(made);
    turn(story).await?;
    let tables = tables(story, &period.to_string()).await?.tables;
    let mut scene = Scene::new("clearing", "月度清算：生成清算表", "Clearing: the tables of the 21st");
    scene.say(
        format!("{made}：各就医省已于 20 日前申报，国家平台生成 {period} 清算表，含审核扣款与预付金使用率；同样的事实总生成同样的表。"),
        format!("{made}: the care agencies have agreed their bills, and the hub makes the tables of {period}, with deductions and the use of prepayments. The same facts always make the same table."),
    );
    scene.show(listed(&tables));
    story.play(scene).await;

    story.move_to(signed);
    for table in &tables {
        for who in [home_of_pair(table), care_of_pair(table)] {
            step(story, &who, table, TableStep::Confirm).await?;
        }
    }
    increase(story).await?;
    pay(story, period).await
}

/// After red: care asks within three working days, the national agency grants a part, home pays.
async fn increase(story: &mut Story) -> anyhow::Result<()> {
    let (home, care) = (format!("home-{ANHUI}"), format!("care-{SHANGHAI}"));
    let apply = Act::Apply(pb::ApplyIncrease { asked: 4_000_000 });
    prepayment(story, &care, ANHUI, SHANGHAI, apply).await?;
    let decide =
        Act::Decide(pb::DecideIncrease { approved: 3_000_000, note: "三月住院集中 a heavy March".into() });
    let decided = prepayment(story, "hub", ANHUI, SHANGHAI, decide).await?;
    prepayment(story, &home, ANHUI, SHANGHAI, Act::Paid(pb::PrepaymentPaid {})).await?;
    let held = prepayment(story, &care, ANHUI, SHANGHAI, Act::Received(pb::PrepaymentReceived {})).await?;
    let mut scene = Scene::new("increase", "红色预警：紧急调增预付金", "A red warning, and the emergency increase");
    scene.say(
        format!("上海申请调增 40,000.00，国家经办核准 30,000.00，安徽须于 {} 前拨付。", decided.pay_by),
        format!(
            "Shanghai asks for 40,000.00 more, the national agency grants 30,000.00, and Anhui has until {} to pay.",
            decided.pay_by
        ),
    );
    let columns = [("what", "预付金", "prepayment"), ("amount", "金额", "amount")];
    let mut table = Table::new("prepayment", &columns);
    for (key, name, amount) in [
        ("before", "原额度 before", LENT[0].2),
        ("granted", "调增 granted", decided.under_way),
        ("held", "现额度 held now", held.balance),
    ] {
        table.row([Cell::Coded(name.into(), key.into()), Cell::money(amount)]);
    }
    scene.show(table);
    story.play(scene).await;
    Ok(())
}

/// Notices at the end of the month, then finance, payment and receipt.
async fn pay(story: &mut Story, period: Month) -> anyhow::Result<()> {
    story.move_to(period.plus(1).last_day());
    turn(story).await?;
    let tables = tables(story, &period.to_string()).await?.tables;
    // Finance has five working days, and ten more to pay.
    let days = [(8, TableStep::Submit), (20, TableStep::Pay), (21, TableStep::Receive)];
    for (days, taken) in days {
        story.move_to(add_days(period.plus(1).last_day(), days));
        for table in tables.iter().filter(|table| table.payable > 0) {
            let role = if taken == TableStep::Receive { care_of_pair } else { home_of_pair };
            step(story, &role(table), table, taken).await?;
        }
    }
    let mut scene = Scene::new("paid", "确认、通知、拨付、到账", "Signed, noticed, paid, received");
    scene.say(
        "双方省签章确认后，月末发出付款、收款通知书；参保省财政专户拨付，就医省到账，本月清算完成。",
        "Both provinces have signed, the notices went out at the end of the month, home's fiscal account has paid and care has received: the month is closed.",
    );
    let columns = [
        ("home", "参保省", "home pays"),
        ("care", "就医省", "care gets"),
        ("payable", "应付", "payable"),
        ("confirmed", "确认", "signed"),
        ("noticed", "通知", "noticed"),
        ("paid", "拨付", "paid"),
        ("received", "到账", "received"),
    ];
    let mut shown = Table::new("rows", &columns);
    for table in month::tables(story, &period.to_string()).await?.tables {
        shown.row([
            Cell::text(&table.home),
            Cell::text(&table.care),
            Cell::money(table.payable),
            Cell::text(&table.confirmed_care),
            Cell::text(&table.noticed),
            Cell::text(&table.paid),
            Cell::text(&table.received),
        ]);
    }
    scene.show(shown);
    story.play(scene).await;
    Ok(())
}

fn home_of_pair(table: &pb::ClearingTable) -> String {
    format!("home-{}", table.home)
}

fn care_of_pair(table: &pb::ClearingTable) -> String {
    format!("care-{}", table.care)
}

fn listed(tables: &[pb::ClearingTable]) -> Table {
    let columns = [
        ("home", "参保省", "home pays"),
        ("care", "就医省", "care gets"),
        ("new", "本期", "new"),
        ("deductions", "扣款", "deductions"),
        ("payable", "应付", "payable"),
        ("quota", "预付金", "prepaid"),
        ("use", "使用率", "use"),
        ("warning", "预警", "warning"),
    ];
    let mut shown = Table::new("tables", &columns);
    for table in tables {
        let sum = |pick: fn(&pb::TableRow) -> Option<pb::ItemSum>| {
            table.rows.iter().map(|row| pick(row).unwrap_or_default().amount).sum::<i64>()
        };
        shown.row([
            Cell::text(&table.home),
            Cell::text(&table.care),
            Cell::money(sum(|row| row.new)),
            Cell::money(-sum(|row| row.deductions)),
            Cell::money(table.payable),
            Cell::money(table.quota),
            rate(table.use_rate),
            warning(table.warning()),
        ]);
    }
    shown
}

/// A rate of basis points as percent.
fn rate(rate: Option<u32>) -> Cell {
    rate.map_or_else(|| Cell::text("—"), |rate| Cell::Coded(format!("{}.{:02} %", rate / 100, rate % 100), rate.into()))
}

fn warning(warning: pb::Warning) -> Cell {
    match warning {
        pb::Warning::Unspecified => Cell::Coded("—".into(), "none".into()),
        pb::Warning::Yellow => Cell::Coded("黄 yellow".into(), "yellow".into()),
        pb::Warning::Red => Cell::Coded("红 red".into(), "red".into()),
    }
}

async fn turn(story: &Story) -> anyhow::Result<()> {
    let national = story.clients.national.clone();
    let turned = answered(|| {
        let mut national = national.clone();
        async move { national.turn(pb::TurnRequest {}).await }
    });
    turned.await.map(|_| ())
}

async fn step(story: &mut Story, who: &str, table: &pb::ClearingTable, step: TableStep) -> anyhow::Result<()> {
    let command = Command::TakeStep(pb::TakeStep {
        period: table.period.clone(),
        home: table.home.clone(),
        care: table.care.clone(),
        step: step.into(),
        content_hash: table.content_hash.clone(),
    });
    story.act(who, "agency", command).await.map(|_| ())
}

async fn prepayment(story: &mut Story, who: &str, home: &str, care: &str, act: Act) -> anyhow::Result<pb::Quota> {
    let command = pb::PrepaymentAct { home: home.into(), care: care.into(), act: Some(act) };
    match story.act(who, "agency", Command::Prepayment(command)).await? {
        Outcome::Quota(quota) => Ok(quota),
        _ => anyhow::bail!("expected a prepayment"),
    }
}
