//! How exposure and white balance converged, as a picture.

use std::path::Path;

use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;

use crate::failure::Failure;
use crate::frame_record::FrameRecord;

const WIDTH: u32 = 900;
const HEIGHT: u32 = 780;
const BLUE: RGBColor = RGBColor(0x1f, 0x6f, 0xb5);
const ORANGE: RGBColor = RGBColor(0xd9, 0x6c, 0x06);
const GREY: RGBColor = RGBColor(0x80, 0x80, 0x80);

/// Writes the plot: luma and its target, total exposure, colour temperature; all over the frames.
pub fn write(path: &Path, records: &[FrameRecord], kelvins: &[f64]) -> Result<(), Failure> {
    draw(path, records, kelvins)
        .map_err(|error| Failure::work(format!("{}: the plot could not be written: {error}", path.display())))
}

fn draw(path: &Path, records: &[FrameRecord], kelvins: &[f64]) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::new(path, (WIDTH, HEIGHT)).into_drawing_area();
    root.fill(&WHITE)?;
    let areas = root.split_evenly((3, 1));
    let frames = 0.0..records.last().map_or(1.0, |last| (last.frame as f64).max(1.0));
    let series = |value: fn(&FrameRecord) -> f64| -> Vec<(f64, f64)> {
        records.iter().map(|record| (record.frame as f64, value(record))).collect()
    };

    let luma = series(|record| record.mean_luma);
    // Nothing is aimed at before the first statistics were seen.
    let target = |record: &FrameRecord| Some((record.frame as f64, record.luma_target?));
    let target: Vec<_> = records.iter().filter_map(target).filter(|point| point.1 > 0.0).collect();
    let top = luma.iter().chain(&target).fold(0.01, |top: f64, point| top.max(point.1)) * 1.1;
    let picture: Series<'_> = ("picture", BLUE, &luma);
    let both = [picture, ("AGC target", GREY, &target)];
    // Not every IPA tells.
    let lumas = if target.is_empty() { &both[..1] } else { &both };
    panel(&areas[0], "mean luma (linear)", frames.clone(), 0.0..top, lumas)?;

    let exposure = series(|record| record.exposure_us / 1000.0);
    let total = series(|record| record.exposure_us / 1000.0 * record.analogue_gain * record.digital_gain);
    let positive = |value: f64| value.max(1e-3);
    let low = exposure.iter().fold(f64::MAX, |low, point| low.min(positive(point.1))) / 1.5;
    let high = total.iter().fold(low * 2.0, |high, point| high.max(point.1)) * 1.5;
    panel(
        &areas[1],
        "exposure (ms)",
        frames.clone(),
        (low..high).log_scale(),
        &[("time × gains", ORANGE, &total), ("time", BLUE, &exposure)],
    )?;

    let seen = series(|record| f64::from(record.colour_temperature));
    let real: Vec<_> = kelvins.iter().enumerate().map(|(frame, kelvin)| (frame as f64, *kelvin)).collect();
    let ends = |init, pick: fn(f64, f64) -> f64| {
        seen.iter().chain(&real).fold(init, |end, point| pick(end, point.1))
    };
    let (low, high) = (ends(f64::MAX, f64::min), ends(0.0, f64::max));
    let kelvins = [("light", GREY, &real[..]), ("found by the IPA", ORANGE, &seen)];
    panel(&areas[2], "colour temperature (K)", frames, low * 0.9..high * 1.1, &kelvins)?;
    root.present()?;
    Ok(())
}

type Series<'a> = (&'a str, RGBColor, &'a [(f64, f64)]);

fn panel<Y>(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    title: &str,
    x: std::ops::Range<f64>,
    y: Y,
    all: &[Series<'_>],
) -> Result<(), Box<dyn std::error::Error>>
where
    Y: AsRangedCoord<Value = f64>,
    Y::CoordDescType: ValueFormatter<f64>,
{
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 17))
        .margin(8)
        .x_label_area_size(28)
        .y_label_area_size(64)
        .build_cartesian_2d(x, y)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_labels(12)
        .x_label_formatter(&|frame| format!("{frame:.0}"))
        .y_labels(6)
        .x_desc("frame")
        .draw()?;
    for (name, colour, points) in all {
        let line = LineSeries::new(points.iter().copied(), colour.stroke_width(2));
        let colour = *colour;
        chart
            .draw_series(line)?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.85))
        .border_style(GREY.mix(0.4))
        .draw()?;
    Ok(())
}
