//! Every bound in Lastbuy, with its unit and its reason. A limit that is hit is always told to somebody: an error, a note on the document, or a doubt.
//!
//! This file is long because it is one list: every bound is found in one place, by its subject.

// ---- intake -------------------------------------------------------------------------------------------------------------------------------

/// Largest request or file taken. SendGrid posts mails of up to 30 MB with decoded attachments, so a mail at its limit must still fit.
pub const BODY_BYTES_MAX: usize = 40 << 20;
/// Largest JSON feed body. A feed of 300 parts is about 200 KiB; the rest is head-room.
pub const JSON_BODY_BYTES_MAX: usize = 4 << 20;
/// How deep JSON may nest before it is refused; serde_json's own recursion limit is 128, feeds use fewer than ten levels.
pub const JSON_DEPTH_MAX: usize = 64;
/// Values one JSON body may hold. A tree of small values takes some forty times the memory of its text; a feed of 300 parts has about 10,000.
pub const JSON_VALUES_MAX: usize = 200_000;
/// How far the time in a signature may be from this machine's clock, in seconds: what Standard Webhooks allows.
pub const SIGNATURE_AGE_SECONDS_MAX: i64 = 300;
/// How far beyond the clock tolerance a signed time may be, in seconds, where a sender tries again for so long and nothing says that it signs anew: SendGrid three days,
/// Mailgun some eight hours, SNS less than a day. A repeat within that time is known by what it says, or by its token.
pub const SENDGRID_AGE_SECONDS_MAX: i64 = 3 * 24 * 3600;
pub const MAILGUN_AGE_SECONDS_MAX: i64 = 9 * 3600;
pub const SNS_AGE_SECONDS_MAX: i64 = 24 * 3600;
/// Tokens of Mailgun remembered at once: more mails than a plant gets in nine hours.
pub const TOKENS_KEPT_MAX: usize = 20_000;
/// Fields of one form; a mail's head has fewer than a hundred.
pub const FORM_FIELDS_MAX: usize = 2000;
/// Mails or events in one delivery; Mandrill sends at most a thousand, the notices of one export are fewer.
pub const EVENTS_A_DELIVERY_MAX: usize = 1000;
/// Rows and columns of one export.
pub const EXPORT_ROWS_MAX: usize = 20_000;
pub const EXPORT_COLUMNS_MAX: usize = 200;
/// Newest events looked through for those in quarantine.
pub const QUARANTINE_SCAN_EVENTS_MAX: usize = 100_000;
/// Signatures tried in one delivery: a sender that changes its secret sends two.
pub const SIGNATURES_TRIED_MAX: usize = 8;
/// How long a sender may take to deliver its body, in seconds; senders give up at about ten.
pub const BODY_READ_SECONDS_MAX: u64 = 30;
/// Longest header value kept with an event, in bytes: enough to tell who sent it, too little to be a store.
pub const HEADER_VALUE_BYTES_MAX: usize = 512;
/// Header fields kept with an event.
pub const HEADERS_KEPT_MAX: usize = 24;
/// Bodies that may be in memory at once while they are received: bounds memory at about this many times `BODY_BYTES_MAX` in the worst case.
pub const BODIES_IN_FLIGHT_MAX: usize = 8;
/// Longest file name kept with an event, in bytes.
pub const FILE_NAME_BYTES_MAX: usize = 255;

/// How long a sender waits for its turn among the bodies in flight, in milliseconds, before it is told to come again.
pub const BODY_PERMIT_MS_MAX: u64 = 2000;
/// Connections each worker of the server keeps open.
pub const CONNECTIONS_MAX: usize = 512;
/// How long a client may take to send the head of a request, in seconds.
pub const REQUEST_HEAD_SECONDS_MAX: u64 = 10;
/// How long a connection stays open after an early answer while its body still comes, in seconds: enough to read the answer.
pub const HTTP_LINGER_SECONDS: u64 = 2;
/// How long requests in hand may take to finish when the server stops, in seconds.
pub const HTTP_DRAIN_SECONDS: u64 = 10;

/// Senders whose rate is kept at once; past it, new ones wait until an old one was silent for a minute.
pub const RATE_KEYS_MAX: usize = 10_000;

// ---- access -------------------------------------------------------------------------------------------------------------------------------

