//! Cures of differences (差异处理): which difference takes which, and what a cure closes. Facts are only ever added:
//! no cure changes or removes a record, and nothing is booked at home that home has not decided.

use super::{Difference, DifferenceKind, Unequal};
use crate::{
    ids::SettlementId,
    refusal::{Code, Refusal},
    settlement::Kind,
};

/// How a difference is cured (处理方式).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cure {
    /// 补传: what home holds is given to the books that lack it; care agrees that it sent the claim.
    Replay,
    /// 冲正: a negative record is added. Where home holds the settlement, home undoes it first; where home lacks it, only
    /// the books that hold it take the negative record, and the operator says why.
    Reverse,
    /// 重新查询: the hub asks home and care again, and takes what both hold.
    ReQuery,
    /// 人工核对: somebody looked into it, and says why it may stand.
    ManualMatch,
}

impl Cure {
    /// Every cure.
    pub const ALL: [Cure; 4] = [Cure::Replay, Cure::Reverse, Cure::ReQuery, Cure::ManualMatch];

    /// Refuses a cure that would not keep a promise of the road.
    ///
    /// # Errors
    /// [`Code::FieldInvalid`] naming the rule, in the field `cure`.
    pub fn fits(self, difference: &Difference) -> Result<(), Refusal> {
        use DifferenceKind::{
            Amount, CareHome, CareHub, CareOnly, Duplicate, HomeOnly, HubHome, HubOnly, Period, Status, Unproven,
        };
        let agreed = difference.fields.is_empty();
        let in_force = difference.entry.in_force();
        match (self, difference.kind) {
            (Cure::ManualMatch, _) => Ok(()),
            (_, Unproven) => {
                Err(unfit("what a region has signed, or has not, no other can mend", "签名只能由签名方负责"))
            }
            (_, Amount | Period) => Err(unfit("a booked record is never changed", "账内记录不得修改")),
            (Cure::ReQuery, CareHome) if agreed => Ok(()),
            (Cure::ReQuery, _) => {
                Err(unfit("the hub takes only what home and care both hold alike", "国家平台只补记两地一致的记录"))
            }
            (Cure::Replay, HomeOnly | HubHome) if agreed => Ok(()),
            (Cure::Replay, Status) if undone_at_home(difference) => Ok(()),
            (Cure::Replay, _) => {
                Err(unfit("home decides: only what home holds is given to others", "只补传参保地已记的记录"))
            }
            (Cure::Reverse, CareOnly | HubOnly | CareHub | HomeOnly | HubHome) if agreed && in_force => Ok(()),
            // At home the visit stays settled by the twin; undoing one of them would open it again.
            (Cure::Reverse, Duplicate) if agreed && !difference.held.home => Ok(()),
            (Cure::Reverse, Duplicate) => Err(unfit("a visit that a twin settles is not opened", "重复结算须人工核对")),
            (Cure::Reverse, _) => {
                Err(unfit("one negative record undoes one settlement in force", "只冲正有效且一致的单边结算"))
            }
        }
    }

    /// True for a cure that rests on somebody's word, who must be named with the reason.
    #[must_use]
    pub fn needs_note(self) -> bool {
        matches!(self, Cure::Reverse | Cure::ManualMatch)
    }
}

fn unfit(rule: &str, zh: &str) -> Refusal {
    Refusal::new(Code::FieldInvalid, &format!("cure of a difference: {rule}"), "cure").with(zh, rule)
}

/// True where all that differs is that some book does not know yet what home knows: the settlement is undone.
fn undone_at_home(difference: &Difference) -> bool {
    difference.fields.iter().all(|Unequal { field, values }| {
        let behind = |value: &String| value.is_empty() || *value == values.home;
        field == "undone_by" && !values.home.is_empty() && behind(&values.care) && behind(&values.hub)
    })
}

/// What was done about a difference, as far as it decides whether the difference is still open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cured {
    /// How.
    pub cure: Cure,
    /// What kind the difference was.
    pub kind: DifferenceKind,
    /// What differed.
    pub fields: Vec<Unequal>,
    /// The negative record of a reversal.
    pub negative: Option<SettlementId>,
}

impl Cured {
    /// True where the difference is closed although the books still differ: it is the one that was matched by hand, or
    /// a settlement that home lacks and its negative record, which together are nothing.
    #[must_use]
    pub fn closes(&self, difference: &Difference) -> bool {
        let entry = &difference.entry;
        match self.cure {
            Cure::ManualMatch => self.kind == difference.kind && self.fields == difference.fields,
            Cure::Reverse => {
                let one = if entry.kind == Kind::Settled { entry.undone_by.as_ref() } else { Some(&entry.id) };
                self.negative.is_some()
                    && self.negative.as_ref() == one
                    && !difference.held.home
                    && difference.fields.is_empty()
            }
            Cure::Replay | Cure::ReQuery => false,
        }
    }
}
