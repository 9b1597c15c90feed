//! What holds of a person's year under every shipped policy and mixtures of them: what is undone leaves no trace, and no
//! larger bill is paid less for it.

use proptest::{prelude::*, sample::Index};
use zhijie_domain::{
    accumulator::Accumulators,
    calendar::Moment,
    ids::SettlementId,
    money::Fen,
    person::Purse,
    policy::Policy,
    settlement::{Amounts, Kind, Settlement},
};

use crate::{
    properties::{apply_bill, apply_person, apply_visit, fen, mixed, modes, person, qualify},
    world::Scenario,
};

/// A visit: service, level, class, disease, days; and its bill.
type Visit = ((usize, usize, usize, usize, i64), [Fen; 4]);

fn visits() -> impl Strategy<Value = Visit> {
    ((0usize..4, 0usize..3, 0usize..5, 0usize..6, 0i64..200), [fen(), fen(), fen(), fen()])
}

/// A person's year as home keeps it.
struct Year<'a> {
    policy: &'a Policy,
    scenario: Scenario,
    /// Settlements in force, the last one last.
    standing: Vec<Settlement>,
    booked: usize,
}

impl Year<'_> {
    fn settle(&mut self, (visit, bill): &Visit) -> Settlement {
        let (service, level, class, disease, days) = *visit;
        self.scenario.listed = None;
        self.scenario.claim.disease = None;
        apply_visit(&mut self.scenario, service, level, class, disease, days);
        apply_bill(&mut self.scenario, *bill);
        let computation = self.scenario.compute(self.policy).unwrap();
        let id = SettlementId::parse(&format!("S{}", self.booked)).unwrap();
        self.booked += 1;
        let used = self.scenario.used.plus(self.policy.scheme, &computation.differences).unwrap();
        self.scenario.used = used;
        self.scenario.purse.account = computation.amounts.balance;
        self.scenario.purse.family = self.scenario.purse.family.minus(computation.amounts.family).unwrap();
        let settlement = Settlement::booked(id, self.scenario.claim.clone(), computation, Moment(0));
        self.standing.push(settlement.clone());
        settlement
    }

    /// Undoes the last settlement; its negative record.
    fn undo(&mut self) -> Option<(Settlement, Settlement)> {
        let last = self.standing.pop()?;
        let amounts = &last.computation.amounts;
        let purse = &mut self.scenario.purse;
        purse.account = purse.account.plus(amounts.account.minus(amounts.family).unwrap()).unwrap();
        purse.family = purse.family.plus(amounts.family).unwrap();
        let used = self.scenario.used.minus(self.policy.scheme, &last.computation.differences).unwrap();
        self.scenario.used = used;
        let id = SettlementId::parse("negative").unwrap();
        let record = last.undone(id, Kind::Reversed, purse.account, Moment(0)).unwrap();
        Some((last, record))
    }

    fn left(&self) -> (&Accumulators, Purse) {
        (&self.scenario.used, self.scenario.purse)
    }
}

fn year<'a>(policy: &'a Policy, who: (bool, usize, bool, u16), qualifications: &[usize], purse: [Fen; 2]) -> Year<'a> {
    let mut scenario = Scenario::plain(policy.scheme);
    apply_person(&mut scenario, who);
    qualify(&mut scenario, qualifications);
    scenario.purse = Purse { account: purse[0], family: purse[1] };
    scenario.claim.account_use = zhijie_domain::claim::AccountUse::OwnAndFamily;
    Year { policy, scenario, standing: Vec::new(), booked: 0 }
}

/// What a record moves: each fund, and what the person pays.
fn moved(amounts: &Amounts) -> Vec<Fen> {
    let funds = amounts.funds.named().map(|(_, _, amount)| amount);
    [amounts.parts.total, amounts.fund_total, amounts.personal, amounts.account, amounts.family, amounts.cash]
        .into_iter()
        .chain(funds)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// Settled and undone in any order that "last in, first out" allows: accumulators, purse and every later settlement are
    /// those of a year in which only what stands had happened, and each pair moved nothing.
    #[test]
    fn what_is_undone_leaves_no_trace(
        picks in proptest::collection::vec(any::<Index>(), 6),
        (mode, new_year) in modes(),
        who in person(),
        steps in proptest::collection::vec((prop::bool::weighted(0.4), visits()), 1..14),
        purse in [fen(), fen()],
        qualifications in proptest::collection::vec(0usize..35, 0..5),
    ) {
        let policy = mixed(&picks, mode, new_year);
        let mut lived = year(&policy, who, &qualifications, purse);
        let mut visits: Vec<Visit> = Vec::new();
        for (undo, visit) in steps {
            if undo && let Some((settlement, record)) = lived.undo() {
                visits.pop();
                let both = moved(&settlement.computation.amounts).into_iter().zip(moved(&record.computation.amounts));
                for (there, back) in both {
                    prop_assert_eq!(there.plus(back), Ok(Fen::ZERO));
                }
            } else {
                lived.settle(&visit);
                visits.push(visit);
            }
        }
        let mut told = year(&policy, who, &qualifications, purse);
        for (visit, standing) in visits.iter().zip(&lived.standing) {
            prop_assert_eq!(&told.settle(visit).computation, &standing.computation);
        }
        prop_assert_eq!(told.left(), lived.left());
    }

    /// Whatever was settled before in the year, a larger bill is paid more by the funds or the same, and never by more than it
    /// is larger: no tier's edge, deductible or cap makes a bill cheaper for growing, and no patient pays less for more. To the
    /// fen, across all layers.
    #[test]
    fn a_larger_bill_gets_more_and_never_more_than_it_is_larger(
        picks in proptest::collection::vec(any::<Index>(), 6),
        (mode, new_year) in modes(),
        who in person(),
        before in proptest::collection::vec(visits(), 0..4),
        (visit, bill) in visits(),
        more in prop_oneof![Just(1i64), 0i64..1_000, 0i64..100_000_000],
        qualifications in proptest::collection::vec(0usize..35, 0..5),
    ) {
        let policy = mixed(&picks, mode, new_year);
        let of = |in_scope: Fen| {
            let mut year = year(&policy, who, &qualifications, [Fen::ZERO; 2]);
            before.iter().for_each(|visit| drop(year.settle(visit)));
            let [own, over, pre, _] = bill;
            year.settle(&(visit, [own, over, pre, in_scope])).computation.amounts.fund_total
        };
        let (one, other) = (of(bill[3]), of(Fen(bill[3].0 + more)));
        let grown = other.0 - one.0;
        prop_assert!((0..=more).contains(&grown), "{}: {one} of {}, {other} of {more} fen more", policy.area, bill[3]);
    }
}
