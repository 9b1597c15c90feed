//! What belongs to a chronic disease (病种相关项目): a settlement is for one disease, other items are an ordinary
//! outpatient bill of their own. Source: remembered (医保发〔2022〕22号); which items belong where is data.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    catalogue::FeeCategory,
    chronic::Listed,
    ids::{DiseaseCode, ItemCode},
    refusal::{Code, Refusal},
    split::SplitLine,
};

/// The items that may stand on the bill of each disease.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RelatedItems {
    /// Fee categories that belong to every disease: consultations and tests.
    pub always: BTreeSet<FeeCategory>,
    /// By listed code: item codes and first letters of item codes, such as `XC09` for the ATC class C09.
    pub diseases: BTreeMap<DiseaseCode, BTreeSet<String>>,
}

impl RelatedItems {
    /// Refuses a bill of a disease with a line that is not related to it. A disease without data accepts every item.
    ///
    /// # Errors
    /// [`Code::ItemUnrelated`] naming the first such item and its line.
    pub fn check(&self, listed: &Listed, lines: &[SplitLine]) -> Result<(), Refusal> {
        let Some(stems) = self.diseases.get(listed.code()) else { return Ok(()) };
        let related = |line: &SplitLine| {
            self.always.contains(&line.category) || stems.iter().any(|stem| begins_with(&line.line.item, stem))
        };
        let Some(unrelated) = lines.iter().find(|line| !related(line)) else { return Ok(()) };
        let (item, serial, disease) = (&unrelated.line.item, &unrelated.line.serial, listed.code());
        Err(Refusal::new(
            Code::ItemUnrelated,
            "门诊慢特病: one disease a settlement; other items are an ordinary outpatient bill",
            &format!("claim.lines[{serial}]"),
        )
        .with(
            format!("明细 {serial} 的项目 {item}，病种 {disease}"),
            format!("item {item} of line {serial}, disease {disease}"),
        ))
    }
}

/// True where an item's code is the stem or begins with it.
pub(crate) fn begins_with(item: &ItemCode, stem: &str) -> bool {
    item.as_str().starts_with(stem)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        catalogue::Class,
        chronic::tests::{code, version},
        money::{Bp, Price, Quantity},
        split::{Approval, FeeLine, Parts},
    };

    /// Hypertension has C09 and one beta blocker, dialysis has no data; category 2 always belongs.
    fn check(disease: &str, items: &[(&str, u8)], expected: &str) {
        let version = Arc::new(version("v", "2022-01-01", "M03900 M07801", "").unwrap());
        let listed = version.listed(&code(disease), &[]).unwrap();
        let related = RelatedItems {
            always: [FeeCategory::new(2).unwrap()].into(),
            diseases: [(code("M03900"), ["XC09", "XC07ABM136"].map(String::from).into())].into(),
        };
        let line = |(serial, (item, category)): (usize, &(&str, u8))| SplitLine {
            line: FeeLine {
                serial: serial.to_string(),
                item: ItemCode::parse(item).unwrap(),
                price: Price(0),
                quantity: Quantity(0),
                declared: None,
                approval: Approval::NotNeeded,
            },
            category: FeeCategory::new(*category).unwrap(),
            class: Class::A,
            self_pay: Bp::ZERO,
            limit: None,
            parts: Parts::default(),
        };
        let lines: Vec<SplitLine> = items.iter().enumerate().map(line).collect();
        let found = related.check(&listed, &lines).err();
        let found = found.map(|refusal| {
            format!("{} {} {}", refusal.code, refusal.field, refusal.en.contains(expected.rsplit(' ').next().unwrap()))
        });
        let expected =
            if expected.is_empty() { None } else { Some(format!("{} true", expected.rsplit_once(' ').unwrap().0)) };
        assert_eq!(found, expected, "{disease} {items:?}");
    }

    #[test]
    fn unrelated_items_are_named() {
        for (disease, items, expected) in [
            ("M03900", &[("XC09AAY361", 9), ("XC07ABM136A0", 9), ("001102", 2)][..], ""),
            ("M03900", &[("XC09AAY361", 9), ("XA10BAE038", 9)], "E304 claim.lines[1] XA10BAE038"),
            ("M03900", &[("XC07ABB096", 9)], "E304 claim.lines[0] XC07ABB096"),
            ("M03900", &[("XC09", 9), ("001102", 2), ("001201", 7)], "E304 claim.lines[2] 001201"),
            ("M07801", &[("XA10BAE038", 9)], ""),
        ] {
            check(disease, items, expected);
        }
    }
}
