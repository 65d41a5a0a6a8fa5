//! `stdout`: the message as plain lines on this process's standard output, for scripts and for trying things out. Delivered
//! means: the system took all of it; a reader that has gone is an error.

use super::{Channel, Receipt, SendError};
use crate::markup::Markup;
use crate::message::Message;
use futures_util::future::BoxFuture;
use std::io::Write;

/// Writes to standard output.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stdout;

impl Channel for Stdout {
    fn kind(&self) -> &'static str {
        "stdout"
    }

    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Receipt, SendError>> {
        Box::pin(async move {
            let text = message.render(Markup::Raw, 64 * 1024);
            let mut out = std::io::stdout().lock();
            writeln!(out, "{text}").and_then(|()| out.flush()).map_err(|error| {
                let lang = message.lang;
                let fix = lang.pick("open standard output", "请保持标准输出打开");
                SendError::refused(format!("{}: {error}", lang.pick("can't write", "无法写入")), fix)
            })?;
            Ok(Receipt::new(message.lang.pick("written", "已写出")))
        })
    }
}
