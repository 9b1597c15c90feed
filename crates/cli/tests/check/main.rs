//! `zhijie check` as its user sees it: the stores of the demo hold together, and three more months later they still
//! do; then one fact at a time is changed behind the services' back, and the check names it and nothing sound.

#![allow(clippy::expect_used, reason = "a test may expect")]

mod changes;

use std::{
    fs, io,
    path::Path,
    process::{Command, Output},
    sync::Arc,
};

use serde_json::Value;
use zhijie_services::{
    cluster::{Clients, Cluster, ClusterSetup, seeded_signers},
    domain::{
        calendar::{Moment, parse_date},
        ids::RegionCode,
    },
    node::{Clock, ManualClock, embedded_parameters, limits, open_store},
    pb::{self, agency_reply::Outcome, agency_request::Command as Asked, answer::Outcome as Answered},
};

use changes::{CHANGES, Stores};

const PROVINCES: [&str; 4] = ["310000", "340000", "500000", "510000"];

fn zhijie(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_zhijie")).args(arguments).output().expect("it runs")
}

/// Runs a check, and gives its exit code and what it says.
fn check(folder: &Path) -> (Option<i32>, Value) {
    let output = zhijie(&["check", "--json", &folder.to_string_lossy()]);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let said = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no report: {errors}"));
    (output.status.code(), said)
}

