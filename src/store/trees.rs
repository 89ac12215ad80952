//! The tables by name: trees of sled, and files of rows for what is numbered without gaps. All of them follow from the log.

use std::{collections::BTreeMap, ops::Bound, path::Path};

use sled::{Db, Tree};

use super::{draft::number, slots::Slots, view::Row};

/// Which tree. The order is that in which the rows of a batch are written: what tells how far the others are comes last, see `project`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Which {
    /// number of a group's first record → where the group begins; one at least every `limits::LOG_INDEX_BYTES`
    Log,
    /// digest → place of a body
    Bodies,
    /// id → place of the record, number of the job that was made with it
    Events,
    /// dedupe key → event id
    Dedupe,
    /// priority, step, source, id → nothing
    Ready,
    /// due, id → nothing
    Scheduled,
    /// end of the lease, id → nothing
    Leases,
    /// subject, id → nothing; the job that came with an event stands there
    SubjectJobs,
    /// id → place of the newest record
    Cases,
    /// digest of the key → case id
    CaseKeys,
    /// id → place of the record
    Assessments,
    /// case, id → nothing
    CaseAssessments,
    /// id → place of the record
    Datasets,
    /// event → what its jobs without pins came to: the results and cases a replay takes over
    Standing,
    /// event → place of the record that holds it against retention
    Holds,
    /// event → when its bytes were given up
    Expired,
    /// id → place of the newest record
    Messages,
    /// digest of rule, destination and cause → message
    MessageCauses,
    /// destination, id → nothing
    MessageLines,
    /// due, id → nothing
    MessagesDeferred,
    /// state, id → nothing
    MessageStates,
    /// destination → place of the message whose receiver wants nothing more
    Disabled,
    /// name → place of the newest record
    Users,
    /// id → place of the newest record
    Tokens,
    /// hash of a token → its id
    TokenHashes,
    /// case, number → place of the newest record
    Decisions,
    /// case → number of its newest decision
    CaseDecisions,
    /// case, number → place of the record
    Scenarios,
    /// job → place of the record
    Corrections,
    /// key of a request → place of the newest record
    Keyed,
    /// id → place of the newest record, number of the state
    Jobs,
    /// how far the log is applied, with the counters of that moment: the last row of every batch
    State,
}

impl Which {
    pub const ALL: [Which; 32] = [
        Which::Log,
        Which::Bodies,
        Which::Events,
        Which::Dedupe,
        Which::Ready,
        Which::Scheduled,
        Which::Leases,
        Which::SubjectJobs,
        Which::Cases,
        Which::CaseKeys,
        Which::Assessments,
        Which::CaseAssessments,
        Which::Datasets,
        Which::Standing,
        Which::Holds,
        Which::Expired,
        Which::Messages,
        Which::MessageCauses,
        Which::MessageLines,
        Which::MessagesDeferred,
        Which::MessageStates,
        Which::Disabled,
        Which::Users,
        Which::Tokens,
        Which::TokenHashes,
        Which::Decisions,
        Which::CaseDecisions,
        Which::Scenarios,
        Which::Corrections,
        Which::Keyed,
        Which::Jobs,
        Which::State,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Which::Log => "log",
            Which::Bodies => "bodies",
            Which::Events => "events",
            Which::Dedupe => "dedupe",
            Which::Ready => "ready",
            Which::Scheduled => "scheduled",
            Which::Leases => "leases",
            Which::SubjectJobs => "subject-jobs",
            Which::Cases => "cases",
            Which::CaseKeys => "case-keys",
            Which::Assessments => "assessments",
            Which::CaseAssessments => "case-assessments",
            Which::Datasets => "datasets",
            Which::Standing => "standing",
            Which::Holds => "holds",
            Which::Expired => "expired",
            Which::Messages => "messages",
            Which::MessageCauses => "message-causes",
            Which::MessageLines => "message-lines",
            Which::MessagesDeferred => "messages-deferred",
            Which::MessageStates => "message-states",
            Which::Disabled => "disabled",
            Which::Users => "users",
            Which::Tokens => "tokens",
            Which::TokenHashes => "token-hashes",
            Which::Decisions => "decisions",
            Which::CaseDecisions => "case-decisions",
            Which::Scenarios => "scenarios",
            Which::Corrections => "corrections",
            Which::Keyed => "keyed",
            Which::Jobs => "jobs",
            Which::State => "state",
        }
    }
}

