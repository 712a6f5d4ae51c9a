//! `cargo xtask accuracy`: the accuracy table of a device, by random split and by leaving one family
//! out. Writes nothing but its output.

use std::io::Write;

use anyhow::Result;

use crate::fitting::Source;
use crate::markdown;

/// Arguments of `cargo xtask accuracy`.
#[derive(clap::Args)]
pub(crate) struct Accuracy {
    #[command(flatten)]
    source: Source,
    /// Print the rates that were fitted, too.
    #[arg(long)]
    rates: bool,
}

impl Accuracy {
    pub(crate) fn run(self) -> Result<()> {
        for target in self.source.targets()? {
            let measured = self.source.read(target)?;
            let judged = measured.judge(&self.source)?;
            let mut out = std::io::stdout().lock();
            writeln!(out, "{}:\n", measured.target.device.name)?;
            out.write_all(markdown::accuracies(&judged).as_bytes())?;
            if self.rates {
                write!(out, "\n{}", markdown::rates(measured.target.terms, &judged))?;
            }
        }
        Ok(())
    }
}
