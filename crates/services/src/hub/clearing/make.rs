//! Making the tables of a period (生成清算表): first every waiting item is put into its table or carried past it, then
//! the tables are folded. Each part is committed by itself and harmless to do again, so that a crash in between only
//! delays: the period is made when its record says so.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::future::join;
use zhijie_domain::{
    calendar::Month,
    clearing::{
        item::{Item, ItemKind, Verdict},
        table::Outcome,
    },
    ids::RegionCode,
    money::Fen,
    refusal::{Code, Refusal},
    ticket::{Cause, Duty},
};
use zhijie_store::{Record, Txn};

use super::{fold::Fold, not_now, outcome_of};
use crate::{
    hub::{Hub, events, prepayment, tickets::problems::Problem},
    node::{
        Committed, Failure, Pages, Records, Stop, commit, damaged, document, keys, limits, planted::planted, stored,
    },
    wire::{clearing, pb},
};

type Row = (Bytes, Record);

/// The last period whose tables are begun or made.
pub(in crate::hub) async fn last(hub: &Hub) -> Result<Option<(Month, pb::PeriodRecord)>, Failure> {
    let mut last = None;
    let mut pages = Pages::of(&hub.node.store, keys::PERIODS);
    while let Some(page) = pages.next().await? {
        if let Some((key, record)) = page.last() {
            let text = key.strip_prefix(keys::PERIODS).and_then(|text| std::str::from_utf8(text).ok());
            let period = text.and_then(Month::parse).ok_or_else(|| Failure::Damaged(keys::shown(key)))?;
            last = Some((period, document(key, &record.value)?));
        }
    }
    Ok(last)
}

/// The period whose tables are to be made next: the one behind the last, or that of the oldest item.
pub(in crate::hub) async fn next(hub: &Hub) -> Result<Option<Month>, Failure> {
    if let Some((last, record)) = last(hub).await? {
        return Ok(Some(if record.made { last.plus(1) } else { last }));
    }
    if hub.node.store.scan_prefix(keys::WAITING, None, 1).await?.is_empty() {
        return Ok(None);
    }
    // Before the first table whatever waits is a record of the book, and the book ascends by day.
    let mut pages = Pages::of(&hub.node.store, keys::BOOK);
    while let Some(page) = pages.next().await? {
        for (key, _) in &page {
            let (day, id) = keys::day_and_settlement(key).ok_or_else(|| damaged(key))?;
            if hub.node.store.get(&keys::waiting(&id, false)).await?.is_some() {
                return Ok(Some(Month::of(day)));
            }
        }
    }
    Ok(None)
}

/// Makes the tables of a period. Those that are made stay as they are.
pub(in crate::hub) async fn make(hub: &Hub, period: Month) -> Result<(), Stop> {
    let _alone = hub.closing.lock().await;
    let today = hub.node.today();
    let due = hub.schedule(period).tables_on;
    if today < due {
        return Err(not_now("period", format!("{due} 才生成"), format!("its tables are made on {due}")).into());
    }
    if hub.node.store.begin().record::<pb::PeriodRecord>(&keys::period(period)).await?.is_some_and(|known| known.made) {
        return Ok(());
    }
    match next(hub).await? {
        Some(next) if next == period => {}
        Some(next) => {
            return Err(not_now("period", format!("应为 {next} 期"), format!("{next} is the next period")).into());
        }
        None => return Err(not_now("period", "无待清分费用", "nothing waits for clearing").into()),
    }
    keep_period(hub, period, false).await?;
    put_in_tables(hub, period).await?;
    fold_all(hub, period).await?;
    keep_period(hub, period, true).await
}

async fn keep_period(hub: &Hub, period: Month, made: bool) -> Result<(), Stop> {
    let mut txn = hub.node.store.begin();
    let day = hub.node.today().to_string();
    txn.keep(keys::period(period), &pb::PeriodRecord { made, day });
    done(txn).await
}