/// Work of one password hash (argon2id): memory in KiB, passes, lanes. OWASP's first recommendation for argon2id (19 MiB, 2, 1), some 30 ms on a plant computer.
pub const PASSWORD_MEMORY_KIB: u32 = 19 * 1024;
pub const PASSWORD_PASSES: u32 = 2;
pub const PASSWORD_LANES: u32 = 1;
/// Passwords that are hashed at the same time: bounds memory at this many times `PASSWORD_MEMORY_KIB` and leaves a core to those who are signed in.
pub const PASSWORDS_AT_ONCE_MAX: usize = 2;
/// Length of a password, in characters: NIST SP 800-63B asks for at least 15 where it is the only factor and 8 otherwise; with lock-out and a list of common ones, 12.
pub const PASSWORD_CHARS_MIN: usize = 12;
/// Longest password taken, in bytes: long enough for a sentence, too short to cost time.
pub const PASSWORD_BYTES_MAX: usize = 256;
/// Longest name of a user, and of a token, in bytes.
pub const USER_NAME_BYTES_MAX: usize = 64;
pub const TOKEN_NAME_BYTES_MAX: usize = 100;
/// Users and tokens of an installation, disabled and revoked ones included: a plant has tens.
pub const USERS_MAX: u64 = 1000;
pub const TOKENS_MAX: u64 = 1000;
/// How often the use of a token is put on record, in milliseconds: a day, so that a program that asks every second does not fill the log.
pub const TOKEN_USE_TOLD_MS: i64 = 24 * 3600 * 1000;
/// A session ends after this long without a request, and after this long whatever happens, in milliseconds: a shift.
pub const SESSION_IDLE_MS: i64 = 60 * 60 * 1000;
pub const SESSION_MS_MAX: i64 = 12 * 3600 * 1000;
/// Sessions at once, and of one user; past it the one that was silent longest ends.
pub const SESSIONS_MAX: usize = 5000;
pub const SESSIONS_A_USER_MAX: usize = 10;
/// Wrong attempts before the first pause, of one user from one machine, of one user from anywhere, and of one machine. Then the pause doubles from a second up to its cap, in
/// milliseconds. That of a user from anywhere is short, so that nobody can keep another out for long.
pub const ATTEMPTS_FREE_PAIR: u32 = 5;
pub const ATTEMPTS_FREE_USER: u32 = 20;
pub const ATTEMPTS_FREE_PEER: u32 = 30;
pub const LOCKED_MS_MAX: i64 = 15 * 60 * 1000;
pub const LOCKED_USER_MS_MAX: i64 = 30 * 1000;
/// Wrong attempts are forgotten after this long without one, in milliseconds.
pub const ATTEMPTS_FORGOTTEN_MS: i64 = 3600 * 1000;
/// Counts of wrong attempts kept at once; past it the oldest goes.
pub const ATTEMPTS_KEPT_MAX: usize = 20_000;
/// Largest form of a page, in bytes; what is uploaded is no such form.
pub const FORM_BYTES_MAX: usize = 256 << 10;

// ---- review -------------------------------------------------------------------------------------------------------------------------------

/// Characters shown before and after a place: two lines of a letter.
pub const REVIEW_AROUND_CHARS: usize = 120;
/// Places offered for one value; a person reads no more, and any other place can still be picked in the text.
pub const REVIEW_CHOICES_MAX: usize = 60;
/// Longest value a person picks or types, in characters.
pub const REVIEW_VALUE_CHARS_MAX: usize = 100;
/// Answers in one review: every part of a long notice, twice.
pub const REVIEW_ANSWERS_MAX: usize = 10_000;
/// Longest note or reason a person writes, in bytes.
pub const REASON_BYTES_MAX: usize = 2000;
/// Corrections written out at once for `lastbuy eval`.
pub const EVAL_EXPORT_MAX: usize = 10_000;
/// Size and files of an evidence pack, which is made in memory; a case of ten notices with attachments at their limit is larger than any seen.
pub const EVIDENCE_BYTES_MAX: usize = 256 << 20;
pub const EVIDENCE_FILES_MAX: usize = 5000;
/// Statements in an evidence pack; the newest.
pub const EVIDENCE_STATEMENTS_MAX: usize = 100;

// ---- API ----------------------------------------------------------------------------------------------------------------------------------

/// How long a request is known again by its Idempotency-Key, in milliseconds: a day, longer than any client tries again.
pub const IDEMPOTENCY_MS: i64 = 24 * 3600 * 1000;
/// Longest such key, in bytes.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;
/// Streams of events open at once; every open page holds one, and the connections are bounded as well.
pub const STREAMS_MAX: usize = 128;
/// How long one stream lasts, in seconds; whoever reads it is asked again then who they are.
pub const STREAM_SECONDS_MAX: u64 = 600;
/// Silence after which a stream says that it is there, in seconds; proxies cut at 30 or 60.
pub const STREAM_BEAT_SECONDS: u64 = 15;
/// Pause before a browser asks again, in milliseconds.
pub const STREAM_RETRY_MS: u64 = 2000;
/// Records a stream looks at in one round.
pub const STREAM_EVENTS_AT_ONCE: usize = 200;

// ---- mail receiver ------------------------------------------------------------------------------------------------------------------------

