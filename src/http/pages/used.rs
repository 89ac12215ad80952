//! Where an item is used, as a tree that is opened step by step: the item, the assemblies it stands on, the products at the end.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{language::Language, visible};
use crate::{
    factory::{Factory, UsePath},
    limits,
};

/// The tree in the order in which a page writes it.
pub enum Twig {
    /// Something with more above it.
    Open {
        name: String,
        text: String,
    },
    Close,
    /// A product.
    End {
        name: String,
        text: String,
        pieces: String,
    },
}

pub struct Tree {
    pub item: String,
    pub text: String,
    pub twigs: Vec<Twig>,
    /// Ways there are, where not all are shown.
    pub ways_in_all: Option<String>,
    pub products: usize,
}

#[derive(Default)]
struct Node(BTreeMap<String, Node>);

impl Node {
    fn add(&mut self, path: &UsePath) {
        let mut node = self;
        for name in path.nodes.iter().rev().skip(1) {
            node = node.0.entry(name.clone()).or_default();
        }
    }
}

pub fn tree(factory: &Factory, item: usize, on: Date, language: Language) -> Tree {
    let row = &factory.data.items[item];
    let used = factory.where_used(item, on);
    let mut root = Node::default();
    used.paths.iter().for_each(|path| root.add(path));
    let pieces: BTreeMap<&str, f64> = used.products.iter().map(|product| (product.sku.as_str(), product.pieces)).collect();
    let mut twigs = Vec::new();
    write(&root, factory, &pieces, language, &mut twigs);
    let shown = used.paths.len() as u64;
    Tree {
        item: visible::line(&row.item),
        text: visible::short(&row.description, limits::PAGE_SENTENCE_CHARS_MAX),
        twigs,
        ways_in_all: (used.paths_in_all > shown).then(|| {
            language.fill("used.ways", &[("shown", &language.number(&shown.to_string())), ("all", &language.number(&used.paths_in_all.to_string()))])
        }),
        products: used.products.len(),
    }
}

fn write(node: &Node, factory: &Factory, pieces: &BTreeMap<&str, f64>, language: Language, twigs: &mut Vec<Twig>) {
    for (name, above) in &node.0 {
        let shown = visible::line(name);
        if above.0.is_empty() {
            let text = factory.data.products.iter().find(|product| product.sku == *name).map_or("", |product| product.name.as_str());
            let pieces =
                pieces.get(name.as_str()).map_or_else(String::new, |pieces| language.fill("used.per_unit", &[("n", &language.pieces(*pieces))]));
            twigs.push(Twig::End { name: shown, text: visible::line(text), pieces });
        } else {
            let text = factory.item(name).map_or("", |item| factory.data.items[item].description.as_str());
            twigs.push(Twig::Open { name: shown, text: visible::line(text) });
            write(above, factory, pieces, language, twigs);
            twigs.push(Twig::Close);
        }
    }
}
