//! What each sender is answered, by its documentation. The rule behind it: never a status that makes a sender forget what may be wanted again, never one that makes
//! it repeat what never will be right.

/// HTTP statuses for one sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answers {
    /// It is on disk, or was before.
    pub taken: u16,
    /// Its content never will be right, and it is kept in quarantine. `None`: whoever calls sees the problem itself, and what carried no signature is not kept.
    pub refused: Option<u16>,
    pub too_large: u16,
    pub unauthorised: u16,
    /// Rightly signed, but too long ago.
    pub stale: u16,
    /// It came too slowly, or there were too many. `None`: 408 and 429.
    pub again: Option<u16>,
}

/// Somebody's own program, which reads problems.
pub(super) const DIRECT: Answers = Answers { taken: 202, refused: None, too_large: 413, unauthorised: 401, stale: 401, again: None };
/// 5xx is tried again for three days; 4xx may be the end of a mail (older pages say that it is tried again, too).
pub(super) const SENDGRID: Answers = Answers { taken: 200, refused: Some(200), too_large: 413, unauthorised: 401, stale: 503, again: Some(503) };
/// 200 is taken, 406 is the end, everything else is tried again for eight hours.
pub(super) const MAILGUN: Answers = Answers { taken: 200, refused: Some(406), too_large: 406, unauthorised: 401, stale: 401, again: Some(503) };
/// 200 is taken, 403 is the end, everything else is tried again for ten hours.
pub(super) const POSTMARK: Answers = Answers { taken: 200, refused: Some(403), too_large: 403, unauthorised: 401, stale: 401, again: Some(503) };
/// SNS gives up at 4xx, 429 apart, and tries again at 5xx.
pub(super) const SNS: Answers = Answers { taken: 200, refused: Some(200), too_large: 413, unauthorised: 403, stale: 403, again: Some(503) };
/// Everything but 200 is tried again.
pub(super) const MANDRILL: Answers = Answers { taken: 200, refused: Some(200), too_large: 413, unauthorised: 401, stale: 401, again: Some(503) };
/// 4xx goes back to the mail's author, who can do something about its size and nothing about its form; 5xx makes his server try again.
pub(super) const CLOUDMAILIN: Answers = Answers { taken: 200, refused: Some(200), too_large: 413, unauthorised: 401, stale: 401, again: Some(503) };