/// Longest command line, in bytes: RFC 5321 asks for 512, extensions add to MAIL and RCPT; addresses in UTF-8 take more.
pub const SMTP_LINE_BYTES_MAX: usize = 2048;
/// Bytes of one overlong line that are passed over before the connection is cut.
pub const SMTP_LINE_SKIPPED_BYTES_MAX: usize = 64 << 10;
/// Recipients of one mail; RFC 5321 asks for at least 100.
pub const SMTP_RECIPIENTS_MAX: usize = 100;
/// Refused commands after which a connection is cut: a mail server makes none, a prober many.
pub const SMTP_ERRORS_MAX: u32 = 20;
/// Mails in memory at once while they are received: at most this many times `BODY_BYTES_MAX`.
pub const SMTP_MAILS_IN_FLIGHT_MAX: usize = 8;
/// How long a client waits for its turn among them, in seconds, before it is told to come again.
pub const SMTP_TURN_SECONDS_MAX: u64 = 10;
/// How long one whole mail may take to come in, in seconds: 40 MiB at 30 KB/s.
pub const SMTP_MAIL_SECONDS_MAX: u64 = 1500;
/// How long a client may take to read an answer, in seconds.
pub const SMTP_WRITE_SECONDS_MAX: u64 = 60;
/// How long a TLS handshake may take, in seconds.
pub const TLS_HANDSHAKE_SECONDS_MAX: u64 = 30;
/// How long mails that are coming in may take to finish when the server stops, in seconds.
pub const SMTP_DRAIN_SECONDS: u64 = 10;
/// Read from a socket at once, in bytes.
pub const SMTP_READ_BYTES: usize = 16 << 10;
/// How long the file in hand may take to be taken when the server stops, in seconds.
pub const INBOX_DRAIN_SECONDS: u64 = 10;
/// Entries of the watched folder looked at in one round; more are seen when these are gone.
pub const INBOX_ENTRIES_MAX: usize = 10_000;
/// Sentences about the watched folder remembered as said.
pub const INBOX_SENTENCES_MAX: usize = 1000;
/// Parts asked about in one call of SiliconExpert's API; it takes no more.
pub const POLL_PARTS_MAX: usize = 50;
/// How long one call may take, in seconds.
pub const POLL_SECONDS_MAX: u64 = 120;
/// First pause after a call that failed, in seconds; doubled up to the usual one.
pub const POLL_RETRY_SECONDS: u64 = 60;
/// How often the log is looked through for subscriptions of SNS that wait to be confirmed, in seconds, and for how many days SNS's token is good.
pub const SNS_LOOK_SECONDS: u64 = 2;
pub const SNS_TOKEN_DAYS: i64 = 3;
/// Attempts at one confirmation; with their pauses they take about as long as the token is good.
pub const SNS_TRIES_MAX: u32 = 12;
/// Cookies of one session that are kept.
pub const POLL_COOKIES_MAX: usize = 16;
/// How often the files of the network face's certificate are looked at, in seconds: a renewal is in force well before the old one ends.
pub const CERTIFICATE_LOOK_SECONDS: u64 = 10;
/// Longest text of a certificate or key file, in bytes; a chain of four is about 10 KiB.
pub const PEM_BYTES_MAX: u64 = 1 << 20;

// ---- store --------------------------------------------------------------------------------------------------------------------------------

/// Largest value written to sled, in bytes. Pages of larger values become files of their own that sled never gives back.
pub const SLED_VALUE_BYTES_MAX: usize = 4 << 10;
/// Commands one group commit may gather; bounds the time a sender waits behind others.
pub const GROUP_COMMANDS_MAX: usize = 256;
/// Bytes of bodies one group commit may gather.
pub const GROUP_BYTES_MAX: usize = 16 << 20;
/// Commands that may wait for the writer; past this, intake answers 503.
pub const WRITER_QUEUE_MAX: usize = 1024;
/// A file of the log is closed at this size, in bytes: small enough to copy, to look through for its end at a start, and to give back room in.
pub const LOG_FILE_BYTES_MAX: u64 = 64 << 20;
/// Files of the log kept open for reading.
pub const LOG_FILES_OPEN_MAX: usize = 64;
/// Bytes of the log between two rows of its index: what is read to find one record by its number.
pub const LOG_INDEX_BYTES: u64 = 64 << 10;
/// Bytes read at once while a damaged file is searched for a whole group.
pub const LOG_SEARCH_BYTES: usize = 1 << 20;
/// Size at which a group of a log that is written anew is full, in bytes.
pub const REWRITTEN_GROUP_BYTES: usize = 1 << 20;
/// Committed rows that may wait for sled, at about 200 bytes each; past this the writer waits too.
pub const PENDING_ROWS_MAX: usize = 32_768;
/// Rows written to sled, and milliseconds with rows written, after which it is told to pass them on to the kernel: what a start after a kill applies again.
pub const UNFLUSHED_ROWS_MAX: usize = 200_000;
pub const UNFLUSHED_MS_MAX: u64 = 2000;
/// Rows gathered before they are written while projections are brought after the log; at about 200 bytes each.
pub const CAUGHT_UP_ROWS: usize = 100_000;
/// How often an opening that takes long says how far it is, in milliseconds.
pub const CATCH_UP_TOLD_MS: u64 = 5000;
/// sled's page cache, in bytes as sled counts, which is about a third of what it takes; its default of 1 GiB does not fit a 4 GiB plant computer.
pub const SLED_CACHE_BYTES: u64 = 32 << 20;
/// How long an opening waits for the threads of a store that was closed before, in milliseconds; they are gone within a few, and in seconds on a machine
/// that is busy.
pub const SLED_LET_GO_MS_MAX: u64 = 5000;
/// How long the data directory's lock is tried, in milliseconds: a child that this process is just starting holds a copy of it until it runs its program.
pub const LOCK_LET_GO_MS_MAX: u64 = 300;
/// Free space, in bytes, under which intake answers 503 while reads go on.
pub const DISK_RESERVE_BYTES: u64 = 512 << 20;
/// Days over which the growth of the store is measured, to tell when the disk will be full: a month of notices, with its quiet days.
pub const GROWTH_DAYS: i64 = 30;
/// Days before the disk is full at which `doctor` warns: time to order a disk.
pub const DISK_FULL_WARNING_DAYS: f64 = 60.0;
/// Memory of the machine under which `doctor` warns, in bytes: the model's child and a document's child at its limit, and the system.
pub const MEMORY_BYTES_MIN: u64 = 2 << 30;
/// A clock before this year was never set: the program is younger.
pub const YEAR_MIN: i16 = 2026;
/// Acts of the audit trail that go into a support bundle, without their details.
pub const SUPPORT_ACTS: usize = 200;
/// How long free space is believed before it is looked at again, in milliseconds.
pub const SPACE_LOOK_MS: i64 = 1000;
/// Bodies whose need is looked up in one reading of the log: 64 bytes each, so 64 MiB; a store with more is read more than once.
pub const BODIES_MARKED_AT_ONCE_MAX: usize = 1 << 20;
/// Events whose bytes one round of retention gives up: one write, so that arrivals do not wait behind it.
pub const EXPIRED_AT_ONCE_MAX: usize = 256;
/// How long between two rounds of retention while serving, in milliseconds. Retention is counted in days; an hour is soon enough.
pub const RETENTION_ROUND_MS: i64 = 3600 * 1000;
/// How long after a scheduled backup that failed the next is tried, in milliseconds: a share that is away for a moment, not a log full of errors.
pub const BACKUP_RETRY_MS: i64 = 15 * 60 * 1000;
/// Largest frame of a backup, in bytes: a body at its limit, with head-room for results.
pub const BACKUP_FRAME_BYTES_MAX: u64 = 128 << 20;
/// Piece in which a dataset file goes into a backup, in bytes.
pub const BACKUP_PIECE_BYTES: usize = 1 << 20;
/// Bodies that could not be read which a backup names; the rest is counted.
pub const BACKUP_DAMAGED_NAMED_MAX: usize = 100;
/// Rows one list call may return; more needs the next page.
pub const LIST_ROWS_MAX: usize = 1000;
/// Cases a page orders and searches. A plant that sees fourteen notices a day has as many open after years; the newest count.
pub const BOARD_CASES_MAX: usize = 50_000;
/// Characters of a name from outside (maker, part, subject) on a page; a longer one is no name.
pub const PAGE_TITLE_CHARS_MAX: usize = 120;
/// Characters of a sentence from outside in a list.
pub const PAGE_SENTENCE_CHARS_MAX: usize = 400;
/// Parts of one notice on its page, each with up to four values; a browser stays quick, and the API has all of them.
pub const PAGE_VALUES_MAX: usize = 300;
/// Bytes of a notice's text on its page: some hundred printed pages.
pub const PAGE_TEXT_BYTES_MAX: usize = 256 << 10;
/// Assessments of a case on its page, newest first.
pub const PAGE_HISTORY_MAX: usize = 50;
/// Notices of a case that can be chosen on its page, the newest.
pub const PAGE_COPIES_MAX: usize = 20;
/// Events that a search on the page of events looks through, the newest: half a year at the pace of a large plant.
pub const PAGE_SEARCH_EVENTS_MAX: usize = 5_000;
/// Entries of the calendar feed, about; the newest cases. Calendars fetch the whole feed every few hours.
pub const CALENDAR_ENTRIES_MAX: usize = 5_000;
/// Parts of one case with a day of their own in the calendar.
pub const CALENDAR_PARTS_MAX: usize = 100;
/// Statements that are computed at the same time because somebody moves a slider; a core is left to the notices that arrive.
pub const WHAT_IFS_AT_ONCE_MAX: usize = 2;
/// Dots of one chart; more cannot be told apart.
pub const CHART_DOTS_MAX: usize = 150;

