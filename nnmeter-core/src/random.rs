//! Reproducible random numbers: the generator SplitMix64 (Steele, Lea and Flood, "Fast splittable
//! pseudorandom number generators", OOPSLA 2014). Equal seeds give equal sequences on every machine;
//! it is not for secrets.

/// A sequence of random numbers.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence that belongs to `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number, each of the 2^64 equally likely.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, each exactly equally likely (Lemire, "Fast random integer generation
    /// in an interval", 2019); 0 if `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        let threshold = bound.wrapping_neg().checked_rem(bound).unwrap_or(0);
        loop {
            let product = u128::from(self.next_u64()) * u128::from(bound);
            if product as u64 >= threshold {
                return (product >> 64) as u64;
            }
        }
    }

    /// A number below `bound` of 128 bits, each exactly equally likely; 0 if `bound` is 0.
    pub fn below_u128(&mut self, bound: u128) -> u128 {
        let Some(largest) = bound.checked_sub(1) else { return 0 };
        let unused = largest.leading_zeros();
        loop {
            let bits = u128::from(self.next_u64()) << 64 | u128::from(self.next_u64());
            let drawn = bits.checked_shr(unused).unwrap_or(0);
            if drawn < bound {
                return drawn;
            }
        }
    }

    /// A number in `[0, 1)` with 53 random bits.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Puts `items` in a random order, each equally likely (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_and_stays_below_its_bound() {
        let (mut a, mut b) = (Random::new(7), Random::new(7));
        let mut counts = [0; 3];
        for _ in 0..3000 {
            let drawn = a.below(3);
            assert_eq!(drawn, b.below(3));
            counts[drawn as usize] += 1;
        }
        assert!(counts.iter().all(|&count| (850..1150).contains(&count)), "{counts:?}");
        assert_eq!((a.below(0), a.below_u128(0), a.below_u128(1)), (0, 0, 0));
        let large = u128::from(u64::MAX) * 3;
        let thirds: Vec<u128> = (0..300).map(|_| a.below_u128(large) / (large / 3)).collect();
        let count = |third| thirds.iter().filter(|&&drawn| drawn == third).count();
        assert!((0..3).all(|third| (60..140).contains(&count(third))), "{thirds:?}");
        assert!((0.0..1.0).contains(&a.unit()));
    }

    #[test]
    fn is_the_published_generator() {
        // First outputs of the reference implementation for seed 0.
        let mut random = Random::new(0);
        assert_eq!(random.next_u64(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(random.next_u64(), 0x6e78_9e6a_a1b9_65f4);
    }
}
