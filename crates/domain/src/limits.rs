//! Every limit of the road, by name and unit. A limit that a rule sets is a parameter, not a limit.

/// Fee lines one visit may hold.
pub const FEE_LINES_MAX: usize = 10_000;
/// Characters of a sender's message id (发送方报文ID); the national form has 30.
pub const MESSAGE_ID_CHARS_MAX: usize = 64;
/// Characters of a name, a note or a reason.
pub const TEXT_CHARS_MAX: usize = 200;
/// Largest price of one unit, in millionths of a yuan: one hundred million yuan.
pub const PRICE_MAX: i64 = 100_000_000_000_000;
/// Largest quantity of one line, in ten-thousandths of a unit: one million units.
pub const QUANTITY_MAX: i64 = 10_000_000_000;
/// Largest total of one bill, in fen: one hundred million yuan.
pub const BILL_FEN_MAX: i64 = 10_000_000_000;
/// Findings that a case lists; the others are counted.
pub const FINDINGS_MAX: usize = 200;
/// Longest stay that is computed, in days.
pub const STAY_DAYS_MAX: i64 = 3_660;
/// Openings one institution may have, ended ones among them: the services, and each disease several times.
pub const OPENINGS_MAX: usize = 256;
/// Diseases and sub-codes of one version of the chronic list: some sixty of each region's own.
pub const LIST_CODES_MAX: usize = 2_000;
