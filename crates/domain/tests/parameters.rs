//! A wrong number never becomes a rule: one edit in a shipped file, and the problem names file, line and field.

// Helpers of tests may unwrap as tests may; clippy.toml allows it in `#[test]` functions only.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod shipped;

use std::sync::OnceLock;

use zhijie_domain::parameters::{File, Parameters, Problem};

/// The shipped files: path and text.
fn shipped_files() -> &'static [(String, String)] {
    static FILES: OnceLock<Vec<(String, String)>> = OnceLock::new();
    FILES.get_or_init(shipped::files)
}

fn problems_of(files: &[(String, String)]) -> Vec<Problem> {
    let files: Vec<File<'_>> = files.iter().map(|(path, text)| File { path, text }).collect();
    Parameters::parse(&files).err().unwrap_or_default()
}

/// Puts `new` in the place of the first `old` of a file and expects a problem at the line of the mark `§` in `new`.
fn check(path: &str, old: &str, new: &str, field: &str) {
    let mut files = shipped_files().to_vec();
    let (_, text) = files.iter_mut().find(|(name, _)| name == path).unwrap();
    assert!(text.contains(old), "{path} has no {old}");
    let marked = text.replacen(old, new, 1);
    let (before, _) = marked.split_once('§').expect("a mark");
    let line = before.matches('\n').count() + 1;
    *text = marked.replacen('§', "", 1);
    let problems = problems_of(&files);
    let named = problems.iter().any(|p| p.file == path && p.line == Some(line) && p.field == field);
    let shown = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(named, "{path}:{line}: {field} is not named for {new}:\n{shown}");
}

#[test]
fn the_shipped_files_have_no_problem() {
    let shown: Vec<String> = problems_of(shipped_files()).iter().map(ToString::to_string).collect();
    assert_eq!(shown, Vec::<String>::new());
}

