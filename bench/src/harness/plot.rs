//! Plots for README.md.

use std::path::Path;

use plotters::prelude::*;

/// A chart of lines; both axes begin at zero, or the x axis is logarithmic.
pub struct Chart<'a> {
    pub title: &'a str,
    pub x: &'a str,
    pub y: &'a str,
    pub logarithmic: bool,
    pub lines: Vec<Line>,
}

/// A line of a chart.
pub struct Line {
    pub label: String,
    pub points: Vec<(f64, f64)>,
}

impl Line {
    /// Without points yet.
    pub fn new(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            points: Vec::new(),
        }
    }
}

const SIZE: (u32, u32) = (720, 400);
const COLOURS: [RGBColor; 5] = [
    RGBColor(0x1b, 0x6e, 0xc2),
    RGBColor(0xd9, 0x5f, 0x02),
    RGBColor(0x1b, 0x9e, 0x77),
    RGBColor(0x75, 0x70, 0xb3),
    RGBColor(0x66, 0x66, 0x66),
];

impl Chart<'_> {
    /// Writes `<folder>/<name>.svg`.
    pub fn write(&self, folder: &Path, name: &str) -> anyhow::Result<()> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join(format!("{name}.svg"));
        let area = SVGBackend::new(&path, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        // Doublings at equal distances, on a linear axis that is labelled accordingly.
        let place = |x: f64| if self.logarithmic { x.log2() } else { x };
        let label = |x: &f64| if self.logarithmic { x.exp2() } else { *x };
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let xs = || points().map(|point| place(point.0));
        let left = xs().fold(if self.logarithmic { f64::INFINITY } else { 0.0 }, f64::min);
        let right = xs().fold(f64::NEG_INFINITY, f64::max);
        let top = points().map(|point| point.1).fold(0.0, f64::max) * 1.05;
        let mut chart = ChartBuilder::on(&area)
            .caption(self.title, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(70)
            .build_cartesian_2d(left..right, 0.0..top)?;
        chart
            .configure_mesh()
            .x_desc(self.x)
            .y_desc(self.y)
            .x_label_formatter(&|x| format!("{:.0}", label(x)))
            .draw()?;
        for (line, colour) in self.lines.iter().zip(COLOURS.into_iter().cycle()) {
            let points = line.points.iter().map(|(x, y)| (place(*x), *y));
            chart
                .draw_series(LineSeries::new(points, colour).point_size(3))?
                .label(line.label.as_str())
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour));
        }
        chart
            .configure_series_labels()
            .background_style(WHITE)
            .border_style(BLACK)
            .draw()?;
        area.present()?;
        Ok(())
    }
}
