//! Holds the sources to README.md: the table of layers there says which folder may name which, and the table of confined crates says where a crate may be
//! named. The tables are read from the README, so the two cannot drift apart.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use syn::visit::Visit;

/// Longest file without a reason, in lines; the reason is a line of its top documentation that begins with `REASON`.
const LINES_MAX: usize = 500;
const REASON: &str = "//! This file is long because";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Rows of the README's table with this head: the cells of each.
fn table(head: &str) -> Vec<Vec<String>> {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("README.md");
    let mut lines = readme.lines().skip_while(|line| line.trim() != head);
    assert!(lines.next().is_some(), "README.md has no table with the head {head}");
    let rows: Vec<Vec<String>> = lines
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect();
    assert!(!rows.is_empty(), "README.md's table {head} is empty");
    rows
}

/// The words in backticks of a cell, without what marks a folder or file.
fn names(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(|name| name.trim_end_matches('/').trim_end_matches(".rs").to_owned()).collect()
}

/// By layer, the layers it may name.
fn layers() -> BTreeMap<String, BTreeSet<String>> {
    let mut layers = BTreeMap::new();
    for row in table("| layer | holds | may name |") {
        let may: BTreeSet<String> = names(&row[2]).into_iter().collect();
        assert!(!may.is_empty() || row[2] == "nothing", "which layers does {} mean?", row[2]);
        let unknown: Vec<_> = may.iter().filter(|name| !layers.contains_key(*name)).collect();
        assert!(unknown.is_empty(), "{} may name {unknown:?}, which are not in a row above: no arrow runs up", row[0]);
        for name in names(&row[0]) {
            assert!(layers.insert(name, may.clone()).is_none(), "{} is there twice", row[0]);
        }
    }
    layers
}

/// What a source file names: layers of this crate, and first words of any path, among which are other crates.
#[derive(Default)]
struct Named {
    /// Of the file and, inside `mod x { … }`, of that module.
    module: Vec<String>,
    layers: BTreeSet<String>,
    first: BTreeSet<String>,
}

impl Named {
    fn by(module: &[&str], source: &str) -> Named {
        let mut named = Named { module: module.iter().map(|name| (*name).to_owned()).collect(), ..Named::default() };
        named.visit_file(&syn::parse_file(source).expect("Rust"));
        named
    }

    /// A path as it stands: its first word is the crate, a climb, or a name in scope.
    fn path(&mut self, words: &[String]) {
        let climbs = words.iter().take_while(|word| matches!(word.as_str(), "super" | "self")).count();
        let up = words.iter().take(climbs).filter(|word| *word == "super").count();
        let absolute: Vec<String> = match words.first().map(String::as_str) {
            Some("crate" | "lastbuy") => words[1..].to_vec(),
            Some("super" | "self") => [&self.module[..self.module.len().saturating_sub(up)], &words[climbs..]].concat(),
            Some(first) => {
                self.first.insert(first.to_owned());
                return;
            }
            None => return,
        };
        self.layers.extend(absolute.into_iter().next());
    }

    fn tree(&mut self, tree: &syn::UseTree, before: &[String]) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.tree(&path.tree, &with(&path.ident)),
            syn::UseTree::Name(name) => self.path(&with(&name.ident)),
            syn::UseTree::Rename(name) => self.path(&with(&name.ident)),
            // All of what came before.
            syn::UseTree::Glob(_) => self.path(before),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(tree, before)),
        }
    }
}

impl<'ast> Visit<'ast> for Named {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&item.tree, &[]);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(item.ident.to_string());
        syn::visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.path(&path.segments.iter().map(|segment| segment.ident.to_string()).collect::<Vec<_>>());
        syn::visit::visit_path(self, path);
    }

    /// What is inside a macro is tokens: every run of words joined by `::` is taken for a path.
    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        syn::visit::visit_macro(self, call);
        let tokens = call.tokens.to_string();
        let mut words: Vec<String> = Vec::new();
        let mut joined = false;
        for token in tokens.split_inclusive(|letter: char| !letter.is_alphanumeric() && letter != '_').flat_map(|piece| {
            let word = piece.trim_end_matches(|letter: char| !letter.is_alphanumeric() && letter != '_');
            [word, &piece[word.len()..]]
        }) {
            match token {
                "" | " " | "\n" => {}
                ":" => joined = true,
                word if word.chars().all(|letter| letter.is_alphanumeric() || letter == '_') => {
                    if !joined {
                        self.path(&std::mem::take(&mut words));
                    }
                    words.push(word.to_owned());
                    joined = false;
                }
                _ => {
                    self.path(&std::mem::take(&mut words));
                    joined = false;
                }
            }
        }
        self.path(&words);
    }
}

/// Every file under src with its modules, `src/llm/mod.rs` being `["llm"]`.
fn sources() -> Vec<(PathBuf, Vec<String>, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("folder") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let relative = path.strip_prefix(root().join("src")).expect("under src").with_extension("");
                let mut module: Vec<String> = relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
                module.pop_if(|last| last == "mod");
                let source = std::fs::read_to_string(&path).expect("source");
                found.push((path, module, source));
            }
        }
    }
    found.sort();
    assert!(found.len() > 50, "only {} files under src", found.len());
    found
}

