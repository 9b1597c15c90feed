//! Real requests, to be changed into bad ones: to each method that takes more than a day or nothing.

use prost::Message;
use zhijie_services::pb::{
    self, RoadCall, agency_request::Command, find_request::By, prepayment_act::Act, ticket_act::Act as TicketStep,
};

use super::real::Kept;
use crate::hospital::{
    CHONGQING, LI, METFORMIN, NURSING, SHANGHAI, TODAY, ZHANG, chronic, header, line, outpatient, person,
};

const MONTH: &str = "2025-03";
const LATER: &str = "2025-04-21";

/// A settlement of the story, and its visit.
fn settled() -> (pb::Settlement, String) {
    let record = Kept::all().iter().find_map(|kept| {
        let record = pb::BookRecord::decode(&kept.content[..]).ok().filter(|_| kept.key.starts_with(b"b/"))?;
        record.settlement.filter(|settlement| settlement.kind() == pb::EntryKind::Settled)
    });
    let settlement = record.expect("a settlement");
    let visit = settlement.claim.as_ref().expect("a claim").visit.clone();
    (settlement, visit)
}

/// The head of a message from Chongqing about Zhang.
fn head(message: &str) -> Option<pb::Header> {
    Some(header(CHONGQING, ZHANG, message))
}

fn officer(number: usize, command: Command) -> pb::AgencyRequest {
    pb::AgencyRequest { message_id: format!("bad-{number}"), officer: "c1".into(), command: Some(command) }
}

fn commands(settlement: &str) -> Vec<Command> {
    let (home, care) = ("510000".to_owned(), "500000".to_owned());
    let act = |act| Command::Prepayment(pb::PrepaymentAct { home: home.clone(), care: care.clone(), act: Some(act) });
    let ticket = |act| Command::Ticket(pb::TicketAct { ticket: "T1".into(), note: "why".into(), act: Some(act) });
    let month = pb::MonthAmount { month: "2024-12".into(), amount: 1_000 };
    vec![
        Command::AgreeMonth(pb::AgreeMonth {
            month: MONTH.into(),
            excepted: vec![pb::ExceptedItem { settlement: settlement.into(), reason: "late".into() }],
        }),
        Command::AgreeItems(pb::AgreeItems { settlements: vec![settlement.into()] }),
        Command::TakeStep(pb::TakeStep {
            period: MONTH.into(),
            home: home.clone(),
            care: care.clone(),
            step: pb::TableStep::Confirm.into(),
            content_hash: "0".into(),
        }),
        Command::DisputeItem(pb::DisputeItem {
            period: MONTH.into(),
            settlement: settlement.into(),
            note: "no".into(),
        }),
        Command::ResolveDispute(pb::ResolveDispute { settlement: settlement.into(), deduction: 5, note: "so".into() }),
        Command::CloseYear(pb::CloseYear { year: 2025 }),
        Command::Audit(pb::AuditAct {
            settlement: settlement.into(),
            command: pb::CaseCommand::Review.into(),
            deduction: 100,
            note: "seen".into(),
        }),
        act(Act::TakeOver(pb::TakeOver { lent: 5, cleared: vec![month] })),
        act(Act::Reset(pb::ResetQuota { year: 2025 })),
        act(Act::Paid(pb::PrepaymentPaid {})),
        ticket(TicketStep::Answer(pb::AnswerTicket {})),
        ticket(TicketStep::Route(pb::RouteTicket { to: pb::PartyCode::Home.into() })),
    ]
}

