//! Outpatient chronic diseases settled across provinces (门诊慢特病): the dated national list, sub-codes, regions' own codes.
//! Source: the notices of 2021 (five diseases) and 2024 (five more); a claim is judged by the list of its service date.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    calendar::Date,
    ids::{DiseaseCode, RegionCode},
    limits,
    refusal::{Code, Refusal},
};

/// A disease on the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disease {
    /// The national code.
    pub code: DiseaseCode,
    /// Chinese name.
    pub zh: String,
    /// English name.
    pub en: String,
}

/// A code that stands for a listed disease: a national sub-code or class code, or a region's own (统筹区自编码).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubCode {
    /// The code.
    pub code: DiseaseCode,
    /// The listed code under which it is settled.
    pub parent: DiseaseCode,
    /// The province whose own code it is; none: national.
    pub region: Option<RegionCode>,
}

/// What is wrong in a version, and where: `sub_codes[3].parent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The field.
    pub field: String,
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
}

/// One version of the list: everything in force from its first day until the next version. Made by [`Version::new`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    name: String,
    from: Date,
    diseases: Vec<Disease>,
    /// (Whose code, the code) → the listed code.
    sub_codes: BTreeMap<(Option<RegionCode>, DiseaseCode), DiseaseCode>,
}

/// All versions, oldest first. Versions are only added, and never so that a past day would mean something else.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChronicList {
    versions: Vec<Arc<Version>>,
}

/// A disease that a version of the list holds, with that version: whatever else a claim asks of the list, it asks of
/// this version. Only [`Version::listed`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    code: DiseaseCode,
    version: Arc<Version>,
}

impl Listed {
    /// The national code that the sent code stands for.
    #[must_use]
    pub fn code(&self) -> &DiseaseCode {
        &self.code
    }

    /// The version that holds it.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }
}

impl Version {
    /// A version that holds together.
    ///
    /// # Errors
    /// Every [`Complaint`]: no name, no disease, a code that stands twice, a sub-code whose parent is not on this
    /// version, a sub-code that would hide a listed one, a region that `takes_part` does not know.
    pub fn new(
        name: String,
        from: Date,
        diseases: Vec<Disease>,
        sub_codes: Vec<SubCode>,
        takes_part: impl Fn(&RegionCode) -> bool,
    ) -> Result<Version, Vec<Complaint>> {
        let mut found = Vec::new();
        let mut require = |holds: bool, field: String, zh: String, en: String| {
            if !holds {
                found.push(Complaint { field, zh, en });
            }
        };
        let named = |text: &str| !text.trim().is_empty() && text.chars().count() <= limits::TEXT_CHARS_MAX;
        require(named(&name), "name".into(), "版本须有名称".into(), "a version has a name".into());
        require(!diseases.is_empty(), "diseases".into(), "至少一个病种".into(), "at least one disease".into());
        let few = diseases.len() + sub_codes.len() <= limits::LIST_CODES_MAX;
        let max = limits::LIST_CODES_MAX;
        require(few, "sub_codes".into(), format!("编码超过 {max} 个"), format!("more than {max} codes"));
        let mut listed = BTreeSet::new();
        for (row, Disease { code, zh, en }) in diseases.iter().enumerate() {
            let field = |name: &str| format!("diseases[{row}].{name}");
            require(listed.insert(code), field("code"), format!("{code} 重复"), format!("{code} stands here twice"));
            require(named(zh), field("zh"), "病种须有名称".into(), "a disease has a name".into());
            require(named(en), field("en"), "病种须有名称".into(), "a disease has a name".into());
        }
        let mut codes = BTreeMap::new();
        for (row, SubCode { code, parent, region }) in sub_codes.into_iter().enumerate() {
            let field = |name: &str| format!("sub_codes[{row}].{name}");
            let hides = listed.contains(&code);
            require(!hides, field("code"), format!("{code} 已在目录"), format!("{code} is listed itself"));
            let known = listed.contains(&parent);
            require(
                known,
                field("parent"),
                format!("{parent} 不在本版目录"),
                format!("{parent} is not on this version of the list"),
            );
            let of_province = region.as_ref().is_none_or(|region| region.is_province() && takes_part(region));
            require(of_province, field("region"), "须为参加的省".into(), "a province that takes part".into());
            let repeated = (format!("{code} 重复"), format!("{code} stands here twice"));
            let new = codes.insert((region, code), parent).is_none();
            require(new, field("code"), repeated.0, repeated.1);
        }
        if found.is_empty() { Ok(Version { name, from, diseases, sub_codes: codes }) } else { Err(found) }
    }

