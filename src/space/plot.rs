//! The plot of a front as SVG: every point of it, before random architectures of the space.

use std::error::Error;

use anyhow::anyhow;
use plotters::prelude::*;

/// Width and height, in pixels.
const SIZE: (u32, u32) = (760, 520);
/// Of the front, and of random architectures (two of Okabe and Ito's, that most eyes tell apart).
const FRONT: RGBColor = RGBColor(213, 94, 0);
const CLOUD: RGBColor = RGBColor(86, 180, 233);

/// What is drawn.
pub(super) struct Plot {
    pub(super) title: String,
    /// Names of the axes.
    pub(super) cost: String,
    pub(super) score: String,
    /// Cost and score, from the cheapest on.
    pub(super) front: Vec<(f64, f64)>,
    pub(super) cloud: Vec<(f64, f64)>,
}

/// The plot as SVG.
pub(super) fn svg(plot: &Plot) -> anyhow::Result<String> {
    let mut text = String::new();
    draw(plot, &mut text).map_err(|error| anyhow!("plot: {error}"))?;
    Ok(text)
}

fn draw(plot: &Plot, text: &mut String) -> Result<(), Box<dyn Error>> {
    let area = SVGBackend::with_string(text, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let points = || plot.front.iter().chain(&plot.cloud);
    let (x, y) = (range(points().map(|point| point.0)), range(points().map(|point| point.1)));
    let mut chart = ChartBuilder::on(&area)
        .margin(14)
        .caption(&plot.title, ("sans-serif", 18))
        .x_label_area_size(44)
        .y_label_area_size(76)
        .build_cartesian_2d(x.clone(), y.clone())?;
    let (x_label, y_label) = (|value: &f64| tick(*value, &x), |value: &f64| tick(*value, &y));
    let mut mesh = chart.configure_mesh();
    mesh.x_desc(&plot.cost).y_desc(&plot.score).axis_desc_style(("sans-serif", 15));
    mesh.x_label_formatter(&x_label).y_label_formatter(&y_label);
    mesh.light_line_style(TRANSPARENT).bold_line_style(BLACK.mix(0.1)).draw()?;
    let dot = |&point: &(f64, f64)| Circle::new(point, 2, CLOUD.mix(0.6).filled());
    chart
        .draw_series(plot.cloud.iter().map(dot))?
        .label(format!("{} random architectures", plot.cloud.len()))
        .legend(|(x, y)| Circle::new((x + 10, y), 3, CLOUD.filled()));
    chart
        .draw_series(LineSeries::new(steps(&plot.front), FRONT.stroke_width(2)))?
        .label("Pareto front, exact")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 20, y)], FRONT.stroke_width(2)));
    let mut legend = chart.configure_series_labels();
    legend.position(SeriesLabelPosition::LowerRight).background_style(WHITE).draw()?;
    area.present()?;
    Ok(())
}

/// What the best score is at every cost: level up to the next point.
fn steps(front: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let ends = front.windows(2).flat_map(|pair| [pair[0], (pair[1].0, pair[0].1)]);
    ends.chain(front.last().copied()).collect()
}

/// From the least to the most, with some air.
fn range(values: impl Iterator<Item = f64> + Clone) -> std::ops::Range<f64> {
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(f64::NEG_INFINITY, f64::max);
    let air = if high > low { 0.04 * (high - low) } else { 0.5 };
    low - air..high + air
}

/// A number on an axis: with as many decimals as its range calls for, large ones in thousands,
/// millions or billions.
fn tick(value: f64, range: &std::ops::Range<f64>) -> String {
    let largest = range.start.abs().max(range.end.abs());
    let scales = [(1e9, " G"), (1e6, " M"), (1e4, " k")];
    let (scale, suffix) = match scales.into_iter().find(|(scale, _)| largest >= *scale) {
        Some((1e4, suffix)) => (1e3, suffix),
        Some(scale) => scale,
        None => (1.0, ""),
    };
    let width = (range.end - range.start) / scale;
    let decimals = (1.0 - width.log10().floor()).clamp(0.0, 6.0) as usize;
    format!("{:.decimals$}{suffix}", value / scale)
}