/// Requests by the end of the method's path.
pub(super) fn all() -> Vec<(&'static str, Vec<u8>)> {
    let (settlement, visit) = settled();
    let (claim, id) = (settlement.claim.clone(), settlement.id.clone());
    let bill = || pb::ClaimRequest { header: head("h1"), claim: claim.clone(), listed: None };
    let visited = pb::RegisterVisitRequest {
        header: Some(header(SHANGHAI, LI, "v1")),
        person: LI.into(),
        scheme: pb::Scheme::Resident.into(),
        service: pb::Service::Stay.into(),
        emergency: true,
        from: TODAY.into(),
    };
    let registered = Kept::all().iter().find(|kept| kept.key.starts_with(b"v/") && kept.service.region.is_some());
    let registered = pb::CareVisit::decode(&registered.expect("a visit").content[..]).expect("a visit").visit;
    let register = pb::RegisterRequest { header: head("h2"), visit: registered };
    let cancel =
        pb::CancelRequest { header: head("h3"), settlement: id.clone(), visit: visit.clone(), person: ZHANG.into() };
    let reverse = pb::ReverseRequest {
        header: head("h4"),
        act: pb::Act::Settle.into(),
        original_message_id: "m6".into(),
        person: ZHANG.into(),
    };
    let refuse = pb::RefuseRequest {
        message: Some(pb::refuse_request::Message::Settle(bill())),
        refused: Some(pb::Refusal { code: 301, rule: "r".into(), field: "f".into(), ..pb::Refusal::default() }),
    };
    let settle = pb::SettleRequest { header: head("h5"), visit: visit.clone(), ..pb::SettleRequest::default() };
    let letters: Vec<(RoadCall, Vec<u8>)> = vec![
        (RoadCall::SettleAtOnce, outpatient("r1", 100).encode_to_vec()),
        (RoadCall::SettleAtOnce, chronic("r2", "M01600", TODAY, METFORMIN).encode_to_vec()),
        (RoadCall::RegisterVisit, visited.encode_to_vec()),
        (RoadCall::RegisterVisit, register.encode_to_vec()),
        (RoadCall::PreSettle, bill().encode_to_vec()),
        (RoadCall::Settle, bill().encode_to_vec()),
        (RoadCall::Settle, settle.encode_to_vec()),
        (RoadCall::Cancel, cancel.encode_to_vec()),
        (RoadCall::Reverse, reverse.encode_to_vec()),
        (RoadCall::Refuse, refuse.encode_to_vec()),
    ];
    let letter = |(call, request): (RoadCall, Vec<u8>)| {
        let letter = pb::Letter { number: 1, call: call.into(), request: request.into(), first: false };
        ("Road/Carry", pb::Letters { letters: vec![letter] }.encode_to_vec())
    };
    let filing = pb::Filing { id: "F1".into(), person: LI.into(), place: "310000".into(), ..pb::Filing::default() };
    let application = pb::FileRequest {
        person: LI.into(),
        kind: pb::FilingKind::Referred.into(),
        place: "310000".into(),
        from: LATER.into(),
        needs_review: true,
        message_id: "f1".into(),
    };
    let disease = pb::Disease { code: "M03900".into(), zh: "病".into(), en: "disease".into() };
    let list = pb::ListVersion {
        name: "2025-12".into(),
        from: "2025-12-01".into(),
        diseases: vec![disease],
        ..pb::ListVersion::default()
    };
    let opening = pb::Opening { service: pb::Service::Stay.into(), from: TODAY.into(), ..pb::Opening::default() };
    let hospital = pb::Institution {
        code: "H50010000099".into(),
        zh: "院".into(),
        en: "hospital".into(),
        level: pb::Level::Tertiary.into(),
        openings: vec![opening],
    };
    let members = person(ZHANG, pb::Scheme::Employee, pb::Category::Active);
    let purse = Some(pb::Purse { account: 5, family: 5 });
    let upload = pb::UploadLinesRequest { visit: visit.clone(), lines: vec![line(1, NURSING, 5), line(2, NURSING, 6)] };
    let split = pb::SplitLine { line: Some(line(1, NURSING, 5)), category: 7, ..pb::SplitLine::default() };
    let details = pb::UploadDetailsRequest { settlement: id.clone(), lines: vec![split] };
    let by_message =
        pb::MessageKey { institution: CHONGQING.into(), act: pb::Act::Settle.into(), message_id: "m6".into() };
    let note = pb::Note { by: "c1".into(), why: "seen".into() };
    let cure = pb::CureRequest {
        day: TODAY.into(),
        settlement: id.clone(),
        cure: pb::Cure::ManualMatch.into(),
        note: Some(note),
    };
    let pair = |period: &str| pb::ItemsRequest { period: period.into(), home: "510000".into(), care: "500000".into() };
    let mut all = vec![
        ("Care/SettleAtOnce", outpatient("a1", 100).encode_to_vec()),
        ("Care/SettleAtOnce", chronic("a2", "M01600", TODAY, METFORMIN).encode_to_vec()),
        ("Care/RegisterVisit", visited.encode_to_vec()),
        ("Care/UploadLines", upload.encode_to_vec()),
        (
            "Care/WithdrawLines",
            pb::WithdrawLinesRequest { visit: visit.clone(), serials: vec!["1".into()] }.encode_to_vec(),
        ),
        ("Care/Discharge", pb::DischargeRequest { visit: visit.clone(), to: TODAY.into() }.encode_to_vec()),
        ("Care/PreSettle", settle.encode_to_vec()),
        ("Care/Settle", settle.encode_to_vec()),
        (
            "Care/Adopt",
            pb::AdoptRequest { settlement: Some(settlement), record: None, ask_only: false }.encode_to_vec(),
        ),
        ("Hub/MirrorFiling", pb::MirrorFilingRequest { home: "510000".into(), filing: Some(filing) }.encode_to_vec()),
        ("Hub/UploadDetails", details.encode_to_vec()),
        ("Home/Refuse", refuse.encode_to_vec()),
        ("Home/Enrol", pb::EnrolRequest { person: Some(members), purse }.encode_to_vec()),
        ("Home/LookUp", pb::LookUpRequest { person: ZHANG.into() }.encode_to_vec()),
        ("Home/File", application.encode_to_vec()),
        (
            "Home/ChangeFiling",
            pb::ChangeFilingRequest {
                person: LI.into(),
                filing: "F1".into(),
                change: pb::FilingChange::Replace.into(),
                replacement: Some(application),
            }
            .encode_to_vec(),
        ),
        ("/Find", pb::FindRequest { by: Some(By::Message(by_message)) }.encode_to_vec()),
        ("/Find", pb::FindRequest { by: Some(By::Settlement(id.clone())) }.encode_to_vec()),
        ("Registry/PublishList", pb::PublishListRequest { list: Some(list) }.encode_to_vec()),
        ("Registry/LoadInstitutions", pb::LoadInstitutionsRequest { rows: vec![hospital] }.encode_to_vec()),
        ("Registry/Institution", pb::InstitutionRequest { code: SHANGHAI.into() }.encode_to_vec()),
        (
            "Registry/CloseInstitution",
            pb::CloseInstitutionRequest { code: "H31010000002".into(), to: LATER.into(), ..Default::default() }
                .encode_to_vec(),
        ),
        ("Books/Reconcile", pb::ReconcileRequest { day: TODAY.into() }.encode_to_vec()),
        ("Books/Cure", cure.encode_to_vec()),
        ("Books/Runs", pb::RunsRequest { month: MONTH.into() }.encode_to_vec()),
        ("/Items", pair(MONTH).encode_to_vec()),
        ("/Cases", pb::CasesRequest { settlement: id.clone(), ..Default::default() }.encode_to_vec()),
        ("/Details", pb::DetailsRequest { settlement: id.clone() }.encode_to_vec()),
        ("/Tickets", pb::TicketsRequest { province: "500000".into(), ..Default::default() }.encode_to_vec()),
        ("/Quotas", pb::QuotasRequest { province: "500000".into() }.encode_to_vec()),
        ("/Tables", pb::TablesRequest { period: MONTH.into(), province: "500000".into() }.encode_to_vec()),
        ("/Preview", pb::PreviewRequest { period: "2025-04".into() }.encode_to_vec()),
        ("/ErrorReport", pb::ErrorReportRequest { month: MONTH.into() }.encode_to_vec()),
        ("/Indicators", pb::IndicatorsRequest { month: MONTH.into() }.encode_to_vec()),
        ("/Watch", pb::WatchRequest { kinds: vec![1], since_ms: Some(5) }.encode_to_vec()),
        ("/Ledger", pb::LedgerRequest { on: LATER.into(), province: "500000".into() }.encode_to_vec()),
        ("/Designs", pb::DesignsRequest { period: MONTH.into() }.encode_to_vec()),
        ("/DayTotals", pb::DayTotalsRequest { day: TODAY.into(), ..Default::default() }.encode_to_vec()),
        (
            "/DayBook",
            pb::DayBookRequest { day: TODAY.into(), visits: vec![visit], ..Default::default() }.encode_to_vec(),
        ),
        ("/Cancel", cancel.encode_to_vec()),
        ("/Reverse", reverse.encode_to_vec()),
    ];
    all.extend(["Hub/RegisterVisit", "Home/RegisterVisit"].map(|path| (path, register.encode_to_vec())));
    for path in ["Hub/PreSettle", "Hub/Settle", "Home/PreSettle", "Home/Settle"] {
        all.push((path, bill().encode_to_vec()));
    }
    all.extend(letters.into_iter().map(letter));
    for (number, command) in commands(&id).into_iter().enumerate() {
        all.push(("/Perform", officer(number, command).encode_to_vec()));
    }
    all
}
