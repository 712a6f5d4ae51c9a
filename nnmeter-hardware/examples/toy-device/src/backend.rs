//! The backend: how the runtime is measured.
//!
//! All that nnmeter needs to know of a runtime is in the two traits implemented here.

use std::time::{Duration, Instant};

use nnmeter_core::rules::FusionRules;
use nnmeter_hardware::backend::{
    Backend, ExecutedKernel, Identity, Model, Options, ProfiledKernel, Sample, Session, Timer,
};
use nnmeter_hardware::device::{Precision, Runtime};
use nnmeter_hardware::error::{Error, ErrorKind, Result};
use nnmeter_hardware::package::Metric;

use crate::runtime::{Network, RULES, Step};

/// The runtime of this crate on the machine that this runs on.
#[derive(Debug)]
pub struct Toy {
    identity: Identity,
    rules: FusionRules,
    round: Duration,
}

impl Toy {
    /// Opens it. The option `round_ms` is the least length of a round of measuring.
    ///
    /// # Errors
    /// If another option is given, or that one is no number.
    pub fn open(options: &Options) -> Result<Self> {
        options.check_names(&["round_ms"])?;
        let identity = Identity {
            chip: chip(),
            clock: None,
            threads: 1,
            runtime: Runtime::new("toy runtime", env!("CARGO_PKG_VERSION")),
            precision: Precision::Fp32,
            timer: Timer::Wall,
            options: options.clone(),
        };
        let round = Duration::from_millis(options.parse("round_ms", 4)?);
        Ok(Self { identity, rules: FusionRules::from_json(RULES.as_bytes())?, round })
    }
}

/// The processor, as far as the system tells.
fn chip() -> String {
    let told = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = told.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or(std::env::consts::ARCH, |(_, name)| name).to_owned()
}

impl Backend for Toy {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn metrics(&self) -> &[Metric] {
        &[Metric::Latency]
    }

    fn prepare(&self, model: &Model) -> Result<Box<dyn Session>> {
        let network = Network::load(model.graph(), &self.rules).map_err(|what| {
            let subject = format!("model {:?}", model.name());
            Error::new(ErrorKind::UnsupportedModel, subject, format!("has {what}"))
                .expected("chains of convolutions, poolings and fully connected layers")
        })?;
        Ok(Box::new(Ready { network, round: self.round }))
    }
}

/// A network that was loaded.
struct Ready {
    network: Network,
    round: Duration,
}

impl Session for Ready {
    fn measure(&mut self) -> Result<Vec<Sample>> {
        let mut samples = Vec::new();
        let begin = Instant::now();
        while samples.is_empty() || begin.elapsed() < self.round {
            let start = Instant::now();
            std::hint::black_box(self.network.run(|_| ()));
            samples.push(latency(start.elapsed()));
        }
        Ok(samples)
    }

    fn kernels(&mut self) -> Result<Option<Vec<ExecutedKernel>>> {
        Ok(Some(self.network.steps().iter().map(executed).collect()))
    }

    fn profile(&mut self) -> Result<Option<Vec<ProfiledKernel>>> {
        let mut ends = Vec::new();
        let mut last = Instant::now();
        self.network.run(|_| {
            let now = Instant::now();
            ends.push(now - last);
            last = now;
        });
        let steps = self.network.steps().iter().zip(ends);
        let profiled =
            |(step, time)| ProfiledKernel { kernel: executed(step), samples: vec![latency(time)] };
        Ok(Some(steps.map(profiled).collect()))
    }
}

fn executed(step: &Step) -> ExecutedKernel {
    ExecutedKernel { name: step.name.clone(), nodes: step.nodes.clone() }
}

fn latency(time: Duration) -> Sample {
    Sample { metric: Metric::Latency, value: 1e3 * time.as_secs_f64() }
}
