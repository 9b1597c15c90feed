//! Monthly clearing (月度清算): what each home province owes each care province. One design, one file.
//! Source: 医保发〔2022〕22号, annex: gross per ordered pair, all fund layers and the personal account, negative records inside.

pub mod gross;
