//! A plot: what is drawn is inline SVG that stretches to any width, what is written is text of the page beside it, so that it
//! stays readable on a narrow one. Our own, as the libraries draw in whole pixels and fixed colours and write no hints.

use std::fmt::Write;

use maud::{Markup, html};

use super::{axis::Axis, words};

/// Width of the field of a plot that takes the whole page, in pixels: of a wide page, and of a narrow or a printed one.
const WIDE: f64 = 1_000.0;
const NARROW: f64 = 540.0;

/// What a plot shows.
pub(super) struct Plot {
    /// Its title.
    pub(super) en: &'static str,
    /// The same in Chinese.
    pub(super) zh: &'static str,
    /// How to read it.
    pub(super) note: String,
    /// It takes the whole width of the page.
    pub(super) wide: bool,
    pub(super) x: Axis,
    pub(super) y: Axis,
    /// Parts of the x axis, shaded in turn; a wide plot writes the names that fit.
    pub(super) bands: Vec<Band>,
    pub(super) layers: Vec<Layer>,
    pub(super) rules: Vec<Rule>,
    /// What is told of a place under the pointer.
    pub(super) hints: Vec<Hint>,
}

/// A named part of the x axis.
pub(super) struct Band {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) name: String,
}

/// One thing that is drawn, and its line of the legend.
pub(super) struct Layer {
    pub(super) en: String,
    pub(super) zh: String,
    /// A figure that stands for the whole of it.
    pub(super) figure: String,
    /// The class that gives it its colour.
    pub(super) colour: &'static str,
    pub(super) shape: Shape,
}

/// How a layer is drawn, in values of the axes.
pub(super) enum Shape {
    /// A line with gaps where nothing was measured.
    Line(Vec<Option<(f64, f64)>>),
    /// The same, in dashes.
    Dashes(Vec<Option<(f64, f64)>>),
    /// A line with a dot at each point.
    Dots(Vec<Option<(f64, f64)>>),
    /// Steps between a lower and an upper edge.
    Area(Vec<Block>),
}

/// A step of an area.
pub(super) struct Block {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// A straight line with words at it.
pub(super) enum Rule {
    /// At a value of the x axis.
    Upright(f64, String),
    /// At a value of the y axis.
    Level(f64, String),
}

/// Words about a part of the x axis.
pub(super) struct Hint {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) words: String,
}

impl Band {
    /// Whether its name is legible in its part of a field, as half of it would only mislead.
    fn fits(&self, part: f64, field: f64) -> bool {
        let width: f64 = self.name.chars().map(|char| if char.is_ascii() { 6.5 } else { 11.0 }).sum();
        width + 6.0 <= part * field
    }
}

impl Plot {
    /// The plot as a part of the page.
    pub(super) fn draw(&self) -> Markup {
        html! {
            figure.plot .wide[self.wide] {
                figcaption {
                    h3 { (words(self.en, self.zh)) }
                    p.note { (self.note) }
                }
                @if self.layers.is_empty() {
                    p.nothing { (words("Nothing was measured", "无数据")) }
                } @else {
                    (self.legend())
                    (self.frame())
                }
            }
        }
    }

    fn legend(&self) -> Markup {
        html! {
            ul.legend {
                @for layer in &self.layers {
                    li {
                        span class={ "key " (layer.shape.key()) " " (layer.colour) } {}
                        (words(&layer.en, &layer.zh))
                        @if !layer.figure.is_empty() { b { (layer.figure) } }
                    }
                }
            }
        }
    }

    fn frame(&self) -> Markup {
        html! {
            div.frame .banded[self.wide && !self.bands.is_empty()] {
                span.yname { (self.y.name) }
                div.ys aria-hidden="true" {
                    @for (at, words) in &self.y.marks {
                        span style={ "bottom:" (percent(*at)) } { (words) }
                    }
                }
                div.field {
                    (self.drawing())
                    @for (from, to, band) in self.placed_bands() {
                        @let (left, width) = (percent(from), percent(to - from));
                        @if self.wide && band.fits(to - from, WIDE) {
                            span.band .tight[!band.fits(to - from, NARROW)] style={ "left:" (left) ";width:" (width) } {
                                (band.name)
                            }
                        }
                    }
                    @for rule in &self.rules { (self.rule_words(rule)) }
                }
                div.xs aria-hidden="true" {
                    @for (at, words) in &self.x.marks {
                        span style={ "left:" (percent(*at)) } { (words) }
                    }
                }
                span.xname { (self.x.name) }
            }
        }
    }

