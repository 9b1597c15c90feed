//! Designated institutions (定点医药机构) and what they are opened for: per service and per chronic disease, each from a
//! day on and, where it ended, up to a day. Source: 医保发〔2022〕22号, art. 14; the day of service decides. Chronic care is
//! opened disease by disease: a hospital may dialyse across provinces and not treat tumours.

use std::collections::BTreeMap;

use crate::{
    calendar::{Date, Moment},
    chronic::{ChronicList, Listed},
    claim::{Level, Service},
    ids::{DiseaseCode, InstitutionCode},
    limits,
    refusal::{Code, Refusal},
};

/// The rule that refuses an institution, or what it is not opened for.
const RULE: &str = "医保发〔2022〕22号, art. 14: networked institutions";

/// What is opened, and since when: this is what an opening is known by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Opening {
    /// The service.
    pub service: Service,
    /// The chronic disease by its listed code; none: the whole service, every listed disease for chronic visits.
    pub disease: Option<DiseaseCode>,
    /// First day; none: always.
    pub from: Option<Date>,
}

/// How long an opening lasts, and when that was entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Term {
    /// Last day; none: no end is known.
    pub to: Option<Date>,
    /// When the opening was entered; none: it came with the parameters.
    pub entered: Option<Moment>,
    /// When its end was entered.
    pub ended: Option<Moment>,
}

/// One networked institution (跨省联网定点) with all its openings, ended ones among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Institution {
    /// The code (`fixmedins_code`).
    pub code: InstitutionCode,
    /// Chinese name (`fixmedins_name`).
    pub zh: String,
    /// English name.
    pub en: String,
    /// The level; pharmacies count as primary.
    pub level: Level,
    /// The openings.
    pub openings: BTreeMap<Opening, Term>,
}

/// The refusal of a code that is not on the network.
#[must_use]
pub fn unknown(code: &InstitutionCode) -> Refusal {
    Refusal::new(Code::InstitutionNotOpened, RULE, "header.institution")
        .with(format!("{code} 未联网"), format!("{code} is not on the network"))
}

impl Institution {
    /// Refuses a service or a disease that the institution is not opened for on the day.
    ///
    /// # Errors
    /// [`Code::InstitutionNotOpened`] naming the service or the disease, and the day from or up to which it is opened.
    pub fn opened(&self, service: Service, disease: Option<&Listed>, day: Date) -> Result<(), Refusal> {
        let wanted = disease.map(Listed::code);
        let fits =
            |opening: &Opening| opening.disease.is_none() || wanted.is_none_or(|d| opening.disease.as_ref() == Some(d));
        let of_service = self.openings.iter().filter(|(opening, _)| opening.service == service);
        let (names, mut known) = (service.names(), false);
        let (mut next, mut last) = (None, None);
        for (opening, term) in of_service {
            known = true;
            if !fits(opening) {
                continue;
            }
            match (opening.from, term.to) {
                (Some(from), _) if day < from => next = Some(next.map_or(from, |next: Date| next.min(from))),
                (_, Some(to)) if to < day => last = last.max(Some(to)),
                _ => return Ok(()),
            }
        }
        let (zh, en) = match wanted.filter(|_| known) {
            Some(disease) => (format!("病种 {disease}"), format!("disease {disease}")),
            None => (names.0.to_owned(), names.1.to_owned()),
        };
        let code = &self.code;
        let (zh, en) = match (next, last) {
            (Some(from), _) => {
                (format!("{code} 自 {from} 起开通{zh}"), format!("{code} is opened for {en} from {from}"))
            }
            (_, Some(to)) => (format!("{code} 开通{zh}至 {to}"), format!("{code} was opened for {en} up to {to}")),
            _ => (format!("{code} 未开通{zh}"), format!("{code} is not opened for {en}")),
        };
        Err(Refusal::new(Code::InstitutionNotOpened, RULE, "header.institution").with(zh, en))
    }