    /// Its name, quoted by refusals.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its first day.
    #[must_use]
    pub fn from(&self) -> Date {
        self.from
    }

    /// The diseases, in their order.
    #[must_use]
    pub fn diseases(&self) -> &[Disease] {
        &self.diseases
    }

    /// The sub-codes, national ones first.
    pub fn sub_codes(&self) -> impl Iterator<Item = SubCode> + '_ {
        let sub_code = |((region, code), parent): (&(Option<RegionCode>, DiseaseCode), &DiseaseCode)| SubCode {
            code: code.clone(),
            parent: parent.clone(),
            region: region.clone(),
        };
        self.sub_codes.iter().map(sub_code)
    }

    /// The listed code that a code stands for. The regions' own codes come first, in the order of `regions`, then the
    /// national list: the code itself, its sub-code, its class.
    #[must_use]
    pub fn stands_for(&self, code: &DiseaseCode, regions: &[RegionCode]) -> Option<DiseaseCode> {
        let sub_code = |region: Option<RegionCode>, code: &DiseaseCode| self.sub_codes.get(&(region, code.clone()));
        let own = regions.iter().find_map(|region| sub_code(Some(region.clone()), code));
        let parent = code.parent();
        let of = |code: &DiseaseCode| self.diseases.iter().map(|disease| &disease.code).find(|listed| *listed == code);
        own.or_else(|| of(code))
            .or_else(|| sub_code(None, code))
            .or_else(|| sub_code(None, &parent))
            .or_else(|| of(&parent))
            .cloned()
    }

    /// The disease that a code stands for, as judged by this version.
    #[must_use]
    pub fn listed(self: &Arc<Self>, code: &DiseaseCode, regions: &[RegionCode]) -> Option<Listed> {
        self.stands_for(code, regions).map(|code| Listed { code, version: Arc::clone(self) })
    }
}

impl ChronicList {
    /// The list of these versions.
    ///
    /// # Errors
    /// The place of the first version that does not begin after the one before it, or has a name that one before it has.
    pub fn new(versions: Vec<Version>) -> Result<ChronicList, usize> {
        let mut list = ChronicList::default();
        for (place, version) in versions.into_iter().enumerate() {
            let rises = list.versions.last().is_none_or(|last| last.from < version.from);
            if !rises || list.version(&version.name).is_some() {
                return Err(place);
            }
            list.versions.push(Arc::new(version));
        }
        Ok(list)
    }

    /// All versions, oldest first.
    #[must_use]
    pub fn versions(&self) -> &[Arc<Version>] {
        &self.versions
    }

    /// The version of a name.
    #[must_use]
    pub fn version(&self, name: &str) -> Option<&Arc<Version>> {
        self.versions.iter().find(|version| version.name == name)
    }

    /// The version in force on a day.
    #[must_use]
    pub fn on(&self, day: Date) -> Option<&Arc<Version>> {
        self.versions.iter().rev().find(|version| version.from <= day)
    }

    /// The listed disease that a code stands for on a day; `regions` are those whose own codes it may be.
    ///
    /// # Errors
    /// [`Code::DiseaseNotListed`] naming the list's version.
    pub fn listed(&self, code: &DiseaseCode, day: Date, regions: &[RegionCode]) -> Result<Listed, Refusal> {
        let version = self.on(day);
        version.and_then(|version| version.listed(code, regions)).ok_or_else(|| {
            let name = version.map_or("none", |version| version.name.as_str());
            Refusal::new(Code::DiseaseNotListed, &format!("national chronic list, version {name}"), "disease")
                .with(format!("{code}，{day}，目录版本 {name}"), format!("{code} on {day}, list version {name}"))
        })
    }

