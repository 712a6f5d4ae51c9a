//! `cargo xtask flops-against-latency`: how well FLOPs, parameters and the predictor order networks
//! by their measured latency, on the benchmark models of nn-Meter.
//!
//! The predictor is judged where it could not look: each family is predicted by a fit on the others.
//! Writes a page and a plot; changes no predictor.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use nnmeter_hardware::accuracy::{Pair, quantile};
use nnmeter_hardware::fit::protocol::HeldOut;
use nnmeter_hardware::fit::samples::{Sample, Samples};
use nnmeter_hardware::rank;

use crate::fitting::{Measured, Source};
use crate::plots::{self, FlopsPanel, MOST};

/// Show how well FLOPs, parameters and predictions rank measured networks, device by device.
#[derive(clap::Args)]
pub(crate) struct FlopsAgainstLatency {
    /// The data set: a .jsonl, .jsonl.zst or .zip file of nn-Meter's schema, or a folder of them.
    #[arg(long, value_name = "DIR|FILE")]
    data: PathBuf,
    /// The device, as its column in the data set is called; all that have a package if not given.
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// Where the page goes; the plot lies beside it.
    #[arg(long, value_name = "FILE.md", default_value = "docs/flops-against-latency.md")]
    out: PathBuf,
}

impl FlopsAgainstLatency {
    pub(crate) fn run(self) -> Result<()> {
        let source = Source::new(self.data, self.device);
        let devices = source.targets()?.into_iter().map(|target| {
            let measured = source.read(target)?;
            Device::new(&measured, &measured.families_left_out()?)
        });
        let devices = devices.collect::<Result<Vec<Device>>>()?;
        let plot = self.out.with_extension("svg");
        write(&plot, &plots::flops(&devices.iter().map(Device::panel).collect::<Vec<_>>())?)?;
        let name = plot.file_name().and_then(|name| name.to_str()).context("--out is no file")?;
        write(&self.out, &page(&devices, name))
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| path.display().to_string())?;
    eprintln!("wrote {}", path.display());
    Ok(())
}

/// What is known of a network before and after it has run.
struct Network {
    macs: f64,
    weights: f64,
    predicted: f64,
    measured: f64,
}

/// The networks that were measured on a device.
struct Device {
    name: String,
    title: String,
    families: Vec<(String, Vec<Network>)>,
}

impl Device {
    fn new(measured: &Measured, left_out: &HeldOut) -> Result<Self> {
        let samples = &measured.samples;
        let mut families = Vec::new();
        for (index, (name, pairs)) in samples.families().iter().zip(&left_out.families).enumerate()
        {
            let own = samples.samples().iter().filter(|sample| sample.family == index);
            let networks = own.zip(pairs).map(|(sample, pair)| network(samples, sample, pair));
            if !pairs.is_empty() {
                families.push((name.clone(), networks.collect::<Result<_>>()?));
            }
        }
        let device = &measured.target.device;
        ensure!(
            !families.is_empty(),
            "{}: has one family of networks; expected several",
            device.name
        );
        Ok(Self { name: device.name.clone(), title: device.title.clone(), families })
    }

    fn panel(&self) -> FlopsPanel<'_> {
        let point = |network: &Network| (network.macs / 1e6, network.measured);
        let families = self.families.iter();
        let families =
            families.map(|(name, all)| (name.as_str(), all.iter().map(point).collect())).collect();
        FlopsPanel { title: self.title.clone(), families }
    }

    /// A family a row, then the mean of families and all networks together.
    fn table(&self) -> String {
        let mut text = String::from(COLUMNS);
        let mut of_families = Vec::new();
        for (name, networks) in &self.families {
            let figures = correlations(networks.iter());
            row(&mut text, name, &networks.len().to_string(), figures);
            of_families.push(figures);
        }
        row(&mut text, "**mean of families**", "", means(&of_families));
        let all = || self.families.iter().flat_map(|(_, networks)| networks);
        row(&mut text, "**all networks**", &all().count().to_string(), correlations(all()));
        text
    }
}

/// A sample, and what was predicted for it.
fn network(samples: &Samples, sample: &Sample, pair: &Pair) -> Result<Network> {
    ensure!(sample.measured == pair.measured, "{}: has another's prediction", sample.id);
    let (mut macs, mut weights) = (0.0, 0.0);
    for &(work, times) in &sample.kernels {
        let work = &samples.workloads()[work as usize];
        macs += f64::from(times) * work.macs as f64;
        weights += f64::from(times) * work.weights as f64;
    }
    Ok(Network { macs, weights, predicted: pair.predicted, measured: pair.measured })
}

/// With measured latency: Kendall's tau-b of multiply-accumulates, weights and predictions, then
/// Spearman's rho of these.
fn correlations<'a>(networks: impl Iterator<Item = &'a Network>) -> [Option<f64>; 6] {
    let mut columns: [Vec<f64>; 4] = Default::default();
    for Network { macs, weights, predicted, measured } in networks {
        let values = [macs, weights, predicted, measured];
        columns.iter_mut().zip(values).for_each(|(column, value)| column.push(*value));
    }
    let [macs, weights, predicted, measured] = &columns;
    let by = |rank: fn(&[f64], &[f64]) -> Option<f64>| {
        [macs, weights, predicted].map(|column| rank(column, measured))
    };
    let ([a, b, c], [d, e, f]) = (by(rank::kendall), by(rank::spearman));
    [a, b, c, d, e, f]
}

/// Means of the figures that there are, column by column.
fn means(rows: &[[Option<f64>; 6]]) -> [Option<f64>; 6] {
    std::array::from_fn(|column| {
        let figures: Vec<f64> = rows.iter().filter_map(|row| row[column]).collect();
        (!figures.is_empty()).then(|| figures.iter().sum::<f64>() / figures.len() as f64)
    })
}

