//! Monthly clearing (月度清算): what waits, the tables it enters, and the steps until the money is there.
//! Source: 医保发〔2022〕22号, annex: gross per ordered pair, all fund layers and the personal account, net of cancellations.

pub mod designs;
pub mod item;
pub mod life;
pub mod schedule;
pub mod table;
