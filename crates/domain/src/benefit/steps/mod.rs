//! The steps (待遇计算步骤) that a policy is made of; one shape, one file. Source: the frame of the
//! 待遇清单 (2021) for the order, the places named in each file for the shapes.

pub(super) mod class;

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
