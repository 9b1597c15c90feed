//! The enums of the wire and of the domain, name by name.

use zhijie_domain::{
    audit::case::Reason,
    catalogue::Class,
    claim::{AccountUse, Level, Service},
    clearing::item::{Carried, ItemKind},
    filing::{Change, FilingKind, FilingStatus},
    party::Party,
    person::{Assisted, Category, Scheme, Sex},
    policy::TreatmentClass,
    reconcile::{Cure, DifferenceKind},
    refusal::Refusal,
    settlement::Kind,
    split::Approval,
    ticket::{Duty as OverdueDuty, Level as AgencyLevel, Status as TicketStatus},
};

use super::pb;

/// A domain enum that has a twin on the wire.
pub trait Coded: Copy + PartialEq + 'static {
    /// Every value with its number on the wire.
    const TABLE: &'static [(Self, i32)];
}

macro_rules! coded {
    ($($domain:ident = $wire:ident { $($variant:ident $(as $twin:ident)?),* })*) => {
        $(impl Coded for $domain {
            const TABLE: &'static [($domain, i32)] = &[$(($domain::$variant, coded!(@ $wire $variant $($twin)?))),*];
        })*
    };
    (@ $wire:ident $variant:ident $twin:ident) => { pb::$wire::$twin as i32 };
    (@ $wire:ident $variant:ident) => { pb::$wire::$variant as i32 };
}

coded! {
    Scheme = Scheme { Employee, Resident }
    Category = Category { Active, Retired, Minor, Adult, Elderly }
    Sex = Sex { Male, Female }
    Assisted = Assisted { Destitute, MinimumLiving, FallenBack, Marginal, MadePoorByIllness }
    FilingKind = FilingKind { ResettledRetiree, LongTermResident, PostedWorker, Referred, Emergency, OtherTemporary }
    FilingStatus = FilingStatus { Applied, Active, Rejected, Cancelled, Changed }
    Change = FilingChange { Approve, Reject, Cancel, Replace }
    Service = Service { Outpatient, Pharmacy, Chronic, Stay }
    Level = Level { Primary, Secondary, Tertiary }
    AccountUse = AccountUse { None as Unspecified, Own, OwnAndFamily }
    Approval = Approval { NotNeeded as Unspecified, Approved, Refused }
    Class = ItemClass { A, B, C }
    TreatmentClass = TreatmentClass { Local, Referred, Emergency, Other, Unfiled }
    Kind = EntryKind { Settled, Cancelled, Reversed }
    ItemKind = ClearedKind { Settlement, Correction, Deduction }
    Carried = CarriedReason { NotAgreed, UnderReview, Disputed }
    Reason = CaseReason { Threshold, Requested, Finding }
    Party = PartyCode { Home, Care, Hub }
    DifferenceKind = DifferenceKind {
        CareOnly, HubOnly, HomeOnly, CareHub, HubHome, CareHome, Amount, Status, Period, Duplicate, Unproven
    }
    Cure = Cure { Replay, Reverse, ReQuery, ManualMatch }
    OverdueDuty = OverdueDuty {
        ConfirmationOverdue as Confirmation, LateItem, PrepaymentExhausted, VerificationOverdue as Verification,
        BookMissing
    }
    AgencyLevel = AgencyLevel { City, Province, Nation }
    TicketStatus = TicketStatus { Waiting, Answered, Closed }
}

/// Reads a number of the wire.
///
/// # Errors
/// `FieldInvalid` naming the field, for a number that stands for nothing.
pub fn parse<T: Coded>(number: i32, field: &str) -> Result<T, Refusal> {
    optional(number).ok_or_else(|| {
        Refusal::malformed(field, format!("无此代码 {number}"), format!("a known value; {number} is none"))
    })
}

/// Reads a number of the wire where none is allowed.
#[must_use]
pub fn optional<T: Coded>(number: i32) -> Option<T> {
    T::TABLE.iter().find(|(_, code)| *code == number).map(|(value, _)| *value)
}

/// The number on the wire.
#[must_use]
pub fn print<T: Coded>(value: T) -> i32 {
    T::TABLE.iter().find(|(known, _)| *known == value).map_or(0, |(_, code)| *code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Coded + std::fmt::Debug>() {
        for (value, number) in T::TABLE {
            assert_eq!(optional::<T>(*number), Some(*value));
            assert_eq!(print(*value), *number);
        }
    }

    #[test]
    fn every_value_comes_back() {
        check::<Scheme>();
        check::<Category>();
        check::<Sex>();
        check::<Assisted>();
        check::<FilingKind>();
        check::<FilingStatus>();
        check::<Change>();
        check::<Service>();
        check::<Level>();
        check::<AccountUse>();
        check::<Approval>();
        check::<Class>();
        check::<TreatmentClass>();
        check::<Kind>();
        check::<ItemKind>();
        check::<Carried>();
        check::<Reason>();
        check::<Party>();
        check::<DifferenceKind>();
        check::<Cure>();
        check::<OverdueDuty>();
        check::<AgencyLevel>();
        check::<TicketStatus>();
        assert!(parse::<Service>(0, "service").is_err() && parse::<Service>(99, "service").is_err());
    }
}
