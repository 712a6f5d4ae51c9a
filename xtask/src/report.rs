//! The page that tells how accurate a device's predictor is, and how that was found out.

use std::fmt::Write;

use nnmeter_hardware::package::Package;

use crate::fitting::{Judged, Measured};
use crate::markdown;

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
