//! The report as headings and tables, from which each form is written.

use super::words::{ends, rate, went_well};
use super::{Failure, Report, Spans, Word, word};
use jiff::tz::TimeZone;
use tmuxagent_model::{Millis, Timestamp};
use tmuxagent_text::{Lang, clean, local, sentence, span, via};

/// A part of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it is about.
    pub title: &'static str,
    /// Counts in words, before the table.
    pub counts: Vec<String>,
    /// Headings of the columns; empty where there is no table.
    pub heading: Vec<&'static str>,
    /// Rows of cells, all harmless for a terminal.
    pub rows: Vec<Vec<String>>,
    /// How many rows are left out and what has them; empty where all are there.
    pub more: String,
}

/// How many causes of failures are listed.
const CAUSES: usize = 20;

/// All parts that have something to say.
#[must_use]
pub fn parts(lang: Lang, zone: &TimeZone, report: &Report) -> Vec<Part> {
    let all = [pipelines(lang, report), stages(lang, report), waits(lang, report), failures(lang, zone, report)];
    let rest = [agents(lang, report), saved(lang, report)];
    all.into_iter().chain(rest).filter(|part| !part.rows.is_empty() || !part.counts.is_empty()).collect()
}

/// From when to when.
#[must_use]
pub fn stretch(zone: &TimeZone, report: &Report) -> String {
    format!("{} – {}", local(zone, report.since), local(zone, report.until))
}

fn part(lang: Lang, title: Word, heading: &[Word], rows: Vec<Vec<String>>) -> Part {
    let heading = heading.iter().map(|head| word(lang, *head)).collect();
    Part { title: word(lang, title), counts: Vec::new(), heading, rows, more: String::new() }
}

fn time(lang: Lang, time: Option<Millis>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| span(lang, time))
}

fn half_and_most(lang: Lang, spans: &Spans) -> [String; 2] {
    [50, 90].map(|hundredths| time(lang, spans.percentile(hundredths)))
}

fn pipelines(lang: Lang, report: &Report) -> Part {
    let rows = report.pipelines.iter().map(|it| {
        let [half, most] = half_and_most(lang, &it.took);
        vec![clean(&it.pipeline), it.started.to_string(), went_well(it), ends(lang, it), half, most]
    });
    let heading = [Word::Pipeline, Word::Runs, Word::Went, Word::Ended, Word::Half, Word::Most];
    part(lang, Word::Pipelines, &heading, rows.collect())
}

fn stages(lang: Lang, report: &Report) -> Part {
    let rows = report.pipelines.iter().flat_map(|pipeline| {
        pipeline.stages.iter().map(|it| {
            let name = format!("{} / {}", clean(&pipeline.pipeline), clean(&it.stage));
            let all = it.succeeded + it.failed;
            let [half, most] = half_and_most(lang, &it.took);
            vec![name, all.to_string(), rate(it.succeeded, all), it.retried.to_string(), half, most]
        })
    });
    let heading = [Word::Stage, Word::Attempts, Word::Went, Word::Retries, Word::Half, Word::Most];
    part(lang, Word::Stages, &heading, rows.collect())
}

fn waits(lang: Lang, report: &Report) -> Part {
    let waits = &report.waits;
    let counts = [
        (waits.asked, [Word::Asked; 2]),
        (waits.approved, [Word::Approved; 2]),
        (waits.rejected, [Word::Rejected; 2]),
        (waits.expired, [Word::Expired; 2]),
        (waits.superseded, [Word::Superseded; 2]),
        (waits.open, [Word::Open; 2]),
    ];
    let rows = waits.by.iter().map(|by| {
        let [half, most] = half_and_most(lang, &by.took);
        vec![via(lang, by.via).to_owned(), by.decisions.to_string(), half, most, time(lang, by.took.longest())]
    });
    let heading = [Word::Surface, Word::Decisions, Word::Half, Word::Most, Word::Longest];
    Part { counts: counted(lang, &counts), ..part(lang, Word::Waits, &heading, rows.collect()) }
}

