//! What holds of every bill under every shipped policy, and under policies put together at random from their parts.

use proptest::{prelude::*, sample::Index};
use zhijie_domain::{
    accumulator::Accumulator,
    calendar::add_days,
    claim::{AccountUse, Level, Service},
    ids::DiseaseCode,
    money::{Bp, Fen},
    person::{Assisted, Category, Qualification, Scheme},
    policy::{NewYear, Policy, ReductionMode, TreatmentClass},
    split::{CategoryParts, Parts},
};

use crate::world::{Scenario, date, list, shipped, sound};

const DISEASES: [&str; 6] = ["M03900", "M01600", "M00500", "M07801", "M04600", "M05300"];

/// Every shipped policy of the scheme, read once.
fn policies() -> &'static [Policy] {
    static ALL: std::sync::OnceLock<Vec<Policy>> = std::sync::OnceLock::new();
    ALL.get_or_init(|| shipped().areas().values().flat_map(|area| area.policies.clone()).collect())
}

/// One policy with sections of others of its scheme.
pub(crate) fn mixed(picks: &[Index], mode: ReductionMode, new_year: NewYear) -> Policy {
    let mut policy = picks[0].get(policies()).clone();
    let same: Vec<&Policy> = policies().iter().filter(|p| p.scheme == policy.scheme).collect();
    policy.inpatient = picks[1].get(&same).inpatient.clone();
    policy.outpatient = picks[2].get(&same).outpatient.clone();
    policy.chronic = picks[3].get(&same).chronic.clone();
    policy.catastrophic = picks[4].get(&same).catastrophic.clone();
    policy.large_amount = picks[5].get(&same).large_amount.clone();
    policy.reduction.mode = mode;
    policy.new_year = new_year;
    policy
}

pub(crate) fn fen() -> impl Strategy<Value = Fen> {
    prop_oneof![Just(0i64), 0i64..10_000, 0i64..5_000_000, 0i64..200_000_000].prop_map(Fen)
}

pub(crate) fn person() -> impl Strategy<Value = (bool, usize, bool, u16)> {
    (any::<bool>(), 0usize..6, any::<bool>(), 0u16..100)
}

pub(crate) fn apply_person(s: &mut Scenario, (retired, assisted, servant, age): (bool, usize, bool, u16)) {
    s.person.category = match (s.person.scheme, retired) {
        (Scheme::Employee, true) => Category::Retired,
        (Scheme::Employee, false) => Category::Active,
        (Scheme::Resident, true) => Category::Elderly,
        (Scheme::Resident, false) => Category::Adult,
    };
    let groups = [
        Assisted::Destitute,
        Assisted::MinimumLiving,
        Assisted::FallenBack,
        Assisted::Marginal,
        Assisted::MadePoorByIllness,
    ];
    s.person.assisted = groups.get(assisted).copied();
    s.person.civil_servant = servant;
    s.person.birth = add_days(date("2025-03-01"), -i64::from(age) * 365);
}

pub(crate) fn apply_bill(s: &mut Scenario, [own, over, pre, in_scope]: [Fen; 4]) {
    let total = Fen::sum([own, over, pre, in_scope]).unwrap();
    s.claim.parts = Parts { total, own, over, pre, in_scope };
    let category =
        s.claim.categories.first().map(|c| c.category).or(zhijie_domain::catalogue::FeeCategory::new(9)).unwrap();
    s.claim.categories = vec![CategoryParts { category, parts: s.claim.parts }];
}

pub(crate) fn apply_visit(s: &mut Scenario, service: usize, level: usize, class: usize, disease: usize, days: i64) {
    s.claim.service = [Service::Stay, Service::Outpatient, Service::Pharmacy, Service::Chronic][service];
    s.claim.level = [Level::Primary, Level::Secondary, Level::Tertiary][level];
    s.class = [
        TreatmentClass::Local,
        TreatmentClass::Referred,
        TreatmentClass::Emergency,
        TreatmentClass::Other,
        TreatmentClass::Unfiled,
    ][class];
    s.claim.from = add_days(date("2025-03-01"), if s.claim.service == Service::Stay { -days } else { 0 });
    s.claim.to = date("2025-03-01");
    if s.claim.service == Service::Chronic {
        let code = DiseaseCode::parse(DISEASES[disease]).unwrap();
        s.listed = Some(list().listed(&code, s.claim.to, &[]).unwrap());
        s.claim.disease = Some(code);
    }
}

/// Qualifications for some of the diseases, a sub-code and the class code among them, one run out.
pub(crate) fn qualify(s: &mut Scenario, picks: &[usize]) {
    let codes = ["M03900", "M01600", "M00503", "M07800", "M07803", "M04600", "M99900"];
    for pick in picks {
        let disease = DiseaseCode::parse(codes[pick % codes.len()]).unwrap();
        let to = (pick % 5 == 4).then(|| date("2025-02-28"));
        s.person.qualifications.push(Qualification { disease, from: date("2020-01-01"), to });
    }
}

