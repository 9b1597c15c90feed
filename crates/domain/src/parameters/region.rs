//! A region's file: its catalogue's differences and local items, and the policies of its pooling areas.

use serde::Deserialize;

use super::{
    File, Findings, Problem, catalogue,
    national::{National, file},
};
use crate::{catalogue::Catalogue, ids::RegionCode, policy, source::Source};

/// A catalogue has at least so many items: fewer means that a file is cut short.
const CATALOGUE_ITEMS_MIN: usize = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    region: RawRegion,
    catalogue: RawCatalogue,
    area: Vec<policy::raw::RawArea>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRegion {
    code: RegionCode,
    zh: String,
    en: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCatalogue {
    #[serde(rename = "source")]
    _source: Source,
    difference: Vec<catalogue::RawDifference>,
    local: Vec<catalogue::RawItem>,
}

/// What a region's file gives.
pub(super) struct RegionFile {
    pub(super) catalogue: Catalogue,
    pub(super) areas: Vec<policy::Area>,
}

/// The path of a region's file.
pub(super) fn path(code: &RegionCode) -> String {
    format!("regions/{code}.toml")
}

pub(super) fn parse(files: &[File<'_>], code: &RegionCode, national: &National) -> Result<RegionFile, Vec<Problem>> {
    let file = file(files, &path(code)).map_err(|problem| vec![problem])?;
    let raw: RawFile = file.read().map_err(|problem| vec![problem])?;
    let mut findings = Findings::of(file);
    head(&mut findings, code, &raw.region, national);
    let catalogue = merged(file, raw.catalogue, national).map_err(|found| findings.problems.extend(found));
    let mut areas: Vec<policy::Area> = Vec::with_capacity(raw.area.len());
    findings.require(!raw.area.is_empty(), "area", "a region has at least one pooling area");
    for (index, area) in raw.area.into_iter().enumerate() {
        let at = format!("area[{index}]");
        let twice = areas.iter().any(|other| other.code == area.code);
        findings.require(!twice, &format!("{at}.code"), "the area stands here twice");
        match policy::raw::area(area, &at, code, &national.policies) {
            Ok(area) => areas.push(area),
            Err(found) => findings.problems.extend(file.policy_problems(found)),
        }
    }
    match catalogue {
        Ok(catalogue) => findings.into_result(RegionFile { catalogue, areas }),
        Err(()) => Err(findings.problems),
    }
}

fn head(findings: &mut Findings<'_>, code: &RegionCode, region: &RawRegion, national: &National) {
    let RawRegion { code: written, zh, en } = region;
    let known = national.regions.get(code);
    findings.require(written == code, "region.code", "the code is that of the file's name");
    let names = [("region.zh", known.map(|known| &known.zh), zh), ("region.en", known.map(|known| &known.en), en)];
    for (field, known, written) in names {
        findings.require(known == Some(written), field, "the names are those of national/regions.toml");
    }
}

fn merged(file: File<'_>, raw: RawCatalogue, national: &National) -> Result<Catalogue, Vec<Problem>> {
    let RawCatalogue { difference, local, .. } = raw;
    let mut findings = Findings::of(file);
    let mut items = national.items.clone();
    if let Err(found) = catalogue::differ(file, &mut items, difference) {
        findings.problems.extend(found);
    }
    for (index, local) in local.iter().enumerate() {
        let own = !national.items.contains_key(&local.code);
        findings.require(own, &format!("catalogue.local[{index}].code"), "a local item has a code of its own");
    }
    match catalogue::items(file, "catalogue.local", local) {
        Ok(local) => items.extend(local),
        Err(found) => findings.problems.extend(found),
    }
    findings.require(items.len() >= CATALOGUE_ITEMS_MIN, "catalogue", format!("only {} items", items.len()));
    findings.into_result(Catalogue::new(national.catalogue_version.clone(), items.into_values()))
}
