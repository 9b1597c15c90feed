//! The steps (待遇计算步骤) that a policy is made of; one shape, one file. Source: regulations 3.2 to 3.7.

pub(super) mod chronic;
pub(super) mod outpatient;
pub(super) mod stay;

pub(super) mod bonus;
mod deductible;
pub(super) mod reduction;

pub(super) mod account;
pub(super) mod assistance;
pub(super) mod catastrophic;
pub(super) mod civil_servant;
pub(super) mod large_amount;
