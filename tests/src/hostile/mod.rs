//! Bad input: what the fuzz targets and the tests of bad input have in common. Each entry takes any bytes, and panics where
//! the house does not hold.

mod asked;
mod documents;
pub mod mutate;
mod real;
mod requests;

pub use asked::{Asked, METHODS};
pub use documents::{DOCUMENTS, wire};
pub use real::{Kept, parameter_files, records};

use std::cell::RefCell;

use tokio::runtime::{Builder, Runtime};
use zhijie_services::{
    domain::{
        parameters::{File, Parameters},
        person::Scheme,
        refusal::Code,
    },
    quote::{Quote, QuoteError},
};

/// The claim by which policies are tried.
const QUOTE: &str = include_str!("../../../examples/quote.toml");

/// Reads parameters of which one file, chosen by the first byte, has this text. Whatever they accept must compute: no claim
/// under any accepted policy may fail to add up.
///
/// # Panics
/// When one does.
pub fn parameters(data: &[u8]) {
    let Some((choice, text)) = data.split_first() else { return };
    let mut files = parameter_files();
    let place = usize::from(*choice) % files.len();
    files[place].1 = String::from_utf8_lossy(text).into_owned();
    let files: Vec<File<'_>> = files.iter().map(|(path, text)| File { path, text }).collect();
    let Ok(parameters) = Parameters::parse(&files) else { return };
    let mut quote = Quote::parse(QUOTE).expect("the shipped example reads");
    for area in parameters.areas().keys() {
        for scheme in [Scheme::Employee, Scheme::Resident] {
            quote.home = area.clone();
            quote.scheme = scheme;
            if let Err(QuoteError::Refused(refusal)) = quote.explain(&parameters) {
                assert_ne!(refusal.code, Code::SplitBroken, "{area}: {refusal}");
            }
        }
    }
}

/// Inputs that are what they should be, for an entry of this name: what is changed into bad ones.
///
/// # Panics
/// For a name that is no entry's.
pub fn right(entry: &str) -> Vec<Vec<u8>> {
    match entry {
        "wire" => documents::right(),
        "records" => {
            let numbered = |(number, kept): (usize, &Kept)| {
                let number = u16::try_from(number).expect("fewer records than that");
                [&number.to_be_bytes(), &kept.content[..]].concat()
            };
            Kept::all().iter().enumerate().map(numbered).collect()
        }
        "parameters" => {
            let numbered = |(number, (_, text)): (usize, (String, String))| {
                [&[u8::try_from(number).expect("fewer files than that")], text.as_bytes()].concat()
            };
            parameter_files().into_iter().enumerate().map(numbered).collect()
        }
        "services" => asked::right(),
        _ => panic!("no entry {entry}"),
    }
}

/// A runtime for entries that wait.
pub fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// How many inputs one cluster of [`services`] takes.
const INPUTS_OF_A_CLUSTER: usize = 2_000;

/// Asks the services of a cluster, which is judged and made anew after some thousand inputs; see [`Asked::ask`].
///
/// # Panics
/// When a service panics, or no longer serves, or holds stores that are not sound.
pub fn services(data: &[u8]) {
    thread_local! {
        static CLUSTER: RefCell<Option<(Runtime, Asked, usize)>> = const { RefCell::new(None) };
    }
    CLUSTER.with_borrow_mut(|cluster| {
        let (runtime, mut asked, inputs) = cluster.take().unwrap_or_else(|| {
            let runtime = runtime();
            let asked = runtime.block_on(Asked::new());
            (runtime, asked, 0)
        });
        runtime.block_on(asked.ask(data));
        if inputs + 1 == INPUTS_OF_A_CLUSTER {
            runtime.block_on(asked.judge());
        } else {
            *cluster = Some((runtime, asked, inputs + 1));
        }
    });
}
