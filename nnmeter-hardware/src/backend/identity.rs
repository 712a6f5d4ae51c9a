//! What a backend's figures are figures of.
//!
//! Everything that would make another run give other figures belongs here: a device that is fitted
//! to them carries it, and figures of different identities are never mixed.

use crate::backend::Options;
use crate::device::{Device, Precision, Runtime};

/// A device and how its runtime was set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The processor that runs the kernels: `Cortex-A76`.
    pub chip: String,
    /// Its clock, in words, where that is known.
    pub clock: Option<String>,
    /// Number of threads the runtime uses.
    pub threads: u32,
    /// The runtime and its build.
    pub runtime: Runtime,
    /// Format of the numbers that the kernels compute with.
    pub precision: Precision,
    /// What latencies are read from.
    pub timer: Timer,
    /// Whatever else was chosen.
    pub options: Options,
}

/// What latencies are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Processor time of the one thread that computes: other processes do not count.
    ThreadCpu,
    /// Time that passes: all there is where several threads or another processor compute.
    Wall,
    /// What the runtime, or the program that measures, states.
    Stated,
}

impl Timer {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Timer::ThreadCpu => "thread CPU time",
            Timer::Wall => "wall time",
            Timer::Stated => "time as the runtime states it",
        }
    }
}

impl Identity {
    /// All of it as names and values in words, each name once. Two identities are the same where
    /// these are.
    pub fn facts(&self) -> Vec<(String, String)> {
        let fact = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut facts = vec![
            fact("chip", &self.chip),
            fact("threads", &self.threads.to_string()),
            fact("runtime", &self.runtime.name),
            fact("version", &self.runtime.version),
            fact("precision", self.precision.name()),
            fact("timer", self.timer.name()),
        ];
        facts.extend(self.clock.iter().map(|clock| fact("clock", clock)));
        facts.extend(self.runtime.build.iter().map(|build| fact("build", build)));
        let options = self.options.iter();
        facts.extend(options.map(|(name, value)| fact(&format!("option {name}"), value)));
        facts
    }

    /// The device called `name`, known to people as `title`, that a fit to this backend's figures
    /// describes.
    pub fn device(&self, name: &str, title: &str) -> Device {
        let build = self.runtime.build.iter().cloned();
        let options = self.options.iter().map(|(name, value)| format!("{name}={value}"));
        let build: Vec<String> = build.chain(options).collect();
        let build = (!build.is_empty()).then(|| build.join(", "));
        Device {
            clock: self.clock.clone(),
            threads: self.threads,
            precision: self.precision,
            source: Some(format!("measured here, {}", self.timer.name())),
            ..Device::new(name, title, &self.chip, Runtime { build, ..self.runtime.clone() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_carries_all_of_it() {
        let identity = Identity {
            chip: "Abacus".to_owned(),
            clock: None,
            threads: 2,
            runtime: Runtime::new("Hand", "1"),
            precision: Precision::Int8,
            timer: Timer::Wall,
            options: [("beads", "10")].into_iter().collect(),
        };
        let device = identity.device("abacus", "An abacus");
        assert_eq!(device.runtime.to_string(), "Hand 1 (beads=10)");
        assert_eq!((device.threads, device.precision), (2, Precision::Int8));
        assert_eq!(device.source.as_deref(), Some("measured here, wall time"));
    }
}