// ---- jobs ---------------------------------------------------------------------------------------------------------------------------------

/// Attempts of one step before the job is dead-lettered with its last error.
pub const ATTEMPTS_MAX: u32 = 5;
/// Times in one step that a job's holder may be gone before the job is dead-lettered: more than a bad day's power cuts, fewer than a night of restarts.
pub const ORPHANED_MAX: u32 = 10;
/// First retry delay, in milliseconds; doubled on each attempt.
pub const RETRY_FIRST_MS: i64 = 500;
/// Longest retry delay, in milliseconds.
pub const RETRY_CAP_MS: i64 = 15 * 60 * 1000;
/// How long a worker may hold a job without a heartbeat, in milliseconds.
pub const LEASE_MS: i64 = 120_000;
/// Longest a worker sleeps before it looks for retries that are due, in milliseconds.
pub const WORK_WAIT_MS_MAX: u64 = 500;
/// Errors kept with a job; the newest win. Enough for every attempt of every step of one life (`ATTEMPTS_MAX` × 5 steps).
pub const JOB_ERRORS_KEPT_MAX: usize = 25;
/// Jobs that one claim moves to ready because they are due or their lease lapsed. Each claim takes one job, so a backlog drains faster than it is worked on, and
/// no claim costs more than this many records.
pub const PROMOTED_PER_CLAIM_MAX: usize = 32;
/// Shortest and longest a step may ask to wait, in milliseconds: it cannot spin, and it cannot put a job out of sight for good.
pub const SNOOZE_MS_MIN: i64 = 1000;
pub const SNOOZE_MS_MAX: i64 = 30 * 24 * 3600 * 1000;
/// Jobs that one write makes; a replay of more is several writes, so that arrivals do not wait behind it.
pub const ORDERS_PER_WRITE_MAX: usize = 256;
/// Events and cases one replay may select; more is asked for in several time ranges.
pub const REPLAY_SUBJECTS_MAX: usize = 100_000;
/// How long a pinned model is kept without work before its child is ended, in milliseconds: a replay of several notices loads it once.
pub const PINNED_MODEL_IDLE_MS: i64 = 60_000;
/// How long a job waits that needs a pinned model while another one is at work, in milliseconds. Only one beside the usual one fits a small machine's memory.
pub const PINNED_MODEL_WAIT_MS: i64 = 5_000;
/// Days for which a delivery is known again by its key unless the site says otherwise: a year, and a month for who is late.
pub const KEYS_KEPT_DAYS: u32 = 400;
/// Longest a site may keep keys, in days: a hundred years is for good.
pub const KEYS_KEPT_DAYS_MAX: u32 = 36_525;
/// Keys that one round of the background sweep forgets, and milliseconds between rounds: at most some 250,000 a day, more than any factory receives.
pub const KEYS_FORGOTTEN_MAX: usize = 200;
pub const KEYS_SWEEP_MS: i64 = 60_000;
/// Records one page of the audit trail looks through; a rare match further on takes another page.
pub const AUDIT_SCAN_MAX: usize = 20_000;
/// Longest error text kept, in bytes.
pub const ERROR_BYTES_MAX: usize = 600;

