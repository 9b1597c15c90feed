//! Visits for a chronic disease in which code, drug, hospital and day may not go together: what is refused is refused for
//! the reason that comes first, however often it is asked, and everything else is settled.

use zhijie_services::pb::{self, RefusalCode as Code, answer::Outcome};

use crate::{
    clerk::Clerk,
    dice::Dice,
    registry::{CORONARY, DIABETES, ENTERED, ENTERED_BY, HYPERTENSION, OWN, is_opened, means},
};

/// Two hospitals that are opened for everything but chronic visits.
const OTHERS: [&str; 2] = ["H31010000003", "H50010000003"];
/// A drug for hypertension and the heart, and one for diabetes.
const ENALAPRIL: &str = "XC09AAY361A003010469394";
const METFORMIN: &str = "XA10BAE038A001010104562";
/// A consultation, which belongs to every disease.
const CONSULTATION: &str = "001102000010000";
/// Of a hundred visits, those to hospitals that may not be opened for them.
const ELSEWHERE_PERCENT: u64 = 40;

/// Disease and drug of a visit, and the hospital where it is another than the errand's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Visit {
    pub(crate) disease: &'static str,
    pub(crate) item: &'static str,
    pub(crate) hospital: Option<&'static str>,
}

/// What everybody is recognised for at home.
pub(crate) fn qualifications() -> Vec<pb::Qualification> {
    let recognised = |disease: &str| pb::Qualification {
        disease: disease.into(),
        from: "2020-01-01".into(),
        ..pb::Qualification::default()
    };
    [HYPERTENSION, DIABETES].map(recognised).into()
}

/// A visit that is settled on every day.
pub(crate) const PLAIN: Visit = Visit { disease: OWN, item: CONSULTATION, hospital: None };

/// A visit on a day, which may be refused.
pub(crate) fn visit(dice: &mut Dice, day: &str) -> Visit {
    let elsewhere: &[&'static str] = if day < ENTERED_BY {
        &OTHERS
    } else {
        &[OTHERS[0], OTHERS[1], ENTERED[0], ENTERED[0], ENTERED[1], ENTERED[1]]
    };
    Visit {
        disease: [OWN, OWN, HYPERTENSION, CORONARY][dice.place(4)],
        item: [ENALAPRIL, METFORMIN][dice.place(2)],
        hospital: dice.percent(ELSEWHERE_PERCENT).then(|| elsewhere[dice.place(elsewhere.len())]),
    }
}

impl Visit {
    /// What is billed, in pieces of one yuan.
    pub(crate) fn line(&self, yuan: i64) -> pb::FeeLine {
        let (serial, item) = ("1".into(), self.item.into());
        pb::FeeLine { serial, item, price: 1_000_000, quantity: yuan * 10_000, ..pb::FeeLine::default() }
    }

    /// Why it is refused on a day, by the order in which the hub and home look.
    fn refused_on(&self, home: &str, day: &str) -> Option<Code> {
        let listed = means(self.disease, home, day);
        let drug_of = |listed: &str| if listed == DIABETES { METFORMIN } else { ENALAPRIL };
        match (self.hospital, listed) {
            (Some(hospital), _) if OTHERS.contains(&hospital) || !is_opened(day) => {
                Some(Code::E301InstitutionNotOpened)
            }
            (_, None) => Some(Code::E303DiseaseNotListed),
            (_, Some(listed)) if drug_of(listed) != self.item => Some(Code::E304ItemUnrelated),
            (_, Some(CORONARY)) => Some(Code::E302DiseaseNotQualified),
            _ => None,
        }
    }
}

impl Clerk<'_> {
    /// A visit is settled or refused by its day, and the same message again is answered in the same way.
    pub(crate) async fn chronic(&self) -> Result<(), String> {
        let Some(visit) = &self.errand.chronic else { return Ok(()) };
        let (request, first) = self.sent_first().await?;
        let right = visit.refused_on(&self.errand.who.id, &request.from);
        for answer in [first, self.sent_at_once(&request).await?] {
            let found = match &answer.outcome {
                Some(Outcome::Settlement(_)) => None,
                Some(Outcome::Refused(refused)) => Some(refused.code()),
                other => return Err(format!("{visit:?} was answered by {other:?}")),
            };
            if found != right {
                return Err(format!("{visit:?} of {}: {found:?}, and it should be {right:?}", request.from));
            }
        }
        Ok(())
    }
}