#[test]
fn national_numbers() {
    const RULES: &str = "national/rules.toml";
    const HOLIDAYS: &str = "national/holidays.toml";
    const CHRONIC: &str = "national/chronic.toml";
    const ITEMS: &str = "national/chronic_items.toml";
    const REGIONS: &str = "national/regions.toml";
    for (path, old, new, field) in [
        // Of the wrong type, or no field at all.
        (RULES, "quota_months = 2", "§quota_months = \"two\"", "prepayment.quota_months"),
        (RULES, "yellow = \"70%\"", "§yellow = \"170%\"", "prepayment.yellow"),
        (RULES, "agreed_by = 20", "agreed_by = 20\n§agreed_on = 20", "calendar.agreed_on"),
        (RULES, "source = \"found: threshold", "§source = \"heard: threshold", "verification.source"),
        // Silent otherwise.
        (RULES, "quota_months = 2", "§quota_months = 0", "prepayment.quota_months"),
        (RULES, "yellow = \"70%\"", "§yellow = \"95%\"", "prepayment.yellow"),
        (RULES, "tables_on = 21", "§tables_on = 19", "calendar.tables_on"),
        (RULES, "confirmed_by = 25", "§confirmed_by = 31", "calendar.confirmed_by"),
        (RULES, "stay_above = 30000", "§stay_above = -1", "verification.stay_above"),
        (RULES, "answer_day = 26", "§answer_day = 0", "verification.answer_day"),
        (RULES, "answer_day = 26", "§answer_day = 32", "verification.answer_day"),
        (RULES, "appeal_working_days = 5", "§appeal_working_days = 0", "verification.appeal_working_days"),
        (RULES, "upload_days = 3", "§upload_days = 0", "details.upload_days"),
        (RULES, "upload_days = 3", "§upload_days = 300", "details.upload_days"),
        (RULES, "upload_days = 3", "upload_days = 3\n§upload_hours = 72", "details.upload_hours"),
        (RULES, "[\"110000\", \"120000\", \"130000\"]", "§[\"110000\", \"990000\"]", "verification.cluster.provinces"),
        (RULES, "[\"110000\", \"120000\", \"130000\"]", "§[\"110000\"]", "verification.cluster.provinces"),
        (RULES, "[\"110000\", \"120000\", \"130000\"]", "§[\"110100\", \"120000\"]", "verification.cluster.provinces"),
        (RULES, "zh = \"京津冀\"", "§zh = \" \"", "verification.cluster.zh"),
        (RULES, "en = \"Yangtze delta\"", "§en = \" \"", "verification.cluster.en"),
        (RULES, "source = \"found: the pilot", "§source = \"the pilot", "verification.cluster.source"),
        (RULES, "temporary_months = 6", "§temporary_months = 0", "filing.temporary_months"),
        (RULES, "feedback_working_days = 5", "§feedback_working_days = -5", "calendar.feedback_working_days"),
        (RULES, "ask_working_days = 3", "§ask_working_days = \"3\"", "prepayment.ask_working_days"),
        (RULES, "months_without_history = 2", "§months_without_history = 0", "prepayment.months_without_history"),
        (RULES, "floor = 100000", "§floor = -100000", "prepayment.floor"),
        (RULES, "answer_working_days = 2", "§answer_working_days = 0", "ticket.answer_working_days"),
        (RULES, "source = \"design: the limits", "§source = \"the limits", "ticket.source"),
        (RULES, "liquidity = \"20%\"", "§liquidity = \"120%\"", "designs.liquidity"),
        (RULES, "rounds = 20", "§rounds = 0", "designs.rounds"),
        (RULES, "rounds = 20", "§rounds = 1001", "designs.rounds"),
        (RULES, "source = \"design: what-ifs", "§source = \"what-ifs", "designs.source"),
        // Holidays: in another year, out of order, twice, no day at all.
        (HOLIDAYS, "  \"2023-04-05\",", "  §\"2024-04-05\",", "year.off"),
        (HOLIDAYS, "  \"2023-04-05\",", "  §\"2023-01-05\",", "year.off"),
        (HOLIDAYS, "  \"2023-04-05\",", "  \"2023-04-05\",\n  §\"2023-04-05\",", "year.off"),
        (HOLIDAYS, "  \"2023-04-05\",", "  §\"2023-04-31\",", "year.off"),
        // Days worked: off too, no weekend day, in another year, twice.
        (HOLIDAYS, "worked = [\n  \"2023-01-28\"", "worked = [\n  §\"2023-01-22\"", "year.worked"),
        (HOLIDAYS, "worked = [\n  \"2023-01-28\"", "worked = [\n  §\"2023-01-20\"", "year.worked"),
        (HOLIDAYS, "worked = [\n  \"2023-01-28\"", "worked = [\n  §\"2022-12-31\"", "year.worked"),
        (HOLIDAYS, "worked = [\n  \"2023-01-28\"", "worked = [\n  §\"2023-01-28\", \"2023-01-28\"", "year.worked"),
        (HOLIDAYS, "year = 2024", "§year = 2023", "year.year"),
        (HOLIDAYS, "source = \"rule: 国办发明电〔2023〕7号\"", "§source = \"国办发明电〔2023〕7号\"", "year.source"),
        (CHRONIC, "  { code = \"M01600\"", "  { §code = \"M03900\"", "version.diseases.code"),
        (CHRONIC, "  { code = \"M01600\"", "  { §code = \"M1600\"", "version.diseases.code"),
        (CHRONIC, "from = \"2024-12-01\"", "§from = \"2022-12-31\"", "version.from"),
        (CHRONIC, "name = \"2024\"\nfrom", "name = \"2022\"\n§from", "version.from"),
        (CHRONIC, "name = \"2024\"", "§name = \" \"", "version.name"),
        (CHRONIC, "code = \"M07804\"", "§code = \"M07803\"", "version.sub_codes.code"),
        (CHRONIC, "code = \"M00503\"", "§code = \"M00500\"", "version.sub_codes.code"),
        (CHRONIC, "code = \"M95001\"", "§code = \"M01600\"", "version.sub_codes.code"),
        (CHRONIC, "parent = \"M00200\"", "§parent = \"M00300\"", "version.sub_codes.parent"),
        (CHRONIC, "region = \"340000\"", "§region = \"340100\"", "version.sub_codes.region"),
        (CHRONIC, "region = \"340000\"", "§region = \"990000\"", "version.sub_codes.region"),
        (ITEMS, "code = \"M03900\"", "§code = \"M03901\"", "disease.code"),
        (ITEMS, "code = \"M01600\"", "§code = \"M03900\"", "disease.code"),
        (ITEMS, "\"XC03\", \"XC07\"", "§\"XC33\", \"XC07\"", "disease.items"),
        (ITEMS, "\"XC03\", \"XC07\"", "§\"XC03\", \"XC03\"", "disease.items"),
        (ITEMS, "items = [\"XA10\"]", "§items = []", "disease.items"),
        (ITEMS, "\"13\"]", "§\"15\"]", "always"),
        (REGIONS, "zh = \"天津\"", "§zh = \" \"", "region.zh"),
        (REGIONS, "code = \"120000\"", "§code = \"110000\"", "region.code"),
        (REGIONS, "code = \"120000\"", "§code = \"120100\"", "region.code"),
        (REGIONS, "kind = \"municipality\"", "§kind = 1", "region.kind"),
    ] {
        check(path, old, new, field);
    }
}

