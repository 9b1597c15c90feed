//! Names of things: regions (医保区划), institutions, people, messages, visits, settlements, items, diseases.
//! Each is made by a parser that refuses what is not of the form, and never holds anything else.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

use crate::limits;

/// A text is not of the form its name demands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be {form}")]
pub struct Malformed {
    /// What was read, such as `region code`.
    pub what: &'static str,
    /// The form it must have, in Chinese.
    pub zh: &'static str,
    /// The same in English.
    pub form: &'static str,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $zh:literal, $form:literal, $accepts:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// Reads the text.
            ///
            /// # Errors
            /// [`Malformed`] when it is not of the form.
            pub fn parse(text: &str) -> Result<Self, Malformed> {
                let accepts: fn(&str) -> bool = $accepts;
                if accepts(text) { Ok(Self(text.into())) } else { Err(Malformed { what: $what, zh: $zh, form: $form }) }
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
            }
        }
    };
}

/// Names that may be shown to anybody.
macro_rules! shown {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.0).finish()
            }
        }
    )*};
}

/// Names of people: no text is made of them but by asking for it, so that none gets into a log by the way.
macro_rules! personal {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )*};
}

shown!(RegionCode, InstitutionCode, MessageId, VisitId, SettlementId, FilingId, TicketId, ItemCode, DiseaseCode);
personal!(PersonId, OfficerId);

fn digits(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| b.is_ascii_digit())
}

fn visible(text: &str, longest: usize) -> bool {
    !text.is_empty() && text.len() <= longest && text.bytes().all(|b| b.is_ascii_graphic() && b != b'/')
}

text_id!(
    /// A division code of six digits (医保区划): `310000` is a province, `340100` a city.
    RegionCode, "region code", "应为六位数字，如 310000", "six digits, such as 310000", |text| digits(text, 6)
);
text_id!(
    /// A designated institution (定点医药机构): `H` or `P`, its six-digit division, five digits or capitals.
    InstitutionCode, "institution code", "应为 H 或 P、六位区划、五位数字或大写字母", "H (medical) or P (pharmacy), six digits of division, five digits or capital letters",
    |text| text.len() == 12 && text.starts_with(['H', 'P']) && text.get(1..7).is_some_and(|d| digits(d, 6))
        && text.bytes().skip(7).all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
);
text_id!(
    /// A person's number at the home region (人员编号, `psn_no`). Personal data: it has no `Display`, and its `Debug` hides it.
    PersonId, "person number", "应为 1 至 30 个可见 ASCII 字符，不含斜线", "1 to 30 visible ASCII characters without a slash", |text| visible(text, 30)
);
text_id!(
    /// The sender's message id (发送方报文ID, `msgid`); opaque, unique per institution and act.
    MessageId, "message id", "应为 1 至 64 个可见 ASCII 字符，不含斜线", "1 to 64 visible ASCII characters without a slash", |text| visible(text, limits::MESSAGE_ID_CHARS_MAX)
);
text_id!(
    /// A visit (就诊ID, `mdtrt_id`), issued by the care region.
    VisitId, "visit id", "应为 1 至 40 个可见 ASCII 字符，不含斜线", "1 to 40 visible ASCII characters without a slash", |text| visible(text, 40)
);
text_id!(
    /// A settlement or its negative record (结算ID, `setl_id`), issued by the home region.
    SettlementId, "settlement id", "应为 1 至 40 个可见 ASCII 字符，不含斜线", "1 to 40 visible ASCII characters without a slash", |text| visible(text, 40)
);
text_id!(
    /// A filing (备案), issued by the home region.
    FilingId, "filing id", "应为 1 至 40 个可见 ASCII 字符，不含斜线", "1 to 40 visible ASCII characters without a slash", |text| visible(text, 40)
);
text_id!(
    /// An officer of an agency (经办人员, `opter`); the numbers are those of the national platform, one person one number.
    OfficerId, "officer number", "应为 1 至 30 个可见 ASCII 字符，不含斜线", "1 to 30 visible ASCII characters without a slash", |text| visible(text, 30)
);
text_id!(
    /// A ticket (问题单), issued by the hub.
    TicketId, "ticket id", "应为 1 至 40 个可见 ASCII 字符，不含斜线", "1 to 40 visible ASCII characters without a slash", |text| visible(text, 40)
);
text_id!(
    /// A national catalogue item (医疗目录编码, `med_list_codg`).
    ItemCode, "item code", "应为 1 至 50 个可见 ASCII 字符，不含斜线", "1 to 50 visible ASCII characters without a slash", |text| visible(text, 50)
);
text_id!(
    /// A chronic disease (门诊慢特病病种, `opsp_dise_code`): `M` and five digits; the last two are the sub-code.
    DiseaseCode, "disease code", "应为 M 加五位数字，如 M03900", "M and five digits, such as M03900",
    |text| text.len() == 6 && text.starts_with('M') && text.get(1..).is_some_and(|d| digits(d, 5))
);

