//! The month of clearing (清算月) with the shipped numbers: working days, the schedule, prepayment, tickets.

// Helpers of tests may unwrap as tests may; clippy.toml allows it in `#[test]` functions only.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod days;
mod prepayment;
#[path = "../shipped/mod.rs"]
mod shipped;
mod table;
mod ticket;

use std::sync::OnceLock;

use zhijie_domain::{
    calendar::{Date, parse_date},
    parameters::{File, Parameters},
};

/// The shipped parameters, read once.
fn parameters() -> &'static Parameters {
    static ALL: OnceLock<Parameters> = OnceLock::new();
    ALL.get_or_init(|| {
        let files = shipped::files();
        let files: Vec<File<'_>> = files.iter().map(|(path, text)| File { path, text }).collect();
        Parameters::parse(&files).unwrap_or_else(|problems| panic!("{problems:#?}"))
    })
}

fn day(text: &str) -> Date {
    parse_date(text).unwrap()
}
