//! The care catalogue (就医地目录): which items are in scope, at which first share, up to which price.
//! Source: the national drug list is one for all; a region sets services, consumables, first shares, limits and
//! its own herbal pieces, ethnic medicines and hospital preparations.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de};

use crate::{
    ids::ItemCode,
    money::{Bp, Price},
    person::Sex,
};

/// The class of an item (收费项目等级, `chrgitm_lv`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub enum Class {
    /// 甲类, 01: wholly in scope.
    A,
    /// 乙类, 02: after a first share.
    B,
    /// 丙类, 03: own pay.
    C,
}

/// What happens above the price limit (`overlmt_dspo_way`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Excess {
    /// The part above the limit is the patient's.
    #[default]
    Part,
    /// The whole line is the patient's.
    Line,
}

/// One of the 14 national fee categories (医疗收费项目类别, `med_chrgitm_type`), `01` to `14`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FeeCategory(u8);

/// Names of the categories, in the order of their numbers.
const CATEGORY_NAMES: [(&str, &str); 14] = [
    ("床位费", "bed"),
    ("诊察费", "consultation"),
    ("检查费", "examination"),
    ("化验费", "laboratory"),
    ("治疗费", "treatment"),
    ("手术费", "surgery"),
    ("护理费", "nursing"),
    ("卫生材料费", "consumables"),
    ("西药费", "Western drugs"),
    ("中药饮片费", "herbal pieces"),
    ("中成药费", "Chinese patent drugs"),
    ("一般诊疗费", "general consultation"),
    ("挂号费", "registration"),
    ("其他费", "other"),
];

impl FeeCategory {
    /// The category of a number from 1 to 14.
    #[must_use]
    pub fn new(number: u8) -> Option<FeeCategory> {
        (1..=14).contains(&number).then_some(FeeCategory(number))
    }

    /// The number, 1 to 14.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }

    /// The names in Chinese and English.
    #[must_use]
    pub fn names(self) -> (&'static str, &'static str) {
        CATEGORY_NAMES[usize::from(self.0) - 1]
    }

    /// Western and patent drugs: fixed nationally, a region may not move them between classes.
    #[must_use]
    pub fn is_national_drug(self) -> bool {
        matches!(self.0, 9 | 11)
    }
}

impl<'de> Deserialize<'de> for FeeCategory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = text.parse().ok().filter(|_| text.len() == 2).and_then(FeeCategory::new);
        number.ok_or_else(|| de::Error::custom(format!("`{text}` is not a fee category from \"01\" to \"14\"")))
    }
}

/// The ages for which alone an item makes sense, in full years, both included; in files `"0-14"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ages {
    /// The youngest.
    pub from: u16,
    /// The oldest.
    pub to: u16,
}

impl<'de> Deserialize<'de> for Ages {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let ends = text.split_once('-').and_then(|(from, to)| Some((from.parse::<u8>().ok()?, to.parse::<u8>().ok()?)));
        match ends {
            Some((from, to)) if from <= to => Ok(Ages { from: from.into(), to: to.into() }),
            _ => Err(de::Error::custom(format!("`{text}` is no span of ages such as \"0-14\""))),
        }
    }
}

/// One item of a region's catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The code (`med_list_codg`).
    pub code: ItemCode,
    /// Chinese name.
    pub zh: String,
    /// English name.
    pub en: String,
    /// The fee category (`med_chrgitm_type`).
    pub category: FeeCategory,
    /// The class (`chrgitm_lv`).
    pub class: Class,
    /// The first share of a class-B item (`selfpay_prop`).
    pub first_share: Bp,
    /// The price limit of one unit (`pric_uplmt_amt`), millionths of a yuan.
    pub limit: Option<Price>,
    /// What happens above it.
    pub excess: Excess,
    /// Restricted use (`lmt_used_flag`): in scope only when the hospital approves.
    pub restricted: bool,
    /// A usual price of one unit, for examples and load, millionths of a yuan.
    pub price: Price,
    /// The unit.
    pub unit: String,
    /// The sex for which alone it makes sense.
    pub sex: Option<Sex>,
    /// The ages for which alone it makes sense.
    pub ages: Option<Ages>,
}

impl Item {
    /// The ratio the patient pays first: class A nothing, class B its first share, class C all.
    #[must_use]
    pub fn self_pay(&self) -> Bp {
        match self.class {
            Class::A => Bp::ZERO,
            Class::B => self.first_share,
            Class::C => Bp::WHOLE,
        }
    }
}

/// A region's whole catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Catalogue {
    /// The version of the national catalogue it stands on.
    pub version: String,
    items: BTreeMap<ItemCode, Item>,
}

impl Catalogue {
    /// A catalogue of items; a later item of the same code takes the place of the earlier.
    #[must_use]
    pub fn new(version: String, items: impl IntoIterator<Item = Item>) -> Catalogue {
        Catalogue { version, items: items.into_iter().map(|item| (item.code.clone(), item)).collect() }
    }

    /// The item of a code.
    #[must_use]
    pub fn item(&self, code: &ItemCode) -> Option<&Item> {
        self.items.get(code)
    }

    /// All items in the order of their codes.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.items.values()
    }
}