fn failures(lang: Lang, zone: &TimeZone, report: &Report) -> Part {
    let (shown, left_out) = listed(&report.failures);
    let rows = shown.into_iter().map(|it| {
        let stage = format!("{} / {}", clean(&it.pipeline), clean(&it.stage));
        vec![stage, it.times.to_string(), moment(zone, it.last), cause(lang, it)]
    });
    let heading = [Word::Stage, Word::Times, Word::Last, Word::Cause];
    Part { more: more(lang, left_out), ..part(lang, Word::Failures, &heading, rows.collect()) }
}

/// The failures that are listed, in their order, and how many are not: half of them the newest, which somebody looks for, and
/// besides those the most frequent.
fn listed(failures: &[Failure]) -> (Vec<&Failure>, usize) {
    let mut rows: Vec<(usize, &Failure)> = failures.iter().enumerate().collect();
    rows.sort_by_key(|(_, it)| std::cmp::Reverse(it.last));
    let mut older = rows.split_off(rows.len().min(CAUSES / 2));
    older.sort_by_key(|(row, _)| *row);
    older.truncate(CAUSES - rows.len());
    rows.extend(older);
    rows.sort_by_key(|(row, _)| *row);
    let left_out = failures.len() - rows.len();
    (rows.into_iter().map(|(_, it)| it).collect(), left_out)
}

/// How many failures are not listed, and the command that has all.
pub(crate) fn more(lang: Lang, left_out: usize) -> String {
    match (lang, left_out) {
        (_, 0) => String::new(),
        (Lang::En, _) => format!("… and {left_out} more: `tmuxagent report --json` has all"),
        (Lang::Zh, _) => format!("… 还有 {left_out} 项：`tmuxagent report --json` 列出全部"),
    }
}

/// What decided, and what the output said of it, in one line.
pub(crate) fn cause(lang: Lang, failure: &Failure) -> String {
    let mut told = clean(&sentence(lang, &failure.cause));
    if !failure.said.is_empty() {
        told.push_str(lang.pick("; ", "；"));
        told.push_str(&clean(&failure.said));
    }
    told
}

fn moment(zone: &TimeZone, at: Timestamp) -> String {
    let known = jiff::Timestamp::from_millisecond(at.0).map(|at| at.to_zoned(zone.clone()));
    known.map_or_else(|_| "?".to_owned(), |at| at.strftime("%m-%d %H:%M").to_string())
}

fn agents(lang: Lang, report: &Report) -> Part {
    let rows = report.agents.iter().map(|it| {
        let times = [it.worked, it.asked, it.idle, it.stuck].map(|time| span(lang, time));
        [vec![clean(&it.place), clean(&it.agent)], times.to_vec()].concat()
    });
    let heading = [Word::Place, Word::Agent, Word::Worked, Word::WaitedForYou, Word::Idle, Word::Stuck];
    part(lang, Word::Agents, &heading, rows.collect())
}

fn saved(lang: Lang, report: &Report) -> Part {
    let saved = &report.saved;
    let counts = [
        (saved.typed, [Word::TypedOnce, Word::Typed]),
        (saved.went_on, [Word::WentOnOnce, Word::WentOn]),
        (saved.retried, [Word::RetriedOnce, Word::Retried]),
        (saved.answered, [Word::AnsweredOnce, Word::Answered]),
    ];
    Part { counts: counted(lang, &counts), ..part(lang, Word::Saved, &[], Vec::new()) }
}

/// `3 asked`, in Chinese `3 提问`, each with its words for one and for more; what there was none of is left out.
fn counted(lang: Lang, counts: &[(u32, [Word; 2])]) -> Vec<String> {
    let told = counts.iter().filter(|(count, _)| *count > 0);
    told.map(|(count, [one, more])| format!("{count} {}", word(lang, if *count == 1 { *one } else { *more }))).collect()
}
