//! `stdout`: the message as plain lines on this process's standard output, for scripts and for trying things out. Delivered
//! means: the system took all of it; a reader that has gone is an error.

use super::answer::{Both, Then};
use super::local::{Attempt, End, Ends, judge};
use super::{Channel, Receipt, SendError};
use crate::markup::Markup;
use crate::message::Message;
use futures_util::future::BoxFuture;
use std::io::Write;

/// What becomes of a message that is written; it ends in no other way.
pub static ANSWERS: &Ends = &[
    (End::Taken, Then::Delivered),
    (End::Refused, Then::Never { fix: Both("open standard output", "请保持标准输出打开") }),
];

/// Writes to standard output.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stdout;

fn put(out: &mut impl Write, message: &Message) -> Attempt {
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
        Box::pin(async move { judge(ANSWERS, put(&mut std::io::stdout().lock(), message), message.lang) })
    }
}

#[cfg(test)]
mod tests {
    use super::super::local::assert_meant;
    use super::*;
    use crate::message::tests::message;
    use std::os::unix::net::UnixStream;
    use tmuxagent_text::Lang;

    #[test]
    fn every_end_means_what_its_table_says() {
        for (end, then) in ANSWERS {
            for lang in [Lang::En, Lang::Zh] {
                let message = Message { lang, ..message() };
                let attempt = match end {
                    End::Taken => put(&mut Vec::<u8>::new(), &message),
                    End::Refused => {
                        let (mut ours, theirs) = UnixStream::pair().unwrap();
                        drop(theirs);
                        put(&mut ours, &message)
                    }
                    End::Silent | End::Nobody | End::Missing => panic!("{end:?} is none of its ends"),
                };
                assert_meant(*then, lang, &judge(ANSWERS, attempt, lang));
            }
        }
    }
}
