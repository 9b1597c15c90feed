//! The mirror of filings at the hub: states that overtake one another on the way leave the newest.

use std::sync::Arc;

use zhijie_services::{
    domain::ids::{PersonId, RegionCode},
    node::{Introduction, Net, Role, channel, document, keys},
    pb::{self, hub_client::HubClient},
};
use zhijie_tests::{
    World,
    hospital::{LI, TODAY},
};

const STATES: [pb::FilingStatus; 3] =
    [pb::FilingStatus::Applied, pb::FilingStatus::Active, pb::FilingStatus::Cancelled];

#[tokio::test]
async fn a_late_state_does_not_undo_a_newer_one() {
    let world = World::at(TODAY).await;
    let anhui = RegionCode::parse("340000").expect("a region");
    let net: Arc<dyn Net> = Arc::new(world.cluster.net().clone());
    let home = Introduction::of(&Role::Home.of(&anhui));
    let mut hub = HubClient::with_interceptor(channel(&net, "http://hub").expect("a channel"), home);
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let id = order.map(|state| state.to_string()).concat();
        for state in order {
            let filing = pb::Filing {
                id: id.clone(),
                person: LI.into(),
                kind: pb::FilingKind::Referred.into(),
                place: "310000".into(),
                from: TODAY.into(),
                status: STATES[state].into(),
                ..pb::Filing::default()
            };
            let request = pb::MirrorFilingRequest { home: "340000".into(), filing: Some(filing) };
            assert_eq!(hub.mirror_filing(request).await.expect("a reply").into_inner().refused, None);
        }
        let key = keys::filings(&anhui, &PersonId::parse(LI).expect("a person"));
        let record = world.cluster.store("hub").expect("a store").get(&key).await.expect("a read").expect("a record");
        let kept: pb::MirroredFilings = document(&key, &record.value).expect("filings");
        let kept: Vec<_> = kept.filings.iter().filter(|filing| filing.id == id).map(pb::Filing::status).collect();
        assert_eq!(kept, [pb::FilingStatus::Cancelled], "sent in the order {order:?}");
    }
}
