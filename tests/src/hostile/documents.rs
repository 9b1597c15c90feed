//! Documents of the wire: decoded, read into values of the domain, printed and read again.

use prost::Message;
use zhijie_services::{
    domain::{ids::RegionCode, refusal::Refusal},
    pb,
    wire::{
        book, case, claim, clearing, difference, person, prepayment, refusal, registry, required, settlement, ticket,
        visit,
    },
};

use super::{Kept, requests};

/// What becomes of the bytes of one kind of document.
type Read = fn(&[u8]);

/// Every kind that is read from the wire, by name.
#[rustfmt::skip]
pub const DOCUMENTS: &[(&str, Read)] = &[
    ("header", |b| same(b, |d| claim::parse_header(Some(d)), claim::print_header)),
    ("line", |b| read(b, claim::parse_line)),
    ("split line", |b| same(b, claim::parse_split, claim::print_split)),
    ("claim", |b| same(b, claim::parse, claim::print)),
    ("claim request", |b| read(b, |d: &pb::ClaimRequest| {
        let header = claim::parse_header(d.header.as_ref())?;
        claim::parse_under(&header, required(d.claim.as_ref(), "claim")?)
    })),
    ("settle at once", |b| read(b, |d: &pb::SettleAtOnceRequest| {
        claim::parse_header(d.header.as_ref())?;
        claim::parse_lines(&d.lines)
    })),
    ("computation", |b| same(b, settlement::parse_computation, settlement::print_computation)),
    ("settlement", |b| same(b, settlement::parse, settlement::print)),
    ("registration", |b| read(b, visit::parse_registration)),
    ("visit", |b| same(b, visit::parse, visit::print)),
    ("person", |b| same(b, person::parse, person::print)),
    ("patient", |b| same(b, person::parse_patient, person::print_patient)),
    ("enrolment", |b| read(b, |d: &pb::EnrolRequest| person::parse_purse(d.purse.as_ref()))),
    ("accumulators", |b| read(b, |d: &pb::PersonReply| person::parse_accumulators(&d.accumulators))),
    ("application", |b| read(b, person::parse_application)),
    ("filing", |b| same(b, person::parse_filing, person::print_filing)),
    ("book entry", |b| same(b, book::parse, book::print)),
    ("book glance", |b| read(b, book::parse_kept)),
    ("filter", |b| read(b, book::parse_filter)),
    ("totals", |b| read(b, |d: &pb::DayTotalsReply| book::parse_totals(&d.totals))),
    ("case", |b| same(b, case::parse, case::print)),
    ("waiting item", |b| read(b, clearing::parse_waiting)),
    ("cleared item", |b| read(b, |d| clearing::parse_cleared(d, &region("340000"), &region("310000")))),
    ("table", |b| read(b, clearing::parse_life)),
    ("quota", |b| read(b, prepayment::parse)),
    ("cure", |b| read(b, difference::parse_cured)),
    ("list version", |b| read(b, |d| registry::parse_version(d, |_| true))),
    ("list", |b| read(b, |d: &pb::PublishedList| registry::parse_list(&d.versions))),
    ("institution", |b| read(b, registry::parse_institution)),
    ("closing", |b| read(b, |d| registry::parse_closing(d).map(drop))),
    ("ticket", |b| read(b, ticket::parse)),
    ("refusal", |b| read(b, |d| Ok::<_, Refusal>(refusal::parse(d)))),
];

/// Reads bytes as the kind of document that the first of them chooses.
///
/// # Panics
/// When a reader does, or reads something else of what it printed itself.
pub fn wire(data: &[u8]) {
    if let Some((choice, bytes)) = data.split_first() {
        DOCUMENTS[usize::from(*choice) % DOCUMENTS.len()].1(bytes);
    }
}

fn region(code: &str) -> RegionCode {
    RegionCode::parse(code).expect("a region code")
}

fn read<M: Message + Default, T>(bytes: &[u8], parse: impl Fn(&M) -> Result<T, Refusal>) {
    if let Ok(document) = M::decode(bytes)
        && let Err(refusal) = parse(&document)
    {
        assert!(!refusal.field.is_empty() && !refusal.rule.is_empty(), "{refusal}");
    }
}

/// What reads is printed, and reads as the same again.
fn same<M, T>(bytes: &[u8], parse: impl Fn(&M) -> Result<T, Refusal>, print: impl Fn(&T) -> M)
where
    M: Message + Default,
    T: PartialEq + std::fmt::Debug,
{
    read(bytes, |document| {
        let value = parse(document)?;
        assert_eq!(parse(&print(&value)), Ok(value), "printed and read again");
        Ok(())
    });
}

/// Real documents of every kind that stands in a store, or is asked for, under each reader: most are another's, some its own.
pub(super) fn right() -> Vec<Vec<u8>> {
    let kept = Kept::all().iter().map(|kept| kept.content.clone());
    let inner = Kept::all().iter().filter_map(|kept| {
        let settlement =
            pb::BookRecord::decode(&kept.content[..]).ok().filter(|_| kept.key.starts_with(b"b/"))?.settlement?;
        let (claim, computation) = (settlement.claim.clone()?, settlement.computation.clone()?);
        Some([settlement.encode_to_vec(), claim.encode_to_vec(), computation.encode_to_vec()])
    });
    let asked = requests::all().into_iter().map(|(_, bytes)| bytes);
    let documents: Vec<Vec<u8>> = kept.chain(inner.flatten()).chain(asked).collect();
    let kinds = 0..u8::try_from(DOCUMENTS.len()).expect("fewer kinds than that");
    kinds.flat_map(|kind| documents.iter().map(move |bytes| [&[kind], &bytes[..]].concat())).collect()
}
