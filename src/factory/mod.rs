//! The factory's own data: read from its files (`import`), kept as one immutable file (`dataset_file`), and asked: which item is this part (`matching`), where
//! is it used (`graph`).

mod bom;
mod climb;
mod dataset_file;
mod difference;
mod export;
mod graph;
mod import;
mod matching;
mod range;
mod suffix;
mod templates;

use std::collections::HashMap;

pub use bom::Bom;
pub use dataset_file::{DatasetError, read_dataset, write_dataset};
pub use difference::{DatasetDiff, FieldDiff, RowDiff, TableDiff, diff_datasets};
pub use export::export_dataset;
pub use graph::{ProductUse, TreeLine, UsePath, UseTree, WhereUsed};
pub use import::{Days, ImportError, ImportOptions, ImportReport, Mapping, Mark, Problem, import, import_with};
pub use matching::{Hit, MatchKind, PartMatch, Suggestion};
pub use templates::write_templates;

use crate::domain::{factory::FactoryData, maker::MakerAliases};

/// Makers of electronic components and the names they are also known by. The list inside the binary is checked by a test.
pub fn built_in_aliases() -> MakerAliases {
    let mut aliases = MakerAliases::default();
    if let Err(error) = aliases.add_list(include_str!("../../assets/makers.txt")) {
        tracing::error!(error, "the built-in list of makers is damaged");
    }
    aliases
}

/// A dataset with its indexes. Built once, shared, immutable.
pub struct Factory {
    /// The tables as rows, and the bills of materials as columns.
    pub data: FactoryData<Bom>,
    aliases: MakerAliases,
    parts: matching::Index,
    /// By item: its AML entries, first choice first.
    sources: Vec<Vec<usize>>,
    /// By item: good pieces per piece started.
    yields: Vec<f64>,
}

impl Factory {
    /// From data as imported, or from rows.
    pub fn new(data: impl Into<FactoryData<Bom>>, aliases: MakerAliases) -> Factory {
        let data = data.into();
        let items: HashMap<&str, usize> = data.items.iter().enumerate().map(|(index, item)| (item.item.as_str(), index)).collect();
        let mut sources = vec![Vec::new(); data.items.len()];
        for (index, entry) in data.aml.iter().enumerate() {
            if let Some(item) = items.get(entry.item.as_str()) {
                sources[*item].push(index);
            }
        }
        for of_item in &mut sources {
            of_item.sort_by_key(|index| (data.aml[*index].preference.unwrap_or(u32::MAX), *index));
        }
        let parts = matching::Index::new(&data.aml, &items, &aliases);
        let yields = graph::yields(&data.items);
        Factory { data, aliases, parts, sources, yields }
    }

    /// `maker: None` matches the number of any maker; it may then hit several items.
    pub fn find_part(&self, maker: Option<&str>, mpn: &str) -> PartMatch {
        self.parts.find(&self.data.aml, &self.aliases, maker, mpn)
    }

    /// Index of an item by the factory's own number, as written or in any case.
    pub fn item(&self, number: &str) -> Option<usize> {
        let is_item = |node: u32| self.data.bom.item(node).is_some();
        self.data.bom.node(number.trim(), is_item).and_then(|node| self.data.bom.item(node))
    }

    /// Products an item goes into on a day, with pieces per product, and the ways it goes there.
    pub fn where_used(&self, item: usize, on: jiff::civil::Date) -> WhereUsed {
        graph::where_used(&self.data, &self.yields, item, on)
    }

    /// Pieces of the item for one good unit of each product on a day, as (index of the product, pieces), in the order of products: Σ over paths of Π quantity ·
    /// Π (1 + scrap) ÷ Π yield (domain.md §4), the yields of the item itself and of the product included where items.csv gives them. Computed in one pass in
    /// topological order and never by listing paths.
    pub fn pieces_per_product(&self, item: usize, on: jiff::civil::Date) -> Vec<(usize, f64)> {
        graph::pieces_per_product(&self.data, &self.yields, item, on)
    }

    /// Everything above an item on a day, as a tree that shows each node's own uses once.
    pub fn where_used_tree(&self, item: usize, on: jiff::civil::Date) -> UseTree {
        graph::tree(&self.data, &self.yields, item, on)
    }

    /// Numbers of what an item stands on directly on a day, each once, in order.
    pub fn parents(&self, item: usize, on: jiff::civil::Date) -> Vec<&str> {
        graph::parents(&self.data.bom, item, on)
    }

    /// Items under the numbers named, at any level, that are used nowhere else on a day, in the order of items.csv; the numbers themselves are not among them.
    pub fn captives(&self, roots: &[String], on: jiff::civil::Date) -> Vec<usize> {
        graph::captives(&self.data.bom, roots, on)
    }

    /// AML entries of an item, first choice first.
    pub fn sources(&self, item: usize) -> Vec<usize> {
        self.sources[item].clone()
    }

    pub fn aliases(&self) -> &MakerAliases {
        &self.aliases
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::maker::normal_maker;

    #[test]
    fn the_built_in_makers_are_read() {
        let aliases = built_in_aliases();
        assert_eq!(aliases.key("TI"), aliases.key("Texas Instruments Incorporated"));
        assert_eq!(aliases.key("ON Semiconductor"), aliases.key("onsemi"));
        assert_eq!(aliases.key("Intersil Corporation"), aliases.key("Renesas"));
        for (former, today) in [
            ("Maxim Integrated", "Analog Devices, Inc."),
            ("Linear Technology", "ADI"),
            ("Atmel Corp.", "Microchip"),
            ("Fairchild", "ON Semiconductor"),
            ("Cypress", "Infineon Technologies AG"),
            ("Freescale", "NXP Semiconductors N.V."),
            ("KEMET", "Yageo Corporation"),
            ("Wuerth Elektronik", "Würth Elektronik eiSos GmbH & Co. KG"),
        ] {
            assert_eq!(aliases.key(former), aliases.key(today), "{former}");
        }
        for (one, other) in
            [("Nexperia", "NXP"), ("Kioxia", "Toshiba"), ("Cree LED", "Wolfspeed"), ("TE", "TI"), ("Johanson Technology", "Johanson Dielectrics")]
        {
            assert_ne!(aliases.key(one), aliases.key(other), "{one}");
        }
    }

    /// A name under two makers would silently belong to whichever stands later.
    #[test]
    fn the_built_in_makers_share_no_name_and_are_many() {
        let mut keys: HashMap<String, String> = HashMap::new();
        let mut makers = 0;
        for line in include_str!("../../assets/makers.txt").lines() {
            let Some((canonical, others)) = line.split('#').next().and_then(|line| line.split_once('=')) else { continue };
            makers += 1;
            let key = normal_maker(canonical);
            for name in std::iter::once(canonical).chain(others.split(';')).map(normal_maker).filter(|name| !name.is_empty()) {
                let before = keys.insert(name.clone(), key.clone());
                assert_eq!(before, None, "'{name}' of {key} stands elsewhere, or twice");
            }
        }
        assert!(makers > 120, "{makers}");
    }
}
