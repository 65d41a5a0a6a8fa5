//! The report as one HTML file that needs nothing else: no script, no font, no image of elsewhere.

use super::{Day, Part, PipelineReport, Report, Word, parts, stretch, word};
use jiff::tz::TimeZone;
use std::fmt::Write as _;
use tmuxagent_text::{Lang, clean, escape, span};

/// Colours follow the reader's own choice of light or dark.
const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8884;--well:#2a8a4a;--other:#c0392b;--took:#3973b8}\
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
h1{margin-bottom:0}h2{margin-top:2.2rem}p.when{color:#888;margin-top:.2rem}\
div.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;vertical-align:top;padding:.3rem .7rem .3rem 0;border-bottom:1px solid var(--line)}\
td{overflow-wrap:anywhere}th{font-size:.8rem;color:#888;white-space:nowrap}\
figure{margin:1rem 0}figcaption{font-weight:600}svg{max-width:100%;height:auto}\
.well{fill:var(--well)}.other{fill:var(--other)}.took{stroke:var(--took);fill:none;stroke-width:2}\
text{font-size:10px;fill:#888}";

/// Writes the report for a reader in this zone.
#[must_use]
pub fn html(lang: Lang, zone: &TimeZone, report: &Report) -> String {
    let (title, when) = (word(lang, Word::Title), escape::html(&stretch(zone, report)));
    let code = lang.pick("en", "zh-CN");
    let mut out = format!(
        "<!doctype html>\n<html lang=\"{code}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>{title} · tmuxagent</title><style>{STYLE}</style></head><body>\n<h1>{title}</h1><p class=\"when\">{when}</p>\n"
    );
    let parts = parts(lang, zone, report);
    if parts.is_empty() {
        let _ = writeln!(out, "<p>{}</p>", word(lang, Word::Nothing));
    }
    for (part, number) in parts.iter().zip(0..) {
        put(&mut out, lang, part);
        if number == 0 {
            report.pipelines.iter().for_each(|pipeline| chart(&mut out, lang, pipeline));
        }
    }
    out.push_str("</body></html>\n");
    out
}

fn put(out: &mut String, lang: Lang, part: &Part) {
    // Writing to a string can't fail.
    let _ = writeln!(out, "<h2>{}</h2>", part.title);
    if !part.counts.is_empty() {
        let _ = writeln!(out, "<p>{}</p>", escape::html(&part.counts.join(lang.pick(", ", "，"))));
    }
    if part.rows.is_empty() {
        return;
    }
    let cells = |tag: &str, cells: &mut dyn Iterator<Item = &str>| {
        cells.map(|cell| format!("<{tag}>{}</{tag}>", escape::html(cell))).collect::<String>()
    };
    let heading = cells("th", &mut part.heading.iter().copied());
    let _ = writeln!(out, "<div class=\"wide\"><table><thead><tr>{heading}</tr></thead><tbody>");
    for row in &part.rows {
        let _ = writeln!(out, "<tr>{}</tr>", cells("td", &mut row.iter().map(String::as_str)));
    }
    out.push_str("</tbody></table></div>\n");
    if !part.more.is_empty() {
        let _ = writeln!(out, "<p>{}</p>", escape::html(&part.more));
    }
}

/// Cells of a chart's day: its width, and the height of the bars.
const WIDE: u32 = 28;
const HIGH: u32 = 80;

/// Runs by day: a bar of those that went well below those that did not, and a line of how long half of them took at most.
fn chart(out: &mut String, lang: Lang, pipeline: &PipelineReport) {
    let days = &pipeline.days;
    let Some(most) = days.iter().map(|day| day.succeeded + day.other).max().filter(|_| days.len() > 1) else { return };
    let width = WIDE * u32::try_from(days.len()).unwrap_or(u32::MAX / WIDE);
    let _ = write!(
        out,
        "<figure><figcaption>{}</figcaption><svg viewBox=\"0 0 {width} {}\" width=\"{width}\" role=\"img\">",
        escape::html(&clean(&pipeline.pipeline)),
        HIGH + 24
    );
    for (day, number) in days.iter().zip(0..) {
        bars(out, lang, day, number * WIDE, most);
    }
    line(out, days);
    out.push_str("</svg></figure>\n");
}

fn bars(out: &mut String, lang: Lang, day: &Day, left: u32, most: u32) {
    let height = |runs: u32| runs * HIGH / most.max(1);
    let (well, other) = (height(day.succeeded), height(day.other));
    let took = day.took.percentile(50).map(|took| format!(", {}", span(lang, took))).unwrap_or_default();
    let title = format!("{}: {}/{}{took}", day.date, day.succeeded, day.succeeded + day.other);
    let _ = write!(out, "<g><title>{}</title>", escape::html(&title));
    let (x, wide) = (left + 3, WIDE - 6);
    let _ = write!(out, "<rect class=\"well\" x=\"{x}\" y=\"{}\" width=\"{wide}\" height=\"{well}\"/>", HIGH - well);
    let y = HIGH - well - other.min(HIGH - well);
    let _ = write!(out, "<rect class=\"other\" x=\"{x}\" y=\"{y}\" width=\"{wide}\" height=\"{other}\"/>");
    let label = day.date.get(8..).unwrap_or_default();
    let _ =
        write!(out, "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{label}</text></g>", left + WIDE / 2, HIGH + 14);
}

fn line(out: &mut String, days: &[Day]) {
    let halves: Vec<Option<u64>> = days.iter().map(|day| day.took.percentile(50).map(|took| took.0)).collect();
    let Some(longest) = halves.iter().flatten().max().copied().filter(|longest| *longest > 0) else { return };
    let points = halves.iter().zip(0_u64..).filter_map(|(half, number)| {
        let y = u64::from(HIGH) - half.as_ref()? * u64::from(HIGH - 4) / longest;
        Some(format!("{},{y}", number * u64::from(WIDE) + u64::from(WIDE / 2)))
    });
    let _ = write!(out, "<polyline class=\"took\" points=\"{}\"/>", points.collect::<Vec<_>>().join(" "));
}
