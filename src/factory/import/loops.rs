//! Loops in the bill of materials: an item that is a part of itself has no quantity. Every line on a loop is refused, so that what is left can be reckoned in one
//! pass from products down; then lines deeper than any real product.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use super::{
    number::shown,
    report::{Fault, Findings},
};
use crate::{
    factory::bom::{Draft, NONE, grouped, parents_first},
    limits,
};

/// Refuses lines on loops and below `limits::BOM_LEVELS_MAX`. Validity dates do not count: a loop that never closes on one day is a mistake all the same.
pub(super) fn refuse(bom: &mut Draft, findings: &mut Findings) {
    let edges = bom.edges();
    let component = components(bom.names().len(), &edges);
    let of = |node: u32| component[node as usize];
    let inside: Vec<usize> = (0..edges.len()).filter(|line| of(edges[*line].0) == of(edges[*line].1)).collect();
    let mut fault: HashMap<usize, String> = HashMap::new();
    let mut down: HashMap<u32, Vec<usize>> = HashMap::new();
    inside.iter().for_each(|line| down.entry(edges[*line].0).or_default().push(*line));
    let mut named = 0;
    for line in &inside {
        if fault.contains_key(line) {
            continue;
        }
        if named == limits::BOM_LOOPS_NAMED_MAX {
            let parent = shown(&bom.names()[edges[*line].0 as usize]);
            fault.insert(*line, format!("the line is on a loop through '{parent}', which would be a part of itself: break the loop"));
            continue;
        }
        named += 1;
        let around = shortest_loop(*line, &edges, &component, &down);
        let told = tell(&around, &edges, bom.names());
        for on_it in around {
            fault.entry(on_it).or_insert_with(|| told.clone());
        }
    }
    retain(bom, findings, "child", fault);
    refuse_deep(bom, findings);
}

/// Strongly connected components (Kosaraju): by node, the number of its component. A line is on a loop exactly when both its ends are in one component.
fn components(count: usize, edges: &[(u32, u32)]) -> Vec<u32> {
    let (down, down_lines) = grouped(count, edges.iter().map(|(parent, _)| *parent));
    let (up, up_lines) = grouped(count, edges.iter().map(|(_, child)| *child));
    let mut finished = Vec::with_capacity(count);
    let mut seen = vec![false; count];
    for root in (0_u32..).take(count) {
        let start = |node: u32| (node, down[node as usize]);
        let mut open = if std::mem::replace(&mut seen[root as usize], true) { Vec::new() } else { vec![start(root)] };
        while let Some((node, next)) = open.last_mut() {
            if *next == down[*node as usize + 1] {
                finished.push(*node);
                open.pop();
                continue;
            }
            let child = edges[down_lines[*next as usize] as usize].1;
            *next += 1;
            if !std::mem::replace(&mut seen[child as usize], true) {
                open.push(start(child));
            }
        }
    }
    let mut component = vec![NONE; count];
    for root in finished.into_iter().rev() {
        let mut open = vec![root];
        while let Some(node) = open.pop() {
            if component[node as usize] == NONE {
                component[node as usize] = root;
                let lines = &up_lines[up[node as usize] as usize..up[node as usize + 1] as usize];
                open.extend(lines.iter().map(|line| edges[*line as usize].0).filter(|parent| component[*parent as usize] == NONE));
            }
        }
    }
    component
}

/// The lines of the shortest loop through a line, that line first.
fn shortest_loop(line: usize, edges: &[(u32, u32)], component: &[u32], down: &HashMap<u32, Vec<usize>>) -> Vec<usize> {
    let (goal, start) = edges[line];
    let mut came_by: HashMap<u32, usize> = HashMap::new();
    let mut waiting = VecDeque::from([start]);
    while let Some(node) = waiting.pop_front() {
        if node == goal {
            break;
        }
        for next in down.get(&node).into_iter().flatten() {
            let child = edges[*next].1;
            if component[child as usize] == component[goal as usize] && child != start && !came_by.contains_key(&child) {
                came_by.insert(child, *next);
                waiting.push_back(child);
            }
        }
    }
    let mut back = Vec::new();
    let mut node = goal;
    while node != start {
        let Some(by) = came_by.get(&node) else { break };
        back.push(*by);
        node = edges[*by].0;
    }
    back.push(line);
    back.reverse();
    back
}

/// `A → B → A`, from the parent of the first line; a long loop with its middle left out.
fn tell(around: &[usize], edges: &[(u32, u32)], names: &[Arc<str>]) -> String {
    const ENDS: usize = 6;
    let name = |node: u32| shown(&names[node as usize]);
    let mut steps: Vec<String> = around.iter().map(|line| name(edges[*line].0)).collect();
    if steps.len() > 2 * ENDS {
        let left_out = steps.len() - 2 * ENDS;
        steps.splice(ENDS..ENDS + left_out, [format!("({left_out} more)")]);
    }
    steps.extend(around.first().map(|line| name(edges[*line].0)));
    format!("the line is on a loop, {}, in which an item would be a part of itself: break the loop", steps.join(" → "))
}

