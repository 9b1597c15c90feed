//! A high-cost stay under joint review: the patient is long at home, the claim is held until both provinces have looked.

use zhijie_services::pb::{self, CaseCommand, agency_reply::Outcome, agency_request::Command};

use super::super::{
    cast::{ANHUI, SHANGHAI},
    stage::Scene,
    story::Story,
};
use crate::table::{Cell, Table};

/// What the reviewers take away, fen.
const DEDUCTION: i64 = 210_000;

pub(crate) async fn play(story: &mut Story, stay: &pb::Settlement) -> anyhow::Result<()> {
    let mut scene = Scene::new("review", "大额费用联审", "An expensive stay, reviewed jointly");
    scene.say(
        "李桂芳的住院总额超过 30,000.00 元：结算同时自动立案，暂不进入清算，患者不受影响。沪皖同属长三角，由两地联审。",
        "Li Guifang's stay is above 30,000.00 yuan: a case was opened when it was booked, and holds it out of clearing. Shanghai and Anhui review it jointly; the patient waits for nothing.",
    );
    let (care, home) = (format!("care-{SHANGHAI}"), format!("home-{ANHUI}"));
    let steps = [
        (&care, "sh-01", CaseCommand::Review, DEDUCTION, "初审：GM1 疗程超出说明书 course longer than labelled"),
        (&care, "sh-02", CaseCommand::Countersign, 0, ""),
        (&home, "ah-01", CaseCommand::Concur, 0, "同意 agreed"),
    ];
    let columns = [
        ("who", "经办机构", "agency"),
        ("officer", "经办人", "officer"),
        ("step", "环节", "step"),
        ("stage", "案件状态", "then the case is"),
        ("deduction", "扣款", "deduction"),
    ];
    let mut table = Table::new("steps", &columns);
    for (who, officer, command, deduction, note) in steps {
        let act = pb::AuditAct { settlement: stay.id.clone(), command: command.into(), deduction, note: note.into() };
        let Outcome::Case(case) = story.act(who, officer, Command::Audit(act)).await? else {
            anyhow::bail!("expected a case");
        };
        let word = |name: &str, prefix: &str| name.trim_start_matches(prefix).to_lowercase().replace('_', " ");
        table.row([
            Cell::text(who),
            Cell::text(officer),
            Cell::text(word(command.as_str_name(), "CASE_COMMAND_")),
            Cell::text(word(case.stage().as_str_name(), "CASE_STAGE_")),
            Cell::money(case.proposed.max(case.deduction)),
        ]);
    }
    scene.show(table);
    scene.say(
        "复核须由另一人办理；扣款进入结案后的第一张清算表，冲减参保地应付。",
        "A second pair of eyes must countersign. The deduction goes into the first table after the case is closed, and home owes less.",
    );
    story.play(scene).await;
    Ok(())
}
