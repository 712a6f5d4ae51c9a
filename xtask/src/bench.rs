//! `cargo xtask bench`: the benches, with what they are about.

use anyhow::Result;

use crate::{peers, shell, tools};

/// All benches, or one of them; each compares in one run, so quote its ratios.
#[derive(clap::Args)]
pub(crate) struct Bench {
    /// Only this one: predict (file or graph to a number, process start, peak memory), detect,
    /// ensemble, package, rpc (round trips, samples a second and a thousand clients of the bridge).
    name: Option<String>,

    /// Tree inference against XGBoost, scikit-learn and Treelite instead, which are installed and
    /// given models to predict with under target/peers.
    #[arg(long, conflicts_with = "name")]
    peers: bool,

    /// How often each peer is timed.
    #[arg(long, default_value_t = 5, requires = "peers", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

impl Bench {
    pub(crate) fn run(&self) -> Result<()> {
        if self.peers {
            return peers::compare(self.rounds);
        }
        let mut arguments = vec!["bench", "--workspace"];
        match &self.name {
            Some(name) => arguments.extend(["--bench", name]),
            None => arguments.push("--benches"),
        }
        shell::cargo_with(arguments, &tools::variables_for_bridge()?)
    }
}
