//! Where each column of the bill of materials stands within its block. Every number is little-endian and of four bytes, but for the decimals of sixteen:
//!
//! ```text
//! product_node, item_node  nodes of the rows of the two tables
//! by node (a name; products first, then items):
//!   product, item        index into the tables, or NONE            rank      place in an order with parents before children; NONE on a loop
//!   by_name              nodes in the order of their names, without regard to case       name_end  end of the name within `names`
//!   up, down             first line with the node as child, as parent; one more than there are nodes
//! by line, sorted by child and within it as the files have them:
//!   parent, child        nodes                                     quantity, scrap   index into `decimals`, or NONE
//!   from, to             days it is in force                       file, number      the imported line
//!   below                lines sorted by parent
//! changes                days on which a line comes into force or goes out of it, ascending
//! decimals               distinct quantities and scraps, exactly as written
//! file_end, names, files names of the imported files; texts
//! ```

use serde::{Deserialize, Serialize};

/// No product, no item, no scrap, no rank.
pub(in crate::factory) const NONE: u32 = u32::MAX;

/// Counts from which every place follows; kept in the directory of the dataset file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::factory) struct Counts {
    pub products: u32,
    pub items: u32,
    pub nodes: u32,
    pub lines: u32,
    pub changes: u32,
    pub decimals: u32,
    pub files: u32,
    /// Bytes of all names of nodes, and of all names of files.
    pub names: u32,
    pub file_names: u32,
}

/// A column: its first byte, and its entries or, for text, bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub at: usize,
    pub len: usize,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub product_node: Column,
    pub item_node: Column,
    pub product: Column,
    pub item: Column,
    pub rank: Column,
    pub by_name: Column,
    pub name_end: Column,
    pub up: Column,
    pub down: Column,
    pub parent: Column,
    pub child: Column,
    pub quantity: Column,
    pub scrap: Column,
    pub from: Column,
    pub to: Column,
    pub file: Column,
    pub number: Column,
    pub below: Column,
    pub changes: Column,
    pub decimals: Column,
    pub file_end: Column,
    pub names: Column,
    pub file_names: Column,
    /// Bytes of the whole block.
    pub bytes: usize,
}

impl Layout {
    pub fn of(counts: Counts) -> Layout {
        let mut end = 0;
        let mut column = |len: u32, width: usize| {
            let column = Column { at: end, len: len as usize };
            end += len as usize * width;
            column
        };
        let (nodes, starts, lines) = (counts.nodes, counts.nodes.saturating_add(1), counts.lines);
        let mut layout = Layout {
            product_node: column(counts.products, 4),
            item_node: column(counts.items, 4),
            product: column(nodes, 4),
            item: column(nodes, 4),
            rank: column(nodes, 4),
            by_name: column(nodes, 4),
            name_end: column(nodes, 4),
            up: column(starts, 4),
            down: column(starts, 4),
            parent: column(lines, 4),
            child: column(lines, 4),
            quantity: column(lines, 4),
            scrap: column(lines, 4),
            from: column(lines, 4),
            to: column(lines, 4),
            file: column(lines, 4),
            number: column(lines, 4),
            below: column(lines, 4),
            changes: column(counts.changes, 4),
            decimals: column(counts.decimals, 16),
            file_end: column(counts.files, 4),
            names: column(counts.names, 1),
            file_names: column(counts.file_names, 1),
            bytes: 0,
        };
        layout.bytes = end;
        layout
    }
}
