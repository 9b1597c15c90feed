//! What regions sign (签名留痕): statements of what is owed, and the heads by which a day's facts are chained (日链).
//! Pure: a statement is a text, and who signs and verifies it stands outside.

mod facts;
mod head;
mod statement;
pub mod tree;

pub use facts::Facts;
pub use head::Head;
pub use statement::{CLAIM, DAY, Named, RECORD, Statement, UNDO, Undo, claim, record, request};
