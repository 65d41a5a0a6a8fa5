//! How fast a pane's bytes become lines, and what is done with those, in bytes per second: `cargo bench --bench lines`.
//!
//! Beside each part stands a floor: what a program would take that does next to nothing with the same bytes.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use std::fmt::Write as _;
use std::sync::Arc;
use tmuxagent_lines::{Reader, Reading};
use tmuxagent_model::{
    BlockLine, HostName, LineBlock, PaneFacts, PaneId, PaneInfo, PaneKey, Redaction, ServerId, Timestamp,
};
use tmuxagent_policy::{RuleSet, Source, load};
use tmuxagent_store::{Recorder, Recording, RecordingLimits};
use tmuxagent_text::redact::Redactor;

fn main() {
    divan::main();
}

/// About this many bytes of each kind.
const SIZE: usize = 4 << 20;

fn repeated(line: impl Fn(usize) -> String) -> Vec<u8> {
    let mut stream = Vec::with_capacity(SIZE + 256);
    for n in 0.. {
        stream.extend_from_slice(line(n).as_bytes());
        if stream.len() >= SIZE {
            break;
        }
    }
    stream
}

/// Reads a stream in the pieces that tmux sends.
fn read(bencher: Bencher<'_, '_>, stream: &[u8]) {
    bencher.counter(BytesCount::new(stream.len())).bench_local(|| {
        let mut reader = Reader::new();
        reader.resize(120, 40);
        let mut lines = 0_usize;
        for chunk in stream.chunks(2730) {
            reader.bytes(chunk, &mut |reading| {
                if let Reading::Line { text, .. } = black_box(reading) {
                    lines += text.len();
                }
            });
        }
        lines
    });
}

fn plain_line(n: usize) -> String {
    format!("{n:08} compiling src/module_{n}/component.ts and all that depends on it, as builds do it at length\r\n")
}

fn coloured_line(n: usize) -> String {
    format!(
        "\x1b[32m✓\x1b[39m \x1b[1msuite {n}\x1b[22m \x1b[2m>\x1b[22m does what it should \x1b[33m12\x1b[2mms\x1b[22m\x1b[39m\r\n"
    )
}

#[divan::bench]
fn plain(bencher: Bencher<'_, '_>) {
    read(bencher, &repeated(plain_line));
}

#[divan::bench]
fn coloured(bencher: Bencher<'_, '_>) {
    read(bencher, &repeated(coloured_line));
}

/// The floor of all: line feeds counted.
#[divan::bench]
fn floor_memchr(bencher: Bencher<'_, '_>) {
    let stream = repeated(plain_line);
    bencher.counter(BytesCount::new(stream.len())).bench_local(|| memchr::memchr_iter(b'\n', &stream).count());
}

/// The floor of coloured lines: a copy without escape sequences.
#[divan::bench]
fn floor_strip(bencher: Bencher<'_, '_>) {
    let stream = repeated(coloured_line);
    bencher.counter(BytesCount::new(stream.len())).bench_local(|| {
        let mut text = Vec::with_capacity(stream.len());
        let mut rest = stream.as_slice();
        while let Some(escape) = memchr::memchr(0x1b, rest) {
            text.extend_from_slice(&rest[..escape]);
            let end = rest[escape + 2..].iter().position(|byte| matches!(byte, 0x40..=0x7e));
            rest = end.map_or(&[][..], |end| &rest[escape + end + 3..]);
        }
        text.extend_from_slice(rest);
        text
    });
}

/// Nothing that is printed here hits one of these.
fn rules(number: usize) -> Arc<RuleSet> {
    let mut text = "pipelines: [{name: p, match: {host: local}, stages: [{name: s, triggers: [".to_owned();
    for n in 0..number {
        let pattern = match n % 4 {
            0 => format!(r"\bstage-{n}: \d+ failures?\b"),
            1 => format!(r"^error\[E{n:04}\]: "),
            2 => format!(r"(?i)task {n} (?:done|finished) in \d+ms"),
            _ => format!(r"^### RESULT {n} (?:ok|failed)$"),
        };
        let _ = write!(text, "{{log_regex: '{pattern}'}}, ");
    }
    text.push_str("manual]}]}]");
    let policy = load(&[Source::new("bench", text)]).unwrap_or_default();
    policy.rules_for(&HostName::local(), &PaneFacts::default())
}

/// Bytes become lines, gathered as the collector does it, in the pieces that a flood comes in; each block goes to `take`.
fn gathered(stream: &[u8], mut take: impl FnMut(LineBlock)) {
    let mut reader = Reader::new();
    reader.resize(120, 40);
    for chunk in stream.chunks(24 * 1024) {
        let mut block = LineBlock::default();
        reader.bytes(chunk, &mut |reading| {
            if let Reading::Line { text, seen, source, .. } = reading {
                block.push(BlockLine { text, seen, source });
            }
        });
        take(block);
    }
}

