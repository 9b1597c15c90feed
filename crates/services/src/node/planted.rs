//! Mistakes on purpose, one at a time, so that a test can show that the simulation finds each. They exist only with the
//! feature `planted`, which no product build carries: without it the hooks are `false` and cost nothing.

#[cfg(feature = "planted")]
use std::cell::Cell;

/// True where a mistake is planted in this thread; a build without the feature holds none.
macro_rules! planted {
    ($bug:ident) => {{
        #[cfg(feature = "planted")]
        let planted = $crate::node::planted::is($crate::node::planted::Bug::$bug);
        #[cfg(not(feature = "planted"))]
        let planted = false;
        planted
    }};
}
pub(crate) use planted;

/// A mistake.
#[cfg(feature = "planted")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bug {
    /// Hub and home do not keep what they answered to a message.
    ForgetAnswers,
    /// A message id is taken again for other content.
    AnyContent,
    /// A late settle is accepted after its reversal.
    LateSettle,
    /// Home leaves no tombstone of a message that it reversed before it came.
    NoTombstone,
    /// Home cancels a settlement again.
    DoubleCancel,
    /// Home undoes a settlement that is not the person's last.
    AnyOrder,
    /// Home gives no money back to the purse.
    KeepPurse,
    /// The hub books another amount than home.
    OtherAmounts,
    /// The hub clears what was undone.
    ClearUndone,
    /// The hub clears an item in every table.
    ClearTwice,
    /// The hub passes a reversal on and does not book it.
    UnbookedReversal,
    /// The hub takes an officer's message again.
    ForgetAgency,
    /// Care does not mark what it has sent as pending.
    DropIntent,
    /// Care says no where it does not know.
    UnknownIsNo,
}

#[cfg(feature = "planted")]
thread_local! {
    static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
}

/// Plants a mistake in this thread, or none.
#[cfg(feature = "planted")]
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

#[cfg(feature = "planted")]
pub(crate) fn is(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}
