//! Every key of every store, in one place. A key is a letter for its kind, then parts divided by `/`, which no id holds.

use zhijie_domain::{
    author::Author,
    calendar::{Date, Month, parse_date},
    ids::{FilingId, InstitutionCode, MessageId, PersonId, RegionCode, SettlementId, TicketId, VisitId},
    signature::PublicKey,
};

/// `x`: whose store it is.
pub const OWNER: &[u8] = b"x";

/// `m/…`: a message and what became of it. `rest` is the message's key.
#[must_use]
pub fn message(rest: &str) -> Vec<u8> {
    format!("m/{rest}").into_bytes()
}

/// `p/…`: a message that care still drives, under the same rest.
#[must_use]
pub fn pending(rest: &str) -> Vec<u8> {
    format!("p/{rest}").into_bytes()
}

/// All pending messages.
pub const PENDING: &[u8] = b"p/";

/// `b/day/id`: a record of the book.
#[must_use]
pub fn book(day: Date, id: &SettlementId) -> Vec<u8> {
    format!("b/{day}/{id}").into_bytes()
}

/// The whole book.
pub const BOOK: &[u8] = b"b/";

/// All records of a day.
#[must_use]
pub fn book_of(day: Date) -> Vec<u8> {
    format!("b/{day}/").into_bytes()
}

/// The day and the id that a key of the book is made of.
#[must_use]
pub fn day_and_settlement(key: &[u8]) -> Option<(Date, SettlementId)> {
    let (day, id) = std::str::from_utf8(key.strip_prefix(BOOK)?).ok()?.split_once('/')?;
    Some((parse_date(day)?, SettlementId::parse(id).ok()?))
}

/// `s/id`: the key of a settlement's record in the book.
#[must_use]
pub fn settlement(id: &SettlementId) -> Vec<u8> {
    format!("s/{id}").into_bytes()
}

/// `v/id`: a visit.
#[must_use]
pub fn visit(id: &VisitId) -> Vec<u8> {
    format!("v/{id}").into_bytes()
}

/// `l/visit/number`: fee lines of one upload.
#[must_use]
pub fn lines(visit: &VisitId, chunk: u32) -> Vec<u8> {
    format!("l/{visit}/{chunk:08}").into_bytes()
}

/// All fee lines of a visit.
#[must_use]
pub fn lines_of(visit: &VisitId) -> Vec<u8> {
    format!("l/{visit}/").into_bytes()
}

/// `r/id`: a person in the register.
#[must_use]
pub fn person(id: &PersonId) -> Vec<u8> {
    format!("r/{}", id.as_str()).into_bytes()
}

/// The whole register.
pub const PERSONS: &[u8] = b"r/";

/// `f/home/person`: the mirrored filings of a person at the hub.
#[must_use]
pub fn filings(home: &RegionCode, person: &PersonId) -> Vec<u8> {
    format!("f/{home}/{}", person.as_str()).into_bytes()
}

/// `o/person/id`: a filing that home still has to mirror.
#[must_use]
pub fn outbox(person: &PersonId, id: &FilingId) -> Vec<u8> {
    format!("o/{}/{id}", person.as_str()).into_bytes()
}

/// All filings to mirror.
pub const OUTBOX: &[u8] = b"o/";

/// How the key of a deduction ends behind the id.
const DEDUCTED: &str = "/d";

/// `q/settlement` or `q/settlement/d`: what waits for a clearing table at the hub; a deduction has the second form.
#[must_use]
pub fn waiting(item: &SettlementId, deduction: bool) -> Vec<u8> {
    format!("q/{item}{}", if deduction { DEDUCTED } else { "" }).into_bytes()
}

/// All that waits for clearing.
pub const WAITING: &[u8] = b"q/";

/// `a/settlement`: the case of a settlement.
#[must_use]
pub fn case(settlement: &SettlementId) -> Vec<u8> {
    format!("a/{settlement}").into_bytes()
}

/// All cases.
pub const CASES: &[u8] = b"a/";

/// `A/settlement`: a case that is open.
#[must_use]
pub fn open_case(settlement: &SettlementId) -> Vec<u8> {
    format!("A/{settlement}").into_bytes()
}

/// All open cases.
pub const OPEN_CASES: &[u8] = b"A/";

/// `j/settlement`: the table in which a record was cleared.
#[must_use]
pub fn cleared(item: &SettlementId) -> Vec<u8> {
    format!("j/{item}").into_bytes()
}

/// All that tables hold by settlement.
pub const CLEARED: &[u8] = b"j/";

/// All items of all tables.
pub const ITEMS: &[u8] = b"k/";

/// `k/period/home/care/settlement` or `…/settlement/d`: an item of a table, or one carried past it.
#[must_use]
pub fn table_item(
    period: Month,
    home: &RegionCode,
    care: &RegionCode,
    item: &SettlementId,
    deduction: bool,
) -> Vec<u8> {
    format!("k/{period}/{home}/{care}/{item}{}", if deduction { DEDUCTED } else { "" }).into_bytes()
}