/// Rows of one tree to be written, or removed (`None`).
pub(super) type Rows = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Rows of all trees to be written.
#[derive(Default)]
pub(super) struct Changes([Rows; Which::ALL.len()]);

impl Changes {
    pub fn of(&self, which: Which) -> &Rows {
        &self.0[which as usize]
    }

    pub fn insert(&mut self, which: Which, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.0[which as usize].insert(key, value);
    }

    pub fn len(&self) -> usize {
        self.0.iter().map(Rows::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Rows::is_empty)
    }

    /// Takes over what another changes after this.
    pub fn extend(&mut self, later: Changes) {
        for (mine, later) in self.0.iter_mut().zip(later.0) {
            if mine.is_empty() { *mine = later } else { mine.extend(later) }
        }
    }

    /// Every row in the order of trees.
    pub fn iter(&self) -> impl Iterator<Item = (Which, &Vec<u8>, &Option<Vec<u8>>)> {
        Which::ALL.iter().flat_map(|which| self.of(*which).iter().map(move |(key, value)| (*which, key, value)))
    }
}

enum Table {
    Tree(Tree),
    Slots(Slots),
}

/// Length of a row of `Which::Events` and `Which::Jobs`.
pub(super) const EVENT_ROW: usize = 20;
pub(super) const JOB_ROW: usize = 13;

pub(super) struct Trees(Vec<Table>);

impl Trees {
    /// `dir` is the folder of the database.
    pub fn open(db: &Db, dir: &Path) -> sled::Result<Trees> {
        let table = |which: &Which| {
            Ok(match which {
                Which::Events => Table::Slots(Slots::open(&dir.join("events.rows"), EVENT_ROW)?),
                Which::Jobs => Table::Slots(Slots::open(&dir.join("jobs.rows"), JOB_ROW)?),
                which => Table::Tree(db.open_tree(which.name())?),
            })
        };
        Which::ALL.iter().map(table).collect::<sled::Result<_>>().map(Trees)
    }

    fn table(&self, which: Which) -> &Table {
        // `Which::ALL` is in the order of the variants and every table was opened.
        &self.0[which as usize]
    }

    pub fn get(&self, which: Which, key: &[u8]) -> sled::Result<Option<Vec<u8>>> {
        match self.table(which) {
            Table::Tree(tree) => Ok(tree.get(key)?.map(|value| value.to_vec())),
            Table::Slots(slots) => Ok(slots.get(number(key))?),
        }
    }

    /// Rows between two keys, in order, from either end.
    pub fn range(&self, which: Which, range: (Bound<Vec<u8>>, Bound<Vec<u8>>)) -> Box<dyn DoubleEndedIterator<Item = sled::Result<Row>>> {
        match self.table(which) {
            Table::Tree(tree) => Box::new(tree.range(range).map(|row| row.map(|(key, value)| (key.to_vec(), value.to_vec())))),
            Table::Slots(slots) => match slots.range(&range) {
                Ok(rows) => Box::new(rows.map(|row| Ok(row?))),
                Err(error) => Box::new(std::iter::once(Err(error.into()))),
            },
        }
    }

    pub fn all(&self, which: Which) -> impl DoubleEndedIterator<Item = sled::Result<Row>> {
        self.range(which, (Bound::Unbounded, Bound::Unbounded))
    }

    /// Writes rows one after another; a kill in between leaves some of them.
    pub fn write(&self, changes: &Changes) -> sled::Result<()> {
        for (which, key, value) in changes.iter() {
            super::failpoint::pass("projecting");
            match (self.table(which), value) {
                (Table::Tree(tree), Some(value)) => drop(tree.insert(key.as_slice(), value.as_slice())?),
                (Table::Tree(tree), None) => drop(tree.remove(key.as_slice())?),
                (Table::Slots(slots), value) => slots.put(number(key), value.as_deref())?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Which;

    #[test]
    fn the_list_of_trees_is_in_order_and_whole() {
        for (at, which) in Which::ALL.iter().enumerate() {
            assert_eq!(*which as usize, at);
        }
        let names: std::collections::BTreeSet<&str> = Which::ALL.iter().map(|which| which.name()).collect();
        assert_eq!(names.len(), Which::ALL.len());
        assert_eq!(Which::ALL.last(), Some(&Which::State), "written last");
    }
}
