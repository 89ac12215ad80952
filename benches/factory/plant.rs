//! A made-up plant: products of units of modules of boards of parts. A few parts are on most boards and most parts on few, as in real ones.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

pub struct Plant {
    pub products: usize,
    pub items: usize,
    pub lines: usize,
    pub parts: usize,
}

impl Plant {
    /// Parts by how often they are used, the most used first.
    pub fn part(&self, rank: usize) -> String {
        format!("PRT-{rank:06}")
    }

    /// Parts of every rank, evenly.
    pub fn sample(&self, count: usize) -> Vec<String> {
        (0..count).map(|at| self.part(at * self.parts / count)).collect()
    }
}

/// The same numbers on every run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        (self.next() % most as u64) as usize
    }

    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Writes the factory's files into a folder.
pub fn write(dir: &Path, lines: usize) -> Plant {
    let scale = |of_million: usize| (of_million * lines / 1_000_000).max(4);
    let (products, units, modules, boards, parts) = (scale(2_000), scale(4_000), scale(6_000), scale(8_000), scale(60_000));
    let mut numbers = Numbers(7);
    let file = |name: &str| BufWriter::new(File::create(dir.join(name)).expect("file"));
    let (mut bom, mut items, mut aml, mut stock) = (file("bom.csv"), file("items.csv"), file("aml.csv"), file("stock.csv"));
    let (mut product, mut demand) = (file("products.csv"), file("demand.csv"));
    let levels = [("SKU", products, 8), ("UNI", units, 6), ("MOD", modules, 5), ("BRD", boards, 0), ("PRT", parts, 0)];
    writeln!(bom, "parent,child,quantity,scrap,valid_from,valid_to").expect("bom");
    let mut written = 0;
    for pair in levels.windows(2).take(3) {
        let ((name, count, each), (below, below_count, _)) = (pair[0], pair[1]);
        for parent in 0..count {
            let mut child = numbers.below(below_count);
            for _ in 0..each.min(below_count) {
                child = (child + 1 + numbers.below(below_count / each + 1)) % below_count;
                writeln!(
                    bom,
                    "{name}-{parent:06},{below}-{child:06},{},,,{}",
                    1 + numbers.below(4),
                    if written % 50 == 0 { "2026-06-30" } else { "" }
                )
                .expect("bom");
                written += 1;
            }
        }
    }
    // The rest are parts on boards. The cube of an even share puts half of all lines on an eighth of the parts.
    for at in 0..lines.saturating_sub(written) {
        let rank = ((numbers.share().powi(3) * parts as f64) as usize).min(parts - 1);
        let scrap = if at % 3 == 0 { "0.01" } else { "" };
        // The valid_from tells apart lines that come twice.
        let nth = at / boards;
        let from = format!("{}-{:02}-{:02}", 2000 + nth % 25, 1 + nth / 25 % 12, 1 + nth / 300 % 28);
        writeln!(bom, "BRD-{:06},PRT-{rank:06},{},{scrap},{from},", at % boards, 1 + numbers.below(12)).expect("bom");
        written += 1;
    }
    writeln!(items, "item,description,type,unit_cost,currency,lead_time_weeks,moq,order_multiple,yield,shelf_life_months").expect("items");
    for (name, count, _) in &levels[1..4] {
        for at in 0..*count {
            writeln!(items, "{name}-{at:06},Assembly {at},assembly,{}.50,EUR,3,,,0.98,", 10 + at % 90).expect("items");
        }
    }
    writeln!(aml, "item,maker,mpn,preference,qualified,lifecycle,share,unit_price,currency").expect("aml");
    writeln!(stock, "item,maker,mpn,on_hand,on_order,due,location").expect("stock");
    for at in 0..parts {
        writeln!(items, "PRT-{at:06},\"Part {at}, 0603\",purchased,0.{:06},EUR,12,1000,500,,24", 1 + at % 999_999).expect("items");
        for (rank, maker) in ["Texas Instruments", "Nexperia"].iter().enumerate().take(1 + at % 2) {
            writeln!(aml, "PRT-{at:06},{maker},MP{}N{at:06}-TR,{},yes,active,,0.0125,EUR", rank + 1, rank + 1).expect("aml");
        }
        writeln!(stock, "PRT-{at:06},,,{},0,,WH-{}", at % 5000, at % 40).expect("stock");
    }
    writeln!(product, "sku,name,price,variable_cost,contribution,contribution_ratio,currency,end_of_production,penalty_per_unit").expect("products");
    writeln!(demand, "sku,period,quantity,cv,kind").expect("demand");
    for at in 0..products {
        writeln!(product, "SKU-{at:06},Product {at},{}.00,{}.00,,,EUR,,", 500 + at % 700, 300 + at % 200).expect("products");
        for month in 0..24 {
            writeln!(demand, "SKU-{at:06},{}-{:02},{},0.3,forecast", 2027 + month / 12, 1 + month % 12, at % 500).expect("demand");
        }
    }
    let site = "name = \"Plant\"\nreporting_currency = \"EUR\"\n";
    std::fs::write(dir.join("site.toml"), site).expect("site");
    std::fs::write(dir.join("rates.csv"), "date,from,to,rate\n2026-01-01,USD,EUR,0.9\n").expect("rates");
    Plant { products, items: units + modules + boards + parts, lines: written, parts }
}