fn used(admissions: i64, amounts: &[Fen]) -> Accumulator {
    let mut used = Accumulator { admissions, ..Accumulator::default() };
    let names: Vec<&str> = used.amounts().into_iter().map(|(name, _)| name).collect();
    for (name, amount) in names.into_iter().zip(amounts) {
        assert!(used.set(name, *amount));
    }
    for code in DISEASES {
        used.chronic.insert(DiseaseCode::parse(code).unwrap(), Fen(10_000));
    }
    used
}

pub(crate) fn modes() -> impl Strategy<Value = (ReductionMode, NewYear)> {
    (
        prop_oneof![Just(ReductionMode::Points), Just(ReductionMode::Factor), Just(ReductionMode::Prepay)],
        prop_oneof![Just(NewYear::Whole), Just(NewYear::Split)],
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever was used before: no panic, no refusal, every identity, funds within the scope, reversal exact.
    #[test]
    fn every_bill_adds_up(
        picks in proptest::collection::vec(any::<Index>(), 6),
        (mode, new_year) in modes(),
        who in person(),
        (service, level, class, disease, days) in (0usize..4, 0usize..3, 0usize..5, 0usize..6, 0i64..900),
        bill in [fen(), fen(), fen(), fen()],
        (admissions, amounts) in (0i64..5, proptest::collection::vec(fen(), 16)),
        (account, family, accounts) in (fen(), fen(), 0usize..3),
        qualifications in proptest::collection::vec(0usize..35, 0..5),
    ) {
        let policy = mixed(&picks, mode, new_year);
        let mut s = Scenario::plain(policy.scheme);
        apply_person(&mut s, who);
        qualify(&mut s, &qualifications);
        apply_visit(&mut s, service, level, class, disease, days);
        apply_bill(&mut s, bill);
        s.purse.account = account;
        s.purse.family = family;
        s.claim.account_use = [AccountUse::None, AccountUse::Own, AccountUse::OwnAndFamily][accounts];
        for year in [2024, 2025] {
            s.used.0.insert((policy.scheme, year), used(admissions, &amounts));
        }
        s.claim.check().unwrap();
        let computed = s.compute(&policy).unwrap();
        sound(&s, &computed, "random");
        let out_of_scope = s.claim.parts.total.minus(s.claim.parts.in_scope).unwrap();
        prop_assert!(computed.amounts.personal >= out_of_scope);
        let booked = Fen::sum(computed.differences.values().map(|d| d.in_scope)).unwrap();
        prop_assert_eq!(booked, s.claim.parts.in_scope);
        prop_assert_eq!(s.compute(&policy).unwrap(), computed, "pre-settling twice gives the same");
    }

    /// A larger bill, nothing used before, one year: the funds never pay less. Every shape is monotone, and each
    /// layer grows by at most what it is given, so this holds to the fen, rounding included. Only where PREPAY meets
    /// a deductible as share of the bill may both round up on the same fen; no known policy has the two together.
    #[test]
    fn more_cost_never_means_less_fund(
        picks in proptest::collection::vec(any::<Index>(), 6),
        (mode, _) in modes(),
        who in person(),
        (service, level, class, disease, days) in (0usize..4, 0usize..3, 0usize..5, 0usize..6, 0i64..200),
        in_scope in fen(),
        more in prop_oneof![Just(1i64), 0i64..1_000, 0i64..100_000_000],
        share in (any::<bool>(), 0u32..=10_000),
        qualifications in proptest::collection::vec(0usize..35, 0..5),
    ) {
        let mut policy = mixed(&picks, mode, NewYear::Whole);
        if share.0 && mode != ReductionMode::Prepay {
            use zhijie_domain::policy::DeductibleAmount::ShareOfBill;
            policy.inpatient.deductible.amount = ShareOfBill { ratio: Bp(share.1), floor: Fen(200_000), ceiling: Fen(1_000_000) };
        }
        let mut s = Scenario::plain(policy.scheme);
        apply_person(&mut s, who);
        qualify(&mut s, &qualifications);
        apply_visit(&mut s, service, level, class, disease, days);
        apply_bill(&mut s, [Fen::ZERO, Fen::ZERO, Fen::ZERO, in_scope]);
        let smaller = s.compute(&policy).unwrap().amounts.fund_total;
        apply_bill(&mut s, [Fen::ZERO, Fen::ZERO, Fen::ZERO, Fen(in_scope.0 + more)]);
        let larger = s.compute(&policy).unwrap().amounts.fund_total;
        prop_assert!(larger >= smaller, "{} pays {smaller} of {in_scope}, {larger} of {} more", policy.area, Fen(more));
    }
}