#[test]
fn a_layer_names_only_what_the_readme_allows() {
    let layers = layers();
    let mut wrong = Vec::new();
    let mut there = BTreeSet::new();
    for (path, module, source) in sources() {
        let modules: Vec<&str> = module.iter().map(String::as_str).collect();
        if modules == ["lib"] {
            continue;
        }
        let layer = modules[0];
        there.insert(layer.to_owned());
        let Some(may) = layers.get(layer) else {
            wrong.push(format!("{}: the README's table has no layer {layer}", path.display()));
            continue;
        };
        for named in Named::by(&modules, &source).layers {
            // A path that ends in the crate's root names an item of lib.rs, which has none of its own.
            if named != layer && !may.contains(&named) {
                wrong.push(format!("{}: {layer} may not name {named}", path.display()));
            }
        }
    }
    wrong.extend(layers.keys().filter(|layer| !there.contains(*layer)).map(|layer| format!("the README lists {layer}, which is not under src")));
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_confined_crate_is_named_in_its_layer_only() {
    let mut home: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in table("| crate | named only in |") {
        for name in names(&row[0]) {
            home.insert(name, names(&row[1]));
        }
    }
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml");
    let mut wrong = Vec::new();
    for name in home.keys() {
        if !manifest.lines().any(|line| line.starts_with(&format!("{} = ", name.replace('_', "-"))) || line.starts_with(&format!("{name} = "))) {
            wrong.push(format!("the README confines {name}, which is no dependency"));
        }
    }
    for (path, module, source) in sources() {
        let modules: Vec<&str> = module.iter().map(String::as_str).collect();
        for first in Named::by(&modules, &source).first {
            if home.get(&first).is_some_and(|layers| !layers.iter().any(|layer| *layer == module[0])) {
                wrong.push(format!("{}: {first} may be named in {} only", path.display(), home[&first].join(", ")));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_file_is_compiled_and_none_is_long_without_a_reason() {
    let sources = sources();
    let modules: BTreeMap<&[String], &str> = sources.iter().map(|(_, module, source)| (module.as_slice(), source.as_str())).collect();
    let mut reached: BTreeSet<Vec<String>> = BTreeSet::new();
    let mut open: Vec<Vec<String>> = vec![vec!["lib".to_owned()], vec!["main".to_owned()]];
    while let Some(module) = open.pop() {
        let file = syn::parse_file(modules.get(module.as_slice()).unwrap_or_else(|| panic!("no file for the module {}", module.join("::"))));
        let below = if module.len() == 1 && ["lib", "main"].contains(&module[0].as_str()) { Vec::new() } else { module.clone() };
        for item in file.expect("Rust").items {
            if let syn::Item::Mod(item) = item
                && item.content.is_none()
            {
                open.push([&below[..], &[item.ident.to_string()]].concat());
            }
        }
        reached.insert(module);
    }
    let mut wrong = Vec::new();
    for (path, module, source) in &sources {
        if !reached.contains(module) {
            wrong.push(format!("{} is not compiled: no `mod` declares it", path.display()));
        }
        let lines = source.lines().count();
        if lines > LINES_MAX && !source.lines().take_while(|line| line.starts_with("//!")).any(|line| line.starts_with(REASON)) {
            wrong.push(format!("{} has {lines} lines: split it, or say why under `{REASON}`", path.display()));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_reading_of_sources_misses_no_way_to_name_a_layer() {
    let layers = |module: &[&str], source: &str| Named::by(module, source).layers.into_iter().collect::<Vec<_>>().join(" ");
    for (source, expected) in [
        ("use crate::store::Store;", "store"),
        ("use crate::{store, llm::{self, Engine as E}, http::*};", "http llm store"),
        ("pub use super::super::work;", "work"),
        ("use super::files;", "llm"),
        ("fn f() { let x = crate::store::open(); }", "store"),
        ("fn f(x: Vec<crate::store::Row>) -> impl crate::http::Answer {}", "http store"),
        ("pub(in crate::cli) fn f() {}", "cli"),
        ("fn f() { println!(\"{}\", crate::store::NAME); }", "store"),
        ("fn f() { json!({ \"a\": [super::super::http :: x(1)] }); }", "http"),
        ("#[derive(X)] struct S(#[cfg(test)] crate::work::W);", "work"),
        ("mod tests { use super::super::super::cli; use super::own; }", "cli llm"),
        ("impl From<lastbuy::intake::E> for X {}", "intake"),
        ("fn f() { matches!(x, crate::domain::Y | crate::impact::Z { .. }) }", "domain impact"),
        ("// crate::store in a comment\nconst TEXT: &str = \"crate::store\";", ""),
    ] {
        assert_eq!(layers(&["llm", "engine"], source), expected, "{source}");
    }
    let first = Named::by(&["work"], "use sled::Db; fn f() { ::bincode::serialize(&a); tracing::info!(\"{}\", clap::x()); x.actix_web(); }").first;
    for name in ["sled", "bincode", "tracing", "clap"] {
        assert!(first.contains(name), "{name} in {first:?}");
    }
    assert!(!first.contains("actix_web"));
}
