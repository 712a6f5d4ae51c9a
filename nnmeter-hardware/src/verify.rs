//! Checks of a package beyond that it can be opened: what its parts are, and whether its models
//! price a network.
//!
//! The network is made up and part of this program: an image classifier of two dozen operators with
//! the usual kernels. What it costs is no figure of any use; it has to be a number above zero.

use bytes::Bytes;
use nnmeter_core::import::{self, Format};
use nnmeter_core::kind::Kind;
use nnmeter_core::typed::TypedGraph;
use nnmeter_core::units::{Millijoules, Millis, Unit};

use crate::error::{Error, ErrorKind, Result};
use crate::package::{Metric, Package, PartDigest, part_digests};

const NETWORK: &[u8] = include_bytes!("self_check.json");

/// A package that passed.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified {
    /// Size of the file.
    pub bytes: usize,
    /// Its parts, each of the size and SHA-256 that the manifest states.
    pub parts: Vec<PartDigest>,
    /// What each metric's models make of the network.
    pub checks: Vec<SelfCheck>,
}

/// What the models of a metric make of the built-in network.
#[derive(Clone, Debug, PartialEq)]
pub struct SelfCheck {
    /// The metric.
    pub metric: Metric,
    /// Kinds of kernels that have a model.
    pub kinds: Vec<Kind>,
    /// Price of the network, in the metric's unit.
    pub total: f64,
    /// Share of the network's operators that have a price, 0 to 1.
    pub coverage: f64,
}

/// Checks the bytes of a package: every digest, that the models load and the rules parse, and that
/// each metric's models price the built-in network.
///
/// # Errors
/// As for [`Package::from_bytes`]; [`ErrorKind::CorruptPackage`] if it has no models at all, or a
/// metric's price of the network is not a positive number.
pub fn verify(bytes: &[u8]) -> Result<(Package, Verified)> {
    let package = Package::from_bytes(bytes)?;
    let parts = part_digests(bytes)?;
    let network = network()?;
    let check = |(metric, _)| match metric {
        Metric::Latency => self_check::<Millis>(metric, &package, &network),
        Metric::Energy => self_check::<Millijoules>(metric, &package, &network),
    };
    let checks = package.metrics().map(check).collect::<Result<Vec<_>>>()?;
    if checks.is_empty() {
        return Err(failed("has no models".to_owned()).expected("models of one metric at least"));
    }
    Ok((package, Verified { bytes: bytes.len(), parts, checks }))
}

fn self_check<U: Unit>(metric: Metric, package: &Package, on: &TypedGraph) -> Result<SelfCheck> {
    let predictor = package.predictor::<U>()?;
    let prediction = predictor.predict(on);
    let total = prediction.total.value();
    if !total.is_finite() || total <= 0.0 {
        let covered = 100.0 * prediction.coverage;
        let name = metric.name();
        return Err(failed(format!("prices the built-in network at {total} ({name})"))
            .expected("a number above zero")
            .hint(format!("{covered:.0} % of the network's operators have a price at all")));
    }
    let priced = Kind::ALL.iter().copied().filter(|&kind| predictor.model(kind).is_some());
    Ok(SelfCheck { metric, kinds: priced.collect(), total, coverage: prediction.coverage })
}

fn network() -> Result<TypedGraph> {
    let graph = import::read(Bytes::from_static(NETWORK), Some(Format::NnMeterIr))?;
    Ok(graph.infer_shapes()?)
}

fn failed(found: String) -> Error {
    Error::new(ErrorKind::CorruptPackage, "self check", found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_has_the_usual_kernels() {
        let network = network().expect("a sound network");
        let rules = nnmeter_core::rules::FusionRules::default();
        let detection = nnmeter_core::detect::detect(&network, &rules);
        let names: Vec<String> = detection.kernels().map(|kernel| kernel.name()).collect();
        expect_test::expect!["conv bn relu maxpool conv relu dwconv relu conv add relu conv conv concat avgpool conv relu global-avgpool fc"].assert_eq(&names.join(" "));
    }
}
