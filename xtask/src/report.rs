//! The page that tells how accurate a device's predictor is, and how that was found out.

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use nnmeter_hardware::package::Package;

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
pub(crate) fn page(package: &Package, measured: &Measured, judged: &Judged) -> String {
    let mut text = String::new();
    head(&mut text, package);
    if measured.bad > 0 {
        let _ = writeln!(text, "\n{} lines of the data set could not be used.", measured.bad);
    }
    let _ = writeln!(text, "\n## Networks that the fit did not see\n");
    text.push_str(PROTOCOLS);
    let _ = writeln!(text, "\n{}", markdown::accuracies(judged));
    pictures(&mut text, &measured.target);
    intervals(&mut text, judged);
    let _ = writeln!(text, "\n## What to know\n");
    for note in measured.target.notes {
        let _ = writeln!(text, "- {note}");
    }
    let _ = writeln!(text, "\n## Rates\n\n{RATES}\n");
    text.push_str(&markdown::rates(measured.target.terms, judged));
    text
}

const PROTOCOLS: &str = "\
*Random split*: 15 % of the groups of networks with equal kernels are held out, so that no network
is judged by its twin. *Family left out*: each family is predicted by a fit on the others; this is
the figure for networks of a kind that nobody measured. Bias is the mean of predicted over measured,
less one; rank correlation is Spearman's.
";

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
         none is more than {:.0} % cheaper than one of the same shape with less work.\n",
        picture(Plot::Scatter, "predicted against measured, by family"),
        picture(Plot::Errors, "errors by family"),
        picture(Plot::Sweeps, "costs of kernels as their channels grow"),
        100.0 * target.tolerance
    );
}

fn intervals(text: &mut String, judged: &Judged) {
    let interval = judged.interval;
    let percent = |width: f64| 100.0 * (width.exp() - 1.0);
    let _ = writeln!(
        text,
        "Intervals hold {:.0} % of the networks: {:.1} % up or down (families left out, each of \
         the same weight) where every kernel lies in the fitted range, {:.1} % (the worst family \
         left out) where one does not. The second is a guess: no data lie there.",
        100.0 * interval.level,
        percent(interval.inside),
        percent(interval.outside)
    );
}

/// Today's date in Greenwich, `YYYY-MM-DD`.
pub(crate) fn today() -> Result<String> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
    let (year, month, day) = civil(since.as_secs() / 86_400);
    Ok(format!("{year:04}-{month:02}-{day:02}"))
}

/// The date of a day counted from 1970-01-01, by the shift to years that begin in March (Hinnant's
/// `civil_from_days`).
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let leaps = day_of_era / 1_460 + day_of_era / 146_096 - day_of_era / 36_524;
    let year_of_era = (day_of_era - leaps) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(20_454), (2026, 1, 1));
    }
}