/// All items of a period.
#[must_use]
pub fn items_of_period(period: Month) -> Vec<u8> {
    format!("k/{period}/").into_bytes()
}

/// All items of a table.
#[must_use]
pub fn items_of(period: Month, home: &RegionCode, care: &RegionCode) -> Vec<u8> {
    format!("k/{period}/{home}/{care}/").into_bytes()
}

/// `t/period/home/care`: the table of a pair.
#[must_use]
pub fn table(period: Month, home: &RegionCode, care: &RegionCode) -> Vec<u8> {
    format!("t/{period}/{home}/{care}").into_bytes()
}

/// All tables of a period.
#[must_use]
pub fn tables_of(period: Month) -> Vec<u8> {
    format!("t/{period}/").into_bytes()
}

/// All tables.
pub const TABLES: &[u8] = b"t/";

/// `V/period/home/care`: a table whose notices are not published yet.
#[must_use]
pub fn unnoticed(period: Month, home: &RegionCode, care: &RegionCode) -> Vec<u8> {
    format!("V/{period}/{home}/{care}").into_bytes()
}

/// The key of the table that an unnoticed one stands for.
#[must_use]
pub fn unnoticed_table(unnoticed: &[u8]) -> Vec<u8> {
    [TABLES, unnoticed.strip_prefix(UNNOTICED).unwrap_or_default()].concat()
}

/// All tables without their notices.
pub const UNNOTICED: &[u8] = b"V/";

/// `z/period`: whether the tables of a period are made.
#[must_use]
pub fn period(period: Month) -> Vec<u8> {
    format!("z/{period}").into_bytes()
}

/// All periods, ascending.
pub const PERIODS: &[u8] = b"z/";

/// `g/care/month`: a care province has agreed the bills of a month.
#[must_use]
pub fn agreement(care: &RegionCode, month: Month) -> Vec<u8> {
    format!("g/{care}/{month}").into_bytes()
}

/// All agreements.
pub const AGREEMENTS: &[u8] = b"g/";

/// `y/year`: a year that is closed.
#[must_use]
pub fn year(year: i16) -> Vec<u8> {
    format!("y/{year:04}").into_bytes()
}

/// `u/home/care`: the prepayment of a pair.
#[must_use]
pub fn quota(home: &RegionCode, care: &RegionCode) -> Vec<u8> {
    format!("u/{home}/{care}").into_bytes()
}

/// All prepayments.
pub const QUOTAS: &[u8] = b"u/";

/// `h/agency/message`: an agency's message.
#[must_use]
pub fn agency_message(agency: &str, message: &MessageId) -> Vec<u8> {
    format!("h/{agency}/{message}").into_bytes()
}

/// `w`: the last business day whose duties are done.
pub const TURN: &[u8] = b"w";

/// `i/code`: an institution in the hub's registry.
#[must_use]
pub fn institution(code: &InstitutionCode) -> Vec<u8> {
    format!("i/{code}").into_bytes()
}

/// The chronic list that the hub has published.
pub const CHRONIC_LIST: &[u8] = b"c/list";

/// `d/day/revision`: what a reconciliation of the day came to.
#[must_use]
pub fn run(day: Date, revision: u32) -> Vec<u8> {
    format!("d/{day}/{revision:08}").into_bytes()
}

/// All results of the days of a month.
#[must_use]
pub fn runs_of(month: Month) -> Vec<u8> {
    format!("d/{month}-").into_bytes()
}

/// `e/day`: the key of the day's last result.
#[must_use]
pub fn last_run(day: Date) -> Vec<u8> {
    format!("e/{day}").into_bytes()
}

/// `n/id/number`: a cure of a difference of a record.
#[must_use]
pub fn cure(id: &SettlementId, number: usize) -> Vec<u8> {
    format!("n/{id}/{number:08}").into_bytes()
}

/// All cures of a record.
#[must_use]
pub fn cures_of(id: &SettlementId) -> Vec<u8> {
    format!("n/{id}/").into_bytes()
}

/// `U/settlement`: a stay whose detail lines care still has to upload.
#[must_use]
pub fn to_upload(settlement: &SettlementId) -> Vec<u8> {
    format!("U/{settlement}").into_bytes()
}

/// All stays to upload.
pub const TO_UPLOAD: &[u8] = b"U/";

/// `I/settlement`: what became of the upload of a stay's detail lines, at the hub.
#[must_use]
pub fn details(settlement: &SettlementId) -> Vec<u8> {
    format!("I/{settlement}").into_bytes()
}

/// `L/settlement/number`: some of the detail lines of a stay, at the hub.
#[must_use]
pub fn detail_lines(settlement: &SettlementId, chunk: u32) -> Vec<u8> {
    format!("L/{settlement}/{chunk:08}").into_bytes()
}

/// All detail lines of a stay.
#[must_use]
pub fn detail_lines_of(settlement: &SettlementId) -> Vec<u8> {
    format!("L/{settlement}/").into_bytes()
}

/// `S/settlement`: a stay whose lines have come and that is not screened yet.
#[must_use]
pub fn to_screen(settlement: &SettlementId) -> Vec<u8> {
    format!("S/{settlement}").into_bytes()
}