#[test]
fn screening() {
    const BEDS: &str = "{ code = \"001109000120000\", per_day = \"1\" }";
    for (old, new, field) in [
        ("repeats_max = 3", "§repeats_max = 0", "duplicate_line.repeats_max"),
        ("repeats_max = 3", "§repeats_max = -1", "duplicate_line.repeats_max"),
        ("source = \"design: what is given", "§source = \"what is given", "duplicate_line.source"),
        ("gap_days = 7", "§gap_days = \"a week\"", "split_stays.gap_days"),
        ("under_percent = \"60%\"", "§under_percent = \"100%\"", "split_stays.under_percent"),
        ("under_percent = \"60%\"", "§under_percent = 60", "split_stays.under_percent"),
        ("[split_stays]", "§[split_bills]", "split_bills"),
        (BEDS, "{ §code = \"001109000110000\", per_day = \"1\" }", "quantity_per_day.items.code"),
        (BEDS, "{ §code = \"001109000129999\", per_day = \"1\" }", "quantity_per_day.items.code"),
        (BEDS, "{ code = \"001109000120000\", §per_day = \"0\" }", "quantity_per_day.items.per_day"),
        (BEDS, "{ code = \"001109000120000\", §per_day = \"one\" }", "quantity_per_day.items.per_day"),
    ] {
        check("national/screening.toml", old, new, field);
    }
}

#[test]
fn institutions() {
    for (old, new, field) in [
        ("diseases = [\"M00500\", \"M00200\"]", "§diseases = [\"M00500\", \"M09900\"]", "institution.diseases"),
        ("diseases = [\"M00500\", \"M00200\"]", "§diseases = [\"M00503\"]", "institution.diseases"),
        ("diseases = [\"M00500\", \"M00200\"]", "§diseases = [\"M00500\", \"M00500\"]", "institution.diseases"),
        ("diseases = [\"M00500\", \"M00200\"]", "§diseases = [\"*\", \"M00500\"]", "institution.diseases"),
        ("diseases = [\"M00500\", \"M00200\"]", "§diseases = []", "institution.diseases"),
        ("services = [\"pharmacy\"]", "§services = []", "institution.services"),
        ("services = [\"pharmacy\"]", "§services = [\"drugs\"]", "institution.services"),
        ("code = \"H11010000002\"", "§code = \"H11010000001\"", "institution.code"),
        ("code = \"H11010000002\"", "§code = \"H99010000002\"", "institution.code"),
    ] {
        check("national/institutions.toml", old, new, field);
    }
}

#[test]
fn catalogues() {
    const NATIONAL: &str = "national/catalogue.toml";
    const SHANGHAI: &str = "regions/310000.toml";
    for (path, old, new, field) in [
        (NATIONAL, "price = \"50.00\"", "§price = \"50.0000001\"", "item.price"),
        (NATIONAL, "price = \"50.00\"", "§price = \"0\"", "item.price"),
        (NATIONAL, "price = \"50.00\"", "§price = \"50.00\", excess = \"line\"", "item.excess"),
        (NATIONAL, "self = \"20%\"", "§self = \"100%\"", "item.self"),
        (NATIONAL, "sex = \"female\"", "§sex = \"woman\"", "item.sex"),
        (NATIONAL, "ages = \"0-1\"", "§ages = \"under 1\"", "item.ages"),
        (NATIONAL, "ages = \"0-14\"", "§ages = \"14-0\"", "item.ages"),
        (NATIONAL, "code = \"001109000120000\"", "§code = \"001109000110000\"", "item.code"),
        (SHANGHAI, "{ code = \"001109000120000\",", "{ §code = \"001109000110000\",", "catalogue.difference.code"),
        (SHANGHAI, "{ code = \"001109000120000\",", "{ §code = \"001109000129999\",", "catalogue.difference.code"),
        (SHANGHAI, "self = \"15%\", limit = \"350.00\"", "§self = \"100%\"", "catalogue.difference.self"),
        (SHANGHAI, "class = \"B\", self = \"30%\"", "§class = \"B\"", "catalogue.difference.self"),
        (
            SHANGHAI,
            "{ code = \"XC08CAX249A003020312400\",",
            "{ §excess = \"line\", code = \"XC08CAX249A003020312400\",",
            "catalogue.difference.excess",
        ),
        (
            SHANGHAI,
            "{ code = \"XC08CAX249A003020312400\",",
            "{ §class = \"C\", code = \"XC08CAX249A003020312400\",",
            "catalogue.difference.class",
        ),
        (SHANGHAI, "code = \"31T000001\"", "§code = \"001109000110000\"", "catalogue.local.code"),
        (SHANGHAI, "category = \"10\"", "§category = \"15\"", "catalogue.local.category"),
    ] {
        check(path, old, new, field);
    }
}

