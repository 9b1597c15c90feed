//! The end: the story checks its own books, by sums of its own and not by the services' word.

use std::collections::BTreeSet;

use zhijie_services::{
    domain::{
        calendar::{Date, Month},
        ids::RegionCode,
    },
    pb::{self, answer::Outcome, find_request::By},
    wire::settlement,
};

use super::{
    cast::Player,
    scenes::{
        month::{preview, tables},
        reconciliation::reconciled,
    },
    stage::Scene,
    story::{Story, answered},
};

pub(super) async fn play(story: &mut Story) -> anyhow::Result<bool> {
    let mut scene = Scene::new("check", "自查", "The story checks its own books");
    let mut good = true;
    let mut check = |scene: &mut Scene, right: bool, zh: String, en: String| {
        good &= right;
        scene.check(right, zh, en);
    };
    let mut days_equal = true;
    for day in &story.days {
        days_equal &= reconciled(story, &day.to_string()).await?.equal;
    }
    let days = story.days.len();
    check(
        &mut scene,
        days_equal,
        format!("{days} 个业务日三方账平"),
        format!("three books agree on each of {days} days"),
    );

    let broken = story.records.iter().filter(|record| settlement::parse(record).is_err()).count();
    let count = story.records.len();
    let identities = format!("{count} 笔记录的费用、基金、个人、账户恒等式全部成立");
    check(&mut scene, broken == 0, identities, format!("all identities hold in each of {count} records"));

    let everywhere = in_three_books(story).await?;
    let found = format!("{count} 笔记录在就医地、国家平台、参保地各有一份，内容一致");
    check(
        &mut scene,
        everywhere,
        found,
        format!("each of {count} records stands in all three books, the same to the fen"),
    );

    let table = balanced(story).await?;
    let zeroed = "应付合计 = 应收合计；入表与待清分合计 = 账内基金与个账合计".to_owned();
    check(
        &mut scene,
        table,
        zeroed,
        "payables = receivables; in tables or waiting = funds and accounts in the day books".into(),
    );

    let purse = purse_right(story).await?;
    let right = "张伟的账户只减少了仍有效结算所付的部分".to_owned();
    check(&mut scene, purse, right, "Zhang Wei's account lost exactly what settlements still in force took".into());

    if good {
        scene.say("全部相符。", "Everything agrees.");
    } else {
        scene.say("账目不符！", "The books do not agree!");
    }
    story.play(scene).await;
    Ok(good)
}

/// Every record that a hospital was told of is found, the same, in the books of care, hub and home.
async fn in_three_books(story: &Story) -> anyhow::Result<bool> {
    let mut same = true;
    for record in &story.records {
        let claim = record.claim.clone().unwrap_or_default();
        let province = |code: &str| RegionCode::parse(&format!("{}0000", &code[..2]));
        let request = find(&record.id);
        let care = story.care(&claim.institution)?;
        let home = story.clients.home.get(&province(&claim.home)?).cloned();
        let Some(home) = home else { return Ok(false) };
        let answers = [
            answered(|| {
                let (mut hub, request) = (story.clients.hub.clone(), request.clone());
                async move { hub.find(request).await }
            })
            .await?,
            answered(|| {
                let (mut care, request) = (care.clone(), request.clone());
                async move { care.find(request).await }
            })
            .await?,
            answered(|| {
                let (mut home, request) = (home.clone(), request.clone());
                async move { home.find(request).await }
            })
            .await?,
        ];
        same &= answers.iter().all(|answer| holds(answer, record));
    }
    Ok(same)
}

fn find(settlement: &str) -> pb::FindRequest {
    pb::FindRequest { by: Some(By::Settlement(settlement.to_owned())) }
}

fn holds(answer: &pb::Answer, record: &pb::Settlement) -> bool {
    match &answer.outcome {
        Some(Outcome::Settlement(found)) => **found == *record,
        Some(Outcome::Reversal(reversal)) => reversal.undone.as_ref() == Some(record),
        _ => false,
    }
}

/// Payables are receivables, and what is in the tables or waits for them is what the home regions' day books hold.
async fn balanced(story: &Story) -> anyhow::Result<bool> {
    let months: BTreeSet<Month> = story.days.iter().map(|day| Month::of(*day)).collect();
    let (mut payable, mut receivable, mut new, mut booked) = (0, 0, 0, 0);
    for month in months {
        let month_text = month.to_string();
        for reply in [tables(story, &month_text).await?, preview(story, &month_text).await?] {
            payable += reply.positions.iter().map(|position| position.payable).sum::<i64>();
            receivable += reply.positions.iter().map(|position| position.receivable).sum::<i64>();
            let rows = reply.tables.iter().flat_map(|table| &table.rows);
            new += rows.map(|row| row.new.unwrap_or_default().amount).sum::<i64>();
        }
        for day in month.days() {
            booked += day_sum(story, day).await?;
        }
    }
    Ok(payable == receivable && new == booked)
}

async fn day_sum(story: &Story, day: Date) -> anyhow::Result<i64> {
    let mut sum = 0;
    for home in story.clients.home.values() {
        let summed = answered(async || {
            let (mut home, mut sum) = (home.clone(), 0);
            let request = pb::DayBookRequest { day: day.to_string(), ..pb::DayBookRequest::default() };
            let mut book = home.day_book(request).await?.into_inner();
            while let Some(entry) = book.message().await? {
                sum += entry.fund + entry.account;
            }
            Ok(tonic::Response::new(sum))
        });
        sum += summed.await?;
    }
    Ok(sum)
}

async fn purse_right(story: &Story) -> anyhow::Result<bool> {
    let zhang: &Player = &story.cast.zhang;
    let (mut account, mut family) = (zhang.purse.account, zhang.purse.family);
    for record in &story.records {
        let (claim, computation) =
            (record.claim.clone().unwrap_or_default(), record.computation.clone().unwrap_or_default());
        if claim.person == zhang.id() {
            let amounts = computation.amounts.unwrap_or_default();
            account -= amounts.account - amounts.family;
            family -= amounts.family;
        }
    }
    let home = story.home(zhang)?;
    let reply = answered(|| {
        let (mut home, request) = (home.clone(), pb::LookUpRequest { person: zhang.id() });
        async move { home.look_up(request).await }
    });
    Ok(reply.await?.purse == Some(pb::Purse { account, family }))
}
