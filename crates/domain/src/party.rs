//! Who acts at the hub (经办方): the agency of a home province, that of a care province, or the national one.

/// A party of clearing, review and coordination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// 参保省经办机构.
    Home,
    /// 就医省经办机构.
    Care,
    /// 国家经办机构.
    Hub,
}

impl Party {
    /// Chinese and English name.
    #[must_use]
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Party::Home => ("参保省", "the home province"),
            Party::Care => ("就医省", "the care province"),
            Party::Hub => ("国家经办", "the national agency"),
        }
    }
}
