//! Endings of part numbers that only say how the part is packed or that it is free of lead, not which part it is.

/// Upper case; of several that fit, the longest goes. Each is here because its maker documents it as packing, reel size or plating.
#[rustfmt::skip]
const SUFFIXES: &[&str] = &[
    // Texas Instruments: free of lead.
    "/NOPB", "G4", "E4",
    // Analog Devices, Linear Technology, Maxim: free of lead, tape and reel.
    "#TRPBF", "#PBF", "#TR", "-REEL7", "-REEL", "-RL7", "-RL", "-R7", "-R2", "+T", "+",
    // Microchip: tape and reel.
    "T&R", "-TR",
    // NXP, Nexperia: packing method of the 12NC.
    ",112", ",115", ",118", ",125", ",135", ",215", ",235", ",315", ",518",
    // onsemi, Vishay, Diodes, Micro Commercial: reel, free of lead.
    "T1G", "T3G", "-T1-GE3", "-T1-E3", "-E3", "-GE3", "-7-F", "-13-F", "-TP", "-T1", "/TR", "TR", "-T",
    // Infineon, International Rectifier: reel, free of lead.
    "XUMA1", "XTMA1", "XTSA1", "AUMA1", "TRPBF", "PBF",
    // What distributors put behind the maker's number.
    "-ND",
];

/// Shortest part number that is left; fewer characters say too little to be a part.
const LEFT_MIN: usize = 4;

/// The normal form without its packing ending, or `None` where it has none. `normal` is upper case without blanks.
pub(super) fn stripped(normal: &str) -> Option<&str> {
    let ends = SUFFIXES.iter().filter_map(|suffix| normal.strip_suffix(suffix));
    ends.filter(|left| left.chars().count() >= LEFT_MIN && left.chars().any(|c| c.is_ascii_digit())).min_by_key(|left| left.len())
}

#[cfg(test)]
mod tests {
    use super::stripped;

    #[test]
    fn only_packing_goes() {
        assert_eq!(stripped("LM317T/NOPB"), Some("LM317T"));
        assert_eq!(stripped("LT1086CM-3.3#TRPBF"), Some("LT1086CM-3.3"));
        assert_eq!(stripped("MAX232CPE+T"), Some("MAX232CPE"));
        assert_eq!(stripped("BAV99,215"), Some("BAV99"));
        assert_eq!(stripped("SI2301CDS-T1-GE3"), Some("SI2301CDS"));
        assert_eq!(stripped("IRLML6402TRPBF"), Some("IRLML6402"));
        assert_eq!(stripped("LM317T"), None);
        assert_eq!(stripped("ABCDE-TR"), None, "letters alone are no part number");
        assert_eq!(stripped("TR"), None);
    }
}
