//! How fast a pane's bytes become lines, in bytes per second: `cargo bench --bench lines`.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use tmuxagent_lines::{Reader, Reading};

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

#[divan::bench]
fn plain(bencher: Bencher<'_, '_>) {
    let line = |n| {
        format!(
            "{n:08} compiling src/module_{n}/component.ts and all that depends on it, as builds do it at length\r\n"
        )
    };
    read(bencher, &repeated(line));
}

#[divan::bench]
fn coloured(bencher: Bencher<'_, '_>) {
    let line = |n| {
        format!(
            "\x1b[32m✓\x1b[39m \x1b[1msuite {n}\x1b[22m \x1b[2m>\x1b[22m does what it should \x1b[33m12\x1b[2mms\x1b[22m\x1b[39m\r\n"
        )
    };
    read(bencher, &repeated(line));
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
