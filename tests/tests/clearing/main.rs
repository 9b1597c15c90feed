//! The clearing month through the real hub: tables from injected settlements, reviews, disputes, the calendar, payments.

mod crash;
mod items;
mod june;
mod model;
mod stage;
mod year;
