//! `stdout`: the message as plain lines on this process's standard output, for scripts and for trying things out. Delivered
//! means: the system took all of it; a reader that has gone is an error, and so is `/dev/null`, which takes everything. Where
//! the screen is drawn on it nothing is written, which the screen tells as a failing channel.

use super::answer::{Both, Then};
use super::local::{Attempt, End, Ends, judge};
use super::{Channel, Receipt, SendError};
use crate::markup::Markup;
use crate::message::Message;
use futures_util::future::BoxFuture;
use rustix::termios::{LocalModes, tcgetattr, tcgetpgrp};
use std::io::Write;
use std::os::fd::AsFd;
use tmuxagent_text::Lang;

/// What becomes of a message; it ends in no other way.
pub static ANSWERS: &Ends = &[
    (End::Taken, Then::Delivered),
    (End::Refused, Then::Never { fix: Both("open standard output", "请保持标准输出打开") }),
    (
        End::Nobody,
        Then::Never {
            fix: Both(
                "use `terminal` or `desktop`, or run it with `--headless` and standard output in a file",
                "请改用 `terminal` 或 `desktop`，或以 `--headless` 运行并把标准输出写入文件",
            ),
        },
    ),
];

/// Writes to standard output.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stdout;

/// Whether a screen is drawn there: a terminal of which we are in front and which hands on every key. The editor of a shell
/// that waits beside us does so too, but then that is in front.
fn shows_screen(out: impl AsFd) -> bool {
    let keys = tcgetattr(&out).is_ok_and(|modes| !modes.local_modes.contains(LocalModes::ICANON));
    keys && tcgetpgrp(&out).is_ok_and(|front| front == rustix::process::getpgrp())
}

/// Whether nobody can ever read what is written there: `/dev/null`, by its numbers.
fn is_null(out: impl AsFd) -> bool {
    let numbers = |file: &rustix::fs::Stat| (file.st_rdev, file.st_mode & 0o170_000);
    let (found, null) = (rustix::fs::fstat(out), rustix::fs::stat("/dev/null"));
    found.is_ok_and(|found| null.is_ok_and(|null| numbers(&found) == numbers(&null)))
}

/// Why nobody would see what is written there, where that is so.
fn unseen(out: impl AsFd, lang: Lang) -> Option<&'static str> {
    if is_null(&out) {
        return Some(lang.pick("standard output is /dev/null, which nobody reads", "标准输出是 /dev/null，没有人读取"));
    }
    shows_screen(&out).then(|| lang.pick("standard output is the screen's terminal", "标准输出是主界面所在的终端"))
}

fn put(out: &mut impl Write, unseen: Option<&str>, message: &Message) -> Attempt {
    if let Some(why) = unseen {
        return Err((End::Nobody, why.to_owned()));
    }
    let text = message.render(Markup::Raw, 64 * 1024);
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Ok(()) => Ok(message.lang.pick("written", "已写出").to_owned()),
        Err(error) => Err((End::Refused, format!("{}: {error}", message.lang.pick("can't write", "无法写入")))),
    }
}

impl Channel for Stdout {
    fn kind(&self) -> &'static str {
        "stdout"
    }

    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Receipt, SendError>> {
        Box::pin(async move {
            let mut out = std::io::stdout().lock();
            let unseen = unseen(&out, message.lang);
            judge(ANSWERS, put(&mut out, unseen, message), message.lang)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::local::assert_meant;
    use super::*;
    use crate::message::tests::message;
    use std::os::unix::net::UnixStream;

    #[test]
    fn every_end_means_what_its_table_says() {
        for (end, then) in ANSWERS {
            for lang in [Lang::En, Lang::Zh] {
                let message = Message { lang, ..message() };
                let attempt = match end {
                    End::Taken => put(&mut Vec::<u8>::new(), None, &message),
                    End::Refused => {
                        let (mut ours, theirs) = UnixStream::pair().unwrap();
                        drop(theirs);
                        put(&mut ours, None, &message)
                    }
                    End::Nobody => {
                        let mut screen = Vec::new();
                        let attempt = put(&mut screen, Some("it is drawn on"), &message);
                        assert!(screen.is_empty(), "nothing is written into what is drawn");
                        attempt
                    }
                    End::Silent | End::Missing => panic!("{end:?} is none of its ends"),
                };
                assert_meant(*then, lang, &judge(ANSWERS, attempt, lang));
            }
        }
    }

    #[test]
    fn it_is_told_where_nobody_would_see_it() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        assert_eq!(unseen(&ours, Lang::En), None);
        let null = std::fs::File::options().write(true).open("/dev/null").unwrap();
        assert!(unseen(&null, Lang::En).unwrap().contains("/dev/null"));
        assert_eq!(unseen(std::fs::File::open("/dev/zero").unwrap(), Lang::En), None);
    }
}
