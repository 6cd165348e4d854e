//! The comparison as bars.

use std::path::Path;

use plotters::prelude::*;
use ringfence::bench::{Comparison, Row, Unit};

use crate::bench::value_text;
use crate::failure::Failure;

const WIDTH: u32 = 900;
const BAR_HEIGHT: u32 = 26;
const LEFT: i32 = 300;
const RIGHT: i32 = 110;
const OURS: RGBColor = RGBColor(0x1f, 0x6f, 0xb5);
const OTHERS: RGBColor = RGBColor(0xb0, 0xb0, 0xb0);

/// Draws the latencies of calls, rivals and limits, on a logarithmic scale.
pub fn write(path: &Path, comparison: &Comparison) -> Result<(), Failure> {
    draw(path, comparison).map_err(|error| {
        Failure::work(format!("{}: the chart could not be written: {error}", path.display()))
    })
}

fn draw(path: &Path, comparison: &Comparison) -> Result<(), Box<dyn std::error::Error>> {
    let shown =
        |row: &&Row| row.unit == Unit::Nanoseconds && row.name.contains("64 bytes each way") || is_rival(row);
    let mut rows: Vec<&Row> = comparison.rows().iter().filter(shown).collect();
    rows.sort_by(|one, other| one.value().total_cmp(&other.value()));
    let height = 60 + BAR_HEIGHT * rows.len() as u32;
    let root = SVGBackend::new(path, (WIDTH, height)).into_drawing_area();
    root.fill(&WHITE)?;
    let text = |size: i32| ("sans-serif", size).into_font().color(&BLACK);
    root.draw(&Text::new("To another process and back, medians (logarithmic)", (LEFT, 12), text(17)))?;

    let logarithm = |row: &Row| row.value().max(1.0).log10();
    let low = rows.first().map_or(0.0, |row| logarithm(row) - 0.3);
    let high = rows.last().map_or(1.0, |row| logarithm(row));
    let width = f64::from(WIDTH as i32 - LEFT - RIGHT);
    for (index, row) in rows.iter().enumerate() {
        let top = 44 + (BAR_HEIGHT as usize * index) as i32;
        let length = ((logarithm(row) - low) / (high - low).max(0.1) * width) as i32;
        let colour = if is_rival(row) { OTHERS } else { OURS };
        let bottom = top + BAR_HEIGHT as i32 - 8;
        root.draw(&Rectangle::new([(LEFT, top), (LEFT + length, bottom)], colour.filled()))?;
        root.draw(&Text::new(row.name.as_str(), (12, top + 2), text(14)))?;
        root.draw(&Text::new(value_text(row, row.value()), (LEFT + length + 8, top + 2), text(14)))?;
    }
    root.present()?;
    Ok(())
}

/// Whether a row is not ours: a limit of the machine, or another way.
fn is_rival(row: &Row) -> bool {
    row.unit == Unit::Nanoseconds && matches!(row.group, "limits" | "sockets, 64 bytes")
}
