//! The accumulators (年度累计) of one person, scheme and year, kept by the home region.
//! A settlement carries what it added; a cancellation takes exactly that away.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{
    ids::DiseaseCode,
    money::{Fen, Overflow},
    person::Scheme,
};

macro_rules! accumulator {
    ($($(#[$doc:meta])* $field:ident,)*) => {
        /// What a person has used in a year; also the difference one settlement makes. All amounts in fen.
        #[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Accumulator {
            /// Stays settled.
            pub admissions: i64,
            $($(#[$doc])* pub $field: Fen,)*
            /// Counted against the quota of each chronic disease (national code): what its rule pays, whichever fund does.
            pub chronic: BTreeMap<DiseaseCode, Fen>,
        }

        impl Accumulator {
            /// The amounts by name, in reading order, without the chronic diseases.
            #[must_use]
            pub fn amounts(&self) -> Vec<(&'static str, Fen)> {
                vec![$((stringify!($field), self.$field)),*]
            }

            /// Sets an amount by its name; false where there is none of that name.
            pub fn set(&mut self, name: &str, amount: Fen) -> bool {
                match name {
                    $(stringify!($field) => self.$field = amount,)*
                    _ => return false,
                }
                true
            }

            fn combined(&self, other: &Accumulator, amount: fn(Fen, Fen) -> Result<Fen, Overflow>, count: fn(i64, i64) -> Option<i64>) -> Result<Accumulator, Overflow> {
                let mut chronic = self.chronic.clone();
                for (disease, paid) in &other.chronic {
                    let sum = amount(chronic.get(disease).copied().unwrap_or_default(), *paid)?;
                    chronic.insert(disease.clone(), sum);
                }
                chronic.retain(|_, paid| *paid != Fen::ZERO);
                Ok(Accumulator {
                    admissions: count(self.admissions, other.admissions).ok_or(Overflow)?,
                    $($field: amount(self.$field, other.$field)?,)*
                    chronic,
                })
            }
        }
    };
}

accumulator! {
    /// In-scope cost (符合政策范围) of all kinds.
    in_scope,
    /// Inpatient deductible charged (起付线).
    deductible,
    /// Paid by the basic pooled fund under the yearly cap (统筹支付).
    basic,
    /// In-scope personal burden (个人负担) that layer 2 counts.
    burden,
    /// Paid by resident catastrophic insurance (大病保险).
    catastrophic,
    /// Paid by employee large-amount aid (大额补助).
    large_amount,
    /// Paid by the civil-servant supplement (公务员补助).
    civil_servant,
    /// Paid by medical assistance (医疗救助).
    assistance,
    /// In-scope burden left by the earlier layers, that medical assistance counts (救助前负担).
    assistance_burden,
    /// In-scope cost of ordinary outpatient care (门诊费用): where the year stands on its segments.
    outpatient_in_scope,
    /// Outpatient deductible charged (门诊起付).
    outpatient_deductible,
    /// Paid by the pooled fund for ordinary outpatient care (门诊统筹).
    outpatient_basic,
    /// In-scope cost of chronic diseases (慢特病费用): where the year stands on the segments.
    chronic_in_scope,
    /// Chronic-disease deductible charged (慢特病起付).
    chronic_deductible,
    /// Paid by the pooled fund for chronic diseases outside the inpatient cap.
    chronic_basic,
}

impl Accumulator {
    /// With a settlement's difference added.
    ///
    /// # Errors
    /// [`Overflow`] when an amount does not fit.
    pub fn plus(&self, difference: &Accumulator) -> Result<Accumulator, Overflow> {
        self.combined(difference, Fen::plus, i64::checked_add)
    }

    /// With a settlement's difference taken away.
    ///
    /// # Errors
    /// [`Overflow`] when an amount does not fit.
    pub fn minus(&self, difference: &Accumulator) -> Result<Accumulator, Overflow> {
        self.combined(difference, Fen::minus, i64::checked_sub)
    }
}

/// Accumulators by scheme and year.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accumulators(pub BTreeMap<(Scheme, i16), Accumulator>);

impl Accumulators {
    /// The accumulator of a scheme and year; an untouched one where nothing was booked.
    #[must_use]
    pub fn of(&self, scheme: Scheme, year: i16) -> Accumulator {
        self.0.get(&(scheme, year)).cloned().unwrap_or_default()
    }

    /// With the differences of a settlement added.
    ///
    /// # Errors
    /// [`Overflow`] when an amount does not fit.
    pub fn plus(&self, scheme: Scheme, differences: &BTreeMap<i16, Accumulator>) -> Result<Accumulators, Overflow> {
        self.changed(scheme, differences, Accumulator::plus)
    }

    /// With the differences of a settlement taken away.
    ///
    /// # Errors
    /// [`Overflow`] when an amount does not fit.
    pub fn minus(&self, scheme: Scheme, differences: &BTreeMap<i16, Accumulator>) -> Result<Accumulators, Overflow> {
        self.changed(scheme, differences, Accumulator::minus)
    }

    fn changed(
        &self,
        scheme: Scheme,
        differences: &BTreeMap<i16, Accumulator>,
        change: fn(&Accumulator, &Accumulator) -> Result<Accumulator, Overflow>,
    ) -> Result<Accumulators, Overflow> {
        let mut all = self.0.clone();
        for (year, difference) in differences {
            let changed = change(&self.of(scheme, *year), difference)?;
            all.insert((scheme, *year), changed);
        }
        all.retain(|_, accumulator| *accumulator != Accumulator::default());
        Ok(Accumulators(all))
    }
}
