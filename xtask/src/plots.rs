//! The plots of the pages on accuracy, as SVG: predicted against measured, errors by family, what
//! kernels cost as they grow; and FLOPs against latency.
//!
//! A plot shows at most [`MOST`] networks a family, evenly spaced in the order of the data set, so
//! that files stay small and the same data give the same bytes. Figures are the tables' business.

use std::error::Error;
use std::ops::RangeInclusive;

use anyhow::{Result, anyhow};
use nnmeter_core::kind::Kind;
use nnmeter_hardware::accuracy::{Pair, quantile};
use nnmeter_hardware::fit::protocol::HeldOut;
use nnmeter_hardware::package::Package;
use nnmeter_hardware::sweep;
use plotters::coord::Shift;
use plotters::prelude::*;

/// Networks of a family that are shown.
pub(crate) const MOST: usize = 100;

/// Widest error that is shown, in percent.
const WIDEST: f64 = 30.0;

/// Colours that are told apart by most eyes, by the place of a family (Okabe and Ito's, then those
/// of Tol's muted scheme).
const COLOURS: [RGBColor; 14] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(213, 94, 0),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
    RGBColor(136, 34, 85),
    RGBColor(153, 153, 51),
    RGBColor(51, 34, 136),
    RGBColor(170, 68, 153),
    RGBColor(17, 119, 51),
    RGBColor(204, 102, 119),
    RGBColor(120, 120, 120),
];

/// Sides of the maps of kernels that are swept, and their channels.
const SIDES: [u32; 5] = [7, 14, 28, 56, 112];
const CHANNELS: RangeInclusive<u32> = 8..=512;
const EVERY: usize = 4;

type Outcome = Result<(), Box<dyn Error>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A plot as SVG, drawn on an area of the size given, in pixels.
fn svg(size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> Outcome) -> Result<String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        let outcome = area.fill(&WHITE).map_err(Into::into).and_then(|()| draw(&area));
        outcome.and_then(|()| Ok(area.present()?)).map_err(|error| anyhow!("plot: {error}"))?;
    }
    Ok(text)
}

/// Predicted against measured, by families left out, on logarithmic axes.
pub(crate) fn scatter(held: &HeldOut, names: &[String]) -> Result<String> {
    let all = held.families.iter().flatten();
    let (low, high) = ends(all.flat_map(|pair| [pair.measured, pair.predicted]));
    svg((720, 560), |area| {
        let range = || (0.9 * low..1.1 * high).log_scale();
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(50)
            .build_cartesian_2d(range(), range())?;
        let mut mesh = chart.configure_mesh();
        mesh.x_desc("measured, ms").y_desc("predicted for a family left out, ms");
        mesh.x_label_formatter(&plain).y_label_formatter(&plain);
        mesh.light_line_style(TRANSPARENT).draw()?;
        for factor in [0.9, 1.0, 1.1] {
            let line = [(low, factor * low), (high, factor * high)];
            chart.draw_series(LineSeries::new(line, BLACK.mix(0.4)))?;
        }
        for (family, pairs) in shown(held) {
            let colour = colour(family);
            let dot =
                |pair: &Pair| Circle::new((pair.measured, pair.predicted), 2, colour.filled());
            chart
                .draw_series(thinned(pairs).map(dot))?
                .label(&names[family])
                .legend(move |(x, y)| Circle::new((x + 8, y), 4, colour.filled()));
        }
        let mut legend = chart.configure_series_labels();
        legend.position(SeriesLabelPosition::LowerRight).background_style(WHITE).draw()?;
        Ok(())
    })
}

