//! The registry in the middle of the story: while people work, the national agency publishes a version of the chronic
//! list and enters hospitals, which it closes later. Each message may be unknown at first, and is sent again when it is
//! known. In the end the registry holds each publication once, and every claim was counted by the list of its day.

use futures_util::stream;
use zhijie_services::pb::{self, Service};

use crate::desk::{Desk, sends, taken};

/// Hospitals that only the registry knows.
pub(crate) const ENTERED: [&str; 2] = ["H31010000777", "H50010000777"];
/// From this day on they stand in it: they are entered on the day before.
pub(crate) const ENTERED_BY: &str = "2025-03-11";
/// The first and the last day on which they are opened.
const OPENED: (&str, &str) = ("2025-03-12", "2025-03-12");
const ROWS: i64 = 2;
/// The name of the version, and its first day.
const LIST: (&str, &str) = ("2025", "2025-03-12");

/// Hypertension, diabetes and coronary heart disease; the new version has the first two only.
pub(crate) const HYPERTENSION: &str = "M03900";
pub(crate) const DIABETES: &str = "M01600";
pub(crate) const CORONARY: &str = "M04600";
/// A code of the home regions' own: hypertension in Anhui and diabetes in Sichuan, and the other way round in the new
/// version.
pub(crate) const OWN: &str = "M95001";

type Done = Result<(), String>;

/// True where the entered hospitals are opened on a day.
pub(crate) fn is_opened(day: &str) -> bool {
    (OPENED.0..=OPENED.1).contains(&day)
}

/// The listed disease that a code stands for on a day.
pub(crate) fn means<'a>(code: &'a str, home: &str, day: &str) -> Option<&'a str> {
    let new = day >= LIST.1;
    match code {
        OWN if home.starts_with("34") == new => Some(DIABETES),
        OWN => Some(HYPERTENSION),
        CORONARY if new => None,
        listed => Some(listed),
    }
}

/// What the registry was told, and answered.
#[derive(Default)]
pub(crate) struct Told {
    versions: Vec<pb::ListVersion>,
}

/// Publishes the list and enters the hospitals, and both again.
pub(crate) async fn publish(desk: &Desk) -> Done {
    let answered = published(desk).await?;
    entered(desk).await?;
    if published(desk).await? != answered || entered(desk).await?.known != ROWS {
        return Err("the registry did not know again what it was told".into());
    }
    desk.model.borrow_mut().registry.versions = answered;
    Ok(())
}

async fn published(desk: &Desk) -> Result<Vec<pb::ListVersion>, String> {
    let (registry, request) = (&desk.registry, pb::PublishListRequest { list: Some(version()) });
    let told = |reply: &pb::PublishListReply| taken(reply.refused.as_ref());
    let reply = desk.ask("publish the list", told, sends!(registry, publish_list, request)).await?;
    match reply.refused {
        None => Ok(reply.versions),
        Some(refused) => Err(format!("the list was refused: {}", refused.en)),
    }
}

async fn entered(desk: &Desk) -> Result<pb::LoadInstitutionsReply, String> {
    let told = |reply: &pb::LoadInstitutionsReply| Ok(format!("{} taken, {} known", reply.taken, reply.known));
    let send = || {
        let mut registry = desk.registry.clone();
        async move { registry.load_institutions(stream::iter([pb::LoadInstitutionsRequest { rows: rows() }])).await }
    };
    let reply = desk.ask("enter hospitals", told, send).await?;
    if reply.refused == 0 { Ok(reply) } else { Err(format!("hospitals were refused: {:?}", reply.first_refused)) }
}

/// Closes the hospitals for the time after their last day, and again.
pub(crate) async fn close(desk: &Desk) -> Done {
    for code in ENTERED {
        let request = pb::CloseInstitutionRequest {
            code: code.into(),
            service: Service::Chronic.into(),
            disease: String::new(),
            to: OPENED.1.into(),
        };
        let (registry, told) = (&desk.registry, |reply: &pb::InstitutionReply| taken(reply.refused.as_ref()));
        let act = format!("close {code}");
        let closed = desk.ask(&act, told, sends!(registry, close_institution, request)).await?;
        let again = desk.ask(&act, told, sends!(registry, close_institution, request)).await?;
        if closed.refused.is_some() || again != closed {
            return Err(format!("{act} was answered by {closed:?}, and again by {again:?}"));
        }
    }
    Ok(())
}

fn version() -> pb::ListVersion {
    let disease = |code: &str| pb::Disease { code: code.into(), zh: "病".into(), en: "disease".into() };
    let own =
        |parent: &str, region: &str| pb::SubCode { code: OWN.into(), parent: parent.into(), region: region.into() };
    pb::ListVersion {
        name: LIST.0.into(),
        from: LIST.1.into(),
        diseases: [HYPERTENSION, DIABETES].map(disease).into(),
        sub_codes: vec![own(DIABETES, "340000"), own(HYPERTENSION, "510000")],
    }
}

fn rows() -> Vec<pb::Institution> {
    let opening = pb::Opening { service: Service::Chronic.into(), from: OPENED.0.into(), ..pb::Opening::default() };
    let row = |code: &str| pb::Institution {
        code: code.into(),
        zh: "新院".into(),
        en: "New Hospital".into(),
        level: pb::Level::Tertiary.into(),
        openings: vec![opening.clone()],
    };
    ENTERED.map(row).into()
}

/// The registry holds what was published, once; what chronic visits counted towards was listed on their day.
pub(crate) async fn compare(desk: &Desk) -> Done {
    let (registry, request) = (&desk.registry, pb::ChronicListRequest {});
    let told = |reply: &pb::ChronicListReply| Ok(format!("{} versions", reply.versions.len()));
    let versions = desk.ask("chronic list", told, sends!(registry, chronic_list, request)).await?.versions;
    let ours = versions.iter().filter(|version| **version == self::version()).count();
    if versions != desk.model.borrow().registry.versions || ours != 1 {
        return Err(format!("the list has the new version {ours} times, among {} versions", versions.len()));
    }
    for code in ENTERED {
        let (request, told) =
            (pb::InstitutionRequest { code: code.into() }, |_: &pb::InstitutionReply| Ok("found".into()));
        let found = desk.ask(code, told, sends!(registry, institution, request)).await?.institution.unwrap_or_default();
        let days = |opening: &pb::Opening| (opening.from == OPENED.0, opening.to == OPENED.1, opening.entered_at > 0);
        if found.openings.iter().map(days).collect::<Vec<_>>() != [(true, true, true)] {
            return Err(format!("{code} was opened once and closed, and is {found:?}"));
        }
    }
    for (id, told) in &desk.model.borrow().records {
        let listed = means(&told.disease, &told.home, &told.from);
        if let Some(other) = told.counted.iter().find(|code| Some(code.as_str()) != listed) {
            return Err(format!("{id} of {} is for {}, and counted towards {other}", told.from, told.disease));
        }
    }
    Ok(())
}
