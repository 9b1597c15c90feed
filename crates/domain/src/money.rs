//! Money (金额) in integer fen, ratios in basis points. Every operation is checked, every division names its rounding.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

/// An amount left the range of 64-bit fen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the amount leaves the range of 64-bit fen")]
pub struct Overflow;

/// An amount in fen (分), a hundredth of a yuan. In parameter files it is written in yuan: `1300` or `"12.50"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Fen(pub i64);

impl Fen {
    /// Nothing.
    pub const ZERO: Fen = Fen(0);

    /// `self + other`.
    ///
    /// # Errors
    /// [`Overflow`] when the sum does not fit.
    pub fn plus(self, other: Fen) -> Result<Fen, Overflow> {
        self.0.checked_add(other.0).map(Fen).ok_or(Overflow)
    }

    /// `self - other`; may be negative.
    ///
    /// # Errors
    /// [`Overflow`] when the difference does not fit.
    pub fn minus(self, other: Fen) -> Result<Fen, Overflow> {
        self.0.checked_sub(other.0).map(Fen).ok_or(Overflow)
    }

    /// `self - other`, or zero where that is negative.
    ///
    /// # Errors
    /// [`Overflow`] when the difference does not fit.
    pub fn minus_to_zero(self, other: Fen) -> Result<Fen, Overflow> {
        Ok(self.minus(other)?.max(Fen::ZERO))
    }

    /// The amount with its sign turned, as a cancellation writes it.
    ///
    /// # Errors
    /// [`Overflow`] for the one value that has no negative.
    pub fn negated(self) -> Result<Fen, Overflow> {
        self.0.checked_neg().map(Fen).ok_or(Overflow)
    }

    /// `self × ratio`, rounded half up on the magnitude to the fen (a refund mirrors its charge).
    ///
    /// # Errors
    /// [`Overflow`] when the product does not fit.
    pub fn share_half_up(self, ratio: Bp) -> Result<Fen, Overflow> {
        self.scaled_half_up(i64::from(ratio.0), i64::from(Bp::WHOLE.0))
    }

    /// `self × numerator ÷ denominator`, rounded half up on the magnitude to the fen.
    ///
    /// # Errors
    /// [`Overflow`] when the result does not fit or the denominator is zero.
    pub fn scaled_half_up(self, numerator: i64, denominator: i64) -> Result<Fen, Overflow> {
        divide_half_up(i128::from(self.0) * i128::from(numerator), i128::from(denominator))
    }

    /// The sum of many amounts.
    ///
    /// # Errors
    /// [`Overflow`] when a partial sum does not fit.
    pub fn sum(amounts: impl IntoIterator<Item = Fen>) -> Result<Fen, Overflow> {
        amounts.into_iter().try_fold(Fen::ZERO, Fen::plus)
    }

    /// Splits the amount over weights by largest remainder, so that the parts add up to it exactly.
    /// The earlier part wins a tie. Zero weights everywhere put all into the first part.
    ///
    /// # Errors
    /// [`Overflow`] when the weights do not sum within 64 bits or are negative.
    pub fn allocate(self, weights: &[i64]) -> Result<Vec<Fen>, Overflow> {
        let total: i64 = weights.iter().try_fold(0i64, |sum, w| sum.checked_add(*w)).ok_or(Overflow)?;
        if weights.iter().any(|w| *w < 0) {
            return Err(Overflow);
        }
        let mut parts = vec![Fen::ZERO; weights.len()];
        let Some(first) = parts.first_mut() else { return Ok(parts) };
        if total == 0 {
            *first = self;
            return Ok(parts);
        }
        let mut remainders = Vec::with_capacity(weights.len());
        let mut given = 0i64;
        for (index, weight) in weights.iter().enumerate() {
            let product = i128::from(self.0.unsigned_abs()) * i128::from(*weight);
            let whole = i64::try_from(product / i128::from(total)).map_err(|_| Overflow)?;
            parts[index] = Fen(whole);
            given = given.checked_add(whole).ok_or(Overflow)?;
            remainders.push((std::cmp::Reverse(product % i128::from(total)), index));
        }
        remainders.sort();
        let magnitude = self.0.checked_abs().ok_or(Overflow)?;
        let left = usize::try_from(magnitude - given).map_err(|_| Overflow)?;
        for (_, index) in remainders.into_iter().take(left) {
            parts[index] = parts[index].plus(Fen(1))?;
        }
        if self.0 < 0 {
            for part in &mut parts {
                *part = part.negated()?;
            }
        }
        Ok(parts)
    }

