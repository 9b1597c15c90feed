//! A region's file: its catalogue's differences and local items, and the policies of its pooling areas.

use serde::Deserialize;
use toml::Spanned;

use super::{
    File, Problem, catalogue,
    national::{National, file, marked},
};
use crate::{catalogue::Catalogue, ids::RegionCode, policy};

/// A catalogue has at least so many items: fewer means that a file is cut short.
const CATALOGUE_ITEMS_MIN: usize = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    region: Spanned<RawRegion>,
    catalogue: Spanned<RawCatalogue>,
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
    source: String,
    difference: Vec<Spanned<catalogue::RawDifference>>,
    local: Vec<Spanned<catalogue::RawItem>>,
}

/// What a region's file gives.
pub(super) struct RegionFile {
    pub(super) catalogue: Catalogue,
    pub(super) areas: Vec<policy::Area>,
}

pub(super) fn parse(files: &[File<'_>], code: &RegionCode, national: &National) -> Result<RegionFile, Vec<Problem>> {
    let file = file(files, &format!("regions/{code}.toml")).map_err(|problem| vec![problem])?;
    let raw: RawFile = file.read().map_err(|problem| vec![problem])?;
    head(file, code, &raw.region, national).map_err(|problem| vec![problem])?;
    let catalogue = merged(file, raw.catalogue, national).map_err(|problem| vec![problem])?;
    let mut areas = Vec::with_capacity(raw.area.len());
    let mut problems = Vec::new();
    for area in raw.area {
        match policy::raw::area(area, code, &national.policies) {
            Ok(area) if areas.iter().any(|other: &policy::Area| other.code == area.code) => {
                problems.push(file.problem(None, "area.code", format!("{} stands here twice", area.code)));
            }
            Ok(area) => areas.push(area),
            Err(found) => problems.extend(file.policy_problems(found)),
        }
    }
    if areas.is_empty() && problems.is_empty() {
        problems.push(file.problem(None, "area", "a region has at least one pooling area"));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(RegionFile { catalogue, areas })
}

fn head(file: File<'_>, code: &RegionCode, region: &Spanned<RawRegion>, national: &National) -> Result<(), Problem> {
    let RawRegion { code: written, zh, en } = region.as_ref();
    let known = national.regions.get(code);
    if written != code || known.is_some_and(|known| known.zh != *zh || known.en != *en) {
        return Err(file.problem(Some(region.span()), "region", "code and names are those of national/regions.toml"));
    }
    Ok(())
}

fn merged(file: File<'_>, raw: Spanned<RawCatalogue>, national: &National) -> Result<Catalogue, Problem> {
    let span = raw.span();
    let RawCatalogue { source, difference, local } = raw.into_inner();
    marked(file, Some(span.clone()), "catalogue.source", &source)?;
    let mut items = national.items.clone();
    catalogue::differ(file, &mut items, difference)?;
    for (code, item) in catalogue::items(file, "catalogue.local", local)? {
        if items.insert(code, item).is_some() {
            return Err(file.problem(Some(span), "catalogue.local", "a local item has a code of its own"));
        }
    }
    if items.len() < CATALOGUE_ITEMS_MIN {
        return Err(file.problem(Some(span), "catalogue", format!("only {} items", items.len())));
    }
    Ok(Catalogue::new(national.catalogue_version.clone(), items.into_values()))
}
