//! Dice of a seed: all that a simulation leaves to chance comes from here, so that a seed is a run.

/// Dice of a seed: splitmix64.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The dice of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// Dice of their own for something of this seed, whatever else is thrown meanwhile.
    #[must_use]
    pub fn of(seed: u64, what: &str) -> Dice {
        let named = what.bytes().fold(seed, |mixed, byte| mixed.rotate_left(7) ^ u64::from(byte).wrapping_mul(0x9e37));
        let mut dice = Dice(named);
        dice.next();
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` to `high`, neither left out.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    /// True in so many of a hundred throws.
    pub fn percent(&mut self, of_hundred: u64) -> bool {
        self.between(1, 100) <= of_hundred
    }

    /// A place in a list of that length; 0 of an empty one.
    pub fn place(&mut self, length: usize) -> usize {
        let last = u64::try_from(length).unwrap_or(0).saturating_sub(1);
        usize::try_from(self.between(0, last)).unwrap_or(0)
    }

    /// One of several.
    ///
    /// # Panics
    /// Of none.
    pub fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.place(of.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_throws_the_same_again() {
        let throw = |seed| {
            let mut dice = Dice::new(seed);
            [(); 5].map(|()| dice.between(0, 1_000_000))
        };
        assert_eq!(throw(7), throw(7));
        assert_ne!(throw(7), throw(8));
        assert_ne!(Dice::of(7, "disk").between(0, u64::MAX - 1), Dice::of(7, "net").between(0, u64::MAX - 1));
    }
}