    /// Reads yuan with at most two decimals: `1300`, `12.5`, `-0.07`.
    #[must_use]
    pub fn parse_yuan(text: &str) -> Option<Fen> {
        parse_decimal(text, 2).map(Fen)
    }

    /// True below zero.
    #[must_use]
    pub fn is_negative(self) -> bool {
        self.0 < 0
    }
}

/// `numerator ÷ denominator`, half up on the magnitude.
fn divide_half_up(numerator: i128, denominator: i128) -> Result<Fen, Overflow> {
    if denominator <= 0 {
        return Err(Overflow);
    }
    let magnitude = (numerator.abs() + denominator / 2) / denominator;
    let signed = if numerator < 0 { -magnitude } else { magnitude };
    i64::try_from(signed).map(Fen).map_err(|_| Overflow)
}

/// A decimal with at most `decimals` digits behind the point, as an integer of that scale; exact or nothing.
fn parse_decimal(text: &str, decimals: usize) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || fraction.len() > decimals || !plain(whole) || !plain(fraction) {
        return None;
    }
    let padded = format!("{whole}{fraction:0<decimals$}");
    let magnitude: i64 = padded.parse().ok()?;
    Some(if negative { -magnitude } else { magnitude })
}

impl fmt::Display for Fen {
    /// Yuan with two decimals and thousands separated: `12,345.67`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let whole = (magnitude / 100).to_string();
        let mut grouped = String::with_capacity(whole.len() + whole.len() / 3 + 4);
        if self.0 < 0 {
            grouped.push('-');
        }
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && (whole.len() - index).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        f.pad(&format!("{grouped}.{:02}", magnitude % 100))
    }
}

impl<'de> Deserialize<'de> for Fen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fen, D::Error> {
        struct Yuan;
        impl de::Visitor<'_> for Yuan {
            type Value = Fen;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an amount in yuan: a whole number, or text such as \"12.50\"")
            }
            fn visit_i64<E: de::Error>(self, yuan: i64) -> Result<Fen, E> {
                yuan.checked_mul(100).map(Fen).ok_or_else(|| E::custom("the amount is too large"))
            }
            fn visit_u64<E: de::Error>(self, yuan: u64) -> Result<Fen, E> {
                i64::try_from(yuan)
                    .map_err(|_| E::custom("the amount is too large"))
                    .and_then(|yuan| self.visit_i64(yuan))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Fen, E> {
                Fen::parse_yuan(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Yuan)
    }
}

/// A ratio in basis points: 10,000 is the whole. In parameter files it is written as percent text: `"85%"`, `"17.5%"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bp(pub u32);

impl Bp {
    /// Nothing.
    pub const ZERO: Bp = Bp(0);
    /// One hundred percent.
    pub const WHOLE: Bp = Bp(10_000);

    /// Reads percent text with at most two decimals, from `0%` to `100%`.
    #[must_use]
    pub fn parse_percent(text: &str) -> Option<Bp> {
        let scaled = parse_decimal(text.strip_suffix('%')?.trim_end(), 2)?;
        u32::try_from(scaled).ok().filter(|bp| *bp <= Bp::WHOLE.0).map(Bp)
    }

    /// What is left of the whole: `100% - self`, never below nothing.
    #[must_use]
    pub fn rest(self) -> Bp {
        Bp(Bp::WHOLE.0.saturating_sub(self.0))
    }
}

impl fmt::Display for Bp {
    /// Percent: `85%`, `17.5%`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.0 / 100, self.0 % 100);
        let text = match (fraction, fraction % 10) {
            (0, _) => format!("{whole}%"),
            (_, 0) => format!("{whole}.{}%", fraction / 10),
            _ => format!("{whole}.{fraction:02}%"),
        };
        f.pad(&text)
    }
}

impl<'de> Deserialize<'de> for Bp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bp, D::Error> {
        let text = String::deserialize(deserializer)?;
        Bp::parse_percent(&text).ok_or_else(|| {
            de::Error::custom(format!("`{text}` is not a ratio: write percent text from \"0%\" to \"100%\""))
        })
    }
}

/// A price of one unit in millionths of a yuan (`pric`, `pric_uplmt_amt`), as fine as the national interface's six
/// decimals. In files it is written as text: `"0.0625"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Price(pub i64);

/// A quantity in ten-thousandths of a unit (`cnt`). In files it is written as text: `"12"`, `"0.5"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Quantity(pub i64);

impl Price {
    /// Decimals of a price.
    const DECIMALS: usize = 6;