// ---- telling people -----------------------------------------------------------------------------------------------------------------------

/// Pauses after the first, second and later failed attempts at a message, in milliseconds: the schedule of Standard Webhooks. After the last the message is dead.
pub const MESSAGE_RETRIES_MS: [i64; 9] = {
    const SECOND: i64 = 1000;
    const HOUR: i64 = 3600 * SECOND;
    [5 * SECOND, 300 * SECOND, 1800 * SECOND, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR]
};
/// Longest pause a receiver may ask for, in milliseconds: a day, so that nobody can put a message out of sight.
pub const RETRY_AFTER_MS_MAX: i64 = 24 * 3600 * 1000;
/// Shortest pause after a receiver said that it is overloaded, in milliseconds.
pub const SLOW_DOWN_MS: i64 = 60_000;
/// How long one message may be in hand, in milliseconds: longer than the longest attempt, a mail to `MAIL_RECIPIENTS_MAX` addresses at a relay that takes
/// nearly `DELIVERY_SECONDS_MAX` for each answer. What was in hand when a process ended is put back at the next start and need not wait for this.
pub const MESSAGE_LEASE_MS: i64 = 20 * 60 * 1000;
/// Errors kept with a message: every attempt of four lives.
pub const MESSAGE_ERRORS_KEPT_MAX: usize = 40;
/// Messages that may wait for delivery together; what comes after is a dead letter at once, so that it is seen and the outbox stays bounded.
pub const MESSAGES_WAITING_MAX: u64 = 20_000;
/// Destinations of a site: each has a thread of its own, so that a receiver that hangs holds up nobody else.
pub const DESTINATIONS_MAX: usize = 32;
/// Addresses one mail goes to.
pub const MAIL_RECIPIENTS_MAX: usize = 50;
/// Days before a last-time buy at which somebody may first be told: two years.
pub const ESCALATE_DAYS_MAX: u32 = 730;
/// One attempt at a message over HTTP as a whole, and each step of one by mail or syslog, in seconds: what Standard Webhooks asks of a sender.
pub const DELIVERY_SECONDS_MAX: u64 = 15;
/// What is read of a receiver's answer for the sentence about its error, in bytes.
pub const ANSWER_BYTES_MAX: usize = 300;
/// Addresses of one name that are tried.
pub const ADDRESSES_TRIED_MAX: usize = 4;
/// How often the open cases are looked through for last-time buys that come near, in milliseconds: steps are days.
pub const REMIND_MS: i64 = 60_000;
/// Cases read at once to see whether there are new ones.
pub const NEW_CASES_LOOKED_AT: usize = 4;
/// Parts a message names; the rest is counted.
pub const MESSAGE_PARTS_MAX: usize = 5;
/// Days before a last-time buy at which nobody's having decided is critical: an order takes about as long.
pub const CRITICAL_DAYS: i32 = 7;

// ---- documents ----------------------------------------------------------------------------------------------------------------------------

/// Text taken from one document, in bytes: 300 parts in a 30-page notice are about 120 KiB.
pub const DOCUMENT_TEXT_BYTES_MAX: usize = 2 << 20;
/// Pages read from one PDF.
pub const PDF_PAGES_MAX: usize = 300;
/// How deep mails, archives and events may stand within each other.
pub const NESTING_MAX: usize = 8;
/// Bytes that everything packed in one document may unpack to: three bodies at their limit, within half the child's memory.
pub const UNPACKED_BYTES_MAX: usize = 3 * BODY_BYTES_MAX;
/// Files unpacked from one document.
pub const UNPACKED_ENTRIES_MAX: usize = 1000;
/// How many times its packed size a file may have. Deflate's own limit is 1032; a workbook's XML seldom passes 30.
pub const UNPACKED_RATIO_MAX: usize = 200;
/// Size up to which the ratio does not count, in bytes: a small file of one repeated line is no bomb.
pub const UNPACKED_RATIO_FREE_BYTES: usize = 1 << 20;
/// Sheets read from one workbook.
pub const SHEETS_MAX: usize = 64;
/// Cells that say something, read from one sheet: ten columns of 20,000 parts.
pub const SHEET_CELLS_MAX: usize = 200_000;
/// Elements of an XML body, and how deep they may nest. A smartPCN of 1,000 items has about 10,000.
pub const XML_ELEMENTS_MAX: usize = 200_000;
pub const XML_DEPTH_MAX: usize = 64;
/// Elements of one part of a Word file, which is read without keeping them, and how deep they may nest: text boxes within tables within text boxes reach sixty.
pub const WORD_ELEMENTS_MAX: usize = 2_000_000;
pub const WORD_DEPTH_MAX: usize = 256;
/// Groups open at once in rich text; Word itself writes fewer than thirty.
pub const RTF_GROUPS_MAX: usize = 1000;
/// Properties of one message or attachment in TNEF; Exchange writes some hundred and fifty.
pub const TNEF_PROPERTIES_MAX: u32 = 2000;
/// Parts looked at in one mail.
pub const MAIL_PARTS_MAX: usize = 200;
/// HTML read from one page or mail body, in bytes, pictures within it not counted: its tree takes up to a hundred times as much memory.
pub const HTML_BYTES_MAX: usize = 4 << 20;
/// How deep elements of a page may nest before their layout is given up and only their text kept.
pub const HTML_DEPTH_MAX: usize = 200;
/// Columns of one table; wider ones are no parts lists.
pub const TABLE_COLUMNS_MAX: usize = 64;
/// Warnings kept with one document; the rest is counted.
pub const DOCUMENT_WARNINGS_MAX: usize = 40;
/// Documents one child reads before it is replaced: its CPU time is limited for its whole life.
pub const DOCUMENTS_PER_CHILD_MAX: u32 = 200;
/// CPU time of one document child, in seconds: one document at its limit, and all the small ones before it.
pub const DOCUMENT_CHILD_CPU_SECONDS_MAX: u64 = 2 * DOCUMENT_SECONDS_MAX;
/// Wall time for one document in the child, in seconds.
pub const DOCUMENT_SECONDS_MAX: u64 = 30;
/// Address space of the document child, in bytes.
pub const DOCUMENT_CHILD_BYTES_MAX: u64 = 1 << 30;
/// Largest frame between this process and a child, in bytes: a body at its limit plus its envelope.
pub const FRAME_BYTES_MAX: usize = 64 << 20;

