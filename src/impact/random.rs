//! Random numbers that depend on nothing but seed, trial and stream: a counter-based generator, so that any thread can draw any trial in any order and the same
//! trial meets every answer with the same luck.

use super::distribution::normal_quantile_coarse;

/// Philox4x32 with ten rounds (Salmon and others, "Parallel random numbers: as easy as 1, 2, 3", 2011). Integers only: the same on every machine.
/// Ten lines of our own, held by the published answers: a statement must come out the same again in years, whatever the next version of a crate does.
fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    const MULTIPLIERS: [u64; 2] = [0xD251_1F53, 0xCD9E_8D57];
    const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
    for _ in 0..10 {
        let products = [MULTIPLIERS[0] * u64::from(counter[0]), MULTIPLIERS[1] * u64::from(counter[2])];
        let (high, low) = (products.map(|product| (product >> 32) as u32), products.map(|product| product as u32));
        counter = [high[1] ^ counter[1] ^ key[0], low[1], high[0] ^ counter[3] ^ key[1], low[0]];
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    counter
}

/// What a number is drawn for; the streams of one kind are independent of those of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Demand = 1,
    Luck = 2,
    Time = 3,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Random {
    pub seed: u32,
}

impl Random {
    /// Two independent numbers between 0 and 1, neither included.
    fn pair(self, trial: u32, stream: u32, kind: Kind) -> [f64; 2] {
        let bits = philox([trial, stream, 0, 0], [self.seed, kind as u32]);
        [[bits[0], bits[1]], [bits[2], bits[3]]].map(|[high, low]| {
            let whole = (u64::from(high) << 32 | u64::from(low)) >> 11;
            // 53 bits and a half: never 0, never 1 once it is rounded to an even half of the last place.
            ((whole as f64 + 0.5) * (1.0 / (1_u64 << 53) as f64)).min(1.0 - f64::EPSILON / 2.0)
        })
    }

    pub fn uniform(self, trial: u32, stream: u32, kind: Kind) -> f64 {
        self.pair(trial, stream / 2, kind)[(stream % 2) as usize]
    }

    /// Two independent standard normal numbers, of the streams `2 · pair` and `2 · pair + 1`.
    pub fn normals(self, trial: u32, pair: u32, kind: Kind) -> [f64; 2] {
        self.pair(trial, pair, kind).map(normal_quantile_coarse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers_of_the_generator() {
        // From the authors' table of known answers (Random123, kat_vectors).
        let ones = u32::MAX;
        for (counter, key, expected) in [
            ([0; 4], [0; 2], [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8]),
            ([ones; 4], [ones; 2], [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD]),
            ([0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344], [0xA409_3822, 0x299F_31D0], [0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1]),
        ] {
            assert_eq!(philox(counter, key), expected);
        }
    }

    #[test]
    fn normal_numbers_have_their_moments_and_streams_are_apart() {
        let random = Random { seed: 7 };
        let (mut sums, mut cross) = ([0.0_f64; 4], 0.0);
        let trials = 20_000;
        for trial in 0..trials {
            let [a, b] = random.normals(trial, 3, Kind::Demand);
            for (power, sum) in sums.iter_mut().enumerate() {
                *sum += libm::pow(a, power as f64 + 1.0);
            }
            cross += a * b;
        }
        let moments = sums.map(|sum| sum / f64::from(trials));
        // Four standard errors: 1, √2, √15, √96 over √20,000.
        assert!(
            moments[0].abs() < 0.029 && (moments[1] - 1.0).abs() < 0.04 && moments[2].abs() < 0.11 && (moments[3] - 3.0).abs() < 0.28,
            "{moments:?}"
        );
        assert!((cross / f64::from(trials)).abs() < 0.029);
        assert_ne!(random.uniform(1, 0, Kind::Luck), random.uniform(1, 0, Kind::Time));
        assert_ne!(random.uniform(1, 0, Kind::Luck), Random { seed: 8 }.uniform(1, 0, Kind::Luck));
    }

    #[test]
    fn a_number_is_the_same_whoever_asks_and_when() {
        // Computed once by another programme: a change of these is a change of every statement's simulation.
        let random = Random { seed: 1 };
        assert_eq!(random.uniform(0, 0, Kind::Luck).to_bits(), 0x3F96_6378_EA63_4A10);
        assert_eq!(random.uniform(417, 5, Kind::Demand).to_bits(), 0x3FE6_22F1_F4AD_ED2A);
        let all: Vec<f64> = (0..1000).map(|trial| random.uniform(trial, 5, Kind::Demand)).collect();
        assert!(all.iter().all(|value| *value > 0.0 && *value < 1.0));
        assert_eq!(all[417], random.uniform(417, 5, Kind::Demand));
    }
}
