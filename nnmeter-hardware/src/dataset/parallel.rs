//! Working on a stream of items with several threads, results in the stream's own order.
//!
//! Items go to whichever worker is free; the caller's thread puts results back in order. So the
//! outcome does not depend on the number of threads. What is in flight at a time is bounded by the
//! stream's own channel, the two here and the slowest item.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, sync_channel};

/// Results that wait to be taken.
const WAITING: usize = 64;

/// Calls `work` on each item of `items`, in several threads, and `sink` on each result, in the
/// calling thread and in the order of the items. `threads` of `None` is as many as the machine has.
///
/// A panic of `work` is passed on once the other workers are done.
pub fn ordered<I, T, R>(
    items: I,
    threads: Option<NonZeroUsize>,
    work: impl Fn(T) -> R + Sync,
    mut sink: impl FnMut(R),
) where
    I: Iterator<Item = T> + Send,
    T: Send,
    R: Send,
{
    let threads = threads.or_else(|| std::thread::available_parallelism().ok());
    let items = Mutex::new(items.enumerate());
    std::thread::scope(|scope| {
        let (sender, results) = sync_channel(WAITING);
        for _ in 0..threads.map_or(1, NonZeroUsize::get) {
            let (sender, items, work) = (sender.clone(), &items, &work);
            scope.spawn(move || {
                while let Some((index, item)) = take(items) {
                    if sender.send((index, work(item))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        put_in_order(&results, &mut sink);
    });
}

/// The next item; none once another worker has panicked while taking one.
fn take<T>(items: &Mutex<impl Iterator<Item = T>>) -> Option<T> {
    items.lock().ok()?.next()
}

fn put_in_order<R>(results: &Receiver<(usize, R)>, sink: &mut impl FnMut(R)) {
    let mut early = BTreeMap::new();
    let mut next = 0;
    for (index, result) in results {
        early.insert(index, result);
        while let Some(result) = early.remove(&next) {
            sink(result);
            next += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_order_whatever_the_threads() {
        for threads in [1, 2, 5] {
            let mut taken = Vec::new();
            let slow_first = |i: u64| {
                std::thread::sleep(std::time::Duration::from_micros(500 / (i + 1)));
                i * i
            };
            ordered(0..200, NonZeroUsize::new(threads), slow_first, |square| taken.push(square));
            let squares: Vec<u64> = (0..200).map(|i| i * i).collect();
            assert_eq!(taken, squares);
        }
    }
}