/// How many times as long the slower of two networks takes, for all pairs of networks whose values
/// are within [`SAME`] of each other.
fn factors(networks: &[&Network], value: fn(&Network) -> f64) -> Vec<f64> {
    let mut sorted: Vec<(f64, f64)> =
        networks.iter().map(|network| (value(network), network.measured)).collect();
    sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let mut factors = Vec::new();
    for (index, &(value, one)) in sorted.iter().enumerate() {
        let near = sorted[index + 1..].iter().take_while(|(other, _)| *other <= SAME * value);
        factors.extend(near.map(|&(_, two)| (one / two).max(two / one)));
    }
    factors
}

fn row(text: &mut String, name: &str, count: &str, figures: [Option<f64>; 6]) {
    let figures =
        figures.map(|figure| figure.map_or("-".to_owned(), |figure| format!("{figure:.3}")));
    let _ = writeln!(text, "| {name} | {count} | {} |", figures.join(" | "));
}

/// The row of a device in the table of networks that seem to be the same.
fn spread_row(text: &mut String, device: &Device) {
    let all: Vec<&Network> = device.families.iter().flat_map(|(_, networks)| networks).collect();
    let _ = write!(text, "| {} |", device.name);
    let values: [fn(&Network) -> f64; 3] = [|n| n.macs, |n| n.weights, |n| n.predicted];
    for value in values {
        let factors = factors(&all, value);
        for level in [0.5, 0.95] {
            let factor = quantile(factors.clone(), level);
            let _ = write!(text, " {} |", factor.map_or("-".to_owned(), |f| format!("{f:.2}")));
        }
    }
    text.push('\n');
}

fn page(devices: &[Device], plot: &str) -> String {
    let mut text = format!("{HEAD}\n![FLOPs against latency]({plot})\n\n");
    let _ = writeln!(text, "At most {MOST} networks of a family are shown; the tables are of all.");
    let _ = write!(text, "\n{SPREAD}");
    devices.iter().for_each(|device| spread_row(&mut text, device));
    for device in devices {
        let _ = write!(text, "\n## {}\n\n{}.\n\n{}", device.name, device.title, device.table());
    }
    text
}

const HEAD: &str = "\
# FLOPs against latency

Do FLOPs or parameters tell which of two networks is faster? On the networks that nn-Meter's authors
measured: rank correlations with the measured latency of

- *FLOPs*: multiply-accumulates of convolutions and products, as papers on mobile networks count them,
- *parameters*: weights of convolutions and products, without biases and normalisation,
- *predictor*: the sum of the kernels' predicted latencies, each family by a fit on all *other*
  families, so no network of a family that the predictor has seen.

Kendall's tau-b is the share of pairs of networks in the right order less the share in the wrong
one: at 0.9, one pair in 20 is in the wrong order, at 0.6, one in five. Spearman's rho is the
correlation of ranks. Within a family, networks differ in widths, kernels and depth only, which is what
a search space looks like; all networks together differ in kind (and NAS-Bench-201's take inputs of
32x32, the others of 224x224, which makes any order easier).

Written by `cargo xtask flops-against-latency --data DATASET`.
";

/// Values up to this factor apart count as the same.
const SAME: f64 = 1.01;

const SPREAD: &str = "\
## Networks that seem to be the same

How many times as long the slower of two networks takes, over all pairs of networks whose FLOPs,
parameters or predictions are within 1 % of each other: the median, and what one pair in 20 exceeds.

| device | FLOPs: median | 95 % | parameters: median | 95 % | predictor: median | 95 % |
|---|--:|--:|--:|--:|--:|--:|
";

const COLUMNS: &str = "\
| family | networks | FLOPs: tau-b | parameters: tau-b | predictor: tau-b | FLOPs: rho | parameters: rho | predictor: rho |
|---|--:|--:|--:|--:|--:|--:|--:|
";

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(latencies: &[f64]) -> Vec<Network> {
        let network = |(index, &measured): (usize, &f64)| Network {
            macs: 1e6 * (index + 1) as f64,
            weights: -(index as f64),
            predicted: measured * 1.1,
            measured,
        };
        latencies.iter().enumerate().map(network).collect()
    }

    #[test]
    fn a_page_has_a_row_for_each_family_and_for_all() {
        let families = vec![
            ("as".to_owned(), networks(&[1.0, 2.0, 3.0])),
            ("bs".to_owned(), networks(&[4.0, 6.0, 5.0])),
            ("cs".to_owned(), networks(&[7.0])),
        ];
        let device = Device { name: "d".to_owned(), title: "A device".to_owned(), families };
        let devices = [device];
        let page = page(&devices, "plot.svg");
        assert!(
            page.contains("| as | 3 | 1.000 | -1.000 | 1.000 | 1.000 | -1.000 | 1.000 |"),
            "{page}"
        );
        assert!(page.contains("| bs | 3 | 0.333 | -0.333 | 1.000 | 0.500 |"), "{page}");
        assert!(page.contains("| cs | 1 | - |"), "{page}");
        assert!(page.contains("| **mean of families** |  | 0.667 | -0.667 | 1.000 |"), "{page}");
        assert!(page.contains("| **all networks** | 7 |"), "{page}");
        // Of equal FLOPs: latencies of 1, 4 and 7, of 2 and 6, of 3 and 5.
        assert!(page.contains("| d | 3.00 | 6.40 |"), "{page}");
        let svg = plots::flops(&[devices[0].panel()]).expect("a plot");
        assert!(svg.contains("A device") && svg.contains("bs"), "{svg}");
    }
}
