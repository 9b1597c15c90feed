//! Who signs (签名方): the service that plays a role for a province.

use std::fmt;

use crate::{ids::RegionCode, settlement::Settlement};

/// A role that signs. The hub signs nothing: it keeps what others have signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// 参保地.
    Home,
    /// 就医地.
    Care,
}

impl Side {
    /// Both, in the order in which they sign.
    pub const BOTH: [Side; 2] = [Side::Care, Side::Home];

    /// Its name in statements and documents.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Side::Home => "home",
            Side::Care => "care",
        }
    }
}

/// Who signs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Author {
    /// The role.
    pub side: Side,
    /// The province.
    pub region: RegionCode,
}

impl Author {
    /// Who signs on one side of a record.
    #[must_use]
    pub fn of(side: Side, record: &Settlement) -> Author {
        let place = match side {
            Side::Home => &record.claim.home,
            Side::Care => &record.claim.care,
        };
        Author { side, region: place.province() }
    }

    /// True for one side of what is between two provinces.
    pub(crate) fn is_of(&self, home: &RegionCode, care: &RegionCode) -> bool {
        self.region
            == *match self.side {
                Side::Home => home,
                Side::Care => care,
            }
    }
}

impl fmt::Display for Author {
    /// `home-340000`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.side.name(), self.region)
    }
}
