//! Evidence of a settlement (结算证据): a small file with what both regions signed, which anybody can verify without a
//! store. The texts that were signed stand in it as they were signed, line by line.

mod gather;
mod verify;

use serde::{Deserialize, Serialize};
pub use zhijie_identity::Authorities;

pub use gather::gather;
pub use verify::{Finding, Verdict, verify};

/// The form of the file.
const FORMAT: &str = "zhijie evidence 1";

/// The evidence of a settlement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Its form and version.
    pub format: String,
    /// The settlement.
    pub settlement: Fact,
    /// The negative record that undid it, where one did by the time of writing.
    pub undone_by: Option<Fact>,
    /// The keys by which its signatures are.
    pub keys: Vec<Key>,
}

/// A record, and what was signed of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// What home states when it books the record, line by line.
    pub record: Vec<String>,
    /// Home's signature of that.
    pub home: Option<Signed>,
    /// What care stated before: the claim, or the request to undo it.
    pub request: Vec<String>,
    /// Care's signature of that.
    pub care: Option<Signed>,
    /// That the record is among those of a day, signed by home and by care.
    pub days: Vec<Day>,
}

/// A signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// Ed25519, hexadecimal.
    pub signature: String,
    /// The key by which it is, hexadecimal; empty: it is by none that the store knows.
    pub key: String,
}

/// The head of a day, and the way to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Day {
    /// The head, line by line.
    pub head: Vec<String>,
    /// The signature of its region.
    pub signed: Signed,
    /// From the record to the root in the head, such as `left 5f…`.
    pub path: Vec<String>,
}

/// A key of a region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Whose, such as `home-340000`.
    pub of: String,
    /// Ed25519, hexadecimal.
    pub key: String,
    /// The certificate that binds it, DER, hexadecimal; empty: none does.
    pub certificate: String,
}

impl Evidence {
    /// The file.
    ///
    /// # Errors
    /// Never, as far as is known: everything in it is text.
    pub fn print(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Where it is not of the form, or not byte for byte as [`Evidence::print`] writes it.
    pub fn parse(file: &[u8]) -> Result<Evidence, Unreadable> {
        let evidence: Evidence = serde_json::from_slice(file)?;
        if evidence.format != FORMAT {
            return Err(Unreadable::Format);
        }
        if evidence.print()?.as_bytes() == file { Ok(evidence) } else { Err(Unreadable::Bytes) }
    }
}

/// A file is no evidence.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is not of the form.
    #[error("it is no evidence: {0}")]
    Form(#[from] serde_json::Error),
    /// Another version, or something else.
    #[error("its format is not {FORMAT}")]
    Format,
    /// It says the same as evidence, and was written otherwise: somebody has changed it.
    #[error("it is not as it was written, byte for byte")]
    Bytes,
}

/// Bytes as hexadecimal text.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes of hexadecimal text.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    pairs.collect::<Option<Vec<u8>>>().filter(|bytes| hex(bytes) == text)
}