/// What is kept of a child's standard error for the sentence about its death, in bytes.
pub const CHILD_STDERR_BYTES_MAX: usize = 8 << 10;

/// Graphics states that a page of a PDF may keep at once; the standard's own bound was 28.
pub const PDF_STATES_MAX: usize = 1_000;
/// Texts hidden from the reader that are kept of one document; a letter has a preheader and a menu.
pub const HIDDEN_TEXTS_MAX: usize = 64;
/// Hidden text kept of one page, in bytes: enough to see what it is.
pub const HIDDEN_TEXT_BYTES_MAX: usize = 64 << 10;
/// Rules of style sheets that are looked at for one page; a newsletter has some hundreds.
pub const HTML_STYLE_RULES_MAX: usize = 4_000;
/// Words of a hidden text that the visible one lacks, from which on a person must look: a newsletter's preheader has up to thirty.
pub const HIDDEN_WORDS_MIN: usize = 31;

// ---- reading ------------------------------------------------------------------------------------------------------------------------------

/// Wall time for one reading in the model child, in seconds, on the slowest machine supported.
pub const READING_SECONDS_MAX: u64 = 300;
/// Affected parts taken from one notice; a larger list goes to review and says so.
pub const NOTICE_PARTS_MAX: usize = 2000;
/// Changes of one case by one notice that are told one by one; the rest is counted.
pub const CASE_CHANGES_KEPT_MAX: usize = 200;
/// Notices taken from one document.
pub const NOTICES_MAX: usize = 50;
/// Candidates of one kind considered in one document.
pub const CANDIDATES_MAX: usize = 4000;
/// Questions put to the model for one document: 64 of about 40 tokens take some 8 seconds on two cores; what is not asked is left to code's evidence.
pub const QUESTIONS_MAX: usize = 64;
/// Threads llama.cpp may use: its threads spin, so one core is left to the server where there are more than two.
pub const LLM_THREADS_MAX: usize = 8;
/// Tokens the model takes at once: prefix, question and choice. 4,096 hold four pages; llama.cpp keeps about 90 MB for them with the default model.
pub const LLM_CONTEXT_TOKENS_MAX: u32 = 4096;
/// Tokens of a text that are evaluated in one go; more gains nothing, and llama.cpp's buffers grow with it.
pub const LLM_RUN_TOKENS: u32 = 512;
/// Tokens at which a round of questions is full. Under 64, llama.cpp's attention looks at one token after another and skips what is not its own, so that an
/// answer is bit for bit the same whatever is asked beside it; from 64 on it works in tiles, and neighbours move a log-probability by up to 0.5. The price is
/// time behind a long prefix (2,000 tokens: half the speed; 100 tokens: none).
pub const LLM_ROUND_TOKENS: usize = 63;
/// Sequences beside each other, the prefix included; llama.cpp's own limit is 256, and a full round has fewer than its 63 tokens.
pub const LLM_SEQUENCES: u32 = 64;
/// Prefix, or question with choice, in bytes, before it is tokenised: what fits the context has seldom more than five bytes a token.
pub const LLM_TEXT_BYTES_MAX: usize = 64 << 10;
/// Questions of one call: every candidate of every kind in a long notice, with head-room; the deadline bounds the work.
pub const LLM_QUESTIONS_MAX: usize = 20_000;
/// Choices of one question: roles and kinds are fewer than twenty.
pub const LLM_CHOICES_MAX: usize = 256;
/// Wall time for loading a model, in seconds: a large one on a slow disk.
pub const LLM_LOAD_SECONDS_MAX: u64 = 180;
/// Address space of the model child beyond twice its file (once mapped, once repacked for wide instructions), in bytes: cells, buffers, threads.
pub const LLM_CHILD_SPARE_BYTES: u64 = 6 << 30;
/// Stack of the thread that owns the model, in bytes; only what is used is taken.
pub const LLM_STACK_BYTES: usize = 128 << 20;
/// Table of the models that a program carries, in bytes: a handful of files.
pub const CARRIED_TABLE_BYTES_MAX: u64 = 64 << 10;
/// Keys of a GGUF file; today's have fewer than a hundred.
pub const GGUF_KEYS_MAX: u64 = 1 << 16;
/// Longest name or licence read from a GGUF file, in bytes; longer ones are passed over.
pub const GGUF_STRING_BYTES_MAX: u64 = 1 << 10;
/// Longest chat template read from a GGUF file, in bytes; the longest of today's, with tools, have some 20 KB.
pub const GGUF_TEMPLATE_BYTES_MAX: u64 = 256 << 10;
/// Tensors of a GGUF file; the largest of today's mixtures have some thousands.
pub const GGUF_TENSORS_MAX: u64 = 1 << 17;
/// What is kept beside a model (its card, its trial, which one is in use), in bytes: a trial names the cases that changed by field.
pub const MODEL_NOTE_BYTES_MAX: u64 = 1 << 20;
/// Confirmed cases that a model is tried on, newest first: some seconds each with both models, so half an hour.
pub const TRIAL_CASES_MAX: usize = 500;
/// Cases named under one field of a trial's report; more are counted.
pub const TRIAL_NAMED_MAX: usize = 20;

