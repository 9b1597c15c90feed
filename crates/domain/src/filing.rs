//! Filings (异地就医备案): six kinds, their validity, and which one covers a visit.
//! Source: 医保发〔2022〕22号, art. 7–8, 16, 34: long-term until changed, temporary at least six months, emergency deemed filed,
//! late filing until the discharge settlement, and the snapshot that admission takes.

use serde::Deserialize;

use crate::{
    calendar::{Date, Moment, add_days, add_months},
    claim::{Claim, Service},
    ids::{FilingId, PersonId, RegionCode},
    policy::{FilingRules, TreatmentClass, Unfiled},
    refusal::{Code, Refusal},
    source::Source,
};

/// The kind of a filing (备案类别).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FilingKind {
    /// 异地安置退休人员.
    ResettledRetiree,
    /// 异地长期居住人员.
    LongTermResident,
    /// 常驻异地工作人员.
    PostedWorker,
    /// 异地转诊人员.
    Referred,
    /// 异地急诊抢救人员: never filed, only deemed by the emergency flag, for one visit.
    Emergency,
    /// 其他临时外出就医人员.
    OtherTemporary,
}

impl FilingKind {
    /// True for the three long-term kinds (跨省异地长期居住).
    #[must_use]
    pub fn is_long_term(self) -> bool {
        matches!(self, FilingKind::ResettledRetiree | FilingKind::LongTermResident | FilingKind::PostedWorker)
    }

    /// The class of treatment that the kind gives.
    #[must_use]
    pub fn class(self) -> TreatmentClass {
        match self {
            FilingKind::Referred => TreatmentClass::Referred,
            FilingKind::Emergency => TreatmentClass::Emergency,
            FilingKind::OtherTemporary => TreatmentClass::Other,
            _ => TreatmentClass::Local,
        }
    }
}

/// Where a filing stands. Expiry is not a state: it follows from the dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FilingStatus {
    /// 待审核: waits for an officer.
    Applied,
    /// 有效.
    Active,
    /// 未通过.
    Rejected,
    /// 已撤销.
    Cancelled,
    /// 已变更: another filing took its place.
    Changed,
}

impl FilingStatus {
    /// The names in Chinese and English.
    #[must_use]
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            FilingStatus::Applied => ("待审核", "waiting for review"),
            FilingStatus::Active => ("有效", "active"),
            FilingStatus::Rejected => ("未通过", "rejected"),
            FilingStatus::Cancelled => ("已撤销", "cancelled"),
            FilingStatus::Changed => ("已变更", "replaced"),
        }
    }
}

/// National terms of filings, from `parameters/national/rules.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilingTerms {
    /// Validity of a temporary filing, whole months, never less.
    pub temporary_months: i64,
    /// Days after a long-term filing in which it may not be cancelled or changed.
    pub long_term_lock_days: i64,
    /// Source mark.
    pub source: Source,
}

/// What a person or an officer asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// The person.
    pub person: PersonId,
    /// The kind.
    pub kind: FilingKind,
    /// The place: a city, or a whole province.
    pub place: RegionCode,
    /// First day.
    pub from: Date,
    /// True when the case needs an officer's decision; simple cases take effect at once.
    pub needs_review: bool,
}

/// A filing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filing {
    /// Its id, issued by the home region.
    pub id: FilingId,
    /// The person.
    pub person: PersonId,
    /// The kind.
    pub kind: FilingKind,
    /// The place it opens: all networked institutions in it.
    pub place: RegionCode,
    /// First day.
    pub from: Date,
    /// Last day; none for a long-term filing.
    pub to: Option<Date>,
    /// Where it stands.
    pub status: FilingStatus,
    /// When it was made.
    pub filed_at: Moment,
}

/// The filing under which a visit runs, kept from admission: later expiry or cancellation does not matter.
/// Only [`cover`] and [`Filing`]'s own record make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoveredFiling {
    /// The kind.
    pub kind: FilingKind,
    /// The filing; none when deemed.
    pub filing: Option<FilingId>,
}