#[test]
fn policies() {
    const DEFAULTS: &str = "national/policies.toml";
    const SHANGHAI: &str = "regions/310000.toml";
    const ANHUI: &str = "regions/340000.toml";
    const HENAN: &str = "regions/410000.toml";
    for (path, old, new, field) in [
        (
            DEFAULTS,
            "diseases = [\"M03900\", \"M01600\"]",
            "§diseases = [\"M03900\", \"M01601\"]",
            "policy.chronic.rule.diseases",
        ),
        (DEFAULTS, "cap = 300000", "§cap = -300000", "policy.inpatient.cap"),
        (DEFAULTS, "quota = 4000", "§quota = true", "policy.chronic.rule.quota"),
        (DEFAULTS, "[policy.filing]", "§[policy.fyling]", "policy.fyling"),
        (
            DEFAULTS,
            "[policy.filing]\n",
            "[policy.filing]\n§waived = [{ provinces = [\"990000\"], services = [\"stay\"] }]\n",
            "policy.filing.waived.provinces",
        ),
        (
            SHANGHAI,
            "diseases = [\"M00500\", \"M07801\", \"M08300\"]",
            "§diseases = [\"M00500\", \"M07803\"]",
            "area.policy.chronic.rule.diseases",
        ),
        (
            SHANGHAI,
            "provinces = [\"320000\", \"330000\", \"340000\"]",
            "§provinces = [\"320100\"]",
            "area.policy.filing.waived.provinces",
        ),
        (
            SHANGHAI,
            "provinces = [\"320000\", \"330000\", \"340000\"]",
            "§provinces = []",
            "area.policy.filing.waived.provinces",
        ),
        (SHANGHAI, "counts = [\"chronic\"]", "§counts = []", "area.policy.catastrophic.counts"),
        (SHANGHAI, "retired = 1200", "§retired = \"1200 yuan\"", "area.policy.inpatient.deductible.retired"),
        (
            SHANGHAI,
            "source = \"found: amounts and ratios",
            "§source = \"amounts and ratios",
            "area.policy.inpatient.source",
        ),
        (SHANGHAI, "en = \"Shanghai\"\n\n[[area.policy]]", "§en = \" \"\n\n[[area.policy]]", "area.en"),
        (SHANGHAI, "unfiled = \"refuse\"", "§unfiled = \"reject\"", "area.policy.filing.unfiled"),
        (
            ANHUI,
            "floor = 2000, ceiling = 10000",
            "§floor = 20000, ceiling = 10000",
            "area.policy.inpatient.deductible.away.other",
        ),
        (ANHUI, "uses = \"default-employee\"", "§uses = \"default\"", "area.policy.uses"),
        (ANHUI, "code = \"341200\"", "§code = \"340100\"", "area.code"),
        (
            ANHUI,
            "{ upto = 100000, ratio = \"65%\" }",
            "{ §upto = 40000, ratio = \"65%\" }",
            "area.policy.catastrophic.tiers.upto",
        ),
        (
            HENAN,
            "referred = [{ upto = 7000",
            "§referred = [{ upto = -1",
            "area.policy.inpatient.ratio.away.referred.upto",
        ),
        (HENAN, "cap = 1800", "§cap = 18.5", "area.policy.outpatient.cap"),
    ] {
        check(path, old, new, field);
    }
}

#[test]
fn every_region_has_its_file_and_no_other_has_one() {
    let named = |files: &[(String, String)], path: &str| {
        let problems = problems_of(files);
        assert!(problems.iter().any(|problem| problem.file == path), "{path}: {problems:?}");
    };
    let mut files = shipped_files().to_vec();
    files.retain(|(path, _)| path != "regions/540000.toml");
    named(&files, "regions/540000.toml");
    let mut files = shipped_files().to_vec();
    files.push(("regions/710000.toml".into(), "region.code = \"710000\"".into()));
    named(&files, "regions/710000.toml");
    let mut files = shipped_files().to_vec();
    let (_, text) = files.iter_mut().find(|(path, _)| path == "national/regions.toml").unwrap();
    let last = text.rfind("[[region]]").unwrap();
    text.truncate(last);
    named(&files, "national/regions.toml");
}