/// Commits what nobody else writes.
async fn done(txn: Txn) -> Result<(), Stop> {
    match commit(txn).await? {
        Committed::Yes => Ok(()),
        Committed::Conflict | Committed::Busy => Err(busy()),
    }
}

fn busy() -> Stop {
    Refusal::new(Code::Busy, "bounded queues", "").into()
}

/// The months that care agencies have agreed, as they are asked for.
#[derive(Default)]
struct Agreed(BTreeMap<(RegionCode, Month), bool>);

impl Agreed {
    async fn holds(&mut self, hub: &Hub, item: &Item) -> Result<bool, Failure> {
        let asked = (item.care.clone(), Month::of(item.day));
        if let Some(known) = self.0.get(&asked) {
            return Ok(*known);
        }
        let agreed = hub.node.store.get(&keys::agreement(&asked.0, asked.1)).await?.is_some();
        self.0.insert(asked, agreed);
        Ok(agreed)
    }
}

/// Each page is committed while the next one is read and judged: the store writes beside the services.
async fn put_in_tables(hub: &Hub, period: Month) -> Result<(), Stop> {
    let mut agreed = Agreed::default();
    let mut pages = Pages::of(&hub.node.store, keys::WAITING);
    let mut judged: Option<(Vec<Row>, Txn)> = None;
    loop {
        let committing = async {
            match judged.take() {
                Some((page, txn)) => Ok::<_, Failure>(Some((page, commit(txn).await?))),
                None => Ok(None),
            }
        };
        let judging = async {
            match pages.next().await? {
                Some(page) => {
                    let mut txn = hub.node.store.begin();
                    page.iter().for_each(|(key, record)| txn.saw(key.clone(), record.clone()));
                    Ok::<_, Stop>(Some((judge_page(hub, txn, period, &page, &mut agreed).await?, page)))
                }
                None => Ok(None),
            }
        };
        let (committed, next) = join(committing, judging).await;
        if let Some((page, outcome)) = committed?
            && !matches!(outcome, Committed::Yes)
        {
            put_page(hub, period, &page, &mut agreed).await?;
        }
        match next? {
            Some((txn, page)) => judged = Some((page, txn)),
            None => return Ok(()),
        }
    }
}

/// Puts a page into its tables, again where others write at the same moment.
async fn put_page(hub: &Hub, period: Month, page: &[Row], agreed: &mut Agreed) -> Result<(), Stop> {
    for _ in 0..limits::ATTEMPTS_MAX {
        match commit(judge_page(hub, hub.node.store.begin(), period, page, agreed).await?).await? {
            Committed::Yes => return Ok(()),
            Committed::Conflict => {}
            Committed::Busy => return Err(busy()),
        }
    }
    Err(busy())
}

async fn judge_page(hub: &Hub, mut txn: Txn, period: Month, page: &[Row], agreed: &mut Agreed) -> Result<Txn, Stop> {
    for (key, _) in page {
        // It may have gone since the page was read.
        let Some(waiting) = txn.record::<pb::WaitingItem>(key).await? else { continue };
        let item = stored(clearing::parse_waiting(&waiting), key)?;
        let verdict = item.judge(period, agreed.holds(hub, &item).await?);
        put(hub, &mut txn, period, key, (&item, waiting.ruled), verdict).await?;
    }
    Ok(txn)
}

async fn put(
    hub: &Hub,
    txn: &mut Txn,
    period: Month,
    key: &[u8],
    (item, ruled): (&Item, i64),
    verdict: Verdict,
) -> Result<(), Stop> {
    let Some(document) = clearing::print_cleared(item, verdict) else { return Ok(()) };
    let is_deduction = item.kind == ItemKind::Deduction;
    txn.keep(keys::table_item(period, &item.home, &item.care, &item.id, is_deduction), &document);
    if let Verdict::Carried { late, .. } = verdict {
        return note_late(hub, txn, item, late).await;
    }
    if !planted!(ClearTwice) {
        txn.delete(key.to_vec());
    }
    let pointer = keys::cleared(&item.id);
    if item.kind == ItemKind::Settlement {
        txn.keep(pointer, &pb::ClearedRecord { period: period.to_string(), deducted: item.deduction.0, ruled });
        return Ok(());
    }
    let mut cleared = txn.record::<pb::ClearedRecord>(&pointer).await?.unwrap_or_default();
    if item.kind == ItemKind::Correction {
        cleared.period = period.to_string();
    } else {
        cleared.deducted = Fen(cleared.deducted).plus(item.deduction)?.0;
    }
    txn.keep(pointer, &cleared);
    Ok(())
}

