//! How long a million settlements take: a day's reconciliation, a month's tables, the check of the stores; each service
//! in a process of its own, as it would run. It prints figures and asserts no time:
//! `cargo test --release -p zhijie-tests --test million -- --ignored --nocapture figures`
//! ZHIJIE_SETTLEMENTS, ZHIJIE_DAYS and ZHIJIE_FOLDER choose how many, on how many days, and where the stores are kept.

mod figures;
mod service;

use zhijie_services::check::{Stores, check};
use zhijie_services::node::owner;
use zhijie_store::{Memory, Store};
use zhijie_tests::copies::{Visits, services};

#[tokio::test]
async fn copies_of_visits_are_as_whole_as_the_visits() {
    let visits = Visits::of_days(2).await;
    let mut stores = Stores::default();
    for service in services() {
        let store = Store::new(Memory::new());
        visits.plant(&service, &store, 300).await;
        let owner = owner(&store).await.expect("a read").expect("a service's store");
        assert!(stores.add(owner, store), "one store of a service");
    }
    let report = check(&stores).await.expect("a report");
    assert!(report.is_equal(), "{report:?}");
    let books = report.subjects.iter().find(|subject| subject.key == "books").expect("the books");
    // Each of three books holds every settlement, and the negative record of one in ten.
    assert_eq!(books.checked, 3 * 330);
}
