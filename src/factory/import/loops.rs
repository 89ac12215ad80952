//! Loops in the bill of materials: an item that is a part of itself has no quantity. Every line on a loop is refused, so that what is left can be reckoned in one
//! pass from products down; then lines deeper than any real product.

use std::collections::{HashMap, VecDeque};

use super::{
    number::shown,
    report::{Fault, Findings},
};
use crate::{domain::factory::BomLine, factory::graph::parents_first, limits};

/// Refuses lines on loops and below `limits::BOM_LEVELS_MAX`. Validity dates do not count: a loop that never closes on one day is a mistake all the same.
pub(super) fn refuse(bom: &mut Vec<BomLine>, findings: &mut Findings) {
    let (names, edges) = edges(bom);
    let component = components(names.len(), &edges);
    let mut fault: Vec<Option<String>> = vec![None; bom.len()];
    let mut named = 0;
    let inside: Vec<usize> = (0..edges.len()).filter(|line| component[edges[*line].0] == component[edges[*line].1]).collect();
    let mut down: HashMap<usize, Vec<usize>> = HashMap::new();
    inside.iter().for_each(|line| down.entry(edges[*line].0).or_default().push(*line));
    for line in &inside {
        if fault[*line].is_some() {
            continue;
        }
        if named == limits::BOM_LOOPS_NAMED_MAX {
            fault[*line] =
                Some(format!("the line is on a loop through '{}', which would be a part of itself: break the loop", shown(&names[edges[*line].0])));
            continue;
        }
        named += 1;
        let around = shortest_loop(*line, &edges, &component, &down);
        let told = tell(&around, &edges, &names);
        for on_it in around {
            fault[on_it].get_or_insert_with(|| told.clone());
        }
    }
    drop(down);
    retain(bom, findings, "child", fault);
    refuse_deep(bom, findings);
}

/// Every line's ends as numbers, and their names.
fn edges(bom: &[BomLine]) -> (Vec<String>, Vec<(usize, usize)>) {
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut names = Vec::new();
    let mut number = |name| {
        *numbers.entry(name).or_insert_with(|| {
            names.push(str::to_owned(name));
            names.len() - 1
        })
    };
    let edges = bom.iter().map(|line| (number(&line.parent), number(&line.child))).collect();
    (names, edges)
}

/// Strongly connected components (Kosaraju): by node, the number of its component. A line is on a loop exactly when both its ends are in one component.
fn components(count: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let (mut down, mut up) = (vec![Vec::new(); count], vec![Vec::new(); count]);
    for (parent, child) in edges {
        down[*parent].push(*child);
        up[*child].push(*parent);
    }
    let mut finished = Vec::with_capacity(count);
    let mut seen = vec![false; count];
    for root in 0..count {
        let mut open = if std::mem::replace(&mut seen[root], true) { Vec::new() } else { vec![(root, 0)] };
        while let Some((node, next)) = open.last_mut() {
            match down[*node].get(*next) {
                Some(child) => {
                    *next += 1;
                    if !std::mem::replace(&mut seen[*child], true) {
                        open.push((*child, 0));
                    }
                }
                None => {
                    finished.push(*node);
                    open.pop();
                }
            }
        }
    }
    let mut component = vec![usize::MAX; count];
    for root in finished.into_iter().rev() {
        let mut open = vec![root];
        while let Some(node) = open.pop() {
            if component[node] == usize::MAX {
                component[node] = root;
                open.extend(up[node].iter().filter(|parent| component[**parent] == usize::MAX));
            }
        }
    }
    component
}

/// The lines of the shortest loop through a line, that line first.
fn shortest_loop(line: usize, edges: &[(usize, usize)], component: &[usize], down: &HashMap<usize, Vec<usize>>) -> Vec<usize> {
    let (goal, start) = edges[line];
    let mut came_by: HashMap<usize, usize> = HashMap::new();
    let mut waiting = VecDeque::from([start]);
    while let Some(node) = waiting.pop_front() {
        if node == goal {
            break;
        }
        for next in down.get(&node).into_iter().flatten() {
            let child = edges[*next].1;
            if component[child] == component[goal] && child != start && !came_by.contains_key(&child) {
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
fn tell(around: &[usize], edges: &[(usize, usize)], names: &[String]) -> String {
    const ENDS: usize = 6;
    let name = |node: usize| shown(&names[node]);
    let mut steps: Vec<String> = around.iter().map(|line| name(edges[*line].0)).collect();
    if steps.len() > 2 * ENDS {
        let left_out = steps.len() - 2 * ENDS;
        steps.splice(ENDS..ENDS + left_out, [format!("({left_out} more)")]);
    }
    steps.extend(around.first().map(|line| name(edges[*line].0)));
    format!("the line is on a loop, {}, in which an item would be a part of itself: break the loop", steps.join(" → "))
}

/// Refuses lines whose child would stand deeper than `limits::BOM_LEVELS_MAX`. `bom` has no loops.
fn refuse_deep(bom: &mut Vec<BomLine>, findings: &mut Findings) {
    let (names, edges) = edges(bom);
    let mut lines_down = vec![Vec::new(); names.len()];
    edges.iter().enumerate().for_each(|(line, (parent, _))| lines_down[*parent].push(line));
    let mut level = vec![1_usize; names.len()];
    let mut fault = vec![None; bom.len()];
    for node in parents_first(names.len(), &edges) {
        for line in &lines_down[node] {
            if level[node] >= limits::BOM_LEVELS_MAX {
                fault[*line] =
                    Some(format!("the parent is {} levels deep already, the most a bill of materials may have: check its parents", level[node]));
            } else {
                let child = edges[*line].1;
                level[child] = level[child].max(level[node] + 1);
            }
        }
    }
    retain(bom, findings, "parent", fault);
}

fn retain(bom: &mut Vec<BomLine>, findings: &mut Findings, column: &'static str, faults: Vec<Option<String>>) {
    let mut faults = faults.into_iter();
    bom.retain(|line| match faults.next().flatten() {
        Some(what) => {
            findings.refuse(&line.at, vec![Fault::in_column(column, what)]);
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
    use crate::domain::factory::Line;

    fn bom(edges: &[(usize, usize)]) -> Vec<BomLine> {
        let line = |(at, (parent, child)): (usize, &(usize, usize))| BomLine {
            parent: format!("N{parent}"),
            child: format!("N{child}"),
            quantity: Decimal::ONE,
            scrap: None,
            valid_from: None,
            valid_to: None,
            at: Line { file: "bom.csv".into(), line: u32::try_from(at).expect("small") + 2 },
        };
        edges.iter().enumerate().map(line).collect()
    }

    /// Lines kept, and line and sentence of those refused.
    fn refused(edges: &[(usize, usize)]) -> (Vec<u32>, Vec<(u32, String)>) {
        let (mut lines, mut findings) = (bom(edges), Findings::default());
        refuse(&mut lines, &mut findings);
        let told = findings.finish(&[]).problems.into_iter().map(|problem| (problem.line, problem.what)).collect();
        (lines.iter().map(|line| line.at.line).collect(), told)
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