    fn drawing(&self) -> Markup {
        html! {
            @let label = format!("{}. {}", self.en, self.note);
            svg viewBox="0 0 1000 1000" preserveAspectRatio="none" role="img" aria-label=(label) {
                @for (index, (from, to, _)) in self.placed_bands().enumerate() {
                    @if index % 2 == 0 {
                        rect.shade x=(unit(from)) y="0" width=(unit(to - from)) height="1000" {}
                    }
                }
                @for (at, _) in &self.y.marks {
                    path.grid d={ "M0 " (unit(1.0 - at)) "H1000" } {}
                }
                @for layer in &self.layers { (self.layer(layer)) }
                @for path in self.rules.iter().filter_map(|rule| self.rule(rule)) { path.rule d=(path) {} }
                @for hint in &self.hints {
                    @if let (Some(from), Some(to)) = (self.x.at(hint.from), self.x.at(hint.to)) {
                        rect.hint x=(unit(from)) y="0" width=(unit(to - from)) height="1000" { title { (hint.words) } }
                    }
                }
            }
        }
    }

    fn layer(&self, layer: &Layer) -> Markup {
        let (style, path, dots) = match &layer.shape {
            Shape::Area(blocks) => ("area", self.area(blocks), String::new()),
            Shape::Line(points) => ("line", self.line(points), self.dots(points, false)),
            Shape::Dashes(points) => ("line dashes", self.line(points), self.dots(points, false)),
            Shape::Dots(points) => ("line", self.line(points), self.dots(points, true)),
        };
        html! {
            @if !path.is_empty() {
                path class={ (style) " " (layer.colour) } d=(path) { title { (layer.en) " " (layer.figure) } }
            }
            @if !dots.is_empty() { path class={ "dots " (layer.colour) } d=(dots) {} }
        }
    }

    /// Lines through points that stand beside each other.
    fn line(&self, points: &[Option<(f64, f64)>]) -> String {
        let mut path = String::new();
        let mut pen = 'M';
        for point in points {
            pen = match self.place(point) {
                Some((x, y)) => {
                    let _ = write!(path, "{pen}{x} {y}");
                    'L'
                }
                None => 'M',
            };
        }
        path
    }

    /// Dots at all points, or at those that have no neighbour to draw a line to. A dot is a line of no length: it stays round
    /// when the drawing is stretched.
    fn dots(&self, points: &[Option<(f64, f64)>], all: bool) -> String {
        let places: Vec<_> = points.iter().map(|point| self.place(point)).collect();
        let known = |index: Option<usize>| index.and_then(|index| places.get(index)).is_some_and(Option::is_some);
        let mut path = String::new();
        for (index, place) in places.iter().enumerate() {
            let Some((x, y)) = place else { continue };
            if all || !(known(index.checked_sub(1)) || known(index.checked_add(1))) {
                let _ = write!(path, "M{x} {y}h0");
            }
        }
        path
    }

    /// The upper edge of the steps forth, the lower one back.
    fn area(&self, blocks: &[Block]) -> String {
        let mut path = String::new();
        for block in blocks {
            let (Some((from, low)), Some((to, high))) =
                (self.place(&Some((block.from, block.low))), self.place(&Some((block.to, block.high))))
            else {
                continue;
            };
            if block.high > block.low {
                let _ = write!(path, "M{from} {low}V{high}H{to}V{low}Z");
            }
        }
        path
    }

    fn place(&self, point: &Option<(f64, f64)>) -> Option<(String, String)> {
        let (x, y) = (*point)?;
        Some((unit(self.x.at(x)?), unit(1.0 - self.y.at(y)?)))
    }

    fn placed_bands(&self) -> impl Iterator<Item = (f64, f64, &Band)> {
        self.bands.iter().filter_map(|band| Some((self.x.at(band.from)?, self.x.at(band.to)?, band)))
    }

    fn rule(&self, rule: &Rule) -> Option<String> {
        match rule {
            Rule::Upright(at, _) => Some(format!("M{} 0V1000", unit(self.x.at(*at)?))),
            Rule::Level(at, _) => Some(format!("M0 {}H1000", unit(1.0 - self.y.at(*at)?))),
        }
    }

    fn rule_words(&self, rule: &Rule) -> Markup {
        html! {
            @match rule {
                Rule::Upright(at, words) => @if let Some(at) = self.x.at(*at) {
                    span.mark .before[at > 0.6] style={ "left:" (percent(at)) } { (words) }
                },
                Rule::Level(at, words) => @if let Some(at) = self.y.at(*at) {
                    span.mark.level style={ "bottom:" (percent(at)) } { (words) }
                },
            }
        }
    }
}

impl Shape {
    /// The class of its sign in the legend.
    fn key(&self) -> &'static str {
        match self {
            Shape::Line(_) => "stroke",
            Shape::Dashes(_) => "stroke broken",
            Shape::Dots(_) => "dot",
            Shape::Area(_) => "square",
        }
    }
}

/// A position from 0 to 1 in units of the drawing.
fn unit(part: f64) -> String {
    let words = format!("{:.1}", part * 1000.0);
    words.strip_suffix(".0").map(str::to_owned).unwrap_or(words)
}

/// A position from 0 to 1 for the style of a text.
fn percent(part: f64) -> String {
    format!("{:.2}%", part * 100.0)
}