// ---- factory ------------------------------------------------------------------------------------------------------------------------------

/// Lines of one factory file.
pub const FACTORY_LINES_MAX: usize = 5_000_000;
/// Size of one factory file, in bytes.
pub const FACTORY_FILE_BYTES_MAX: u64 = 1 << 30;
/// One line of a factory file, quoted line breaks included, in bytes. The longest honest line is a description of a few hundred; past this a quotation mark was
/// not closed, and the rest of the file would be one cell.
pub const FACTORY_LINE_BYTES_MAX: usize = 64 << 10;
/// Bytes that a workbook of the factory's may unpack to: a million rows of ten columns are about 600 MB of XML. Larger ones come as CSV.
pub const FACTORY_WORKBOOK_BYTES_MAX: u64 = 2 << 30;
/// Columns read of a factory file; SAP's widest lists have some 200.
pub const FACTORY_COLUMNS_MAX: usize = 1024;
/// Lines of an export in which its headings are looked for: SAP's lists have a title of a few lines.
pub const FACTORY_HEADING_LINES_MAX: usize = 50;
/// Size of `site.toml`, in bytes; a filled one is under 4 KiB.
pub const SITE_BYTES_MAX: u64 = 1 << 20;
/// Names and descriptions in factory files, in characters; SAP's long texts are cut at 132 a line.
pub const FACTORY_TEXT_CHARS_MAX: usize = 500;
/// Part numbers, item numbers, SKUs and names of makers, in characters. The longest order codes in use are under 50.
pub const PART_NUMBER_CHARS_MAX: usize = 100;
/// Largest quantity, price or cost in factory files: far above any plant's year, and below the bar code that slipped into the wrong column.
pub const FACTORY_NUMBER_MAX: i64 = 1_000_000_000_000;
/// Pieces of a child in one parent, in the item's unit; solder in milligrams is the largest seen.
pub const BOM_QUANTITY_MAX: i64 = 10_000_000;
/// Lowest rank among an item's approved sources; a larger number is another column's.
pub const AML_PREFERENCE_MAX: u32 = 1000;
/// Longest lead time, in weeks: ten years.
pub const LEAD_TIME_WEEKS_MAX: i64 = 520;
/// Longest shelf life, in months: a hundred years.
pub const SHELF_LIFE_MONTHS_MAX: u32 = 1200;
/// Largest coefficient of variation of a demand: past it the forecast says nothing, and a percent was written for a ratio.
pub const DEMAND_CV_MAX: i64 = 10;
/// Loops of a bill of materials that are written out item by item; the lines of further ones are refused with the name of their loop only.
pub const BOM_LOOPS_NAMED_MAX: usize = 100;
/// Names listed in one sentence of an import report.
pub const NAMES_TOLD_MAX: usize = 5;
/// Lines of an import report kept in full; the rest is counted by reason.
pub const IMPORT_PROBLEMS_KEPT_MAX: usize = 10_000;
/// Where-used paths shown to people; the arithmetic never lists paths.
pub const PATHS_SHOWN_MAX: usize = 50;
/// Lines of a where-used tree: a screen is 50, and what is longer is looked at in the export.
pub const TREE_LINES_MAX: usize = 500;
/// Rows of one table that a comparison of datasets shows; the rest is counted.
pub const DIFF_ROWS_MAX: usize = 1000;
/// Rows of one table that differ and are compared field by field, of both datasets together: as many take some 100 MB.
pub const DIFF_ROWS_COMPARED_MAX: usize = 100_000;
/// Files of one upload of the factory's data, and their size together, in bytes: a million BOM lines are 50 MB.
pub const UPLOAD_FILES_MAX: usize = 64;
pub const UPLOAD_BYTES_MAX: usize = 1 << 30;
/// How long one upload may take, in seconds.
pub const UPLOAD_SECONDS_MAX: u64 = 600;
/// Scenarios kept beside one case: a person compares a handful, and each holds a whole statement.
pub const SCENARIOS_A_CASE_MAX: usize = 100;
/// Longest name of a scenario, in characters: a line of a table.
pub const SCENARIO_NAME_CHARS_MAX: usize = 80;
/// Findings of an import that its page shows; the rest is counted.
pub const PAGE_FINDINGS_MAX: usize = 500;
/// Imports of uploaded files at once; each holds a whole dataset in memory.
pub const IMPORTS_AT_ONCE_MAX: usize = 2;
/// Notices handed in by one form, and their size together, in bytes; each is bounded as a delivery by itself.
pub const HANDED_IN_FILES_MAX: usize = 50;
pub const HANDED_IN_BYTES_MAX: usize = 200 << 20;
/// Parts named in the account of what a new dataset changes for open cases; the rest is counted.
pub const PARTS_TURNED_MAX: usize = 200;
/// Levels of a bill of materials.
pub const BOM_LEVELS_MAX: usize = 64;
/// Suggestions for a part that is not found.
pub const SUGGESTIONS_MAX: usize = 5;
/// Months of a planning horizon.
pub const HORIZON_MONTHS_MAX: usize = 240;
/// Datasets kept open at once: the one in force and a few a replay pins.
pub const DATASETS_OPEN_MAX: usize = 3;

