//! A screen as an SVG picture: self-contained, no foreign fonts or links, every character in its own cell.

use super::tail::VALUES;
use ansi_to_tui::IntoText;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};
use ratatui::widgets::Widget;
use std::fmt::Write as _;
use tmuxagent_text::escape::xml;
use unicode_width::UnicodeWidthStr;

/// Cell sizes in pixels, and where text stands in its row.
const CELL: (f32, f32) = (8.4, 18.0);
const BASE: f32 = 13.5;
const FONT: f32 = 14.0;
const MARGIN: f32 = 12.0;
const BACK: (u8, u8, u8) = (22, 24, 29);
const FORE: (u8, u8, u8) = (214, 217, 224);

/// The cells of a screen captured with its escape sequences (`capture-pane -e -p`), `width` columns wide.
#[must_use]
pub fn captured(capture: &str, width: u16) -> Buffer {
    let rows: Vec<String> = capture.lines().map(super::tail::only_sgr).collect();
    let height = u16::try_from(rows.len()).unwrap_or(u16::MAX);
    let area = Rect { x: 0, y: 0, width, height };
    let mut buffer = Buffer::empty(area);
    if let Ok(text) = rows.join("\n").into_text() {
        text.render(area, &mut buffer);
    }
    buffer
}

/// The picture, with a title for those who can't see it.
#[must_use]
pub fn svg(buffer: &Buffer, title: &str) -> String {
    let area = buffer.area;
    let width = f32::from(area.width) * CELL.0 + 2.0 * MARGIN;
    let height = f32::from(area.height) * CELL.1 + 2.0 * MARGIN;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.1} {height:.1}\" width=\"{width:.0}\" \
         height=\"{height:.0}\" role=\"img\">\n<title>{}</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{}\"/>\n\
         <g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, monospace\" font-size=\"{FONT}\" \
         xml:space=\"preserve\">\n",
        xml(title),
        hex(BACK)
    );
    let mut lines = String::new();
    for y in area.top()..area.bottom() {
        row(buffer, y, &mut out, &mut lines);
    }
    out.push_str("</g>\n");
    out.push_str(&lines);
    out.push_str("</svg>\n");
    out
}

/// What a cell looks like once reverse, dim and bold are worked in.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Look {
    fore: (u8, u8, u8),
    back: Option<(u8, u8, u8)>,
    bold: bool,
    italic: bool,
    underline: bool,
    strike: bool,
}

impl Look {
    fn of(cell: &Cell) -> Self {
        let modifier = cell.modifier;
        let (mut fore, mut back) = (rgb(cell.fg).unwrap_or(FORE), rgb(cell.bg));
        if modifier.contains(Modifier::REVERSED) {
            (fore, back) = (back.unwrap_or(BACK), Some(fore));
        }
        if modifier.contains(Modifier::DIM) {
            fore = mixed(fore, back.unwrap_or(BACK));
        }
        Self {
            fore,
            back,
            bold: modifier.contains(Modifier::BOLD),
            italic: modifier.contains(Modifier::ITALIC),
            underline: modifier.contains(Modifier::UNDERLINED),
            strike: modifier.contains(Modifier::CROSSED_OUT),
        }
    }
}

/// Draws one row: backgrounds, then text in runs of one look with an `x` for each character, then box lines as lines.
fn row(buffer: &Buffer, y: u16, out: &mut String, lines: &mut String) {
    let area = buffer.area;
    let mut run: Option<Run> = None;
    let mut x = area.left();
    while x < area.right() {
        let cell = &buffer[(x, y)];
        let symbol = cell.symbol();
        let wide = u16::try_from(symbol.width().max(1)).unwrap_or(1);
        let look = Look::of(cell);
        let left = f32::from(x - area.left()) * CELL.0 + MARGIN;
        let top = f32::from(y - area.top()) * CELL.1 + MARGIN;
        if let Some(back) = look.back {
            // A hair wider, so that no seam shows between neighbours.
            let width = f32::from(wide) * CELL.0 + 0.3;
            let _ = writeln!(
                out,
                "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill=\"{}\"/>",
                CELL.1,
                hex(back)
            );
        }
        if let Some(arms) = arms(symbol) {
            box_lines(lines, left, top, arms, look.fore);
            flush(&mut run, out);
        } else if symbol.trim().is_empty() {
            flush(&mut run, out);
        } else {
            if run.as_ref().is_some_and(|run| run.look != look) {
                flush(&mut run, out);
            }
            let run = run.get_or_insert_with(|| Run { look, top, xs: Vec::new(), text: String::new() });
            // One position for each character of the cell; combining ones stand on their base.
            run.xs.extend(symbol.chars().map(|_| left));
            run.text.push_str(symbol);
        }
        x += wide;
    }
    flush(&mut run, out);
}