fn demo(folder: &Path) {
    let output = zhijie(&["demo", "--json", "--keep", &folder.to_string_lossy()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        let to = to.join(entry.file_name().expect("a name"));
        if entry.is_dir() {
            copy(&entry, &to);
        } else {
            fs::copy(&entry, &to).expect("a copy");
        }
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(future)
}

// ------------------------------------------------------------------------------------- three months of clearing

/// The services of the demo over the stores it kept.
struct Stage {
    clients: Clients,
    clock: Arc<ManualClock>,
    messages: u32,
}

impl Stage {
    fn to(&self, day: &str) {
        self.clock.forward_to(Moment::start_of(parse_date(day).expect("a date")).plus_ms(9 * 3_600_000));
    }

    fn message(&mut self) -> String {
        self.messages += 1;
        format!("check-{}", self.messages)
    }

    async fn done(&mut self, who: &str, officer: &str, command: Asked) -> Outcome {
        let request = pb::AgencyRequest { message_id: self.message(), officer: officer.into(), command: Some(command) };
        let reply = match self.clients.agencies.get(who) {
            Some(agency) => agency.clone().perform(request).await,
            None => self.clients.national.clone().perform(request).await,
        };
        match reply.expect("a reply").into_inner().outcome.expect("an outcome") {
            Outcome::Refused(refusal) => panic!("{who}: {refusal:?}"),
            outcome => outcome,
        }
    }

    async fn turn(&self, day: &str) {
        self.to(day);
        self.clients.national.clone().turn(pb::TurnRequest {}).await.expect("a reply");
    }

    async fn agree(&mut self, month: &str) {
        for province in PROVINCES {
            let command = Asked::AgreeMonth(pb::AgreeMonth { month: month.into(), excepted: Vec::new() });
            self.done(&format!("care-{province}"), "c1", command).await;
        }
    }

    async fn review(&mut self, settlement: &str, deduction: i64) {
        use pb::CaseCommand as Step;
        let steps = [
            ("home-340000", "h1", Step::Request, 0),
            ("care-310000", "c1", Step::Review, deduction),
            ("care-310000", "c2", Step::Countersign, 0),
            ("home-340000", "h2", Step::Concur, 0),
        ];
        for (who, officer, command, deduction) in steps {
            let act = pb::AuditAct {
                settlement: settlement.into(),
                command: command.into(),
                deduction,
                note: "the file was read".into(),
            };
            self.done(who, officer, Asked::Audit(act)).await;
        }
    }

    async fn tables(&self, period: &str) -> Vec<pb::ClearingTable> {
        let request = pb::TablesRequest { period: period.into(), ..pb::TablesRequest::default() };
        self.clients.national.clone().tables(request).await.expect("a reply").into_inner().tables
    }

    /// An outpatient visit of the demo's resident of Fuyang at Shanghai.
    async fn settle(&mut self, person: &str) -> (String, pb::Settlement) {
        let message = self.message();
        let today = self.clock.now().day().to_string();
        let line = pb::FeeLine {
            serial: "1".into(),
            item: "003107010030000".into(),
            price: 180_000_000,
            quantity: 10_000,
            ..pb::FeeLine::default()
        };
        let request = pb::SettleAtOnceRequest {
            header: Some(header(&message)),
            person: person.into(),
            scheme: pb::Scheme::Resident.into(),
            service: pb::Service::Outpatient.into(),
            from: today,
            lines: vec![line],
            ..pb::SettleAtOnceRequest::default()
        };
        let answer = self.care().settle_at_once(request).await.expect("a reply").into_inner();
        match answer.outcome {
            Some(Answered::Settlement(settlement)) => (message, *settlement),
            other => panic!("expected a settlement, got {other:?}"),
        }
    }

    async fn reverse(&mut self, person: &str, original: &str) {
        let request = pb::ReverseRequest {
            header: Some(header(&self.message())),
            act: pb::Act::Settle.into(),
            original_message_id: original.into(),
            person: person.into(),
        };
        let answer = self.care().reverse(request).await.expect("a reply").into_inner();
        assert!(matches!(answer.outcome, Some(Answered::Reversal(_))), "{answer:?}");
    }

    fn care(&self) -> pb::care_client::CareClient<tonic::transport::Channel> {
        self.clients.care[&RegionCode::parse("310000").expect("a code")].clone()
    }

    /// Both confirm every table of a period; those that owe pay.
    async fn pay(&mut self, period: &str, days: [&str; 2]) {
        use pb::TableStep as Step;
        self.to(days[0]);
        for step in [Step::Confirm, Step::Submit, Step::Pay, Step::Receive] {
            if step == Step::Submit {
                self.turn(days[1]).await;
            }
            for table in self.tables(period).await {
                let take = Asked::TakeStep(pb::TakeStep {
                    period: table.period.clone(),
                    home: table.home.clone(),
                    care: table.care.clone(),
                    step: step.into(),
                    content_hash: table.content_hash.clone(),
                });
                let (home, care) = (format!("home-{}", table.home), format!("care-{}", table.care));
                // The last step is left out for one pair: its money is under way.
                let under_way = table.home == "340000";
                match step {
                    Step::Confirm => {
                        self.done(&home, "h1", take.clone()).await;
                        self.done(&care, "c1", take).await;
                    }
                    Step::Receive if table.payable > 0 && !under_way => drop(self.done(&care, "c1", take).await),
                    Step::Submit | Step::Pay if table.payable > 0 => drop(self.done(&home, "h1", take).await),
                    _ => {}
                }
            }
        }
    }
}

fn header(message: &str) -> pb::Header {
    let (care, home) = ("310100".into(), "341200".into());
    pb::Header { message_id: message.into(), care, home, institution: "H31010000004".into(), ..pb::Header::default() }
}

/// May is cleared with a dispute, June with a correction and what was disputed, July with less than nothing.
async fn three_months(stage: &mut Stage) {
    let cases = stage.clients.national.clone().cases(pb::CasesRequest::default()).await.expect("a reply").into_inner();
    let stay = cases.cases.first().expect("the stay of the demo is above the threshold").settlement.clone();
    let person = person_of(stage, &stay).await;
    let (_, disputed) = stage.settle(&person).await;
    let (first, settled) = stage.settle(&person).await;
    assert!(settled.computation.and_then(|c| c.amounts).is_some_and(|amounts| amounts.fund_total > 0));
    stage.to("2025-06-10");
    stage.agree("2025-05").await;
    stage.turn("2025-06-21").await;
    let dispute = pb::DisputeItem {
        period: "2025-05".into(),
        settlement: disputed.id.clone(),
        note: "the invoice is not ours".into(),
    };
    stage.done("home-340000", "h1", Asked::DisputeItem(dispute)).await;
    stage.pay("2025-05", ["2025-06-24", "2025-06-30"]).await;
    // After their table: one is to be undone, another loses more, a third is found to be right but for a part.
    let resolve = pb::ResolveDispute { settlement: disputed.id, deduction: 1, note: "the invoice was found".into() };
    stage.done("hub", "n1", Asked::ResolveDispute(resolve)).await;
    stage.reverse(&person, &first).await;
    let (_, again) = stage.settle(&person).await;
    stage.to("2025-07-10");
    stage.agree("2025-06").await;
    stage.turn("2025-07-21").await;
    let row = async |pick: fn(&pb::TableRow) -> Option<pb::ItemSum>| {
        let tables = stage.tables("2025-06").await;
        let rows = tables.iter().filter(|table| table.home == "340000").flat_map(|table| &table.rows);
        rows.map(|row| pick(row).unwrap_or_default().items).sum::<i64>()
    };
    assert_eq!(row(|row| row.corrections).await, 1, "what was undone after its table");
    assert_eq!((row(|row| row.late).await, row(|row| row.deductions).await), (1, 1), "the dispute");
    stage.review(&again.id, 1_000).await;
    stage.settle(&person).await;
    // Nothing is agreed in July: a settlement is carried past its table, the late deduction enters it. Another waits.
    stage.turn("2025-08-21").await;
    stage.review(&stay, 1_300_000).await;
}

async fn person_of(stage: &Stage, settlement: &str) -> String {
    let request = pb::FindRequest { by: Some(pb::find_request::By::Settlement(settlement.into())) };
    match stage.clients.hub.clone().find(request).await.expect("a reply").into_inner().outcome {
        Some(Answered::Settlement(settlement)) => settlement.claim.expect("a claim").person,
        other => panic!("expected a settlement, got {other:?}"),
    }
}

fn clear(folder: &Path) {
    block_on(async {
        let clock = Arc::new(ManualClock::at(Moment::start_of(parse_date("2025-05-31").expect("a date"))));
        let regions: Vec<_> = PROVINCES.iter().map(|code| RegionCode::parse(code).expect("a code")).collect();
        let setup = ClusterSetup {
            // Other keys than the demo's: what those have signed stays signed.
            signers: seeded_signers(&regions, "check"),
            regions,
            parameters: Arc::new(embedded_parameters().expect("the shipped parameters")),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            seed: "check".into(),
            answer_deadline_ms: limits::ANSWER_DEADLINE_MS,
        };
        let open = |name: &str| open_store(&folder.join(name)).map_err(io::Error::other);
        let cluster = Cluster::start(setup, open).await.expect("the cluster starts");
        let mut stage = Stage { clients: cluster.clients().expect("clients"), clock, messages: 0 };
        three_months(&mut stage).await;
        cluster.stop().await;
    });
}

#[test]
fn what_is_changed_behind_the_services_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let sound = folder.path().join("sound");
    demo(&sound);
    clear(&sound);
    let (code, said) = check(&sound);
    assert_eq!((code, &said["equal"]), (Some(0), &Value::Bool(true)), "{said:#}");
    let checked = |key: &str| subject(&said, key)["checked"].as_u64().unwrap_or_default();
    for key in ["records", "books", "persons", "places", "tables", "cases", "ledger", "proofs"] {
        assert!(checked(key) > 0, "{key} has something to check");
    }
    let mut wrong = Vec::new();
    for (number, (name, expected, change)) in CHANGES.iter().enumerate() {
        let changed = folder.path().join(number.to_string());
        copy(&sound, &changed);
        change(&Stores(&changed));
        let (code, said) = check(&changed);
        let mut words = expected.splitn(4, ' ');
        let mut word = || words.next().unwrap_or_default();
        let (key, store, kind, field) = (word(), word(), word(), word());
        let first = &subject(&said, key)["first"];
        let found = ["store", "kind", "field"].map(|part| first[part].as_str().unwrap_or_default());
        let right = found[0] == store && found[1] == kind && found[2].starts_with(field);
        if code != Some(1) || !right {
            wrong.push(format!("{name}: expected {expected}, got {code:?} with {first}"));
        }
        assert!(!said.to_string().contains("34120000000000000009"), "{name}: a person number is shown");
        fs::remove_dir_all(&changed).expect("it goes");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn subject<'a>(said: &'a Value, key: &str) -> &'a Value {
    let subjects = said["subjects"].as_array().expect("subjects");
    subjects.iter().find(|subject| subject["key"] == key).expect("a subject")
}

#[test]
fn a_store_that_is_not_there_is_missing_and_not_equal() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = folder.path().join("kept");
    demo(&kept);
    let again = zhijie(&["demo", "--json", "--keep", &kept.to_string_lossy()]);
    assert_eq!(again.status.code(), Some(3), "its folder is not empty");
    let people = zhijie(&["check", &kept.to_string_lossy()]);
    let shown = String::from_utf8_lossy(&people.stdout).into_owned();
    assert_eq!(people.status.code(), Some(0), "{shown}");

    // One store alone has nothing to be compared with.
    let (code, said) = check(&kept.join("home-340000"));
    assert_eq!((code, subject(&said, "books")["missing"][0].as_str()), (Some(0), Some("care-310000")), "{said:#}");
    assert_eq!(subject(&said, "books")["equal"], false);

    fs::remove_dir_all(kept.join("care-500000")).expect("it goes");
    let (code, said) = check(&kept);
    assert_eq!((code, &subject(&said, "books")["missing"][0]), (Some(1), &"care-500000".into()), "{said:#}");
    assert_eq!(subject(&said, "books")["differences"], 0);

    for folder in [folder.path().join("nowhere"), folder.path().to_owned()] {
        assert_eq!(zhijie(&["check", &folder.to_string_lossy()]).status.code(), Some(3), "{}", folder.display());
    }
}
