//! Limits of the services, by name and unit.

/// How long one call to a peer may take, ms.
pub const CALL_DEADLINE_MS: u64 = 3_000;
/// How long the hub gives a home region inside one call of care, ms; less than [`CALL_DEADLINE_MS`].
pub const RELAY_DEADLINE_MS: u64 = 2_000;
/// How long a hospital waits before the answer is "unknown", ms.
pub const ANSWER_DEADLINE_MS: u64 = 8_000;
/// How long an officer waits for the hub, ms: tables of a nation take their time.
pub const OFFICE_DEADLINE_MS: u64 = 60_000;
/// Days for which the hub reconciles again by itself what did not agree: a month and the days until it is closed.
pub const DAYS_RECONCILED_BACK: i64 = 34;
/// Pause between two looks at what the calendar asks of the hub, ms.
pub const DUTY_MS: u64 = 1_000;
/// How many times as long as the last look took that pause is at least.
pub const DUTY_PAUSE: u32 = 10;
/// How long the upload of a stay's detail lines may take, ms.
pub const UPLOAD_DEADLINE_MS: u64 = 30_000;
/// Detail lines of one message, and of one record.
pub const DETAILS_CHUNK: usize = 500;
/// Months of clearing that are taken over from before the hub kept books.
pub const MONTHS_TAKEN_OVER_MAX: usize = 24;
/// Ordered pairs of provinces, more than there can be.
pub const PAIRS_MAX: usize = 2_000;
/// Cases or tickets in one reply.
pub const LISTED_MAX: usize = 500;
/// Steps that officers may take of one ticket.
pub const TICKET_STEPS_MAX: usize = 200;
/// Notes that one case may hold.
pub const CASE_NOTES_MAX: usize = 200;
/// Items that one message of an agency may name.
pub const ITEMS_MAX: usize = 2_000;
/// First pause between two attempts, ms; it doubles up to [`RETRY_MS_MAX`].
pub const RETRY_MS: u64 = 50;
/// Longest pause between two attempts, ms.
pub const RETRY_MS_MAX: u64 = 2_000;
/// Pause between two rounds over what is still pending, ms.
pub const SWEEP_MS: u64 = 1_000;
/// Least pause between two such rounds, ms.
pub const SWEEP_GAP_MS: u64 = 100;
/// Pending messages one round takes.
pub const SWEEP_MAX: usize = 256;
/// Decisions one message may need when others change the same records meanwhile.
pub const ATTEMPTS_MAX: usize = 16;
/// Records fetched from the store at a time.
pub const PAGE: usize = 256;
/// Records of one book that the hub compares for a day; more are refused, not cut.
pub const DAY_BOOK_MAX: usize = 2_000_000;
/// How long a region may read its book before it answers, ms: a million records take some seconds. That nobody is there
/// any more is found much sooner, by the keep-alive.
pub const BOOK_DEADLINE_MS: u64 = 60_000;
/// Things one filter of a day book may name.
pub const FILTER_MAX: usize = 20_000;
/// Differences of a day that are listed and kept; the rest is counted. Less than [`FILTER_MAX`].
pub const DIFFERENCES_MAX: usize = 10_000;
/// Results of days fetched from the store at a time; each may list [`DIFFERENCES_MAX`] differences.
pub const RUNS_PAGE: usize = 16;
/// Heads of days in one reply.
pub const HEADS_MAX: usize = 1_000;
/// Regions whose totals are read side by side.
pub const REGIONS_TOGETHER: usize = 8;
/// Filings one person may hold in the register.
pub const FILINGS_MAX: usize = 200;
/// How long a connection may take to open, ms; the system alone would try for minutes.
pub const CONNECT_MS: u64 = 1_500;
/// Connections that may prove who they are at once; more wait to be accepted. More than one address may have.
pub const HANDSHAKES_MAX: usize = 4 * CONNECTIONS_OF_ADDRESS_MAX;
/// How long such a proof may take, ms.
pub const HANDSHAKE_MS: u64 = 3_000;
/// Interval of HTTP/2 keep-alive, ms.
pub const KEEP_ALIVE_MS: u64 = 1_000;
/// How long a keep-alive may stay unanswered, ms.
pub const KEEP_ALIVE_TIMEOUT_MS: u64 = 1_500;
/// Messages of hospitals that care has open at once: half of what its road to the hub may hold, as it drives others by itself.
pub const CARE_OPEN_MAX: usize = zhijie_road::OPEN_MAX / 2;
/// After how long whoever was told "busy" may come again, ms.
pub const COME_AGAIN_MS: u32 = 200;
/// Messages that the hub remembers to have sent home before their answer is stored; more than all care regions have open.
pub const SENT_MAX: usize = 131_072;
/// Streams one connection may have open.
pub const STREAMS_MAX: u32 = 1_024;
/// The head of one request, bytes, as HTTP/2 counts it.
pub const HEAD_BYTES_MAX: u32 = 16 << 10;
/// How long a request may take from its head to the head of its answer, ms, its body included: longer than any answer is
/// waited for, so that only one that trickles in meets it. Streams go on behind that.
pub const REQUEST_MS: u64 = 2 * OFFICE_DEADLINE_MS;
/// Connections that a service keeps open: all hospitals of a large province.
pub const CONNECTIONS_MAX: usize = 4_096;
/// Connections from one address: many behind one router, and yet a small part of all.
pub const CONNECTIONS_OF_ADDRESS_MAX: usize = 256;
/// How long a connection may take until HTTP/2 has begun, ms; one that speaks HTTP/1, for metrics, lives no longer.
pub const OPENING_MS: u64 = 10_000;
/// How long a peer may take nothing of what it is sent, ms. Without an answer to the keep-alive it ends much sooner.
pub const STALLED_MS: u64 = 10_000;
/// Pause before the next connection is taken where the system gives none, ms: it lacks handles, and asking at once would
/// only take the processor from those who could give some back.
pub const ACCEPT_PAUSE_MS: u64 = 100;
/// How often at most it is said that connections are turned away, ms.
pub const TURNED_AWAY_SAID_MS: u64 = 10_000;
pub use zhijie_road::DOCUMENT_BYTES_MAX;
/// How long a stopping service waits for the calls it has begun, ms.
pub const DRAIN_MS: u64 = 10_000;
/// Events that the feed keeps for newcomers.
pub const EVENTS_KEPT: usize = 1_000;
/// Events that a watcher may be behind before it misses some; a power of two.
pub const EVENTS_BEHIND_MAX: usize = 1_024;
/// How long metrics of what is stored are shown before they are read again, ms.
pub const GAUGES_MS: u64 = 10_000;
/// How many times as long as they took to read they are shown at least.
pub const GAUGES_PAUSE: u32 = 50;
/// Institutions that one commit of a bulk load enters.
pub const LOAD_BATCH: usize = 512;
/// Refused rows that the reply to a bulk load names.
pub const REFUSED_ROWS_NAMED: usize = 20;
