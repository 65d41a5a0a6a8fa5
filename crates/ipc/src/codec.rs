//! Frames and bytes: one JSON object per line, at most [`MAX_FRAME`] bytes with its newline.

use super::wire::{ErrorKind, MAX_FRAME, RequestFrame};
use bytes::{Buf, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use std::io;
use tmuxagent_text::plain::{cut_chars, one_line};
use tokio_util::codec::Decoder;

/// The names of all requests. A name that is not here is [`ErrorKind::UnknownRequest`], whatever its parts; a test keeps
/// the list in step with [`super::wire::Request`].
pub const METHODS: &[&str] = &[
    "hello",
    "snapshot",
    "subscribe",
    "watch_pane",
    "command",
    "events",
    "approval",
    "explain",
    "dump",
    "channels_work",
    "reload",
    "bye",
    "shutdown",
    "report",
    "say",
    "ask_human",
    "hook",
    "await",
];

/// What the bytes of a connection consist of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A frame without its newline.
    Frame(Bytes),
    /// A frame above [`MAX_FRAME`]; it is skipped up to its newline.
    TooLong,
    /// The connection ended in the middle of a frame.
    Half,
}

/// Splits bytes into frames with bounded memory. Its errors end the connection.
#[derive(Debug, Default)]
pub struct FrameCodec {
    /// Bytes at the front of the buffer that hold no newline.
    scanned: usize,
    /// Bytes skipped of a frame that is too long.
    skipped: Option<usize>,
}

impl Decoder for FrameCodec {
    type Item = Piece;
    type Error = io::Error;

    fn decode(&mut self, bytes: &mut BytesMut) -> io::Result<Option<Piece>> {
        loop {
            let newline = memchr::memchr(b'\n', &bytes[self.scanned..]).map(|at| self.scanned + at);
            if let Some(skipped) = self.skipped {
                let here = newline.map_or(bytes.len(), |at| at + 1);
                bytes.advance(here);
                self.scanned = 0;
                if newline.is_none() {
                    if skipped + here > MAX_FRAME {
                        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame without an end"));
                    }
                    self.skipped = Some(skipped + here);
                    return Ok(None);
                }
                self.skipped = None;
                continue;
            }
            match newline {
                Some(at) if at >= MAX_FRAME => {
                    bytes.advance(at + 1);
                    self.scanned = 0;
                    return Ok(Some(Piece::TooLong));
                }
                Some(at) => {
                    let frame = bytes.split_to(at).freeze();
                    bytes.advance(1);
                    self.scanned = 0;
                    if !frame.iter().all(u8::is_ascii_whitespace) {
                        return Ok(Some(Piece::Frame(frame)));
                    }
                }
                None if bytes.len() >= MAX_FRAME => {
                    self.skipped = Some(0);
                    bytes.clear();
                    self.scanned = 0;
                    return Ok(Some(Piece::TooLong));
                }
                None => {
                    self.scanned = bytes.len();
                    return Ok(None);
                }
            }
        }
    }

    fn decode_eof(&mut self, bytes: &mut BytesMut) -> io::Result<Option<Piece>> {
        if let Some(piece) = self.decode(bytes)? {
            return Ok(Some(piece));
        }
        let rest = bytes.len();
        bytes.clear();
        self.scanned = 0;
        Ok((rest > 0 || self.skipped.take().is_some()).then_some(Piece::Half))
    }
}

/// A value that does not become a frame.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// It is longer than [`MAX_FRAME`].
    #[error("a frame of {0} bytes is longer than the {MAX_FRAME} allowed")]
    TooLong(usize),
    /// It has no JSON form.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// Writes a value as a frame with its newline. JSON escapes newlines, so there is no other in it.
pub fn encode<T: Serialize>(value: &T) -> Result<Bytes, EncodeError> {
    let mut frame = serde_json::to_vec(value)?;
    frame.push(b'\n');
    if frame.len() > MAX_FRAME {
        return Err(EncodeError::TooLong(frame.len()));
    }
    Ok(frame.into())
}

/// A frame of a view that is no request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRequest {
    /// The number that it has, 0 where it has none.
    pub id: u64,
    /// [`ErrorKind::BadRequest`] or [`ErrorKind::UnknownRequest`].
    pub kind: ErrorKind,
    /// Why.
    pub text: String,
}

/// Reads a frame of a view.
pub fn request(frame: &[u8]) -> Result<RequestFrame, BadRequest> {
    #[derive(Deserialize)]
    struct Envelope {
        #[serde(default)]
        id: u64,
        #[serde(default)]
        request: serde_json::Value,
    }
    let bad = |id, kind, text| BadRequest { id, kind, text };
    let envelope: Envelope = serde_json::from_slice(frame)
        .map_err(|error| bad(0, ErrorKind::BadRequest, format!("this is no request frame: {error}")))?;
    let id = envelope.id;
    match envelope.request.get("method") {
        Some(serde_json::Value::String(name)) if !METHODS.contains(&name.as_str()) => {
            let shown = cut_chars(&one_line(name), 40);
            let known = METHODS.join(", ");
            Err(bad(id, ErrorKind::UnknownRequest, format!("there is no request `{shown}`; there are {known}")))
        }
        Some(serde_json::Value::String(name)) => {
            let name = name.clone();
            serde_json::from_value(envelope.request).map(|request| RequestFrame { id, request }).map_err(|error| {
                bad(id, ErrorKind::BadRequest, format!("the request `{name}` has wrong parts: {error}"))
            })
        }
        _ => Err(bad(id, ErrorKind::BadRequest, "a request needs a `method`".to_owned())),
    }
}
