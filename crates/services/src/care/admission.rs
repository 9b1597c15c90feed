//! How many messages care has open at once (流量控制). Beyond that it says "busy, come again" before it does anything else,
//! so that what it has taken on keeps its pace. A home region that answers slowly, or not at all, gets no more places
//! than are still free: it never takes them all, and the persons of the others are served.

use zhijie_domain::{
    ids::RegionCode,
    refusal::{Code, Refusal},
};

use crate::node::{Place, Places, limits};

/// The places that messages hold while a hospital waits for them.
#[derive(Default)]
pub(super) struct Admission(Places<RegionCode>);

impl Admission {
    /// A place for a message to the province of `home`.
    ///
    /// # Errors
    /// [`Code::Busy`] where there is none.
    pub(super) fn place(&self, home: &RegionCode) -> Result<Place<RegionCode>, Refusal> {
        let place = self.0.take(home.province(), |all, of_home| of_home < limits::CARE_OPEN_MAX.saturating_sub(all));
        place.ok_or_else(|| Refusal::new(Code::Busy, "bounded number of open messages", "header.home"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn province(code: &str) -> RegionCode {
        RegionCode::parse(code).unwrap()
    }

    #[test]
    fn a_slow_home_leaves_room_for_the_others_and_places_come_back() {
        let admission = Admission::default();
        let (slow, other) = (province("341200"), province("510100"));
        let mut held = Vec::new();
        while let Ok(place) = admission.place(&slow) {
            held.push(place);
        }
        assert_eq!(held.len(), limits::CARE_OPEN_MAX / 2);
        assert_eq!(admission.place(&slow).err().map(|refusal| refusal.code), Some(Code::Busy));
        let others: Vec<_> = (0..limits::CARE_OPEN_MAX / 8).map(|_| admission.place(&other).unwrap()).collect();
        drop((held, others));
        assert_eq!(admission.0.held(), 0);
        assert!(admission.place(&slow).is_ok());
    }
}
