//! What `nnmeter calibrate` tells on standard error: what was chosen and how well it does.

use nnmeter_hardware::fit::calibrate::{About, Calibrated, Compared};
use nnmeter_hardware::registry::OpenDevice;

/// Prints it. `passed_over` are lines about devices that were no rivals of the base.
pub(super) fn print(
    base: &OpenDevice,
    calibrated: &Calibrated,
    about: &About<'_>,
    passed_over: &[String],
) {
    let timed = counted(about.samples.samples().len(), "network", "networks");
    let families = counted(about.samples.families().len(), "family", "families");
    let (name, base) = (about.name, &base.device().name);
    eprintln!("{name}: {base} calibrated to {timed} of {families}");
    for (at, compared) in calibrated.compared.iter().enumerate() {
        let role = if at == 0 { "base" } else { "instead of" };
        eprintln!("  {role} {}", of_base(compared));
    }
    for line in passed_over {
        eprintln!("  not compared: {line}");
    }
    eprintln!("  chosen: {}", calibrated.strengths);
    held_out(calibrated);
    interval(calibrated);
    for note in calibrated.notes(about) {
        eprintln!("note: {note}");
    }
}

fn of_base(compared: &Compared) -> String {
    let Compared { name, error, generic_error } = compared;
    let percent = |error: &f64| 100.0 * error.exp_m1();
    format!(
        "{name}: networks left out are {:.1} % off on average, {:.1} % by generic terms",
        percent(error),
        percent(generic_error)
    )
}

fn held_out(calibrated: &Calibrated) {
    let Some(table) = &calibrated.held_out else {
        return eprintln!("  networks left out: none, for want of another network");
    };
    let of = table.overall;
    eprintln!(
        "  networks left out: {:.1} % within 10 %, {:.1} % within 5 %, {:.1} % in the interval",
        of.within_10,
        of.within_5,
        of.coverage.unwrap_or_default()
    );
}

fn interval(calibrated: &Calibrated) {
    let Some(uncertainty) = &calibrated.models.uncertainty else { return };
    let level = uncertainty.level();
    let (low, high) = uncertainty.inside().ends(level);
    let percent = |error: f64| 100.0 * (error.exp() - 1.0);
    eprintln!(
        "  {:.0} % interval: {:+.1} to {:+.1} % around a prediction",
        100.0 * level,
        percent(low),
        percent(high)
    );
}

fn counted(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}