    /// Adds a version (目录发布). The same version again changes nothing and gives none.
    ///
    /// # Errors
    /// [`Code::FieldInvalid`] naming the field: a name or a first day that is taken, or a first day that is not after
    /// today, which would change by what claims of that day were judged.
    pub fn publish(&self, version: Version, today: Date) -> Result<Option<ChronicList>, Refusal> {
        if self.version(&version.name).is_some_and(|known| **known == version) {
            return Ok(None);
        }
        if self.version(&version.name).is_some() {
            return Err(Refusal::malformed("list.name", "版本名称已用", "a name that no version has yet"));
        }
        if let Some(taken) = self.versions.iter().find(|known| known.from == version.from) {
            let (zh, en) =
                (format!("该日已有版本 {}", taken.name), format!("no version's first day, as {}'s", taken.name));
            return Err(Refusal::malformed("list.from", zh, en));
        }
        if version.from <= today {
            let (zh, en) = (
                format!("须晚于今日 {today}，不改变已过日期"),
                format!("after today, {today}: what a past day means stays"),
            );
            return Err(Refusal::malformed("list.from", zh, en));
        }
        let mut versions = self.versions.clone();
        let place = versions.partition_point(|known| known.from < version.from);
        versions.insert(place, Arc::new(version));
        Ok(Some(ChronicList { versions }))
    }

    /// The disease of a listed code, from the newest version.
    #[must_use]
    pub fn disease(&self, code: &DiseaseCode) -> Option<&Disease> {
        self.versions.iter().rev().flat_map(|version| version.diseases()).find(|disease| disease.code == *code)
    }

