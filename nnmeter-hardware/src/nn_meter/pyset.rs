//! CPython's set of small integers, as far as its order of iteration goes.
//!
//! nn-Meter keeps a node's consumers in such sets and takes the first. Integers hash to themselves,
//! so the order is that of a table with open addressing. Source: CPython 3.7 to 3.13,
//! `Objects/setobject.c` (`set_add_entry`, `set_table_resize`). Nothing is ever removed.

/// Entries that are looked at in a row before the next jump.
const LINEAR_PROBES: usize = 9;

/// Bits that a jump drops of the hash.
const PERTURB_SHIFT: u32 = 5;

#[derive(Clone, Debug)]
pub(super) struct PySet {
    table: Vec<Option<usize>>,
    used: usize,
}

impl Default for PySet {
    fn default() -> Self {
        Self { table: vec![None; 8], used: 0 }
    }
}

impl PySet {
    pub(super) fn add(&mut self, key: usize) {
        let slot = self.slot(key);
        if self.table[slot].replace(key).is_some() {
            return;
        }
        self.used += 1;
        if self.used * 5 >= (self.table.len() - 1) * 3 {
            self.resize(if self.used > 50_000 { self.used * 2 } else { self.used * 4 });
        }
    }

    /// Adds all of another set. CPython makes room for both sets before it does.
    pub(super) fn update(&mut self, other: &PySet) {
        if (self.used + other.used) * 5 >= (self.table.len() - 1) * 3 {
            self.resize((self.used + other.used) * 2);
        }
        other.iter().for_each(|key| self.add(key));
    }

    pub(super) fn len(&self) -> usize {
        self.used
    }

    /// The elements in the order of the table.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        self.table.iter().flatten().copied()
    }

    /// Where `key` is, or would go.
    fn slot(&self, key: usize) -> usize {
        let mask = self.table.len() - 1;
        let (mut at, mut perturb) = (key & mask, key);
        loop {
            let probes = if at + LINEAR_PROBES <= mask { LINEAR_PROBES } else { 0 };
            let fits = |&slot: &usize| self.table[slot].is_none_or(|other| other == key);
            if let Some(slot) = (at..=at + probes).find(fits) {
                return slot;
            }
            perturb >>= PERTURB_SHIFT;
            at = at.wrapping_mul(5).wrapping_add(1).wrapping_add(perturb) & mask;
        }
    }

    /// A table of the first power of two above `least`, filled in the order of the old one.
    fn resize(&mut self, least: usize) {
        let mut size = 8;
        while size <= least {
            size *= 2;
        }
        let old = std::mem::replace(&mut self.table, vec![None; size]);
        for key in old.into_iter().flatten() {
            let slot = self.slot(key);
            self.table[slot] = Some(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(keys: &[usize]) -> Vec<usize> {
        let mut set = PySet::default();
        keys.iter().for_each(|&key| set.add(key));
        set.iter().collect()
    }

    /// What CPython 3.11 prints for `list({...})`.
    #[test]
    fn orders_are_those_of_python() {
        assert_eq!(order(&[7, 8]), [8, 7]);
        assert_eq!(order(&[15, 16, 17]), [16, 17, 15]);
        assert_eq!(order(&[8, 16]), [8, 16]);
        assert_eq!(order(&[16, 8, 16]), [16, 8]);
        assert_eq!(order(&[33, 1, 65, 9, 2]), [65, 33, 2, 1, 9]);
        assert_eq!(order(&[100, 37, 5, 69, 133, 101, 64]), [64, 100, 5, 69, 37, 133, 101]);
        let mut set = PySet::default();
        [40, 9].into_iter().for_each(|key| set.add(key));
        let mut other = PySet::default();
        [72, 41, 8].into_iter().for_each(|key| other.add(key));
        set.update(&other);
        assert_eq!(set.iter().collect::<Vec<_>>(), [40, 9, 72, 8, 41]);
    }
}
