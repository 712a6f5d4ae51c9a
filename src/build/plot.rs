//! The plot of a build as SVG: what published networks took against what is predicted.

use std::error::Error;

use anyhow::anyhow;
use nnmeter_hardware::builder::Report;
use plotters::prelude::*;

/// Width and height, in pixels.
const SIZE: (u32, u32) = (560, 560);
/// Of networks within 10 %, and of others (two of Okabe and Ito's, that most eyes tell apart).
const WITHIN: RGBColor = RGBColor(0, 114, 178);
const BEYOND: RGBColor = RGBColor(213, 94, 0);

/// The plot as SVG, with logarithmic axes; the band is 10 % wide on either side.
pub(super) fn svg(title: &str, report: &Report) -> anyhow::Result<String> {
    let mut text = String::new();
    draw(title, report, &mut text).map_err(|error| anyhow!("plot: {error}"))?;
    Ok(text)
}

fn draw(title: &str, report: &Report, text: &mut String) -> Result<(), Box<dyn Error>> {
    let pairs = || report.judged.iter().map(|judged| judged.pair);
    let values = || pairs().flat_map(|pair| [pair.measured, pair.predicted]);
    let low = values().fold(f64::INFINITY, f64::min) * 0.8;
    let high = values().fold(f64::MIN_POSITIVE, f64::max) * 1.25;
    let low = if low.is_finite() { low } else { high / 2.0 };
    let area = SVGBackend::with_string(text, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .margin(14)
        .caption(title, ("sans-serif", 14))
        .x_label_area_size(44)
        .y_label_area_size(60)
        .build_cartesian_2d((low..high).log_scale(), (low..high).log_scale())?;
    let mut mesh = chart.configure_mesh();
    mesh.x_desc("measured, ms").y_desc("predicted, ms").light_line_style(TRANSPARENT).draw()?;
    for (factor, width) in [(1.0, 2), (0.9, 1), (1.1, 1)] {
        let ends = [(low, factor * low), (high, factor * high)];
        chart.draw_series(LineSeries::new(ends, BLACK.mix(0.4).stroke_width(width)))?;
    }
    chart.draw_series(pairs().map(|pair| {
        let within = pair.relative_error().abs() <= 0.1;
        let colour = if within { WITHIN } else { BEYOND };
        Circle::new((pair.measured, pair.predicted), 4, colour.filled())
    }))?;
    area.present()?;
    Ok(())
}