/// Makes a filing.
///
/// # Errors
/// [`Code::FilingNotAllowed`] for the emergency kind or a place in the home province,
/// [`Code::FieldInvalid`] for a first day in the past of the day it is made.
pub fn file(
    application: Application,
    home: &RegionCode,
    terms: &FilingTerms,
    id: FilingId,
    at: Moment,
) -> Result<Filing, Refusal> {
    let Application { person, kind, place, from, needs_review } = application;
    if kind == FilingKind::Emergency {
        return Err(Refusal::new(
            Code::FilingNotAllowed,
            "医保发〔2022〕22号, art. 8: emergency is deemed filed",
            "kind",
        )
        .with("急诊抢救视同已备案，由医院上传急诊标志", "an emergency needs no filing; the hospital sends its flag"));
    }
    if place.province() == home.province() {
        return Err(Refusal::new(
            Code::FilingNotAllowed,
            "医保发〔2022〕22号, art. 2: care outside the province of insurance",
            "place",
        )
        .with("就医地不能在参保省内", "the place lies in the home province"));
    }
    if from < at.day() {
        return Err(Refusal::malformed(
            "from",
            "不得早于今日，备案不溯及既往",
            "today or later; a filing does not reach back",
        ));
    }
    let to = (!kind.is_long_term()).then(|| last_day(from, terms.temporary_months));
    let status = if needs_review { FilingStatus::Applied } else { FilingStatus::Active };
    Ok(Filing { id, person, kind, place, from, to, status, filed_at: at })
}

/// The last of whole months from a day on: 10 January and six months end on 9 July. Where the last month lacks the
/// day, its own last day stays inside: 31 August and six months end on 28 February, not a day less than six months.
fn last_day(from: Date, months: i64) -> Date {
    let next = add_months(from, months);
    if next.day() < from.day() { next } else { add_days(next, -1) }
}

/// What can happen to a filing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// An officer approves it.
    Approve,
    /// An officer rejects it.
    Reject,
    /// The person withdraws it.
    Cancel,
    /// Another filing takes its place.
    Replace,
}

/// Moves a filing along its life.
///
/// # Errors
/// [`Code::FilingState`] when its state or the lock of a long-term filing forbids the change.
pub fn change(filing: &Filing, change: Change, terms: &FilingTerms, at: Moment) -> Result<Filing, Refusal> {
    let refused = |zh: String, en: String| Refusal::new(Code::FilingState, "life of a filing", "filing").with(zh, en);
    let status = match (filing.status, change) {
        (FilingStatus::Applied, Change::Approve) => FilingStatus::Active,
        (FilingStatus::Applied, Change::Reject) => FilingStatus::Rejected,
        (FilingStatus::Applied | FilingStatus::Active, Change::Cancel) => FilingStatus::Cancelled,
        (FilingStatus::Active, Change::Replace) => FilingStatus::Changed,
        (status, _) => {
            let (zh, en) = status.names();
            return Err(refused(format!("当前状态{zh}"), format!("it is {en}")));
        }
    };
    let leaves = matches!(change, Change::Cancel | Change::Replace) && filing.status == FilingStatus::Active;
    let unlocked = add_days(filing.filed_at.day(), terms.long_term_lock_days);
    if leaves && filing.kind.is_long_term() && at.day() < unlocked {
        return Err(refused(
            format!("长期备案锁定至 {unlocked}"),
            format!("a long-term filing is locked until {unlocked}"),
        ));
    }
    Ok(Filing { status, ..filing.clone() })
}

impl Filing {
    /// True when it is active, holds the division, and the day lies in its validity.
    #[must_use]
    pub fn covers(&self, division: &RegionCode, day: Date) -> bool {
        self.status == FilingStatus::Active
            && self.place.holds(division)
            && self.from <= day
            && self.to.is_none_or(|to| day <= to)
    }
}

/// The filing that covers a place and a day: the best kind wins; an emergency is deemed filed where none is better.
#[must_use]
pub fn cover<'a>(
    filings: impl IntoIterator<Item = &'a Filing>,
    division: &RegionCode,
    day: Date,
    emergency: bool,
) -> Option<CoveredFiling> {
    let filed = filings.into_iter().filter(|filing| filing.covers(division, day));
    let filed = filed.map(|filing| CoveredFiling { kind: filing.kind, filing: Some(filing.id.clone()) });
    let deemed = emergency.then_some(CoveredFiling { kind: FilingKind::Emergency, filing: None });
    filed.chain(deemed).min_by_key(|covered| covered.kind.class())
}