/// All stays to screen.
pub const TO_SCREEN: &[u8] = b"S/";

/// `H/home/person/settlement`: a stay of a person that stands settled, at the hub.
#[must_use]
pub fn stay(home: &RegionCode, person: &PersonId, settlement: &SettlementId) -> Vec<u8> {
    format!("H/{home}/{}/{settlement}", person.as_str()).into_bytes()
}

/// All stays of a person.
#[must_use]
pub fn stays_of(home: &RegionCode, person: &PersonId) -> Vec<u8> {
    format!("H/{home}/{}/", person.as_str()).into_bytes()
}

/// The settlement that a key ends with, behind its prefix.
#[must_use]
pub fn settlement_behind(prefix: &[u8], key: &[u8]) -> Option<SettlementId> {
    let rest = std::str::from_utf8(key.strip_prefix(prefix)?).ok()?;
    SettlementId::parse(rest).ok()
}

/// `P/day/cause/home/care/reference`: a thing that went wrong. The reference may hold slashes: nothing stands behind it.
#[must_use]
pub fn problem(day: &str, cause: &str, home: &str, care: &str, reference: &str) -> Vec<u8> {
    format!("P/{day}/{cause}/{home}/{care}/{reference}").into_bytes()
}

/// All that went wrong on the days of a month.
#[must_use]
pub fn problems_of(month: Month) -> Vec<u8> {
    format!("P/{month}-").into_bytes()
}

/// `N/cause/home/care/day/reference`: the key of such a thing that no ticket has counted yet.
#[must_use]
pub fn uncounted(day: &str, cause: &str, home: &str, care: &str, reference: &str) -> Vec<u8> {
    format!("N/{cause}/{home}/{care}/{day}/{reference}").into_bytes()
}

/// All that no ticket has counted, by cause and pair.
pub const UNCOUNTED: &[u8] = b"N/";

/// `D/day/message`: a message of the road that was done, where no book tells it.
#[must_use]
pub fn done(day: Date, message: &str) -> Vec<u8> {
    format!("D/{day}/{message}").into_bytes()
}

/// All that was done on the days of a month.
#[must_use]
pub fn done_of(month: Month) -> Vec<u8> {
    format!("D/{month}-").into_bytes()
}

/// `T/id`: a ticket.
#[must_use]
pub fn ticket(id: &TicketId) -> Vec<u8> {
    format!("T/{id}").into_bytes()
}

/// All tickets, oldest first.
pub const TICKETS: &[u8] = b"T/";

/// `O/cause/home/care`: the key of the ticket that is not closed.
#[must_use]
pub fn open_ticket(cause: &str, home: &str, care: &str) -> Vec<u8> {
    format!("O/{cause}/{home}/{care}").into_bytes()
}

/// All tickets that are not closed.
pub const OPEN_TICKETS: &[u8] = b"O/";

/// `R/day`: the key of the day's last result, which tickets have not taken up yet.
#[must_use]
pub fn fresh_run(day: Date) -> Vec<u8> {
    format!("R/{day}").into_bytes()
}

/// All results that tickets have not taken up.
pub const FRESH_RUNS: &[u8] = b"R/";

/// `K/home/region/key`: a key with which a region signs.
#[must_use]
pub fn signing_key(author: &Author, key: &PublicKey) -> Vec<u8> {
    format!("K/{}/{}/{key}", author.side.name(), author.region).into_bytes()
}

/// All keys with which regions sign.
pub const SIGNING_KEYS: &[u8] = b"K/";

/// `G/home/region/number`: a head of a day.
#[must_use]
pub fn head(author: &Author, number: u64) -> Vec<u8> {
    format!("G/{}/{}/{number:020}", author.side.name(), author.region).into_bytes()
}

/// All heads, by region and ascending.
pub const HEADS: &[u8] = b"G/";

/// All heads of a region, ascending.
#[must_use]
pub fn heads_of(author: &Author) -> Vec<u8> {
    format!("G/{}/{}/", author.side.name(), author.region).into_bytes()
}

/// `E/home/region`: the key of the last head of a region.
#[must_use]
pub fn last_head(author: &Author) -> Vec<u8> {
    format!("E/{}/{}", author.side.name(), author.region).into_bytes()
}

/// `E/home/region/day`: the key of the last head of a day.
#[must_use]
pub fn head_of_day(author: &Author, day: Date) -> Vec<u8> {
    format!("E/{}/{}/{day}", author.side.name(), author.region).into_bytes()
}

/// What a key begins with before the id of its record.
#[must_use]
pub fn family(key: &[u8]) -> &[u8] {
    let id = key.strip_suffix(DEDUCTED.as_bytes()).unwrap_or(key);
    let end = id.iter().rposition(|byte| *byte == b'/').map_or(id.len(), |slash| slash + 1);
    &key[..end]
}

/// A key for a log: its kind only, as the rest may hold personal data.
#[must_use]
pub fn shown(key: &[u8]) -> String {
    let kind = key.first().copied().unwrap_or(b'?');
    format!("{}/…", char::from(kind))
}
