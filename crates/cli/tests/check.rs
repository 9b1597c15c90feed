//! `zhijie check` as its user sees it: the stores of the demo hold together, and three more months later they still
//! do; then one fact at a time is changed behind the services' back, and the check names it and nothing sound.

#![allow(clippy::expect_used, reason = "a test may expect")]

use std::{
    fs, io,
    path::Path,
    process::{Command, Output},
    sync::Arc,
};

use prost::Message;
use serde_json::Value;
use zhijie_services::{
    cluster::{Clients, Cluster, ClusterSetup, seeded_signers},
    domain::{
        calendar::{Moment, parse_date},
        ids::RegionCode,
    },
    node::{Clock, ManualClock, document, embedded_parameters, limits, open_store, sealed},
    pb::{self, agency_reply::Outcome, agency_request::Command as Asked, answer::Outcome as Answered},
};

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

// ------------------------------------------------------------------------------------------------- changes

/// The stores, changed behind their services' backs.
struct Stores<'a>(&'a Path);

impl Stores<'_> {
    /// Takes the first record under a prefix whose document is wanted, and puts into the store what is made of it.
    fn change<M: Message + Default>(
        &self,
        service: &str,
        prefix: &str,
        wanted: impl Fn(&M) -> bool,
        change: impl FnOnce(&[u8], M) -> Vec<(Vec<u8>, Option<Vec<u8>>)>,
    ) {
        block_on(async {
            let store = open_store(&self.0.join(service)).expect("a store");
            let page = store.scan_prefix(prefix.as_bytes(), None, 1_000).await.expect("a page");
            let found = page.iter().map(|(key, record)| (key, document::<M>(key, &record.value).expect("it reads")));
            let (key, document) = found.into_iter().find(|(_, document)| wanted(document)).expect("a record");
            let mut txn = store.begin();
            for (key, value) in change(key, document) {
                match value {
                    Some(value) => txn.put(key, value),
                    None => txn.delete(key),
                }
            }
            txn.commit().await.expect("a commit");
        });
    }

    /// Changes a document where it stands, and seals it again.
    fn edit<M: Message + Default>(
        &self,
        service: &str,
        prefix: &str,
        wanted: impl Fn(&M) -> bool,
        edit: impl FnOnce(&mut M),
    ) {
        self.change(service, prefix, wanted, |key, mut document: M| {
            edit(&mut document);
            vec![(key.to_vec(), Some(sealed(key, &document)))]
        });
    }

    /// Changes a settlement in force alike in the books of the hub, of home and of care, and seals each again.
    fn edit_everywhere(&self, edit: fn(&mut pb::BookRecord)) {
        let mut found = None;
        self.edit("hub", "b/", in_force, |record: &mut pb::BookRecord| {
            let settlement = record.settlement.as_ref().expect("a settlement");
            let claim = settlement.claim.as_ref().expect("a claim");
            let place = |role: &str, code: &str| format!("{role}-{}0000", &code[..2]);
            found = Some((settlement.id.clone(), [place("home", &claim.home), place("care", &claim.care)]));
            edit(record);
        });
        let (id, services) = found.expect("a settlement");
        for service in services {
            let wanted = |record: &pb::BookRecord| record.settlement.as_ref().is_some_and(|s| s.id == id);
            self.edit(&service, "b/", wanted, edit);
        }
    }

    fn remove<M: Message + Default>(&self, service: &str, prefix: &str, wanted: impl Fn(&M) -> bool) {
        self.change(service, prefix, wanted, |key, _: M| vec![(key.to_vec(), None)]);
    }

    /// Takes all records of some kinds out of a store.
    fn empty(&self, service: &str, prefixes: &[&str]) {
        block_on(async {
            let store = open_store(&self.0.join(service)).expect("a store");
            for prefix in prefixes {
                for (key, _) in store.scan_prefix(prefix.as_bytes(), None, 1_000).await.expect("a page") {
                    let mut txn = store.begin();
                    txn.delete(key);
                    txn.commit().await.expect("a commit");
                }
            }
        });
    }
}

fn amounts(record: &mut pb::BookRecord) -> &mut pb::Amounts {
    let computation = record.settlement.as_mut().and_then(|settlement| settlement.computation.as_mut());
    computation.and_then(|computation| computation.amounts.as_mut()).expect("amounts")
}

fn in_force(record: &pb::BookRecord) -> bool {
    record.undone_by.is_empty() && record.settlement.as_ref().is_some_and(|s| s.kind() == pb::EntryKind::Settled)
}

fn entered(item: &pb::ClearedItem) -> bool {
    item.carried() == pb::CarriedReason::Unspecified
}