/// The class of treatment of a claim, from the filing that covers it and the rules of its home. Where the home asks for
/// no filing, the person counts as at home, and a filing or an emergency makes that no worse.
///
/// # Errors
/// [`Code::FilingMissing`] when the home refuses unfiled persons.
pub fn treatment_class(
    rules: &FilingRules,
    covered: Option<&CoveredFiling>,
    claim: &Claim,
) -> Result<TreatmentClass, Refusal> {
    let care = claim.care.province();
    let waived = rules.waived.iter().any(|w| w.provinces.contains(&care) && w.services.contains(&claim.service));
    if waived || !rules.required_for.contains(&claim.service) {
        return Ok(TreatmentClass::Local);
    }
    if let Some(covered) = covered {
        return Ok(covered.kind.class());
    }
    let stay = claim.service == Service::Stay;
    match rules.unfiled {
        Unfiled::Settle => Ok(TreatmentClass::Unfiled),
        Unfiled::Refuse => Err(Refusal::new(
            Code::FilingMissing,
            &format!("医保发〔2022〕22号, art. 8, 16; {}", rules.source),
            "header.care",
        )
        .with(
            format!("{} 在 {} 无有效备案{}", claim.care, claim.to, if stay { "，出院结算前可补办" } else { "" }),
            format!(
                "none covers {} on {}{}",
                claim.care,
                claim.to,
                if stay { "; it can still be made before the discharge settlement" } else { "" }
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::parse_date;

    fn terms() -> FilingTerms {
        let source = Source::parse("design").unwrap();
        FilingTerms { temporary_months: 6, long_term_lock_days: 180, source }
    }

    fn day(text: &str) -> Date {
        parse_date(text).unwrap()
    }

    fn region(text: &str) -> RegionCode {
        RegionCode::parse(text).unwrap()
    }

    fn filed(kind: FilingKind, place: &str, from: &str) -> Result<Filing, Refusal> {
        let application = Application {
            person: PersonId::parse("P1").unwrap(),
            kind,
            place: region(place),
            from: day(from),
            needs_review: false,
        };
        file(
            application,
            &region("341200"),
            &terms(),
            FilingId::parse("F1").unwrap(),
            Moment::start_of(day("2025-01-10")),
        )
    }

    #[test]
    fn six_kinds_cover_as_the_rule_says() {
        for (kind, place, at, on, covers) in [
            (FilingKind::ResettledRetiree, "310000", "310100", "2035-01-01", true),
            (FilingKind::LongTermResident, "320100", "320500", "2025-02-01", false),
            (FilingKind::PostedWorker, "320100", "320102", "2025-02-01", true),
            (FilingKind::Referred, "310100", "310100", "2025-07-09", true),
            (FilingKind::Referred, "310100", "310100", "2025-07-10", false),
            (FilingKind::OtherTemporary, "310000", "310100", "2025-01-09", false),
        ] {
            let filing = filed(kind, place, "2025-01-10").unwrap();
            assert_eq!(filing.covers(&region(at), day(on)), covers, "{kind:?} {place} at {at} on {on}");
        }
    }

    #[test]
    fn what_cannot_be_filed_is_refused_by_name() {
        for (kind, place, from, code) in [
            (FilingKind::Emergency, "310000", "2025-01-10", Code::FilingNotAllowed),
            (FilingKind::Referred, "340100", "2025-01-10", Code::FilingNotAllowed),
            (FilingKind::Referred, "310000", "2025-01-09", Code::FieldInvalid),
        ] {
            assert_eq!(filed(kind, place, from).unwrap_err().code, code);
        }
    }

    #[test]
    fn a_filing_lives_one_life() {
        let states = [
            FilingStatus::Applied,
            FilingStatus::Active,
            FilingStatus::Rejected,
            FilingStatus::Cancelled,
            FilingStatus::Changed,
        ];
        let changes = [Change::Approve, Change::Reject, Change::Cancel, Change::Replace];
        let legal = [
            (FilingStatus::Applied, Change::Approve, FilingStatus::Active),
            (FilingStatus::Applied, Change::Reject, FilingStatus::Rejected),
            (FilingStatus::Applied, Change::Cancel, FilingStatus::Cancelled),
            (FilingStatus::Active, Change::Cancel, FilingStatus::Cancelled),
            (FilingStatus::Active, Change::Replace, FilingStatus::Changed),
        ];
        let base = filed(FilingKind::Referred, "310000", "2025-01-10").unwrap();
        let at = Moment::start_of(day("2025-02-01"));
        for status in states {
            for act in changes {
                let expected = legal.iter().find(|(from, by, _)| (*from, *by) == (status, act)).map(|(_, _, to)| *to);
                let moved = change(&Filing { status, ..base.clone() }, act, &terms(), at);
                assert_eq!(moved.ok().map(|filing| filing.status), expected, "{status:?} {act:?}");
            }
        }
        let long = filed(FilingKind::LongTermResident, "310000", "2025-01-10").unwrap();
        assert_eq!(change(&long, Change::Cancel, &terms(), at).unwrap_err().code, Code::FilingState);
        let later = Moment::start_of(day("2025-07-09"));
        assert_eq!(change(&long, Change::Cancel, &terms(), later).unwrap().status, FilingStatus::Cancelled);
    }

    #[test]
    fn the_best_cover_wins_and_emergency_is_deemed() {
        let other = filed(FilingKind::OtherTemporary, "310000", "2025-01-10").unwrap();
        let long = filed(FilingKind::LongTermResident, "310000", "2025-01-10").unwrap();
        let kind = |filings: &[&Filing], emergency| {
            cover(filings.iter().copied(), &region("310100"), day("2025-02-01"), emergency).map(|c| c.kind)
        };
        assert_eq!(kind(&[], false), None);
        assert_eq!(kind(&[], true), Some(FilingKind::Emergency));
        assert_eq!(kind(&[&other], true), Some(FilingKind::Emergency));
        assert_eq!(kind(&[&other, &long], true), Some(FilingKind::LongTermResident));
    }

    #[test]
    fn a_temporary_filing_lasts_six_whole_months() {
        for (from, to) in [
            ("2025-01-10", "2025-07-09"),
            ("2025-03-01", "2025-08-31"),
            ("2025-08-28", "2026-02-27"),
            ("2025-08-29", "2026-02-28"),
            ("2025-08-31", "2026-02-28"),
            ("2027-08-31", "2028-02-29"),
            ("2025-12-31", "2026-06-30"),
        ] {
            assert_eq!(filed(FilingKind::Referred, "310000", from).unwrap().to, Some(day(to)), "{from}");
        }
    }

    /// The class of a service in Shanghai under a covering kind; `E201` where it is refused.
    fn class(services: &[Service], unfiled: Unfiled, kind: Option<FilingKind>, service: Service) -> String {
        let waiver =
            crate::policy::Waiver { provinces: [region("310000")].into(), services: [Service::Outpatient].into() };
        let rules = FilingRules {
            required_for: services.iter().copied().collect(),
            waived: vec![waiver],
            unfiled,
            source: Source::parse("design").unwrap(),
        };
        let covered = kind.map(|kind| CoveredFiling { kind, filing: None });
        let claim = Claim { service, ..crate::claim::tests::claim() };
        match treatment_class(&rules, covered.as_ref(), &claim) {
            Ok(class) => class.name().into(),
            Err(refusal) => refusal.code.to_string(),
        }
    }

    #[test]
    fn a_filing_never_makes_worse() {
        let all = [Service::Stay, Service::Outpatient, Service::Chronic];
        let (refuse, settle) = (Unfiled::Refuse, Unfiled::Settle);
        let (emergency, other) = (Some(FilingKind::Emergency), Some(FilingKind::OtherTemporary));
        for (unfiled, kind, service, expected) in [
            (refuse, None, Service::Stay, "E201"),
            (settle, None, Service::Stay, "unfiled"),
            (refuse, other, Service::Stay, "other"),
            (refuse, emergency, Service::Stay, "emergency"),
            (refuse, Some(FilingKind::LongTermResident), Service::Stay, "local"),
            // Waived in the cluster.
            (refuse, None, Service::Outpatient, "local"),
            (refuse, emergency, Service::Outpatient, "local"),
            (refuse, other, Service::Outpatient, "local"),
            // Never asked for.
            (refuse, None, Service::Pharmacy, "local"),
            (refuse, other, Service::Pharmacy, "local"),
        ] {
            assert_eq!(class(&all, unfiled, kind, service), expected, "{unfiled:?} {kind:?} {service:?}");
        }
    }
}