// ---- impact -------------------------------------------------------------------------------------------------------------------------------

/// Largest mean of a Poisson demand, in pieces; its table of probabilities then has 240,000 entries, and beyond it the normal is the same to six digits.
pub const POISSON_MEAN_MAX: f64 = 1e8;
/// Lines of a file of probabilities for the calculator.
pub const PMF_LINES_MAX: usize = 1_000_000;
/// Products × months × scarce parts weighed together by linear programme: 50 products over 40 months in 2 parts; more takes longer than a person waits.
pub const ALLOCATION_SLICES_MAX: usize = 4_000;
/// Trials of a simulation: the error of a mean is then a thousandth of the spread, and more is noise of the inputs.
pub const SIMULATION_TRIALS_MAX: u32 = 1_000_000;
/// Fewest trials worth showing: CVaR at 95 % is then the mean of fifty.
pub const SIMULATION_TRIALS_MIN: u32 = 1_000;
/// Products × months × parts × answers × trials of one simulation, about two seconds on one core; a larger case gets fewer trials, and says so.
pub const SIMULATION_STEPS_MAX: u64 = 1_000_000_000;
/// Of these, the products × months × parts that a simulation weighs by linear programme once an answer; more takes longer than its trials.
pub const SIMULATION_WEIGHED_SLICES_MAX: usize = 1_000;
/// Threads of one simulation. The result does not depend on their number.
pub const SIMULATION_THREADS_MAX: usize = 8;
/// Inputs whose effect is shown: a person reads ten.
pub const SENSITIVITIES_SHOWN_MAX: usize = 10;
/// Beside these, costs and weeks of other answers that would make them the best.
pub const BREAK_EVENS_SHOWN_MAX: usize = 5;
/// Products, and items, with the most at stake whose inputs are varied; what is at stake in the others is less.
pub const SENSITIVITY_SUBJECTS_MAX: usize = 5;
/// Products × months × parts of a case whose inputs are varied: it is computed some two hundred times.
pub const SENSITIVITY_SLICES_MAX: usize = 20_000;
/// Of these, weighed together by linear programme, which takes longer.
pub const SENSITIVITY_WEIGHED_SLICES_MAX: usize = 300;
/// Items decided together; a board with more ending parts than this is decided by hand.
pub const JOINT_PARTS_MAX: usize = 12;
/// Combinations of their answers that are all tried; of more, those that a search by single changes comes to.
pub const JOINT_COMBINATIONS_MAX: usize = 2_000;
/// Parts of other open cases that are looked at for boards in common.
pub const JOINT_CASE_PARTS_MAX: usize = 300;
/// Inputs named for one figure; the rest is counted. A person reads no more, and 2,000 parts must still fit a body.
pub const WHY_INPUTS_MAX: usize = 60;
/// Sentences about what a person must do that are shown in the lists; the statement itself holds them all.
pub const HEADLINE_NEEDS_MAX: usize = 8;
/// Longest such sentence, in bytes.
pub const HEADLINE_NEED_BYTES_MAX: usize = 400;

// ---- bundles ------------------------------------------------------------------------------------------------------------------------------

/// Files of one bundle: the notices of a busy month behind a diode.
pub const BUNDLE_FILES_MAX: usize = 20_000;
/// What the files of one bundle may have together, in bytes: a release with two large models, or a DVD.
pub const BUNDLE_BYTES_MAX: u64 = 8 << 30;
/// Manifest of a bundle, in bytes: about 150 a file.
pub const BUNDLE_MANIFEST_BYTES_MAX: u64 = 8 << 20;
/// Key file, signature or password file, in bytes; minisign's have under 400.
pub const KEY_FILE_BYTES_MAX: u64 = 4 << 10;
/// How long a release that is tried may take, in seconds: it may have a store of millions of records to bring into its own format.
pub const UPDATE_TRIAL_SECONDS_MAX: u64 = 3600;
/// How long a new release's service may take to be ready after a trial that went well, in seconds.
pub const UPDATE_READY_SECONDS_MAX: u64 = 120;

/// Messages that one digest tells of; more make a second one. A Teams card holds some 28 kB, and each takes up to 400 bytes of it.
pub const DIGEST_MESSAGES_MAX: usize = 50;
/// Characters of what a digest says of one message.
pub const DIGEST_VALUE_CHARS_MAX: usize = 300;

/// Bytes of the text that tells a case in words where it is handed over: the metamodel of the asset administration shell allows 1023 characters.
pub const HANDOVER_DETAIL_BYTES_MAX: usize = 900;
