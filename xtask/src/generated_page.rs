//! The page of `cargo xtask generated-spaces`: its tables and its text. Figures come from what was found;
//! the text has none.

use std::fmt::Write as _;

use nnmeter_filters::generate::{Figures, Finding, Reach};

use crate::generated_spaces::{Curve, Device, EVERY};

/// The page; the plot lies beside it under the name `plot`.
pub(crate) fn page(devices: &[Device<'_>], curves: &[Vec<Curve>], plot: &str) -> String {
    let mut text = format!("{HEAD}{}", chosen(devices));
    let _ = write!(text, "{WHY}{}", prices(devices));
    let _ = writeln!(text, "{REACH}![What the typical architecture reaches]({plot})");
    for (device, curves) in devices.iter().zip(curves) {
        let _ = write!(
            text,
            "\n### {} ({})\n\n{}\n{}",
            device.label,
            device.target.name,
            reached(curves),
            compared(curves)
        );
    }
    let _ = write!(text, "{LIMITS}{}", limits(devices));
    text
}

/// The operators of each layer, a device a column.
fn chosen(devices: &[Device<'_>]) -> String {
    let mut text = String::from("| layer | |");
    devices.iter().for_each(|device| text.push_str(&format!(" {} |", device.label)));
    text.push_str(&format!("\n|---|---|{}\n", "---|".repeat(devices.len())));
    let slots = devices.first().map_or(&[][..], |device| device.survey.skeleton().slots());
    for (layer, slot) in slots.iter().enumerate() {
        let ([channels, height, width], [out, ..]) = (slot.input, slot.output());
        let _ = write!(
            text,
            "| {} | {height}x{width}x{channels} to {out}, stride {} |",
            slot.name, slot.stride
        );
        for device in devices {
            let options = &device.selection.generated.space.choices()[layer].options;
            let _ = write!(text, " {} |", options.join("<br>"));
        }
        text.push('\n');
    }
    text
}

/// Operators whose prices say why, with what they are there for.
const SHOWN: [&str; 9] = [
    "separable k3",
    "mobilenetv2 k3 e6",
    "mobilenetv2 k5 e6",
    "mobilenetv2 k7 e6",
    "mobilenetv2 k3 e6 se",
    "shufflenetv2 k3 e1",
    "bottleneck k3",
    "bottleneck k5",
    "bottleneck k7",
];
/// Layers that keep extents: one of high, one of middle and one of low resolution.
const LAYERS: [&str; 3] = ["1.2", "3.2", "5.2"];

/// What operators cost in some layers, and how much they compute in that time.
fn prices(devices: &[Device<'_>]) -> String {
    let mut text = String::new();
    for layer in LAYERS {
        let _ = write!(text, "\nLayer {layer}:\n\n| operator | M MACs | parameters |");
        for device in devices {
            let _ = write!(text, " {0}: ms | {0}: G MACs a second |", device.label);
        }
        let _ = writeln!(text, "\n|---|--:|--:|{}", "--:|--:|".repeat(devices.len()));
        for operator in SHOWN {
            let known = devices.iter().find_map(|device| device.figures(layer, operator));
            let Some(known) = known else { continue };
            let (macs, parameters) = (known.macs / 1e6, known.parameters);
            let _ = write!(text, "| {operator} | {macs:.2} | {parameters:.0} |");
            for device in devices {
                text.push_str(&price(device.figures(layer, operator)));
            }
            text.push('\n');
        }
    }
    text
}

fn price(figures: Option<&Figures>) -> String {
    let Some(figures) = figures else { return " no price | - |".to_owned() };
    let (cost, mark) = (figures.costs_ms[0], if figures.outside[0] { "*" } else { "" });
    format!(" {cost:.3}{mark} | {:.1} |", figures.macs / cost / 1e6)
}

/// What architectures reach, a space a row: median, and best.
fn reached(curves: &[Curve]) -> String {
    let budgets = curves.first().map_or(&[][..], |curve| &curve.reaches);
    let mut text = String::from("| space |");
    budgets.iter().for_each(|(budget, _)| {
        let _ = write!(text, " {} ms |", brief(*budget));
    });
    let _ = writeln!(text, "\n|---|{}", "--:|".repeat(budgets.len()));
    for curve in curves {
        let _ = write!(text, "| {} |", curve.name);
        for (_, reach) in &curve.reaches {
            match reach {
                None => text.push_str(" - |"),
                Some(reach) => {
                    let best = reach.best.as_ref();
                    let best =
                        best.map_or("?".to_owned(), |best| format!("{:.0}", best.value / 1e6));
                    let _ = write!(text, " {:.1} ({best}) |", reach.median / 1e6);
                }
            }
        }
        text.push('\n');
    }
    text
}

/// The ends of the interval that a figure lies in.
type Figure = fn(&Reach) -> [f64; 2];

/// The budgets at which other spaces, that of all operators aside, reach more than the device's own:
/// in the median, by more than the error of sampling.
fn compared(curves: &[Curve]) -> String {
    let Some((own, others)) = curves.split_first() else { return String::new() };
    let figures: [(&str, Figure); 2] = [
        ("median", |reach| reach.median_interval),
        ("best", |reach| reach.best.as_ref().map_or([0.0; 2], |best| [best.value; 2])),
    ];
    let mut text = String::new();
    for (name, figure) in figures {
        let mut ahead = Vec::new();
        for (index, (budget, reach)) in own.reaches.iter().enumerate() {
            let [_, high] = reach.as_ref().map_or([0.0; 2], figure);
            let more = |curve: &&Curve| {
                let reach = curve.reaches[index].1.as_ref();
                curve.name != EVERY && reach.is_some_and(|reach| figure(reach)[0] > high)
            };
            let names: Vec<&str> = others.iter().filter(more).map(|c| c.name.as_str()).collect();
            if !names.is_empty() {
                ahead.push(format!("{} ms ({})", brief(*budget), names.join(", ")));
            }
        }
        let _ = match ahead.is_empty() {
            true => {
                writeln!(
                    text,
                    "- By the {name}, no other is ahead of its own space, \"{EVERY}\" aside."
                )
            }
            false => writeln!(text, "- By the {name}, others are ahead at {}.", ahead.join("; ")),
        };
    }
    text
}

/// A number with the digits that budgets have.
fn brief(value: f64) -> String {
    let digits = (2.0 - value.log10().floor()).max(0.0) as usize;
    format!("{value:.digits$}")
}

/// What has no price, and what was chosen outside of what was fitted.
fn limits(devices: &[Device<'_>]) -> String {
    let mut text = String::new();
    for device in devices {
        let found = device.survey.layers().iter().flatten();
        let unpriced = found.filter(|of| matches!(of.finding(), Finding::NoPrice(_))).count();
        let standings = device.selection.standings.iter().flatten();
        let chosen = device.survey.layers().iter().flatten().zip(standings);
        let chosen = chosen.filter(|(_, standing)| standing.is_some_and(|s| s.chosen));
        let outside = |figures: &Figures| figures.outside.contains(&true);
        let (all, far) = chosen.fold((0, 0), |(all, far), (candidate, _)| {
            (all + 1, far + usize::from(candidate.figures().is_some_and(outside)))
        });
        let _ = writeln!(
            text,
            "- {}: {unpriced} operators in layers have no price; {far} of the {all} chosen ones have a \
             kernel outside of what its model was fitted on.",
            device.label
        );
    }
    text
}

const HEAD: &str = "\
# Search spaces for a CPU, a GPU and a VPU

`nnmeter space generate` chooses, for every layer of a skeleton, the operators of a pool that have most
capacity for their latency on a device. Here: MobileNetV2's stages at 224x224; 42 operators of four
families (separable convolution, MobileNetV2's inverted bottleneck, ShuffleNetV2's unit, residual
bottleneck) with windows of 3, 5 and 7, several expansions, with and without squeeze-and-excite; four a
layer, of two families or more. Score: `MACs^0.5 parameters^0.5 / latency`. The idea is that of Zhang et
al., \"Fast Hardware-Aware Neural Architecture Search\" (CVPR Workshops 2020); their formula was not at
hand, and the score and its exponents are ours.

All latencies are predictions of the built-in devices, in the context of the network. Written by
`cargo xtask generated-spaces`.

## The spaces

Operators of each layer, the best first.

";

const WHY: &str = "
## Why they differ

The tables below have milliseconds of operators in three layers that keep extents, and the rate at which
they compute: billions of multiply-accumulates a second. `*` marks prices that lie outside of what the
device's models were fitted on. Three things tell the devices apart:

- Squeeze-and-excite. It adds next to no multiply-accumulates, but many parameters, and a pooling of the
  whole map. On the CPU this takes little more time, so the score prefers it everywhere; on the GPU it
  takes long where maps are large and little where they are small, so it is chosen in late layers; on the
  VPU it multiplies the time of a block in every layer.
- Large windows. On the CPU the time of a convolution grows with its multiply-accumulates. On the VPU a
  full convolution of few channels takes only a little longer with a window of 7x7 than of 3x3, for several times the
  multiply-accumulates, so bottlenecks
  with large windows are ahead there. On the GPU this is so at high resolution only.
- Depthwise convolutions: on all three, the larger the window, the lower the rate of an inverted
  bottleneck. So these are mostly chosen with windows of 3x3.
";

const REACH: &str = "
## What their architectures reach

Millions of multiply-accumulates within a latency budget: the median of 2,000 draws that are exactly
uniform over all architectures of a space within the budget, and in brackets the best, which is exact
(`?` where the exact search would take too long). `-`: no architecture of the space is within the budget,
or the device has no price for some layer. Budgets are shares of the range of the device's own space.
More multiply-accumulates are not more accuracy: nothing was trained. Below each table: which others are
ahead of the device's own space, in the median beyond the error of sampling.

";

const LIMITS: &str = "
## What to hold against it

Multiply-accumulates and parameters stand for what a network can learn, which they are not. Parameters of
squeeze-and-excite count as any others, so a device on which it costs little gets many. Where a device
was never measured with a kind of kernel, operators with it are left out, however fast they may be: the
networks measured on the GPU had no channel shuffle and no split.

A space that scores well layer by layer need not hold the single largest network within a budget: under
the tables above it is said where single families or spaces for other devices are ahead. Being inside of
what was fitted, as counted below, is by ranges of sizes one at a time: it does not say that a combination
as unusual as 7x7 windows of full convolutions on few channels was measured.

";
