//! The page that tells how accurate a device's predictor is, and how that was found out.

use std::fmt::Write;

use anyhow::Result;
use nnmeter_core::uncertainty::Quantiles;
use nnmeter_hardware::fit::intervals::LEVEL;
use nnmeter_hardware::fit::samples::Samples;
use nnmeter_hardware::package::Package;
use nnmeter_hardware::sweep;

use crate::fitting::{Judged, Measured};
use crate::markdown;
use crate::plots::MOST;
use crate::target::Target;

/// A plot on the page, which lies beside it.
#[derive(Clone, Copy)]
pub(crate) enum Plot {
    Scatter,
    Errors,
    Sweeps,
}

/// Name of the file of a plot.
pub(crate) fn plot_name(device: &str, plot: Plot) -> String {
    let plot = match plot {
        Plot::Scatter => "predicted",
        Plot::Errors => "errors",
        Plot::Sweeps => "sweeps",
    };
    format!("{device}-{plot}.svg")
}

/// The page of one device, in Markdown.
///
/// # Errors
/// If the errors of families left out are no numbers.
pub(crate) fn page(package: &Package, measured: &Measured, judged: &Judged) -> Result<String> {
    let mut text = String::new();
    head(&mut text, package);
    if measured.bad > 0 {
        let _ = writeln!(text, "\n{} lines of the data set could not be used.", measured.bad);
    }
    let _ = writeln!(text, "\n## Networks that the fit did not see\n");
    text.push_str(PROTOCOLS);
    let _ = writeln!(text, "\n{}", markdown::accuracies(judged));
    pictures(&mut text, &measured.target);
    intervals(&mut text, &measured.samples, judged)?;
    let _ = writeln!(text, "\n## What to know\n");
    for note in measured.target.notes {
        let _ = writeln!(text, "- {note}");
    }
    let _ = writeln!(text, "\n## Rates\n\n{RATES}\n");
    text.push_str(&markdown::rates(measured.target.terms, judged));
    Ok(text)
}

const PROTOCOLS: &str = "\
*Random split*: 15 % of the groups of networks with equal kernels are held out, so that no network
is judged by its twin. *Family left out*: each family is predicted by a fit on the others; this is
the figure for networks of a kind that nobody measured. Bias is the mean of predicted over measured,
less one; rank correlation is Spearman's.
";

const INTERVALS: &str = "\
Hierarchical conformal prediction: the families left out above are the exchangeable unit, each of the
same weight, and one more family weighs as much beyond all errors seen (Lee, Barber and Willett 2023;
see `nnmeter-hardware/src/fit/intervals.rs`). The level holds on average over new families, not for
each. Levels above 1 - 1 / (families + 1) rest on an assumed exponential tail. The family to come
takes up most of what may lie outside while families are few: with a dozen, an interval at 90 % holds
97.5 % of the errors seen, which is why shares are above their level here.";

const RATES: &str = "\
Nanoseconds for each unit counted (milliseconds for the start of a kernel). The prior is the coarse
rate of the term's group, which it falls back to without data; the share is of the mean network,
families weighing the same.";

fn head(text: &mut String, package: &Package) {
    let (device, from) = (&package.device, &package.provenance);
    let _ = writeln!(text, "# Accuracy of {}\n", device.name);
    let _ = writeln!(
        text,
        "{}, {}, {} thread(s). {}\n",
        device.title,
        device.precision,
        device.threads,
        device.source.as_deref().unwrap_or_default()
    );
    let _ = writeln!(
        text,
        "Fitted on {} networks ({} distinct kernels) of the {} ({}) on {}. {}\n",
        from.models, from.kernels, from.data_set, from.licence, from.date, from.source
    );
    let _ = writeln!(text, "{}\n", from.method);
    let _ = writeln!(
        text,
        "Written by `cargo xtask package-predictors --data DATASET --rules RULES --device {}`.",
        device.name
    );
}

fn pictures(text: &mut String, target: &Target) {
    let device = &target.device.name;
    let picture = |plot, says: &str| format!("![{says}]({})", plot_name(device, plot));
    let _ = writeln!(
        text,
        "{}\n\nEach family predicted by a fit without it; at most {MOST} networks of a family are \
         shown, evenly spaced in the order of the data set. The lines are 10 % off.\n\n{}\n\nFrom \
         the 5th to the 95th percentile of each family, its middle half, and its median.\n\n{}\n\n\
         What single kernels cost by the packaged models. On a grid of kernels, a test holds that \
         none is more than {:.0} % cheaper than one of the same shape with less work{}.\n",
        picture(Plot::Scatter, "predicted against measured, by family"),
        picture(Plot::Errors, "errors by family"),
        picture(Plot::Sweeps, "costs of kernels as their channels grow"),
        100.0 * target.tolerance,
        if sweep::tells_ways(target.terms.iter().map(|term| term.feature)) {
            " that is tiled alike"
        } else {
            ""
        }
    );
}

fn intervals(text: &mut String, samples: &Samples, judged: &Judged) -> Result<()> {
    let percent = |error: f64| 100.0 * (error.exp() - 1.0);
    let ends = |quantiles: &Quantiles| {
        let (low, high) = quantiles.ends(LEVEL);
        format!("{:+.1} to {:+.1} %", percent(low), percent(high))
    };
    let uncertainty = &judged.uncertainty;
    let (inside, outside) = (ends(uncertainty.inside()), ends(uncertainty.outside()));
    let _ = writeln!(text, "\n## Intervals\n\n{INTERVALS}\n");
    let _ = writeln!(
        text,
        "At {:.0} %: {inside} around the prediction, and {outside} where a kernel or the total lies \
         outside of what was fitted. Shares, in percent, of each family's networks in the intervals \
         that the *other* families give (outside: those beyond what the others span):\n",
        100.0 * LEVEL
    );
    text.push_str(&markdown::coverage(samples.families(), &judged.residuals)?);
    Ok(())
}
