//! `cargo xtask bench`: the benches, with what they are about.

use anyhow::Result;

use crate::shell;

/// All benches, or one of them; each compares in one run, so quote its ratios.
#[derive(clap::Args)]
pub(crate) struct Bench {
    /// Only this one: predict (file or graph to a number, process start, peak memory), detect,
    /// ensemble.
    name: Option<String>,
}

impl Bench {
    pub(crate) fn run(&self) -> Result<()> {
        let mut arguments = vec!["bench", "--workspace"];
        match &self.name {
            Some(name) => arguments.extend(["--bench", name]),
            None => arguments.push("--benches"),
        }
        shell::cargo(arguments)
    }
}