/// Refuses lines whose child would stand deeper than `limits::BOM_LEVELS_MAX`. `bom` has no loops.
fn refuse_deep(bom: &mut Draft, findings: &mut Findings) {
    let edges = bom.edges();
    let count = bom.names().len();
    let (down, lines) = grouped(count, edges.iter().map(|(parent, _)| *parent));
    let mut level = vec![0_usize; count];
    let mut fault = HashMap::new();
    for node in parents_first(count, &edges).into_iter().map(|node| node as usize) {
        for line in &lines[down[node] as usize..down[node + 1] as usize] {
            if level[node] >= limits::BOM_LEVELS_MAX {
                let what = format!("the parent is {} levels deep already, the most a bill of materials may have: check its parents", level[node]);
                fault.insert(*line as usize, what);
            } else {
                let child = edges[*line as usize].1 as usize;
                level[child] = level[child].max(level[node] + 1);
            }
        }
    }
    retain(bom, findings, "parent", fault);
}

fn retain(bom: &mut Draft, findings: &mut Findings, column: &'static str, mut faults: HashMap<usize, String>) {
    let mut at = 0..;
    bom.retain(|bom, line| match at.next().and_then(|at| faults.remove(&at)) {
        Some(what) => {
            findings.refuse(&bom.at(line), vec![Fault::in_column(column, what)]);
            false
        }
        None => true,
    });
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::*;
    use crate::domain::factory::{BomLine, Line};

    fn bom(edges: &[(usize, usize)]) -> Draft {
        let line = |(at, (parent, child)): (usize, &(usize, usize))| BomLine {
            parent: format!("N{parent}"),
            child: format!("N{child}"),
            quantity: Decimal::ONE,
            scrap: None,
            valid_from: None,
            valid_to: None,
            at: Line { file: "bom.csv".into(), line: u32::try_from(at).expect("small") + 2 },
        };
        let mut draft = Draft::default();
        edges.iter().enumerate().map(line).for_each(|line| draft.push(&line));
        draft
    }

    /// Lines kept, and line and sentence of those refused.
    fn refused(edges: &[(usize, usize)]) -> (Vec<u32>, Vec<(u32, String)>) {
        let (mut lines, mut findings) = (bom(edges), Findings::default());
        refuse(&mut lines, &mut findings);
        let told = findings.finish(&[]).problems.into_iter().map(|problem| (problem.line, problem.what)).collect();
        (lines.lines.iter().map(|line| line.number).collect(), told)
    }

    #[test]
    fn a_loop_is_named_on_each_of_its_lines_and_nothing_else_goes() {
        let (kept, told) = refused(&[(0, 1), (1, 2), (2, 3), (3, 1), (3, 4)]);
        assert_eq!(kept, [2, 6]);
        assert_eq!(told.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [3, 4, 5]);
        assert!(told.iter().all(|(_, what)| what.contains("N1 → N2 → N3 → N1")), "{told:?}");
    }

    #[test]
    fn a_part_of_itself_and_two_loops_sharing_an_item() {
        let (kept, told) = refused(&[(0, 0), (1, 2), (2, 1), (2, 3), (3, 2)]);
        assert_eq!(kept, Vec::<u32>::new());
        let what: Vec<&str> = told.iter().map(|(_, what)| what.as_str()).collect();
        assert!(what[0].contains("N0 → N0,") && what[1].contains("N1 → N2 → N1,") && what[3].contains("N2 → N3 → N2,"), "{what:?}");
    }

    #[test]
    fn many_loops_are_all_refused_where_not_all_are_written_out() {
        let edges: Vec<(usize, usize)> = (0..limits::BOM_LOOPS_NAMED_MAX + 20).flat_map(|at| [(2 * at, 2 * at + 1), (2 * at + 1, 2 * at)]).collect();
        let (kept, told) = refused(&edges);
        assert!(kept.is_empty());
        assert_eq!(told.len(), edges.len());
        assert!(told.last().is_some_and(|(_, what)| what.contains("loop through")));
    }

    #[test]
    fn a_chain_ends_at_the_deepest_level() {
        let edges: Vec<(usize, usize)> = (0..limits::BOM_LEVELS_MAX + 2).map(|at| (at, at + 1)).collect();
        let (kept, told) = refused(&edges);
        assert_eq!(kept.len(), limits::BOM_LEVELS_MAX + 1, "the line below the refused one starts anew");
        assert_eq!(told.len(), 1);
    }

    /// Whether `to` is below or at `from`, by plain search.
    fn reaches(edges: &[(usize, usize)], from: usize, to: usize) -> bool {
        let (mut open, mut seen) = (vec![from], HashSet::new());
        while let Some(node) = open.pop() {
            if node == to {
                return true;
            }
            if seen.insert(node) {
                open.extend(edges.iter().filter(|(parent, _)| *parent == node).map(|(_, child)| *child));
            }
        }
        false
    }

    proptest! {
        #[test]
        fn exactly_the_lines_on_loops_go(edges in proptest::collection::vec((0_usize..12, 0_usize..12), 0..40)) {
            let on_loop = |(parent, child): &(usize, usize)| reaches(&edges, *child, *parent);
            let expected: Vec<u32> = edges.iter().zip(2_u32..).filter(|(edge, _)| !on_loop(edge)).map(|(_, line)| line).collect();
            let (kept, told) = refused(&edges);
            prop_assert_eq!(kept, expected);
            prop_assert_eq!(told.iter().map(|(line, _)| *line).collect::<HashSet<_>>().len(), edges.iter().filter(|edge| on_loop(edge)).count());
        }
    }
}