    /// Refuses a row that cannot stand in the registry.
    ///
    /// # Errors
    /// [`Code::FieldInvalid`] or [`Code::LimitExceeded`] naming the field: no name, no opening, a pharmacy opened for
    /// what hospitals do or a hospital for what pharmacies do, a disease outside chronic care or on no version of the
    /// list, an end before its beginning.
    pub fn check(&self, list: &ChronicList) -> Result<(), Refusal> {
        for (field, name) in [("zh", &self.zh), ("en", &self.en)] {
            if name.trim().is_empty() || name.chars().count() > limits::TEXT_CHARS_MAX {
                return Err(Refusal::malformed(field, "须有名称", "a name"));
            }
        }
        if self.openings.is_empty() {
            return Err(Refusal::malformed("openings", "至少一项开通业务", "at least one opening"));
        }
        self.bounded()?;
        for (opening, term) in &self.openings {
            let malformed = |field: &str, zh: &str, en: &str| {
                let (what, (zh_service, en_service)) = (opening.disease.as_ref(), opening.service.names());
                let what = what.map(|disease| format!(" {disease}")).unwrap_or_default();
                let (zh, en) = (format!("{zh}（{zh_service}{what}）"), format!("{en} ({en_service}{what})"));
                Err(Refusal::malformed(&format!("openings.{field}"), zh, en))
            };
            let fits = match opening.service {
                Service::Chronic => true,
                Service::Pharmacy => self.code.is_pharmacy(),
                Service::Outpatient | Service::Stay => !self.code.is_pharmacy(),
            };
            if !fits {
                return malformed(
                    "service",
                    "药店只开通购药与慢特病，医院不开通购药",
                    "one that such an institution gives",
                );
            }
            if opening.disease.is_some() && opening.service != Service::Chronic {
                return malformed("disease", "仅门诊慢特病填写", "given for chronic visits only");
            }
            if let Some((zh, en)) = opening.disease.as_ref().and_then(|disease| list.complaint(disease)) {
                return malformed("disease", &zh, &format!("a listed code; {en}"));
            }
            if term.to.zip(opening.from).is_some_and(|(to, from)| to < from) {
                return malformed("to", "不得早于 from", "not before `from`");
            }
        }
        Ok(())
    }

    /// The institution with what a newer row says: name and level are the row's, its openings are added, an opening
    /// that is known keeps the earlier of both ends. So the same row again, or an older one after a closing, opens
    /// nothing that was closed, and openings may come in any order.
    ///
    /// # Errors
    /// [`Code::LimitExceeded`] where it would have too many openings.
    pub fn with(&self, row: &Institution, at: Moment) -> Result<Institution, Refusal> {
        let mut merged = Institution { openings: self.openings.clone(), ..row.clone() };
        for (opening, term) in &row.openings {
            let known = merged.openings.entry(opening.clone()).or_insert(Term { entered: Some(at), ..Term::default() });
            if let Some(to) = term.to {
                known.end(to, at);
            }
        }
        merged.bounded()?;
        Ok(merged)
    }

    fn bounded(&self) -> Result<(), Refusal> {
        if self.openings.len() <= limits::OPENINGS_MAX {
            return Ok(());
        }
        Err(Refusal::new(Code::LimitExceeded, "limit: openings of one institution", "openings"))
    }

    /// The institution closed (关闭) after a last day: for a service, or a disease of chronic care, or where none is named
    /// for everything. Openings that begin later stay.
    ///
    /// # Errors
    /// [`Code::InstitutionNotOpened`] where no such opening has begun by that day.
    pub fn closed(
        &self,
        service: Option<Service>,
        disease: Option<&DiseaseCode>,
        to: Date,
        at: Moment,
    ) -> Result<Institution, Refusal> {
        let (mut closed, mut found) = (self.clone(), false);
        for (opening, term) in &mut closed.openings {
            let meant = service.is_none_or(|service| service == opening.service)
                && disease.is_none_or(|disease| opening.disease.as_ref() == Some(disease))
                && opening.from.is_none_or(|from| from <= to);
            if meant {
                found = true;
                term.end(to, at);
            }
        }
        if found {
            return Ok(closed);
        }
        let (code, shown) = (&self.code, disease.map(|disease| format!(" {disease}")).unwrap_or_default());
        Err(Refusal::new(Code::InstitutionNotOpened, RULE, "service")
            .with(format!("{code} 在 {to} 无此开通{shown}"), format!("{code} has no such opening{shown} by {to}")))
    }
}

