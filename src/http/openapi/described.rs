//! What `/openapi.json` says of each route of the API beside who may call it. A test holds it to the table of routes.

/// One route: what it is for, takes and answers. Names of bodies and answers are schemas in `assets/schema/api.v1.json`; what begins with `!` is media types.
pub struct Described {
    pub method: &'static str,
    pub path: &'static str,
    /// One line.
    pub about: &'static str,
    /// Names of what may stand in the query.
    pub query: &'static [&'static str],
    pub body: Option<&'static str>,
    pub status: u16,
    pub answer: &'static str,
}

const fn read(path: &'static str, about: &'static str, query: &'static [&'static str], answer: &'static str) -> Described {
    Described { method: "GET", path, about, query, body: None, status: 200, answer }
}

const fn act(path: &'static str, about: &'static str, body: Option<&'static str>, status: u16, answer: &'static str) -> Described {
    Described { method: "POST", path, about, query: &[], body, status, answer }
}

const fn other(method: &'static str, path: &'static str, about: &'static str) -> Described {
    Described { method, path, about, query: &[], body: None, status: 200, answer: "" }
}

const PAGED: &[&str] = &["before", "limit"];

pub const DESCRIBED: &[Described] = &[
    act(
        "/v1/hooks/{source}",
        "Take a delivery; the answer comes when it is on disk. Some senders get the status their documentation asks for.",
        Some("!*/*"),
        202,
        "Taken",
    ),
    other("HEAD", "/v1/hooks/{source}", "Whether deliveries of a source are taken."),
    other("OPTIONS", "/v1/hooks/{source}", "The handshake of CloudEvents senders; 405 for everybody else."),
    act("/api/v1/webhooks/commercial-radar", "Drop-in for clients of the earlier system.", Some("RadarAlert"), 202, "Object"),
    act("/api/v1/webhooks/inbound-email", "Drop-in for clients of the earlier system.", Some("InboundEmail"), 202, "Object"),
    act("/v1/ingest/component-alert", "Drop-in for clients of the earlier system.", Some("ComponentAlert"), 202, "Object"),
    act("/v1/ingest/email-forward", "Drop-in for clients of the earlier system.", Some("EmailForward"), 202, "Object"),
    read("/healthz", "The process answers.", &[], "Object"),
    read("/readyz", "The store takes writes.", &[], "Object"),
    read("/openapi.json", "This description.", &[], "Object"),
    read("/v1/schema/event.v1.json", "The published shape of an event.", &[], "!application/schema+json"),
    read("/v1/schema/notice.v1.json", "The published shape of a notice.", &[], "!application/schema+json"),
    read("/api/v1/dashboard/risk-metrics", "The earlier dashboard's figures, from real data.", &[], "Object"),
    read("/v1/stream", "What happens, as server-sent events; goes on after Last-Event-ID.", &["after"], "!text/event-stream"),
    read("/v1/events", "What arrived, newest first.", PAGED, "EventList"),
    read("/v1/events/{id}", "One event.", &[], "Event"),
    read("/v1/events/{id}/raw", "Its bytes as they arrived.", &[], "!application/octet-stream"),
    read("/v1/jobs", "The work on what arrived, newest first.", &["state", "source", "event", "case", "before", "limit"], "JobList"),
    read("/v1/jobs/counts", "Jobs by state.", &[], "Counts"),
    read("/v1/jobs/{id}", "One job.", &[], "Job"),
    read("/v1/jobs/{id}/results/{step}", "What a step came to, as it was stored.", &[], "Object"),
    read("/v1/cases", "Obsolescence matters, newest first.", &["state", "maker", "before", "limit"], "CaseList"),
    read("/v1/cases/{id}", "One case.", &[], "Case"),
    read("/v1/assessments", "Profit-and-loss statements, newest first.", &["case", "before", "limit"], "AssessmentList"),
    read("/v1/assessments/{id}", "A statement, as it was stored.", &[], "Object"),
    read("/v1/assessments/{id}/row", "Its line of the list.", &[], "AssessmentRow"),
    read("/v1/datasets", "Imports of the factory's data, newest first.", &[], "DatasetList"),
    read("/v1/where-used", "Where a part is used.", &["maker", "mpn", "item", "tree"], "Object"),
    Described {
        query: &["source", "file_name"],
        ..act("/v1/ingest", "Hand in a file; its bytes are the body, `source` and `file_name` stand in the query.", Some("!*/*"), 202, "Taken")
    },
    act("/v1/replay", "Work again on what arrived; 200 where it was only asked what would be.", Some("Replay"), 202, "Object"),
    act("/v1/jobs/{id}/retry", "Put a job back to work.", None, 200, "Job"),
    act("/v1/jobs/{id}/cancel", "Give a job up.", Some("Reason"), 200, "Job"),
    read("/v1/quarantine", "Deliveries that were refused for what they hold.", &[], "Object"),
    act("/v1/quarantine/{id}/release", "Read one all the same.", None, 200, "Object"),
    act("/v1/quarantine/{id}/drop", "Give one up.", Some("Reason"), 200, "Object"),
    read("/v1/reviews", "Readings that wait for a person, newest first.", PAGED, "ReviewList"),
    read("/v1/reviews/{job}", "A reading with what is doubtful and what else could be meant; `text=true` for the text as well.", &["text"], "Review"),
    act("/v1/reviews/{job}", "Confirm or correct a reading; the work goes on at once.", Some("ReviewAnswers"), 200, "Reviewed"),
    read("/v1/corrections", "What people corrected, newest job first.", PAGED, "CorrectionList"),
    act("/v1/cases", "A case by hand.", Some("NewCase"), 201, "Object"),
    act("/v1/cases/{id}/decide", "Decide in one's own words.", Some("Decide"), 200, "Case"),
    read("/v1/cases/{id}/decision", "What was decided about a case, newest first.", &[], "Decisions"),
    act(
        "/v1/cases/{id}/decision",
        "Propose one of the newest statement's answers; decided at once unless the site asks for four eyes.",
        Some("Proposal"),
        201,
        "Decision",
    ),
    act("/v1/cases/{id}/decision/approve", "Approve what another proposed.", Some("Note"), 200, "Decision"),
    act("/v1/cases/{id}/decision/refuse", "Refuse what another proposed.", Some("Note"), 200, "Decision"),
    act("/v1/cases/{id}/decision/done", "It is carried out: close the case.", Some("Note"), 200, "Decision"),
    act("/v1/cases/{id}/decision/reopen", "Take a decision back.", Some("Note"), 200, "Decision"),
    read("/v1/cases/{id}/evidence", "What a decision rests on, as one signed archive.", &[], "!application/x-tar"),
    read("/v1/cases/{id}/export", "What was read of a case, as smartPCN or as IDTA 02036.", &["format"], "!application/zip application/json"),
    read("/v1/evidence-key", "The public key that evidence is checked with.", &[], "EvidenceKey"),
    act(
        "/v1/datasets",
        "Import factory files: a form of `file` fields (one may be a ZIP of them), `mapping`, `decimal`, `days`, `check`, `use`. The report is that of `data import`.",
        Some("!multipart/form-data"),
        201,
        "Object",
    ),
    read(
        "/v1/datasets/{id}/turned",
        "Parts of open cases that are known by a dataset and were not by the one before, and the contrary.",
        &["before"],
        "Object",
    ),
    act("/v1/datasets/{id}/use", "Put a dataset in force.", None, 200, "Object"),
    read(
        "/v1/audit",
        "Who did what to which object and when.",
        &["by", "act", "object", "since", "until", "before", "after", "sealed", "limit"],
        "AuditList",
    ),
    read("/v1/models", "Models that are found, in the order in which they would be used, with the last trial of each.", &[], "Object"),
    act(
        "/v1/models/{name}/use",
        "Read with this model from now on; with `untried` also one that was never tried here.",
        Some("Object"),
        200,
        "Object",
    ),
    act("/v1/models/{name}/remove", "Take one of the site's own models away.", None, 200, "Object"),
    read("/v1/messages", "What people are told, newest first.", &["state", "destination", "before", "limit"], "List"),
    read("/v1/messages/counts", "Messages by state.", &[], "Counts"),
    read("/v1/messages/{id}", "One message.", &[], "Object"),
    act("/v1/messages/{id}/retry", "Send one again.", None, 200, "Object"),
    read("/v1/destinations", "The site's destinations.", &[], "Object"),
    act("/v1/destinations/{name}/test", "Send a test.", None, 202, "Object"),
    read("/v1/holds", "Events that are kept whatever retention says.", &["after"], "List"),
    act("/v1/events/{id}/hold", "Keep an event's bytes.", Some("Reason"), 200, "Object"),
    act("/v1/events/{id}/release", "Let retention have them.", None, 200, "Object"),
    act("/v1/retention", "Run retention now.", Some("RetentionRound"), 200, "Object"),
    read("/v1/me", "Who calls, and what they may do.", &[], "Me"),
    read("/v1/users", "Who may sign in, by name.", &[], "UserList"),
    act("/v1/users", "Let somebody sign in. A password that is made here is told this once.", Some("NewUser"), 201, "User"),
    act("/v1/users/{name}/role", "Give a user another role.", Some("NewRole"), 200, "User"),
    act("/v1/users/{name}/password", "Give a user another password.", Some("NewPassword"), 200, "User"),
    act("/v1/users/{name}/disable", "End a user's sessions and let none begin.", None, 200, "User"),
    act("/v1/users/{name}/enable", "The contrary.", None, 200, "User"),
    read("/v1/tokens", "Tokens, newest first: everybody's for an admin, otherwise the own ones.", &[], "TokenList"),
    act("/v1/tokens", "Make a token; its text is told this once.", Some("NewToken"), 201, "Token"),
    act("/v1/tokens/{id}/revoke", "End a token.", None, 200, "Token"),
    read("/metrics", "Figures for a monitoring system, in the text format of Prometheus.", &[], "!application/openmetrics-text"),
    read("/v1/space", "Room on the disk, and what takes it.", &[], "Object"),
    read("/v1/calendar.ics", "Last-time-buy dates as a calendar.", &[], "!text/calendar"),
    read("/v1/cases/{id}/scenarios", "What-ifs of a case that people kept, newest first.", &[], "Object"),
    act(
        "/v1/cases/{id}/scenarios",
        "Keep a what-if under a `name`, with `horizon`, `service`, `holding`, `redesign` as texts; `assessment` is the statement that was looked at.",
        Some("Object"),
        201,
        "Object",
    ),
    read("/v1/cases/{id}/scenarios/{number}", "The statement of one, as it was kept.", &[], "Object"),
    read("/v1/cases/{id}/what-if", "A case's figures with other assumptions; nothing is kept.", &[], "Object"),
];
