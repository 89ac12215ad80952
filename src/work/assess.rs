//! Step 5: each case of the job to one assessment, on the dataset in force or the one a replay pins.

use super::{
    Done, Worker, json,
    parts::{self, Matched, matches},
};
use crate::{
    domain::{
        case::{Case, CaseState},
        id::CaseId,
        job::{Job, Step},
        notice::NoticeKind,
        part::PartName,
    },
    factory::PartMatch,
    impact, limits,
    store::{Effects, NewAssessment},
};

impl Worker {
    pub(super) fn impact_step(&self, job: &Job) -> Result<Done, String> {
        let matched: Matched = self.earlier(job, Step::Match)?;
        let Some(opened) = self.dataset(job)? else { return Ok(Done::advance(Effects::default())) };
        let mut effects = Effects::default();
        for case in self.cases(job)? {
            // Another dataset may have come into force since the match, or parts have joined the case: then it is matched again here.
            let known = matched.cases.iter().find(|(of, matches)| *of == case.id && matches.len() == case.parts.len());
            let matches = match known {
                Some((_, matches)) if matched.dataset == Some(opened.row.id) => matches.clone(),
                _ => matches(&opened, &case),
            };
            let (other_open_parts, others) = self.others(case.id)?;
            let known: Vec<(Case, Vec<PartMatch>)> = others
                .into_iter()
                .map(|other| {
                    let matches = parts::matches(&opened, &other);
                    (other, matches)
                })
                .collect();
            let others: Vec<impact::OpenCase<'_>> = known.iter().map(|(case, matches)| impact::OpenCase { case, matches }).collect();
            let input = impact::Input {
                factory: &opened.factory,
                dataset: opened.row.id,
                case: &case,
                matches: &matches,
                as_of: self.as_of(),
                other_open_parts: &other_open_parts,
            };
            let assessment = impact::assess_beside(&input, &others)?;
            let headline = assessment.headline.clone();
            effects.assessments.push(NewAssessment {
                case: case.id,
                dataset: opened.row.id,
                as_of: self.as_of(),
                headline,
                body: json(&assessment)?,
            });
        }
        Ok(Done::advance(effects))
    }

    /// Of the other open cases that end parts: all these parts; and the newest cases with a part known here, with as many parts as are worth looking at for boards in
    /// common.
    fn others(&self, except: CaseId) -> Result<(Vec<PartName>, Vec<Case>), String> {
        let (mut parts, mut known) = (Vec::new(), Vec::new());
        let mut looked_at = 0;
        self.each_open_case(|case| {
            if case.id == except || case.kind != NoticeKind::Pdn {
                return;
            }
            parts.extend(case.ended_parts());
            let is_known = case.headline.as_ref().is_some_and(|headline| headline.known_parts > 0);
            if is_known && looked_at + case.parts.len() <= limits::JOINT_CASE_PARTS_MAX {
                looked_at += case.parts.len();
                known.push(case.clone());
            }
        })?;
        parts.sort();
        parts.dedup();
        Ok((parts, known))
    }

    /// Every open case, newest first.
    pub(super) fn each_open_case(&self, mut visit: impl FnMut(&Case)) -> Result<(), String> {
        self.each_case(|case| {
            if case.state == CaseState::Open {
                visit(case);
            }
        })
    }

    /// Every case, newest first.
    pub(super) fn each_case(&self, mut visit: impl FnMut(&Case)) -> Result<(), String> {
        let mut before = None;
        loop {
            let page = self.store.cases(before, limits::LIST_ROWS_MAX).map_err(|error| error.to_string())?;
            page.iter().for_each(&mut visit);
            match page.last() {
                Some(last) if page.len() == limits::LIST_ROWS_MAX => before = Some(last.id),
                _ => return Ok(()),
            }
        }
    }
}
