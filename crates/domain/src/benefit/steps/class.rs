//! The class of treatment (待遇类别) that the filing gave: it opens the explanation and moves no money.

use crate::{benefit::run::Run, policy::TreatmentClass, refusal::Refusal};

/// Says as what the person counts.
pub(in crate::benefit) fn explain(run: &mut Run<'_>) -> Result<(), Refusal> {
    let case = run.case;
    let (zh, en) = match case.class {
        TreatmentClass::Local => ("本地（长期备案或无须备案）", "as at home (long-term filed, or no filing asked)"),
        TreatmentClass::Referred => ("异地转诊", "referred"),
        TreatmentClass::Emergency => ("异地急诊抢救", "emergency, deemed filed"),
        TreatmentClass::Other => ("其他临时外出", "other temporary stay away"),
        TreatmentClass::Unfiled => ("未备案", "no filing"),
    };
    let in_scope = case.claim.parts.in_scope;
    run.step(
        &format!("class.{}", case.class.name()),
        &case.policy.filing.source,
        [in_scope, in_scope],
        [format!("待遇类别：{zh}"), format!("class of treatment: {en}")],
    )
}