/// What is changed, where the check must find it: subject, store, kind of key and a part of the field.
type Row = (&'static str, &'static str, fn(&Stores<'_>));

const CHANGES: &[Row] = &[
    ("one byte of a booked settlement", "records care-310000 b record", |stores| {
        stores.change("care-310000", "b/", in_force, |key, record| {
            let mut value = sealed(key, &record);
            value[9] ^= 1;
            vec![(key.to_vec(), Some(value))]
        });
    }),
    ("a record of a person moved to another person's key", "records home-340000 r record", |stores| {
        stores.change(
            "home-340000",
            "r/",
            |_| true,
            |key, record: pb::PersonRecord| vec![(b"r/34120000000000000009".to_vec(), Some(sealed(key, &record)))],
        );
    }),
    ("a kind of record that nobody keeps", "records hub ? key", |stores| {
        stores.change(
            "hub",
            "w",
            |_| true,
            |key, turn: pb::TurnRecord| vec![(b"?/1".to_vec(), Some(sealed(key, &turn)))],
        );
    }),
    ("the id of a record leads nowhere", "records hub b key", |stores| {
        stores.change("hub", "b/", in_force, |_, record| {
            let id = record.settlement.expect("a settlement").id;
            vec![(format!("s/{id}").into_bytes(), None)]
        });
    }),
    ("a settlement changed in one book", "books care-310000 b settlement.computation.ratio", |stores| {
        stores.edit("care-310000", "b/", in_force, |record| {
            record
                .settlement
                .as_mut()
                .and_then(|settlement| settlement.computation.as_mut())
                .expect("a computation")
                .ratio += 1;
        });
    }),
    ("a settlement changed in the hub's book", "books hub b settlement.at", |stores| {
        stores.edit("hub", "b/", in_force, |record| record.settlement.as_mut().expect("a settlement").at += 1);
    }),
    ("a settlement that one book holds for undone", "books care-500000 b undone_by", |stores| {
        stores.edit(
            "care-500000",
            "b/",
            |record: &pb::BookRecord| !record.undone_by.is_empty(),
            |record| record.undone_by.clear(),
        );
    }),
    ("a whole book emptied", "books home-340000 b record", |stores| stores.empty("home-340000", &["b/", "s/"])),
    ("an accumulator", "persons home-340000 r accumulators", |stores| {
        stores.edit(
            "home-340000",
            "r/",
            |record: &pb::PersonRecord| !record.accumulators.is_empty(),
            |record| {
                *record.accumulators[0].amounts.get_mut("basic").expect("an amount") += 1;
            },
        );
    }),
    ("a purse", "persons home-510000 r purse.account", |stores| {
        stores.edit(
            "home-510000",
            "r/",
            |_| true,
            |record: &mut pb::PersonRecord| record.purse.as_mut().expect("a purse").account += 1,
        );
    }),
    ("a last settlement forgotten", "persons home-310000 r accumulators", |stores| {
        stores.edit(
            "home-310000",
            "r/",
            |record: &pb::PersonRecord| !record.last_settlement.is_empty(),
            |record| record.last_settlement.clear(),
        );
    }),
    ("a balance in all books", "persons home-510000 b amounts.balance", |stores| {
        stores.edit("home-510000", "b/", in_force, |record| amounts(record).balance += 1);
    }),
    ("a waiting item removed", "places hub b place", |stores| {
        stores.remove("hub", "q/", |item: &pb::WaitingItem| item.kind() == pb::ClearedKind::Settlement)
    }),
    ("a waiting item's amount", "places hub q amounts", |stores| {
        stores.edit("hub", "q/", |_| true, |item: &mut pb::WaitingItem| item.fund += 1)
    }),
    ("an item of a table removed", "places hub b place", |stores| stores.remove("hub", "k/2025-03", entered)),
    ("an item doubled into a second table", "places hub b place", |stores| {
        stores.change("hub", "k/2025-03/340000/310000/", entered, |key, item| {
            let key = String::from_utf8_lossy(key).replace("2025-03", "2025-04").into_bytes();
            let value = sealed(&key, &item);
            vec![(key, Some(value))]
        });
    }),
    ("an item in a table of a period that was never made", "places hub k period", |stores| {
        stores.change("hub", "k/2025-03/340000/310000/", entered, |key, item| {
            let key = String::from_utf8_lossy(key).replace("2025-03", "2026-03").into_bytes();
            let value = sealed(&key, &item);
            vec![(key, Some(value))]
        });
    }),
    ("a cleared pointer removed", "places hub b place", |stores| {
        stores.remove("hub", "j/", |_: &pb::ClearedRecord| true)
    }),
    ("a cleared pointer to another table", "places hub b cleared.period", |stores| {
        stores.edit("hub", "j/", |_| true, |cleared: &mut pb::ClearedRecord| cleared.period = "2025-05".into());
    }),
    ("what was deducted", "places hub b sum over tables", |stores| {
        stores.edit("hub", "j/", |cleared: &pb::ClearedRecord| cleared.deducted > 0, |cleared| cleared.deducted += 1);
    }),
    ("a table's payable", "tables hub t payable", |stores| {
        stores.edit("hub", "t/", |_| true, |table: &mut pb::ClearingTable| table.payable += 1)
    }),
    ("a table's row", "tables hub t rows.new.amount", |stores| {
        stores.edit(
            "hub",
            "t/",
            |table: &pb::ClearingTable| !table.rows.is_empty(),
            |table| {
                table.rows[0].new.as_mut().expect("a sum").amount += 1;
            },
        );
    }),
    ("a table's credit", "tables hub t credit", |stores| {
        stores.edit("hub", "t/", |_| true, |table: &mut pb::ClearingTable| table.credit -= 1)
    }),
    ("a table removed", "tables hub k table", |stores| stores.remove("hub", "t/", |_: &pb::ClearingTable| true)),
    ("a case's deduction", "cases hub a deduction", |stores| {
        stores.edit("hub", "a/", |case: &pb::Case| case.stage() == pb::CaseStage::Closed, |case| case.deduction += 1);
    }),
    ("a case open since before its settlement was cleared", "cases hub a stage", |stores| {
        stores.edit(
            "hub",
            "a/",
            |case: &pb::Case| !case.reopened,
            |case| {
                case.opened = "2025-07-01".into();
                case.set_stage(pb::CaseStage::Opened);
            },
        );
    }),
    ("a prepayment's balance", "ledger hub u balance", |stores| {
        stores.edit("hub", "u/", |_| true, |quota: &mut pb::Quota| quota.balance += 1)
    }),
    ("a settlement's fund at home, its identities whole", "ledger hub t payable", |stores| {
        stores.edit("home-310000", "b/", in_force, |record| {
            let amounts = amounts(record);
            amounts.funds.as_mut().expect("funds").basic -= 1;
            amounts.fund_total -= 1;
            amounts.hospital += 1;
        });
    }),
    ("an amount in all three books, its identities whole", "proofs hub b proof.home", |stores| {
        stores.edit_everywhere(|record| {
            let amounts = amounts(record);
            amounts.funds.as_mut().expect("funds").basic -= 1;
            amounts.fund_total -= 1;
            amounts.hospital += 1;
        });
    }),
    ("the bill's patient in all three books", "proofs hub b proof.care", |stores| {
        stores.edit_everywhere(|record| {
            record.settlement.as_mut().and_then(|settlement| settlement.claim.as_mut()).expect("a claim").injury = true;
        });
    }),
    ("a signature taken away in all three books", "proofs hub b proof.home", |stores| {
        stores.edit_everywhere(|record| {
            record.settlement.as_mut().and_then(|s| s.proof.as_mut()).expect("a proof").home.clear();
        });
    }),
    ("another's signature", "proofs care-310000 b proof.care", |stores| {
        stores.edit("care-310000", "b/", in_force, |record| {
            let proof = record.settlement.as_mut().and_then(|s| s.proof.as_mut()).expect("a proof");
            proof.care = proof.home.clone();
        });
    }),
    ("a record taken out of a day that its region has signed", "proofs home-340000 G facts", |stores| {
        stores.change("home-340000", "b/", in_force, |key, record| {
            let id = record.settlement.expect("a settlement").id;
            vec![(key.to_vec(), None), (format!("s/{id}").into_bytes(), None)]
        });
    }),
    ("what a head says", "proofs hub G signature", |stores| {
        stores.edit("hub", "G/", |_| true, |head: &mut pb::DayHead| head.records += 1)
    }),
    ("a head taken out", "proofs care-310000 G previous", |stores| {
        stores.remove("care-310000", "G/", |_: &pb::DayHead| true)
    }),
    ("a key that its region does not have", "proofs hub K key", |stores| {
        stores.change(
            "hub",
            "K/",
            |_| true,
            |_, mut key: pb::SigningKey| {
                key.public[0] ^= 1;
                let hex: String = key.public.iter().map(|byte| format!("{byte:02x}")).collect();
                let place = format!("K/{}/{}/{hex}", key.role, key.region).into_bytes();
                let value = sealed(&place, &key);
                vec![(place, Some(value))]
            },
        );
    }),
];

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
