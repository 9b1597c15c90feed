//! A quote (测算): what a home policy makes of a claim in a file, without any service. The same rules as the road's.

use serde::Deserialize;
use zhijie_domain::{
    accumulator::{Accumulator, Accumulators},
    benefit::{Case, compute},
    calendar::Date,
    claim::{AccountUse, Claim, Level, Service},
    ids::{DiseaseCode, InstitutionCode, ItemCode, PersonId, RegionCode, VisitId},
    money::{Price, Quantity},
    parameters::Parameters,
    person::{Assisted, Category, Person, Purse, Scheme},
    policy::TreatmentClass,
    refusal::Refusal,
    settlement::Computation,
    split::{Approval, FeeLine, Parts, SplitLine, roll_up, split},
};

/// A claim in a file. Amounts are yuan, `1300` or `"12.50"`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quote {
    /// Home pooling area, such as `"341200"`.
    pub home: RegionCode,
    /// `employee` or `resident`.
    pub scheme: Scheme,
    /// Care division, such as `"310100"`: its province's catalogue splits the lines.
    pub care: RegionCode,
    /// `primary`, `secondary` or `tertiary`.
    pub level: Level,
    /// `outpatient`, `pharmacy`, `chronic` or `stay`.
    pub service: Service,
    /// For a chronic visit.
    pub disease: Option<DiseaseCode>,
    /// `local`, `referred`, `emergency`, `other` or `unfiled`: what the filing gives.
    pub class: TreatmentClass,
    /// First day of service.
    pub from: Date,
    /// Last day of service; the first where it is left out.
    pub to: Option<Date>,
    /// `none`, `own` or `own-and-family`.
    #[serde(default)]
    pub account_use: AccountUse,
    /// The person.
    pub person: QuotePerson,
    /// Personal account and family share.
    #[serde(default)]
    pub purse: Purse,
    /// What was used earlier this year.
    #[serde(default)]
    pub used: Accumulator,
    /// The fee lines.
    pub line: Vec<QuoteLine>,
}

/// What the rules ask of a person.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuotePerson {
    /// `active`, `retired`, `minor`, `adult` or `elderly`.
    pub category: Category,
    /// Birth date.
    pub birth: Date,
    /// Takes part in the civil-servant supplement.
    #[serde(default)]
    pub civil_servant: bool,
    /// Registered for medical assistance.
    pub assisted: Option<Assisted>,
}

/// A fee line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuoteLine {
    /// The item's code in the catalogue.
    pub item: ItemCode,
    /// Unit price in yuan, as text with at most six decimals; the catalogue's usual price where it is left out.
    pub price: Option<Price>,
    /// Quantity, as text with at most four decimals.
    pub quantity: Quantity,
    /// The hospital approved a restricted use.
    #[serde(default)]
    pub approved: bool,
}

/// An explained benefit.
pub struct Quoted {
    /// The lines, split.
    pub lines: Vec<SplitLine>,
    /// The bill.
    pub bill: Parts,
    /// What the policy makes of it.
    pub computation: Computation,
}

/// Why there is no quote.
#[derive(Debug, thiserror::Error)]
pub enum QuoteError {
    /// The file does not read; the message names line and field.
    #[error("{0}")]
    Form(#[from] toml::de::Error),
    /// The rules say no.
    #[error("{0}")]
    Refused(Refusal),
}

impl From<Refusal> for QuoteError {
    fn from(refusal: Refusal) -> QuoteError {
        QuoteError::Refused(refusal)
    }
}

impl Quote {
    /// Reads a claim.
    ///
    /// # Errors
    /// [`QuoteError::Form`] naming line and field.
    pub fn parse(text: &str) -> Result<Quote, QuoteError> {
        Ok(toml::from_str(text)?)
    }

    /// Explains it.
    ///
    /// # Errors
    /// [`QuoteError::Refused`] as the road would refuse it.
    pub fn explain(&self, parameters: &Parameters) -> Result<Quoted, QuoteError> {
        if self.home.province() == self.care.province() {
            return Err(Refusal::malformed("care", "须为参保省外", "outside the home province").into());
        }
        let catalogue = parameters.catalogue(&self.care.province())?;
        let lines: Vec<SplitLine> = self
            .line
            .iter()
            .enumerate()
            .map(|(index, line)| {
                let usual = catalogue.item(&line.item).map(|item| item.price).unwrap_or_default();
                let approval = if line.approved { Approval::Approved } else { Approval::NotNeeded };
                let (serial, price) = ((index + 1).to_string(), line.price.unwrap_or(usual));
                let sent = FeeLine {
                    serial,
                    item: line.item.clone(),
                    price,
                    quantity: line.quantity,
                    declared: None,
                    approval,
                };
                split(sent, catalogue)
            })
            .collect::<Result<_, Refusal>>()?;
        let (bill, categories) = roll_up(&lines).map_err(Refusal::from)?;
        let claim = Claim { parts: bill, categories, ..self.claim()? };
        claim.check()?;
        let to = claim.to;
        let regions = [self.home.province(), self.care.province()];
        let listed = |disease| parameters.chronic.listed(disease, self.from, &regions);
        let listed = self.disease.as_ref().map(listed).transpose()?;
        if let Some(listed) = &listed {
            parameters.related.check(listed, &lines)?;
        }
        let used = Accumulators([((self.scheme, to.year()), self.used.clone())].into());
        let computation = compute(&Case {
            policy: parameters.policy(&self.home, self.scheme, to)?,
            person: &self.person()?,
            purse: self.purse,
            class: self.class,
            claim: &claim,
            used: &used,
            listed: listed.as_ref(),
        })?;
        Ok(Quoted { lines, bill, computation })
    }

    fn person(&self) -> Result<Person, Refusal> {
        Ok(Person {
            id: PersonId::parse("quote")?,
            area: self.home.clone(),
            scheme: self.scheme,
            category: self.person.category,
            birth: self.person.birth,
            sex: None,
            civil_servant: self.person.civil_servant,
            assisted: self.person.assisted,
            insured_from: self.person.birth,
            waiting_until: None,
            paused_from: None,
            qualifications: Vec::new(),
        })
    }

    fn claim(&self) -> Result<Claim, Refusal> {
        Ok(Claim {
            visit: VisitId::parse("quote")?,
            person: PersonId::parse("quote")?,
            home: self.home.clone(),
            scheme: self.scheme,
            care: self.care.clone(),
            institution: InstitutionCode::parse(&format!("H{}00000", self.care))?,
            level: self.level,
            service: self.service,
            disease: self.disease.clone(),
            emergency: self.class == TreatmentClass::Emergency,
            injury: false,
            third_party: false,
            from: self.from,
            to: self.to.unwrap_or(self.from),
            parts: Parts::default(),
            categories: Vec::new(),
            account_use: self.account_use,
        })
    }
}
