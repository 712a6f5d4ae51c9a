//! What a backend's figures are figures of.
//!
//! Everything that would make another run give other figures belongs here: a device that is fitted
//! to them carries it, and figures of different identities are never mixed.

use std::collections::BTreeMap;

use crate::backend::Options;
use crate::device::{Device, Precision, Runtime};
use crate::error::{Error, ErrorKind, Result};

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
    /// All of them.
    pub const ALL: &'static [Timer] = &[Timer::ThreadCpu, Timer::Wall, Timer::Stated];

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Timer::ThreadCpu => "thread CPU time",
            Timer::Wall => "wall time",
            Timer::Stated => "time as the runtime states it",
        }
    }
}

/// How the name of a fact begins that is an option.
const OPTION: &str = "option ";

fn wrong(name: &str, found: impl Into<String>) -> Error {
    Error::new(ErrorKind::BadData, format!("identity, {name:?}"), found)
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
        facts.extend(options.map(|(name, value)| fact(&format!("{OPTION}{name}"), value)));
        facts
    }

    /// The identity that these are the [facts](Self::facts) of, as another machine told them.
    ///
    /// # Errors
    /// [`ErrorKind::BadData`] if one is missing, is of another form, or is no fact of an identity.
    pub fn of_facts(facts: impl IntoIterator<Item = (String, String)>) -> Result<Self> {
        let mut facts: BTreeMap<String, String> = facts.into_iter().collect();
        let mut take = |name: &str| facts.remove(name).ok_or_else(|| wrong(name, "is missing"));
        let (threads, precision, timer) = (take("threads")?, take("precision")?, take("timer")?);
        let (chip, name, version) = (take("chip")?, take("runtime")?, take("version")?);
        let (clock, build) = (take("clock").ok(), take("build").ok());
        let option = |(name, value): (String, String)| match name.strip_prefix(OPTION) {
            Some(name) => Ok((name.to_owned(), value)),
            None => Err(wrong(&name, "is not a fact of an identity")),
        };
        let timers = || Timer::ALL.iter().copied().find(|known| known.name() == timer);
        Ok(Self {
            chip,
            clock,
            threads: threads.parse().map_err(|_| wrong("threads", format!("is {threads:?}")))?,
            runtime: Runtime { build, ..Runtime::new(&name, &version) },
            precision: Precision::from_name(&precision)
                .ok_or_else(|| wrong("precision", format!("is {precision:?}")))?,
            timer: timers().ok_or_else(|| wrong("timer", format!("is {timer:?}")))?,
            options: facts.into_iter().map(option).collect::<Result<_>>()?,
        })
    }

    /// Refuses an identity of other facts than this one's: figures of the two are never mixed.
    ///
    /// # Errors
    /// [`ErrorKind::Backend`], with the first fact that differs.
    pub fn check_same(&self, other: &Self) -> Result<()> {
        let facts = |identity: &Self| identity.facts().into_iter().collect();
        let Some(Difference { name, own, other }) = difference(&facts(self), &facts(other)) else {
            return Ok(());
        };
        let found = format!("is of another identity: {name} is {other}");
        Err(Error::new(ErrorKind::Backend, "machine", found).expected(own))
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

/// A fact in which two identities differ, with what each says.
pub(crate) struct Difference {
    pub(crate) name: String,
    pub(crate) own: String,
    pub(crate) other: String,
}

/// The first fact in which two identities differ.
pub(crate) fn difference(
    own: &BTreeMap<String, String>,
    other: &BTreeMap<String, String>,
) -> Option<Difference> {
    let names = own.keys().chain(other.keys());
    let name = names.filter(|&name| own.get(name) != other.get(name)).min()?;
    let stated = |facts: &BTreeMap<String, String>| {
        facts.get(name).map_or("nothing".to_owned(), |value| format!("{value:?}"))
    };
    Some(Difference { name: name.clone(), own: stated(own), other: stated(other) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn abacus() -> Identity {
        Identity {
            chip: "Abacus".to_owned(),
            clock: None,
            threads: 2,
            runtime: Runtime::new("Hand", "1"),
            precision: Precision::Int8,
            timer: Timer::Wall,
            options: [("beads", "10")].into_iter().collect(),
        }
    }

    #[test]
    fn facts_tell_all_of_it() {
        let identity = Identity { clock: Some("1 Hz".to_owned()), ..abacus() };
        let again = Identity::of_facts(identity.facts()).expect("they are all there");
        assert_eq!(again, identity);
        identity.check_same(&again).expect("the same");
        let error = identity.check_same(&abacus()).expect_err("another");
        expect_test::expect![[
            r#"machine: is of another identity: clock is nothing; expected "1 Hz""#
        ]]
        .assert_eq(&error.to_string());
        let without = |name: &str| {
            let facts = identity.facts().into_iter();
            facts.filter(|(other, _)| other != name).collect::<Vec<_>>()
        };
        let told = |facts: Vec<(String, String)>| {
            Identity::of_facts(facts).expect_err("is wrong").to_string() + "\n"
        };
        let with = |name: &str, value: &str| {
            let fact = (name.to_owned(), value.to_owned());
            without(name).into_iter().chain([fact]).collect::<Vec<_>>()
        };
        let all = told(without("chip"))
            + &told(with("threads", "many"))
            + &told(with("timer", "sun dial"))
            + &told(with("colour", "red"));
        expect_test::expect![[r#"
            identity, "chip": is missing
            identity, "threads": is "many"
            identity, "timer": is "sun dial"
            identity, "colour": is not a fact of an identity
        "#]]
        .assert_eq(&all);
    }

    #[test]
    fn a_device_carries_all_of_it() {
        let identity = abacus();
        let device = identity.device("abacus", "An abacus");
        assert_eq!(device.runtime.to_string(), "Hand 1 (beads=10)");
        assert_eq!((device.threads, device.precision), (2, Precision::Int8));
        assert_eq!(device.source.as_deref(), Some("measured here, wall time"));
    }
}