struct Run {
    look: Look,
    top: f32,
    xs: Vec<f32>,
    text: String,
}

fn flush(run: &mut Option<Run>, out: &mut String) {
    let Some(Run { look, top, xs, text }) = run.take() else { return };
    let xs: Vec<String> = xs.iter().map(|x| format!("{x:.1}")).collect();
    let mut style = String::new();
    if look.bold {
        style.push_str(" font-weight=\"bold\"");
    }
    if look.italic {
        style.push_str(" font-style=\"italic\"");
    }
    match (look.underline, look.strike) {
        (true, true) => style.push_str(" text-decoration=\"underline line-through\""),
        (true, false) => style.push_str(" text-decoration=\"underline\""),
        (false, true) => style.push_str(" text-decoration=\"line-through\""),
        (false, false) => {}
    }
    let _ = writeln!(
        out,
        "<text x=\"{}\" y=\"{:.1}\" fill=\"{}\"{style}>{}</text>",
        xs.join(" "),
        top + BASE,
        hex(look.fore),
        xml(&text)
    );
}

/// Which arms a line of a frame has: up, right, down, left. Fonts leave gaps between them.
fn arms(symbol: &str) -> Option<[bool; 4]> {
    Some(match symbol {
        "─" | "━" => [false, true, false, true],
        "│" | "┃" => [true, false, true, false],
        "┌" | "╭" | "┏" => [false, true, true, false],
        "┐" | "╮" | "┓" => [false, false, true, true],
        "└" | "╰" | "┗" => [true, true, false, false],
        "┘" | "╯" | "┛" => [true, false, false, true],
        "├" => [true, true, true, false],
        "┤" => [true, false, true, true],
        "┬" => [false, true, true, true],
        "┴" => [true, true, false, true],
        "┼" => [true, true, true, true],
        _ => return None,
    })
}

fn box_lines(out: &mut String, left: f32, top: f32, [up, right, down, sideways]: [bool; 4], colour: (u8, u8, u8)) {
    let (x, y) = (left + CELL.0 / 2.0, top + CELL.1 / 2.0);
    let mut path = String::new();
    for (on, to_x, to_y) in [(up, x, top), (right, left + CELL.0, y), (down, x, top + CELL.1), (sideways, left, y)] {
        if on {
            let _ = write!(path, "M{x:.1} {y:.1}L{to_x:.1} {to_y:.1}");
        }
    }
    let _ = writeln!(out, "<path d=\"{path}\" stroke=\"{}\" stroke-linecap=\"square\"/>", hex(colour));
}

fn rgb(colour: Color) -> Option<(u8, u8, u8)> {
    let named = |n: usize| VALUES.get(n).copied();
    match colour {
        Color::Reset => None,
        Color::Black => named(0),
        Color::Red => Some((224, 85, 97)),
        Color::Green => Some((140, 194, 101)),
        Color::Yellow => Some((209, 154, 102)),
        Color::Blue => Some((74, 165, 240)),
        Color::Magenta => Some((193, 98, 222)),
        Color::Cyan => Some((66, 179, 194)),
        Color::Gray => named(7),
        Color::DarkGray => named(8),
        Color::LightRed => named(9),
        Color::LightGreen => named(10),
        Color::LightYellow => named(11),
        Color::LightBlue => named(12),
        Color::LightMagenta => named(13),
        Color::LightCyan => named(14),
        Color::White => named(15),
        Color::Rgb(r, g, b) => Some((r, g, b)),
        Color::Indexed(n @ 0..=15) => rgb(super::tail::ANSI[usize::from(n)]),
        Color::Indexed(n) => Some(super::tail::indexed(n)),
    }
}

fn mixed(a: (u8, u8, u8), b: (u8, u8, u8)) -> (u8, u8, u8) {
    // Two thirds of the text's colour stay readable.
    let mix = |a: u8, b: u8| u8::try_from((u16::from(a) * 3 + u16::from(b) * 2) / 5).unwrap_or(a);
    (mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
}

fn hex((r, g, b): (u8, u8, u8)) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

#[cfg(test)]
mod tests;