/// An item that slips further than it may with the next table is a problem, once.
async fn note_late(hub: &Hub, txn: &mut Txn, item: &Item, late: u16) -> Result<(), Stop> {
    if late >= hub.node.parameters.rules.calendar.late_months_max.into() {
        let (cause, home, care) = (Cause::Duty(Duty::LateItem), item.home.clone(), item.care.clone());
        Problem { cause, day: item.day, home, care, reference: item.id.as_str() }.note(hub, txn).await?;
    }
    Ok(())
}

async fn fold_all(hub: &Hub, period: Month) -> Result<(), Stop> {
    let mut credits = credits(hub, period.plus(-1)).await?;
    let prefix = keys::items_of_period(period);
    let mut fold: Option<Fold> = None;
    let mut pages = Pages::of(&hub.node.store, &prefix[..]);
    while let Some(page) = pages.next().await? {
        for (key, record) in &page {
            if fold.as_ref().is_none_or(|fold| !fold.holds(key)) {
                let (home, care) = pair_of(key, prefix.len())?;
                let credit = credits.remove(&(home.clone(), care.clone())).unwrap_or_default();
                keep_table(hub, period, fold.replace(Fold::new(period, home, care, credit))).await?;
            }
            if let Some(fold) = &mut fold {
                fold.add(key, &record.value)?;
            }
        }
    }
    keep_table(hub, period, fold).await?;
    for ((home, care), credit) in credits {
        keep_table(hub, period, Some(Fold::new(period, home, care, credit))).await?;
    }
    Ok(())
}

/// The negative payables of a period, which the next one takes over.
async fn credits(hub: &Hub, period: Month) -> Result<BTreeMap<(RegionCode, RegionCode), Fen>, Stop> {
    let mut credits = BTreeMap::new();
    for table in super::list::tables(&hub.node.store, Some(period), |_| true).await? {
        if let Outcome::Credit(credit) = outcome_of(period, &table)? {
            let (_, home, care) = super::fold::names(&table)?;
            credits.insert((home, care), credit);
        }
    }
    Ok(credits)
}

fn pair_of(key: &[u8], prefix: usize) -> Result<(RegionCode, RegionCode), Failure> {
    let damaged = || Failure::Damaged(keys::shown(key));
    let rest = key.get(prefix..).and_then(|rest| std::str::from_utf8(rest).ok()).ok_or_else(damaged)?;
    let mut parts = rest.split('/').map(RegionCode::parse);
    match (parts.next(), parts.next()) {
        (Some(Ok(home)), Some(Ok(care))) => Ok((home, care)),
        _ => Err(damaged()),
    }
}

async fn keep_table(hub: &Hub, period: Month, fold: Option<Fold>) -> Result<(), Stop> {
    let Some(fold) = fold else { return Ok(()) };
    let table = fold.print(1)?;
    let (_, home, care) = super::fold::names(&table)?;
    for _ in 0..limits::ATTEMPTS_MAX {
        let (mut txn, mut table) = (hub.node.store.begin(), table.clone());
        // The pair's prepayment may move meanwhile.
        prepayment::judge_use(hub, &mut txn, &mut table).await?;
        txn.keep(keys::table(period, &home, &care), &table);
        txn.put(keys::unnoticed(period, &home, &care), Vec::new());
        if matches!(commit(txn).await?, Committed::Yes) {
            hub.tell(events::table(pb::HubEventKind::Table, &table, "made"));
            return Ok(());
        }
    }
    Err(busy())
}
