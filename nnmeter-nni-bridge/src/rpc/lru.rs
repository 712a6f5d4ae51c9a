//! A few things by name, of which those not used for longest make room for others.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Things by name; cheap to clone ones, such as `Arc`s.
#[derive(Debug)]
pub(super) struct Lru<T> {
    /// The one not used for longest first.
    things: Mutex<Vec<(String, T)>>,
    most: usize,
}

impl<T: Clone> Lru<T> {
    /// None, with room for `most` (one at least).
    pub(super) fn new(most: usize) -> Self {
        Self { things: Mutex::default(), most: most.max(1) }
    }

    /// The thing of that name.
    pub(super) fn get(&self, name: &str) -> Option<T> {
        let mut things = self.lock();
        let at = things.iter().position(|(own, _)| own == name)?;
        let found = things.remove(at);
        let thing = found.1.clone();
        things.push(found);
        Some(thing)
    }

    /// Adds a thing, unless there is one of that name; gives the one that is there.
    pub(super) fn add(&self, name: String, thing: T) -> T {
        if let Some(there) = self.get(&name) {
            return there;
        }
        let mut things = self.lock();
        if things.len() >= self.most {
            things.remove(0);
        }
        things.push((name, thing.clone()));
        thing
    }

    /// Takes the thing of that name away.
    pub(super) fn remove(&self, name: &str) -> Option<T> {
        let mut things = self.lock();
        let at = things.iter().position(|(own, _)| own == name)?;
        Some(things.remove(at).1)
    }

    /// All things, those used last at the end.
    pub(super) fn all(&self) -> Vec<T> {
        self.lock().iter().map(|(_, thing)| thing.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(String, T)>> {
        self.things.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let lru = Lru::new(2);
        lru.add("a".to_owned(), 1);
        lru.add("b".to_owned(), 2);
        assert_eq!(lru.add("a".to_owned(), 9), 1);
        lru.add("c".to_owned(), 3);
        assert_eq!((lru.get("b"), lru.all()), (None, vec![1, 3]));
        assert_eq!((lru.remove("a"), lru.remove("a")), (Some(1), None));
    }
}