/// Bytes to lines to rules.
fn matched(bencher: Bencher<'_, '_>, line: fn(usize) -> String, number: usize) {
    let (stream, rules) = (repeated(line), rules(number));
    bencher.counter(BytesCount::new(stream.len())).bench_local(|| {
        let mut hits = 0;
        gathered(&stream, |block| hits += usize::from(rules.may_hit(block.text())));
        assert_eq!(hits, 0, "one of the rules hits");
    });
}

/// Bytes to lines to rules to a recording on the disk, all of them one after the other.
fn recorded(bencher: Bencher<'_, '_>, line: fn(usize) -> String, number: usize) {
    let (stream, rules) = (repeated(line), rules(number));
    let folder = std::env::temp_dir().join(format!("tmuxagent-bench-{}", std::process::id()));
    let Ok(recorder) = Recorder::open(&folder.join("recordings.db"), RecordingLimits::default()) else { return };
    recorder.redact_by(Redaction::new(Redactor::knowing(["correct-horse-battery".to_owned()])));
    let key = PaneKey { host: HostName::local(), server: ServerId::new("s"), pane: PaneId(1), pid: 1 };
    recorder.describe(&PaneInfo::new(key.clone(), PaneFacts::default()), Recording::On);
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return };
    bencher.counter(BytesCount::new(stream.len())).bench_local(|| {
        gathered(&stream, |block| {
            black_box(rules.may_hit(block.text()));
            recorder.take_lines(&key, Timestamp(1), &block);
        });
        runtime.block_on(recorder.flush());
    });
    drop(recorder);
    let _ = std::fs::remove_dir_all(folder);
}

#[divan::bench(args = [1, 100])]
fn plain_to_rules(bencher: Bencher<'_, '_>, rules: usize) {
    matched(bencher, plain_line, rules);
}

#[divan::bench(args = [1, 100])]
fn coloured_to_rules(bencher: Bencher<'_, '_>, rules: usize) {
    matched(bencher, coloured_line, rules);
}

#[divan::bench(args = [1, 100])]
fn plain_to_recording(bencher: Bencher<'_, '_>, rules: usize) {
    recorded(bencher, plain_line, rules);
}

#[divan::bench(args = [1, 100])]
fn coloured_to_recording(bencher: Bencher<'_, '_>, rules: usize) {
    recorded(bencher, coloured_line, rules);
}

/// What takes secrets out of the same lines.
#[divan::bench]
fn plain_redacted(bencher: Bencher<'_, '_>) {
    let redactor = Redactor::knowing(["correct-horse-battery".to_owned()]);
    let stream = repeated(plain_line);
    let mut blocks = Vec::new();
    gathered(&stream, |block| blocks.push(block));
    bencher.counter(BytesCount::new(stream.len())).bench_local(|| {
        let mut carry = tmuxagent_model::Carry::default();
        let mut found = 0;
        for block in &blocks {
            found +=
                tmuxagent_model::Redact::block(&redactor, block, &mut carry, tmuxagent_model::SecretMark::Shown).len();
        }
        found
    });
}

#[divan::bench]
fn chinese(bencher: Bencher<'_, '_>) {
    read(bencher, &repeated(|n| format!("第{n}个模块已经编译完成,没有发现任何问题,继续处理下一个模块的依赖关系\r\n")));
}

#[divan::bench]
fn progress(bencher: Bencher<'_, '_>) {
    let line = |n| {
        format!(
            "\rDownloading [{}{}] {n}%{}",
            "=".repeat(n % 40),
            " ".repeat(40 - n % 40),
            if n % 40 == 39 { "\r\n" } else { "" }
        )
    };
    read(bencher, &repeated(line));
}

#[divan::bench]
fn redrawn(bencher: Bencher<'_, '_>) {
    let line = |n| format!("\x1b[2K => [1/3] load\r\n\x1b[2K => [2/3] build {n}\r\n\x1b[2K => [3/3] export\r\n\x1b[3A");
    read(bencher, &repeated(line));
}

#[divan::bench]
fn one_endless_line(bencher: Bencher<'_, '_>) {
    read(bencher, &repeated(|_| "all on one line, ".to_owned()));
}

/// A screen of 60 rows of which one is new.
#[divan::bench]
fn screens(bencher: Bencher<'_, '_>) {
    let screen = |from: usize| -> Vec<String> {
        (from..from + 60).map(|n| format!("  row {n} of what an agent wrote, at the usual length of a row")).collect()
    };
    let screens: Vec<Vec<String>> = (0..100).map(screen).collect();
    let bytes: usize = screens.iter().flatten().map(String::len).sum();
    bencher.counter(BytesCount::new(bytes)).bench_local(|| {
        let mut reader = Reader::new();
        reader.resize(120, 60);
        let mut rows = 0;
        screens.iter().for_each(|screen| reader.screen(screen, &mut |_| rows += 1));
        rows
    });
}
