//! Timing what runs in this process: rounds of some milliseconds by the clock that an identity names.

use std::time::{Duration, Instant};

use crate::backend::{Options, Sample, Timer};
use crate::error::Result;
use crate::package::Metric;

/// How long a round lasts unless options say otherwise, in milliseconds.
const ROUND_MS: f64 = 8.0;

/// A clock, and the length of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopwatch {
    timer: Timer,
    round: Duration,
    start: Instant,
}

impl Stopwatch {
    /// The option that sets the length of a round.
    pub const OPTION: &'static str = "round_ms";

    /// Processor time for what runs on one thread, time that passes for what runs on several; the
    /// option `round_ms` is the least length of a round (8 if it is not given).
    ///
    /// # Errors
    /// [`ErrorKind::BadData`](crate::error::ErrorKind::BadData) if the option is no number.
    pub fn new(threads: u32, options: &Options) -> Result<Self> {
        let counts = threads == 1 && cfg!(unix);
        let timer = if counts { Timer::ThreadCpu } else { Timer::Wall };
        let ms: f64 = options.parse(Self::OPTION, ROUND_MS)?;
        let round = Duration::from_secs_f64(ms.clamp(0.0, 60_000.0) / 1e3);
        Ok(Self { timer, round, start: Instant::now() })
    }

    /// The least length of a round.
    pub fn length(&self) -> Duration {
        self.round
    }

    /// What it reads.
    pub fn timer(&self) -> Timer {
        self.timer
    }

    /// Runs `run` until the round is over, at least once, and gives what each run took.
    ///
    /// # Errors
    /// Those of `run`.
    pub fn round(&self, mut run: impl FnMut() -> Result<()>) -> Result<Vec<Sample>> {
        let mut samples = Vec::new();
        let begin = Instant::now();
        let mut from = self.now();
        while samples.is_empty() || begin.elapsed() < self.round {
            run()?;
            let to = self.now();
            let value = 1e3 * to.saturating_sub(from).as_secs_f64();
            samples.push(Sample { metric: Metric::Latency, value });
            from = to;
        }
        Ok(samples)
    }

    /// What it shows: only differences mean something.
    pub fn now(&self) -> Duration {
        match self.timer {
            Timer::ThreadCpu => thread_cpu_time(),
            Timer::Wall | Timer::Stated => self.start.elapsed(),
        }
    }
}

#[cfg(unix)]
fn thread_cpu_time() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

#[cfg(not(unix))]
fn thread_cpu_time() -> Duration {
    Duration::ZERO // never asked for: see Stopwatch::new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_lasts_and_has_a_sample_of_each_run() {
        let options = [(Stopwatch::OPTION, "3")].into_iter().collect();
        for threads in [1, 2] {
            let watch = Stopwatch::new(threads, &options).expect("a number");
            let (begin, mut runs) = (Instant::now(), 0);
            let samples = watch.round(|| {
                runs += 1;
                std::hint::black_box((0..20_000u64).map(std::hint::black_box).sum::<u64>());
                Ok(())
            });
            let samples = samples.expect("no failure");
            assert!(begin.elapsed() >= Duration::from_millis(3));
            assert_eq!(samples.len(), runs);
            assert!(samples.iter().all(|sample| sample.value > 0.0), "{samples:?}");
        }
    }
}
