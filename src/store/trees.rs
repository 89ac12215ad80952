//! sled's trees by name, and the one transaction that changes them.

use std::collections::BTreeMap;

use sled::{Db, Transactional, Tree, transaction::TransactionError};

/// Which tree. `Log` is the truth and `Blobs` tells where bodies are; all others are projections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Which {
    /// offset → link, record
    Log,
    /// digest → place of a body
    Blobs,
    /// counters by name, the dataset in force, whose turn it is
    Meta,
    /// id → event
    Events,
    /// dedupe key → event id
    Dedupe,
    /// id → job
    Jobs,
    /// priority, step, source, id → nothing
    Ready,
    /// due, id → nothing
    Scheduled,
    /// end of the lease, id → nothing
    Leases,
    /// state, id → nothing
    JobStates,
    /// subject, id → nothing
    SubjectJobs,
    /// subject → its newest job
    NewestJob,
    /// state → number of jobs
    Counts,
    /// id → case
    Cases,
    /// digest of the key → case id
    CaseKeys,
    /// id → row
    Assessments,
    /// case, id → nothing
    CaseAssessments,
    /// id → row
    Datasets,
    /// event → what its jobs without pins came to: the results and cases a replay takes over
    Standing,
    /// event → who holds it against retention
    Holds,
    /// event → when its bytes were given up
    Expired,
}

impl Which {
    pub const ALL: [Which; 21] = [
        Which::Log,
        Which::Blobs,
        Which::Meta,
        Which::Events,
        Which::Dedupe,
        Which::Jobs,
        Which::Ready,
        Which::Scheduled,
        Which::Leases,
        Which::JobStates,
        Which::SubjectJobs,
        Which::NewestJob,
        Which::Counts,
        Which::Cases,
        Which::CaseKeys,
        Which::Assessments,
        Which::CaseAssessments,
        Which::Datasets,
        Which::Standing,
        Which::Holds,
        Which::Expired,
    ];

    /// Rebuildable from the log.
    pub fn is_projection(self) -> bool {
        !matches!(self, Which::Log | Which::Blobs)
    }

    pub fn name(self) -> &'static str {
        match self {
            Which::Log => "log",
            Which::Blobs => "blobs",
            Which::Meta => "meta",
            Which::Events => "events",
            Which::Dedupe => "dedupe",
            Which::Jobs => "jobs",
            Which::Ready => "ready",
            Which::Scheduled => "scheduled",
            Which::Leases => "leases",
            Which::JobStates => "job-states",
            Which::SubjectJobs => "subject-jobs",
            Which::NewestJob => "newest-job",
            Which::Counts => "counts",
            Which::Cases => "cases",
            Which::CaseKeys => "case-keys",
            Which::Assessments => "assessments",
            Which::CaseAssessments => "case-assessments",
            Which::Datasets => "datasets",
            Which::Standing => "standing",
            Which::Holds => "holds",
            Which::Expired => "expired",
        }
    }
}

/// Rows to be written, and rows to be removed.
pub(super) type Changes = BTreeMap<(Which, Vec<u8>), Option<Vec<u8>>>;

pub(super) struct Trees(Vec<Tree>);

impl Trees {
    pub fn open(db: &Db) -> sled::Result<Trees> {
        Which::ALL.iter().map(|which| db.open_tree(which.name())).collect::<sled::Result<_>>().map(Trees)
    }

    pub fn get(&self, which: Which) -> &Tree {
        // `Which::ALL` is in the order of the variants and every tree was opened.
        &self.0[which as usize]
    }

    /// All changes, one after another: for a store that nobody uses until it is whole.
    pub fn load(&self, changes: &Changes) -> sled::Result<()> {
        for ((which, key), value) in changes {
            match value {
                Some(value) => self.get(*which).insert(key.as_slice(), value.as_slice())?,
                None => self.get(*which).remove(key.as_slice())?,
            };
        }
        Ok(())
    }

    /// All changes or none.
    pub fn commit(&self, changes: &Changes) -> sled::Result<()> {
        let done = self.0.as_slice().transaction(|trees| {
            for ((which, key), value) in changes {
                match value {
                    Some(value) => trees[*which as usize].insert(key.as_slice(), value.as_slice())?,
                    None => trees[*which as usize].remove(key.as_slice())?,
                };
            }
            Ok(())
        });
        done.map_err(|error| match error {
            TransactionError::Abort(()) => sled::Error::Unsupported("a transaction that never aborts was aborted".to_owned()),
            TransactionError::Storage(error) => error,
        })
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
    }
}