    /// price × quantity, half up to the fen: 10⁻⁶ × 10⁻⁴ yuan is 10⁻⁸ fen.
    ///
    /// # Errors
    /// [`Overflow`] when the product does not fit.
    pub fn times(self, quantity: Quantity) -> Result<Fen, Overflow> {
        divide_half_up(i128::from(self.0) * i128::from(quantity.0), 100_000_000)
    }

    /// What the price has above a limit.
    ///
    /// # Errors
    /// [`Overflow`] when the difference does not fit.
    pub fn above(self, limit: Price) -> Result<Price, Overflow> {
        self.0.checked_sub(limit.0).map(Price).ok_or(Overflow)
    }
}

impl Quantity {
    /// Decimals of a quantity.
    const DECIMALS: usize = 4;
}

macro_rules! decimal {
    ($name:ident) => {
        impl fmt::Display for $name {
            /// Without the zeros behind: `12.5`.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&shown_decimal(self.0, Self::DECIMALS))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                parse_decimal(&text, Self::DECIMALS).map($name).ok_or_else(|| {
                    de::Error::custom(format!("`{text}` is not a decimal with at most {} places", Self::DECIMALS))
                })
            }
        }
    };
}

decimal!(Price);
decimal!(Quantity);

fn shown_decimal(scaled: i64, decimals: usize) -> String {
    let sign = if scaled < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", scaled.unsigned_abs(), width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    format!("{sign}{whole}.{fraction}").trim_end_matches('0').trim_end_matches('.').into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yuan_text_is_exact_or_refused() {
        for (text, fen) in [
            ("0", Some(0)),
            ("12.5", Some(1250)),
            ("-0.07", Some(-7)),
            ("1.234", None),
            ("", None),
            (".5", None),
            ("1e3", None),
            ("1,000", None),
        ] {
            assert_eq!(Fen::parse_yuan(text).map(|f| f.0), fen, "{text}");
        }
        assert_eq!(Fen(-123_456_789).to_string(), "-1,234,567.89");
        assert_eq!(Fen(7).to_string(), "0.07");
    }

    #[test]
    fn shares_round_half_up_on_the_magnitude() {
        for (fen, bp, share) in
            [(125, 1_000, 13), (-125, 1_000, -13), (124, 1_000, 12), (1, 5_000, 1), (i64::MAX, 10_000, i64::MAX)]
        {
            assert_eq!(Fen(fen).share_half_up(Bp(bp)), Ok(Fen(share)), "{fen} at {bp}");
        }
        assert_eq!(Fen(i64::MAX).scaled_half_up(3, 2), Err(Overflow));
        assert_eq!(Fen(i64::MAX).plus(Fen(1)), Err(Overflow));
    }

    #[test]
    fn percent_reads_and_prints_itself() {
        for text in ["0%", "5%", "17.5%", "66.67%", "100%"] {
            assert_eq!(Bp::parse_percent(text).map(|bp| bp.to_string()).as_deref(), Some(text));
        }
        for text in ["85", "100.01%", "-1%", "0.85", "12.345%"] {
            assert_eq!(Bp::parse_percent(text), None, "{text}");
        }
    }

    #[test]
    fn prices_have_six_decimals_and_quantities_four() {
        for (price, quantity, total) in [
            ("0.000001", "5000", Some(1)),
            ("0.000001", "4999.9999", Some(0)),
            ("80", "12", Some(96_000)),
            ("0.333333", "3", Some(100)),
            ("-2.5", "0.5", Some(-125)),
        ] {
            let scaled = |text: &str, decimals| parse_decimal(text, decimals).unwrap();
            let (price, quantity) = (Price(scaled(price, 6)), Quantity(scaled(quantity, 4)));
            assert_eq!(price.times(quantity).ok().map(|fen| fen.0), total, "{price} × {quantity}");
        }
        for (scaled, shown) in [(12_500_000, "12.5"), (1, "0.000001"), (-10, "-0.00001"), (0, "0"), (7_000_000, "7")] {
            assert_eq!(Price(scaled).to_string(), shown);
        }
        assert_eq!(Quantity(i64::MIN).to_string(), "-922337203685477.5808");
        assert_eq!(Price(i64::MAX).times(Quantity(i64::MAX)), Err(Overflow));
    }

    proptest::proptest! {
        #[test]
        fn allocated_parts_add_up(amount in -1_000_000_000i64..1_000_000_000, weights in proptest::collection::vec(0i64..1_000, 1..8)) {
            let parts = Fen(amount).allocate(&weights).unwrap();
            assert_eq!(Fen::sum(parts), Ok(Fen(amount)));
        }
    }
}