impl Term {
    /// Ends at the earlier day.
    fn end(&mut self, to: Date, at: Moment) {
        if self.to.is_none_or(|known| to < known) {
            (self.to, self.ended) = (Some(to), Some(at));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        calendar::parse_date,
        chronic::{
            ChronicList,
            tests::{code, version},
        },
    };

    fn day(text: &str) -> Date {
        parse_date(text).unwrap()
    }

    fn list() -> ChronicList {
        ChronicList::new(vec![version("v", "2020-01-01", "M03900 M07801", "M07803>M07801").unwrap()]).unwrap()
    }

    fn service(text: &str) -> Service {
        match text {
            "stay" => Service::Stay,
            "chronic" => Service::Chronic,
            "pharmacy" => Service::Pharmacy,
            _ => Service::Outpatient,
        }
    }

    /// An institution of openings such as `stay chronic/M07801@2023-01-01..2024-06-30`.
    fn institution(code_of: &str, openings: &str) -> Institution {
        let opening = |text: &str| {
            let (what, when) = text.split_once('@').unwrap_or((text, ".."));
            let (of, disease) = what.split_once('/').map_or((what, None), |(of, disease)| (of, Some(code(disease))));
            let (from, to) = when.split_once("..").unwrap();
            let opening = Opening { service: service(of), disease, from: parse_date(from) };
            (opening, Term { to: parse_date(to), ..Term::default() })
        };
        Institution {
            code: InstitutionCode::parse(code_of).unwrap(),
            zh: "医院".into(),
            en: "Hospital".into(),
            level: Level::Tertiary,
            openings: openings.split_whitespace().map(opening).collect(),
        }
    }

    fn check(openings: &str, of: &str, disease: &str, on: &str, expected: &str) {
        let listed = DiseaseCode::parse(disease).ok().map(|disease| {
            let version = Arc::clone(list().on(day(on)).unwrap());
            version.listed(&disease, &[]).unwrap()
        });
        let found = institution("H31010000001", openings).opened(service(of), listed.as_ref(), day(on));
        let found = found.map_err(|refusal| refusal.en).err().unwrap_or_default();
        assert!(found.ends_with(expected) && found.is_empty() == expected.is_empty(), "{found}, not {expected}");
    }

    #[test]
    fn opening_is_by_service_disease_and_day() {
        let some = "stay@2023-01-01.. chronic/M07801@2023-01-01..2024-06-30 chronic/M07801@2025-01-01..";
        for (openings, of, disease, on, expected) in [
            (some, "stay", "-", "2023-01-01", ""),
            (some, "stay", "-", "2022-12-31", "is opened for stays from 2023-01-01"),
            (some, "outpatient", "-", "2025-03-10", "is not opened for outpatient visits"),
            (some, "chronic", "-", "2023-01-01", ""),
            (some, "chronic", "M03900", "2023-01-01", "is not opened for disease M03900"),
            (some, "chronic", "M07801", "2024-06-30", ""),
            (some, "chronic", "M07803", "2024-06-30", ""),
            (some, "chronic", "M07801", "2024-07-01", "is opened for disease M07801 from 2025-01-01"),
            (some, "chronic", "M07801", "2025-01-01", ""),
            ("chronic@..2024-06-30", "chronic", "M03900", "2024-06-30", ""),
            (
                "chronic@..2024-06-30",
                "chronic",
                "M03900",
                "2024-07-01",
                "was opened for disease M03900 up to 2024-06-30",
            ),
            ("stay", "chronic", "M03900", "2024-07-01", "is not opened for chronic visits"),
        ] {
            check(openings, of, disease, on, expected);
        }
    }

    #[test]
    fn a_row_must_be_able_to_stand() {
        for (code, openings, expected) in [
            ("H31010000001", "outpatient stay chronic/M07801", ""),
            ("P31010000001", "pharmacy chronic/M03900", ""),
            ("P31010000001", "stay", "openings.service"),
            ("H31010000001", "outpatient pharmacy", "openings.service"),
            ("H31010000001", "", "openings"),
            ("H31010000001", "stay/M07801", "openings.disease"),
            ("H31010000001", "chronic/M07803", "openings.disease"),
            ("H31010000001", "chronic/M99900", "openings.disease"),
            ("H31010000001", "stay@2024-01-01..2023-12-31", "openings.to"),
        ] {
            let found = institution(code, openings).check(&list()).err().map(|refusal| refusal.field);
            assert_eq!(found.unwrap_or_default(), expected, "{code} {openings}");
        }
    }

    /// The openings after rows and closings, such as `+stay` and `-2024-06-30 chronic/M07801`.
    fn after(changes: &[&str]) -> String {
        let mut kept = institution("H31010000001", "");
        for (at, change) in changes.iter().enumerate() {
            let at = Moment(i64::try_from(at).unwrap());
            kept = match change.strip_prefix('-').and_then(|closing| closing.split_once(' ')) {
                Some((to, "*")) => kept.closed(None, None, day(to), at).unwrap(),
                Some((to, what)) => {
                    let (of, disease) = what.split_once('/').map_or((what, None), |(of, d)| (of, Some(code(d))));
                    kept.closed(Some(service(of)), disease.as_ref(), day(to), at).unwrap()
                }
                None => kept.with(&institution("H31010000001", change.trim_start_matches('+')), at).unwrap(),
            };
        }
        let shown = kept.openings.iter().map(|(opening, term)| {
            let disease = opening.disease.as_ref().map(|disease| format!("/{disease}")).unwrap_or_default();
            let date = |date: Option<Date>| date.map(|date| date.to_string()).unwrap_or_default();
            format!("{:?}{disease}@{}..{}", opening.service, date(opening.from), date(term.to)).to_lowercase()
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn openings_are_added_and_end() {
        let (stay, closing) = ("+stay@2023-01-01..", "-2024-06-30 stay");
        for (changes, expected) in [
            (&[stay, "+outpatient"][..], "outpatient@.. stay@2023-01-01.."),
            (&[stay, closing], "stay@2023-01-01..2024-06-30"),
            (&[stay, closing, closing, stay], "stay@2023-01-01..2024-06-30"),
            (&[stay, "+stay@2023-01-01..2024-06-30", "+stay@2023-01-01..2025-06-30"], "stay@2023-01-01..2024-06-30"),
            (&[stay, closing, "+stay@2025-01-01.."], "stay@2023-01-01..2024-06-30 stay@2025-01-01.."),
            (
                &["+stay stay@2025-01-01.. outpatient", "-2024-06-30 *"],
                "outpatient@..2024-06-30 stay@..2024-06-30 stay@2025-01-01..",
            ),
            (
                &["+chronic/M03900 chronic/M07801", "-2024-06-30 chronic/M07801"],
                "chronic/m03900@.. chronic/m07801@..2024-06-30",
            ),
        ] {
            assert_eq!(after(changes), expected, "{changes:?}");
        }
        let nothing = institution("H31010000001", "stay@2025-01-01..").closed(None, None, day("2024-06-30"), Moment(1));
        assert_eq!(nothing.err().map(|refusal| refusal.code), Some(Code::InstitutionNotOpened));
        let once = institution("H31010000001", "stay@2025-01-01..2025-02-01");
        assert_eq!(
            once.with(&once, Moment(9)),
            Ok(once.clone()),
            "a row that is known changes nothing, nor when it was entered"
        );
    }
}