impl RegionCode {
    /// The province that the division belongs to: `340100` → `340000`.
    #[must_use]
    pub fn province(&self) -> RegionCode {
        if self.is_province() {
            return self.clone();
        }
        RegionCode([&self.0[..2], "0000"].concat().into())
    }

    /// True for a province-level code.
    #[must_use]
    pub fn is_province(&self) -> bool {
        self.0.ends_with("0000")
    }

    /// True when `other` is this place or lies inside it: a province holds its cities, `xxyy00` its districts.
    #[must_use]
    pub fn holds(&self, other: &RegionCode) -> bool {
        let stem = if self.is_province() {
            &self.0[..2]
        } else if self.0.ends_with("00") {
            &self.0[..4]
        } else {
            &self.0[..]
        };
        other.0.starts_with(stem)
    }
}

impl InstitutionCode {
    /// The division in which the institution stands.
    #[must_use]
    pub fn division(&self) -> RegionCode {
        RegionCode(self.0[1..7].into())
    }

    /// True for a retail pharmacy (定点零售药店).
    #[must_use]
    pub fn is_pharmacy(&self) -> bool {
        self.0.starts_with('P')
    }
}

impl DiseaseCode {
    /// The national parent of a sub-code: `M00503` → `M00500`. Where the list itself names a sub-code, that stands.
    #[must_use]
    pub fn parent(&self) -> DiseaseCode {
        DiseaseCode(format!("{}00", &self.0[..4]).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_kept() {
        for (text, good) in [("310000", true), ("31000", false), ("31000a", false), ("３１0000", false)] {
            assert_eq!(RegionCode::parse(text).is_ok(), good, "{text}");
        }
        for (text, good) in [
            ("H31010000001", true),
            ("P3101000000Z", true),
            ("X31010000001", false),
            ("H3101000001", false),
            ("H31010000é01", false),
        ] {
            assert_eq!(InstitutionCode::parse(text).is_ok(), good, "{text}");
        }
        assert!(PersonId::parse("a b").is_err() && PersonId::parse("").is_err() && MessageId::parse("a/b").is_err());
    }

    #[test]
    fn a_person_is_not_shown_by_the_way() {
        let (person, officer) = (PersonId::parse("34120000000000000001"), OfficerId::parse("ah-01"));
        assert_eq!(format!("{:?} {:?}", person.unwrap(), officer.unwrap()), "PersonId(…) OfficerId(…)");
    }

    #[test]
    fn places_hold_their_parts() {
        let code = |text| RegionCode::parse(text).unwrap();
        for (place, part, holds) in [
            ("310000", "310100", true),
            ("340100", "340104", true),
            ("340100", "341200", false),
            ("340100", "340000", false),
            ("340104", "340104", true),
        ] {
            assert_eq!(code(place).holds(&code(part)), holds, "{place} holds {part}");
        }
        assert_eq!(code("341204").province(), code("340000"));
        assert_eq!(DiseaseCode::parse("M00503").unwrap().parent().as_str(), "M00500");
    }
}