/// Errors of families left out: from the 5th to the 95th percentile, the middle half, the median.
pub(crate) fn errors(held: &HeldOut, names: &[String]) -> Result<String> {
    let families: Vec<(usize, &[Pair])> = shown(held).collect();
    let last = families.len() as f64 - 1.0;
    svg((720, 70 + 26 * families.len() as u32), |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(110)
            .build_cartesian_2d(-WIDEST..WIDEST, -0.5..last + 0.5)?;
        let name = |place: &f64| {
            let family = families.get((last - place).round() as usize);
            family.map_or(String::new(), |(family, _)| names[*family].clone())
        };
        let mut mesh = chart.configure_mesh();
        mesh.x_desc("predicted over measured, less one, %").x_labels(13).x_label_formatter(&plain);
        mesh.y_labels(families.len() + 1).y_label_formatter(&name);
        mesh.disable_y_mesh().light_line_style(TRANSPARENT).draw()?;
        for (index, (family, pairs)) in families.iter().enumerate() {
            let errors: Vec<f64> = pairs.iter().map(|pair| 100.0 * pair.relative_error()).collect();
            let at = |level| quantile(errors.clone(), level).unwrap_or(0.0).clamp(-WIDEST, WIDEST);
            let (y, colour) = (last - index as f64, colour(*family));
            let range = PathElement::new([(at(0.05), y), (at(0.95), y)], colour);
            let half = [(at(0.25), y - 0.25), (at(0.75), y + 0.25)];
            let median = PathElement::new([(at(0.5), y - 0.35), (at(0.5), y + 0.35)], WHITE);
            chart.draw_series([range])?;
            chart.draw_series([Rectangle::new(half, colour.filled())])?;
            chart.draw_series([median])?;
        }
        Ok(())
    })
}

/// What kernels cost as their channels grow, for maps of several sides.
pub(crate) fn sweeps(package: &Package) -> Result<String> {
    svg((960, 640), |area| {
        let panels = [(Kind::Conv, 1), (Kind::Conv, 3), (Kind::DwConv, 3), (Kind::DwConv, 5)];
        for (panel, (kind, window)) in area.split_evenly((2, 2)).iter().zip(panels) {
            sweep_panel(package, panel, kind, window)?;
        }
        Ok(())
    })
}

fn sweep_panel(package: &Package, area: &Area<'_>, kind: Kind, window: u32) -> Outcome {
    let models = package.latency.iter().flat_map(|metric| &metric.kernels);
    let Some((_, fitted)) = models.into_iter().find(|(of, _)| *of == kind) else {
        return Ok(());
    };
    let cost = |side, channels| {
        let work = sweep::square(kind, side, channels, window)?;
        Some((f64::from(channels), fitted.model.cost(&work)))
    };
    let lines: Vec<(u32, Vec<(f64, f64)>)> = SIDES
        .iter()
        .map(|&side| {
            (side, CHANNELS.step_by(EVERY).filter_map(|channels| cost(side, channels)).collect())
        })
        .collect();
    let costs = lines.iter().flat_map(|(_, line)| line.iter().map(|(_, cost)| *cost));
    let (low, high) = ends(costs);
    let ends = (f64::from(*CHANNELS.start()), f64::from(*CHANNELS.end()));
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .caption(
            format!("{kind} {window}x{window}, as many channels out as in"),
            ("sans-serif", 14),
        )
        .x_label_area_size(36)
        .y_label_area_size(60)
        .build_cartesian_2d((ends.0..ends.1).log_scale(), (low..high).log_scale())?;
    let mut mesh = chart.configure_mesh();
    mesh.x_desc("channels").x_labels(4).y_desc("ms");
    mesh.x_label_formatter(&plain).y_label_formatter(&plain);
    mesh.light_line_style(TRANSPARENT).draw()?;
    for (index, (side, line)) in lines.into_iter().enumerate() {
        let colour = colour(index);
        chart
            .draw_series(LineSeries::new(line, colour))?
            .label(format!("{side}x{side}"))
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour));
    }
    let mut legend = chart.configure_series_labels();
    legend.position(SeriesLabelPosition::UpperLeft).background_style(WHITE).draw()?;
    Ok(())
}

/// FLOPs against measured latency on one device.
pub(crate) struct FlopsPanel<'a> {
    pub(crate) title: String,
    /// By family: multiply-accumulates in millions, and milliseconds.
    pub(crate) families: Vec<(&'a str, Vec<(f64, f64)>)>,
}

