//! Feature values as integers of the same order, with missing values at either end.
//!
//! A split asks `value < threshold`, and says which way a missing value goes. Both are one
//! comparison of integers once a row is laid out in *slots*: a slot is a feature together with the
//! way that the splits on it send missing values, so a feature has one slot or two. A missing value
//! is then below or above every threshold.

/// Below every threshold's key.
const MISSING_LEFT: u32 = 0;

/// Above every threshold's key, below [`ABOVE_ALL`].
const MISSING_RIGHT: u32 = 0xff80_0001;

/// Above the key of every value and of a missing one.
pub(super) const ABOVE_ALL: u32 = u32::MAX;

/// An integer for which `key(a) < key(b)` is `a < b`, for any numbers, infinities included.
#[inline(always)]
pub(super) fn key(value: f32) -> u32 {
    // Adding zero takes the sign from a negative zero, which equals zero.
    let bits = (value + 0.0).to_bits();
    let negative = (bits as i32 >> 31) as u32;
    bits ^ (negative | 1 << 31)
}

/// What a row has a key for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Slot {
    pub(super) feature: u16,
    pub(super) missing_left: bool,
}

impl Slot {
    /// The key of a value of the slot's feature.
    #[inline(always)]
    fn key(self, value: f32) -> u32 {
        match (value.is_nan(), self.missing_left) {
            (false, _) => key(value),
            (true, true) => MISSING_LEFT,
            (true, false) => MISSING_RIGHT,
        }
    }
}

/// The slots of an ensemble, in the order in which its splits first need them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Slots {
    list: Vec<Slot>,
    /// The place in `list` of each feature's slots, [`NONE`] where it has none.
    places: Vec<[u16; 2]>,
}

const NONE: u16 = u16::MAX;

impl Slots {
    /// The place of a slot, which is added if it is new.
    #[inline]
    pub(super) fn place(&mut self, slot: Slot) -> u16 {
        let feature = usize::from(slot.feature);
        if feature >= self.places.len() {
            self.places.resize(feature + 1, [NONE; 2]);
        }
        let place = &mut self.places[feature][usize::from(slot.missing_left)];
        if *place == NONE {
            *place = self.list.len() as u16;
            self.list.push(slot);
        }
        *place
    }

    /// The number of slots.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// The slot at a place.
    pub(super) fn get(&self, place: usize) -> Slot {
        self.list[place]
    }

    /// The keys of a row.
    #[inline]
    pub(super) fn keys(&self, row: &[f32]) -> impl Iterator<Item = u32> {
        self.list.iter().map(|slot| slot.key(row[usize::from(slot.feature)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_the_order_of_their_values() {
        let values = [
            f32::NEG_INFINITY,
            f32::MIN,
            -1.0,
            -f32::MIN_POSITIVE,
            -1e-45,
            0.0,
            1e-45,
            f32::MIN_POSITIVE,
            1.0,
            f32::MAX,
            f32::INFINITY,
        ];
        let keys = values.map(key);
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:x?}");
        assert_eq!(key(-0.0), key(0.0));
        let missing =
            [true, false].map(|missing_left| Slot { feature: 0, missing_left }.key(f32::NAN));
        assert!(missing[0] < keys[0] && keys[10] < missing[1] && missing[1] < ABOVE_ALL);
    }
}
