//! The rules of cross-province direct settlement, in the order money moves.
//!
//! Pure: no clock, no randomness, no I/O, no floats, no hash maps. Every decision is a function that
//! returns a fact or a [`refusal::Refusal`]; every amount is integer fen with checked arithmetic.

pub mod limits;
pub mod money;

pub mod calendar;
pub mod ids;
pub mod refusal;
pub mod source;
pub mod workdays;

pub mod catalogue;
pub mod split;

pub mod accumulator;
pub mod benefit;
pub mod chronic;
pub mod claim;
pub mod filing;
pub mod institution;
pub mod party;
pub mod person;
pub mod policy;
pub mod related;
pub mod settlement;
pub mod signature;
pub mod visit;

pub mod audit;
pub mod author;
pub mod clearing;
pub mod prepayment;
pub mod reconcile;
pub mod ticket;

pub mod ledger;

pub mod proof;

pub mod parameters;