/// FLOPs against measured latency, a panel for each device, on logarithmic axes. A family has the
/// same colour in all panels.
pub(crate) fn flops(panels: &[FlopsPanel<'_>]) -> Result<String> {
    let mut names: Vec<&str> =
        panels.iter().flat_map(|panel| panel.families.iter().map(|(name, _)| *name)).collect();
    names.sort_unstable();
    names.dedup();
    let rows = panels.len().div_ceil(2);
    svg((1130, 430 * rows as u32), |area| {
        let (charts, legend) = area.split_horizontally(980);
        for (chart, panel) in charts.split_evenly((rows, 2)).iter().zip(panels) {
            flops_panel(chart, panel, &names)?;
        }
        for (index, name) in names.iter().enumerate() {
            let y = 40 + 22 * index as i32;
            legend.draw(&Circle::new((8, y), 5, colour(index).filled()))?;
            legend.draw(&Text::new(*name, (20, y - 7), ("sans-serif", 15)))?;
        }
        Ok(())
    })
}

fn flops_panel(area: &Area<'_>, panel: &FlopsPanel<'_>, names: &[&str]) -> Outcome {
    let points = || panel.families.iter().flat_map(|(_, points)| thinned(points));
    let range = |(low, high): (f64, f64)| (0.8 * low..1.25 * high).log_scale();
    let (x, y) = (ends(points().map(|point| point.0)), ends(points().map(|point| point.1)));
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .caption(&panel.title, ("sans-serif", 15))
        .x_label_area_size(36)
        .y_label_area_size(50)
        .build_cartesian_2d(range(x), range(y))?;
    let mut mesh = chart.configure_mesh();
    mesh.x_desc("multiply-accumulates, millions").y_desc("measured, ms");
    mesh.x_label_formatter(&plain).y_label_formatter(&plain);
    mesh.light_line_style(TRANSPARENT).draw()?;
    for (name, points) in &panel.families {
        let colour = colour(names.iter().position(|other| other == name).unwrap_or(0));
        let dot = |&point: &(f64, f64)| Circle::new(point, 2, colour.filled());
        chart.draw_series(thinned(points).map(dot))?;
    }
    Ok(())
}

/// What architectures of several spaces reach on one device.
pub(crate) struct ReachPanel<'a> {
    pub(crate) title: String,
    /// By space: budgets in milliseconds, and millions of multiply-accumulates.
    pub(crate) lines: Vec<(&'a str, Vec<(f64, f64)>)>,
}

/// Capacity against budget, a panel for each device.
pub(crate) fn reaches(panels: &[ReachPanel<'_>]) -> Result<String> {
    svg((480 * panels.len() as u32, 420), |area| {
        for (area, panel) in area.split_evenly((1, panels.len())).iter().zip(panels) {
            reach_panel(area, panel)?;
        }
        Ok(())
    })
}

fn reach_panel(area: &Area<'_>, panel: &ReachPanel<'_>) -> Outcome {
    let points = || panel.lines.iter().flat_map(|(_, line)| line);
    let (x, y) = (ends(points().map(|point| point.0)), ends(points().map(|point| point.1)));
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .caption(&panel.title, ("sans-serif", 15))
        .x_label_area_size(36)
        .y_label_area_size(50)
        .build_cartesian_2d(0.9 * x.0..1.05 * x.1, 0.0..1.6 * y.1)?;
    let mut mesh = chart.configure_mesh();
    mesh.x_desc("budget, ms").y_desc("median of millions of multiply-accumulates");
    mesh.light_line_style(TRANSPARENT).draw()?;
    for (index, (name, line)) in panel.lines.iter().enumerate().filter(|(_, of)| !of.1.is_empty()) {
        let style = colour(index).stroke_width(if index == 0 { 3 } else { 1 });
        chart
            .draw_series(LineSeries::new(line.iter().copied(), style).point_size(3))?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], style));
    }
    let mut legend = chart.configure_series_labels();
    legend.position(SeriesLabelPosition::UpperLeft).background_style(WHITE).draw()?;
    Ok(())
}

fn shown(held: &HeldOut) -> impl Iterator<Item = (usize, &[Pair])> {
    let families = held.families.iter().enumerate();
    families.filter(|(_, pairs)| !pairs.is_empty()).map(|(family, pairs)| (family, &pairs[..]))
}

/// At most [`MOST`] of them, evenly spaced.
fn thinned<T>(items: &[T]) -> impl Iterator<Item = &T> {
    items.iter().step_by(items.len().div_ceil(MOST).max(1))
}

/// A number as short as it goes.
fn plain(value: &f64) -> String {
    value.to_string()
}

/// The least and the greatest of positive values.
fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, 0.0), |(low, high), value| (value.min(low), value.max(high)))
}

fn colour(family: usize) -> RGBColor {
    COLOURS[family % COLOURS.len()]
}