    /// What is wrong with a code where only a listed one may stand, in Chinese and English: rules are compared by listed
    /// codes.
    #[must_use]
    pub fn complaint(&self, code: &DiseaseCode) -> Option<(String, String)> {
        if self.disease(code).is_some() {
            return None;
        }
        let national = |version: &Arc<Version>| version.sub_codes.get(&(None, code.clone())).cloned();
        Some(match self.versions.iter().rev().find_map(national) {
            Some(listed) => {
                (format!("{code} 应写作 {listed}"), format!("{code} is settled under {listed}: write that"))
            }
            None => (format!("{code} 不在任何版本目录"), format!("{code} is on no version of the national list")),
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::calendar::parse_date;

    pub(crate) fn code(text: &str) -> DiseaseCode {
        DiseaseCode::parse(text).unwrap()
    }

    /// A version of diseases and of sub-codes such as `M07803>M07801` or `340000:M95001>M03900`.
    pub(crate) fn version(name: &str, from: &str, codes: &str, sub_codes: &str) -> Result<Version, Vec<Complaint>> {
        let disease = |text: &str| Disease { code: code(text), zh: "病".into(), en: "disease".into() };
        let sub_code = |text: &str| {
            let (whose, parent) = text.split_once('>').unwrap();
            let (region, own) = whose.split_once(':').map_or((None, whose), |(region, own)| (Some(region), own));
            let region = region.map(|region| RegionCode::parse(region).unwrap());
            SubCode { code: code(own), parent: code(parent), region }
        };
        Version::new(
            name.into(),
            parse_date(from).unwrap(),
            codes.split_whitespace().map(disease).collect(),
            sub_codes.split_whitespace().map(sub_code).collect(),
            |region| region.as_str() != "990000",
        )
    }

    /// Two versions: M00500 and M07801 from 2022-12-31, M00200 too from 2024-12-01; M07803 and M07800 stand for M07801.
    /// Anhui has own codes from 2024 on, M00503 among them; Shanghai has one that Anhui has too.
    fn list() -> ChronicList {
        let national = "M07803>M07801 M07800>M07801";
        let own = "340000:M95001>M00500 340000:M00503>M07801 340000:M95002>M00200 310000:M95002>M00500";
        let versions = [
            version("2022", "2022-12-31", "M00500 M07801", national),
            version("2024", "2024-12-01", "M00500 M07801 M00200", &format!("{national} {own}")),
        ];
        ChronicList::new(versions.map(Result::unwrap).into()).unwrap()
    }

    fn check(sent: &str, day: &str, regions: &str, expected: &str) {
        let regions: Vec<RegionCode> = regions.split_whitespace().map(|r| RegionCode::parse(r).unwrap()).collect();
        let found = match list().listed(&code(sent), parse_date(day).unwrap(), &regions) {
            Ok(listed) => format!("{} {}", listed.code(), listed.version().name()),
            Err(refusal) => format!("{} {}", refusal.code, refusal.rule.rsplit(' ').next().unwrap_or_default()),
        };
        assert_eq!(found, expected, "{sent} on {day} of {regions:?}");
    }

    #[test]
    fn codes_stand_for_the_disease_listed_on_the_day() {
        for (code, day, regions, expected) in [
            ("M00500", "2025-03-01", "", "M00500 2024"),
            ("M00503", "2025-03-01", "", "M00500 2024"),
            ("M07801", "2025-03-01", "", "M07801 2024"),
            ("M07803", "2025-03-01", "", "M07801 2024"),
            ("M07800", "2025-03-01", "", "M07801 2024"),
            ("M07899", "2025-03-01", "", "M07801 2024"),
            ("M00200", "2024-12-01", "", "M00200 2024"),
            ("M00201", "2024-12-01", "", "M00200 2024"),
            ("M00200", "2024-11-30", "", "E303 2022"),
            ("M00500", "2022-12-30", "", "E303 none"),
            ("M99900", "2025-03-01", "", "E303 2024"),
            // A region's own code, before the national meaning, for those regions only and from its version on.
            ("M95001", "2025-03-01", "340000 310000", "M00500 2024"),
            ("M95001", "2025-03-01", "310000", "E303 2024"),
            ("M95001", "2024-11-30", "340000", "E303 2022"),
            ("M00503", "2025-03-01", "340000", "M07801 2024"),
            ("M00503", "2025-03-01", "310000", "M00500 2024"),
            ("M95002", "2025-03-01", "340000 310000", "M00200 2024"),
            ("M95002", "2025-03-01", "310000 340000", "M00500 2024"),
        ] {
            check(code, day, regions, expected);
        }
    }

    #[test]
    fn a_version_holds_together() {
        for (name, codes, sub_codes, expected) in [
            ("v", "M00500 M07801", "M07803>M07801 340000:M07803>M00500", ""),
            (" ", "M00500", "", "name"),
            ("v", "", "", "diseases"),
            ("v", "M00500 M00500", "", "diseases[1].code"),
            ("v", "M00500", "M00503>M00500 M07803>M07801", "sub_codes[1].parent"),
            ("v", "M00500", "M00503>M00500 M00503>M00500", "sub_codes[1].code"),
            ("v", "M00500 M07801", "340000:M00500>M07801", "sub_codes[0].code"),
            ("v", "M00500", "340100:M95001>M00500", "sub_codes[0].region"),
            ("v", "M00500", "990000:M95001>M00500", "sub_codes[0].region"),
        ] {
            let found = version(name, "2026-01-01", codes, sub_codes).err().unwrap_or_default();
            let fields: Vec<&str> = found.iter().map(|complaint| complaint.field.as_str()).collect();
            assert_eq!(fields.join(" "), expected, "{codes} {sub_codes}");
        }
    }

    #[test]
    fn versions_are_added_for_days_to_come_only() {
        for (name, from, codes, expected) in [
            ("2026", "2025-03-11", "M00500 M07801 M07100", "2022 2024 2026"),
            ("2024", "2024-12-01", "M00500", "list.name"),
            ("2024", "2026-01-01", "M00500", "list.name"),
            ("2026", "2024-12-01", "M00500", "list.from"),
            ("2026", "2025-03-10", "M00500", "list.from"),
            ("2026", "2024-06-01", "M00500", "list.from"),
        ] {
            let today = parse_date("2025-03-10").unwrap();
            let published = list().publish(version(name, from, codes, "").unwrap(), today);
            let names =
                |list: ChronicList| list.versions().iter().map(|v| v.name().to_owned()).collect::<Vec<_>>().join(" ");
            let found = match published {
                Ok(list) => list.map(names).unwrap_or_default(),
                Err(refusal) => refusal.field,
            };
            assert_eq!(found, expected, "{name} from {from}");
        }
        let known = (*list().versions()[0]).clone();
        assert_eq!(
            list().publish(known, parse_date("2025-03-10").unwrap()),
            Ok(None),
            "the same again changes nothing"
        );
        let before = version("2027", "2027-01-01", "M00500", "").unwrap();
        let between = version("2026", "2026-01-01", "M00500", "").unwrap();
        let today = parse_date("2025-03-10").unwrap();
        let both = list().publish(before, today).unwrap().unwrap().publish(between, today).unwrap().unwrap();
        assert_eq!(both.on(parse_date("2026-12-31").unwrap()).map(|version| version.name()), Some("2026"));
    }
}
