//! What must hold for any bytes, one function per border of the program. The fuzzers in `fuzz/` call these with what
//! they think of; the test beside this file calls them with the corpora that they left.

use bytes::BytesMut;
use std::collections::BTreeMap;
use std::path::Path;
use tmuxagent_alerts::token::{Claims, Key, Keyring, TokenError, authenticate, issue};
use tmuxagent_config as config;
use tmuxagent_ipc::codec::{self, FrameCodec, Piece};
use tmuxagent_lines::{Reader, Reading};
use tmuxagent_model::{ApprovalId, HostName, PaneFacts, Timestamp};
use tmuxagent_policy as policy;
use tmuxagent_tmux::proto::{Frame, Nonce, Parser, RowReader};
use tmuxagent_yaml as yaml;
use tokio_util::codec::Decoder;

/// A border: its name, which is that of its corpus, and what must hold there.
pub type Target = (&'static str, fn(&[u8]));

/// All borders.
pub const TARGETS: &[Target] = &[
    ("control_mode", control_mode),
    ("lines", lines),
    ("sentry", sentry),
    ("policy", policy_yaml),
    ("config", config_yaml),
    ("frames", frames),
    ("tokens", tokens),
];

/// The first byte says how the rest is cut into chunks.
fn chunks(data: &[u8]) -> (&[u8], usize) {
    data.split_first().map_or((data, 1), |(first, rest)| (rest, usize::from(*first).max(1)))
}

/// Bytes of a control client: the same frames in any chunking, and rows are put together without end.
pub fn control_mode(data: &[u8]) {
    let nonce = Nonce::new([3; 16]);
    let (data, size) = chunks(data);
    let read = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let (mut parser, mut rows) = (Parser::new(nonce.clone()), RowReader::new(nonce.clone()));
        let mut told = Vec::new();
        for piece in pieces {
            parser.feed(piece, &mut |frame| {
                if let Frame::Row(row) = &frame {
                    told.push(format!("{:?}", rows.push(row)));
                }
                told.push(format!("{frame:?}"));
            });
        }
        told
    };
    assert_eq!(read(&mut std::iter::once(data)), read(&mut data.chunks(size)));
}

/// Takes what a reader tells.
type Sink<'s> = dyn FnMut(Reading<'_>) + 's;

/// What a reader told, as text, after its promises were checked.
fn readings(reader: &mut Reader, read: &mut dyn FnMut(&mut Reader, &mut Sink<'_>), told: &mut Vec<String>) {
    read(reader, &mut |reading| {
        if let Reading::Line { text, seen, .. } = &reading {
            assert!(text.len() <= 64 * 1024 && text.is_char_boundary(*seen), "{reading:?}");
            assert!(!text.chars().any(char::is_control), "control characters in {reading:?}");
        }
        told.push(format!("{reading:?}"));
    });
}

/// Bytes of a pane: the same readings in any chunking; pauses, sizes, typed keys and screens at any place.
pub fn lines(data: &[u8]) {
    let (data, size) = chunks(data);
    let play = |size: usize| {
        let (mut reader, mut told) = (Reader::new(), Vec::new());
        reader.resize(40, 10);
        // `0xff` and `0xfe` are in no UTF-8 text: here they cut the input into parts and say what comes between.
        for part in data.split_inclusive(|byte| *byte >= 0xfe) {
            let (bytes, cut) = match part.split_last() {
                Some((last, rest)) if *last >= 0xfe => (rest, Some(*last)),
                _ => (part, None),
            };
            for chunk in bytes.chunks(size.max(1)) {
                readings(&mut reader, &mut |reader, sink| reader.bytes(chunk, sink), &mut told);
            }
            between(&mut reader, bytes, cut, &mut told);
        }
        told
    };
    assert_eq!(play(data.len()), play(size));
}

fn between(reader: &mut Reader, before: &[u8], cut: Option<u8>, told: &mut Vec<String>) {
    match cut {
        Some(0xff) => readings(reader, &mut |reader, sink| reader.quiet(sink), told),
        Some(_) => {
            let text = String::from_utf8_lossy(before).into_owned();
            match before.len() % 4 {
                0 => reader.typed(&text),
                1 => reader.resize(u16::try_from(text.len() % 300).unwrap_or(80), 24),
                2 => {
                    let rows: Vec<String> = text.lines().take(60).map(plain).collect();
                    readings(reader, &mut |reader, sink| reader.screen(&rows, sink), told);
                }
                _ => {
                    let rows: Vec<String> = text.lines().map(plain).collect();
                    assert!(matches!(reader.anchor().missed(&rows), _any));
                    readings(reader, &mut |reader, sink| reader.history(&rows, sink), told);
                }
            }
        }
        None => {}
    }
}

/// A row as `capture-pane` prints it.
fn plain(row: &str) -> String {
    row.chars().filter(|c| !c.is_control()).collect()
}

/// Rows in which an agent's message may stand, on the stream and on a screen: what is told is bounded and clean.
pub fn sentry(data: &[u8]) {
    let (data, columns) = chunks(data);
    let text = format!("### SENTRY {{\"type\":\"ASK\",{}", String::from_utf8_lossy(data));
    for screen in [false, true] {
        let (mut reader, mut told) = (Reader::new(), Vec::new());
        reader.resize(u16::try_from(columns).unwrap_or(80), 24);
        let mut messages = Vec::new();
        let mut sink = |reading: Reading<'_>| {
            if let Reading::Line { message: Some(message), .. } = &reading {
                messages.push(message.clone());
            }
            told.push(format!("{reading:?}"));
        };
        if screen {
            reader.set_alternate(true);
            let rows: Vec<String> = text.lines().map(plain).collect();
            reader.screen(&rows, &mut sink);
        } else {
            reader.bytes(text.as_bytes(), &mut sink);
            reader.bytes(b"\r\n\r\n", &mut sink);
        }
        reader.quiet(&mut sink);
        for message in messages {
            let parts = [&message.stage, &message.summary, &message.question, &message.detail];
            for part in parts.into_iter().flatten().chain(&message.options) {
                assert!(!part.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "{message:?}");
            }
            assert!(message.options.len() <= 1000, "{message:?}");
        }
    }
}

/// A policy: it is read, or refused with places that lie in it and texts that no terminal takes for commands.
pub fn policy_yaml(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let sources = [yaml::Source::new("p.yaml", text)];
    let (policy, problems) = policy::analyse(&sources);
    assert!(policy.is_some() || problems.errors() > 0, "refused without a reason");
    let shown = problems.to_string();
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "{shown:?}");
    if let Some(policy) = policy {
        let facts = PaneFacts { session: "s".to_owned(), window: "w".to_owned(), ..PaneFacts::default() };
        let rules = policy.rules_for(&HostName::local(), &facts);
        for line in text.lines().chain(["", "ok 1", "\u{feff}中"]) {
            drop(rules.scan(line));
        }
    }
}

/// A configuration: likewise.
pub fn config_yaml(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let environment = config::Environment::from_pairs([("HOME", "/home/ann"), ("TOKEN", "x: [y")]);
    let source = yaml::Source::new("config.yaml", text);
    if let Err(problems) = config::read(&source, Path::new("/home/ann"), &environment) {
        assert!(problems.errors() > 0, "refused without a reason");
        let shown = problems.to_string();
        assert!(!shown.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "{shown:?}");
    }
}

/// Bytes of a view: the same pieces in any chunking, and what is read is written as it was.
pub fn frames(data: &[u8]) {
    let (data, size) = chunks(data);
    let split = |size: usize| {
        let (mut codec, mut buffer, mut pieces) = (FrameCodec::default(), BytesMut::new(), Vec::new());
        for chunk in data.chunks(size.max(1)) {
            buffer.extend_from_slice(chunk);
            while let Some(piece) = codec.decode(&mut buffer).expect("short frames") {
                pieces.push(piece);
            }
        }
        while let Some(piece) = codec.decode_eof(&mut buffer).expect("short frames") {
            pieces.push(piece);
        }
        pieces
    };
    let pieces = split(data.len());
    assert_eq!(pieces, split(size));
    for piece in pieces {
        let Piece::Frame(frame) = piece else { continue };
        match codec::request(&frame) {
            Ok(request) => {
                let written = codec::encode(&request).expect("it was short");
                assert_eq!(codec::request(&written).ok(), Some(request));
            }
            Err(bad) => assert!(!bad.text.is_empty()),
        }
    }
}

/// Texts that should be tokens: only what our key wrote is genuine, with exactly what was written.
pub fn tokens(data: &[u8]) {
    let (key, old, strange) = (Key::new([1; 32]), Key::new([2; 32]), Key::new([3; 32]));
    let ring = Keyring { current: key.clone(), previous: vec![old.clone()] };
    let text = String::from_utf8_lossy(data);
    assert_eq!(authenticate(&ring, &text), Err(TokenError::Forged), "{text}");
    let number = data.iter().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
    let name: String = text.chars().take(60).collect();
    let claims = Claims {
        approval: ApprovalId::new(if name.is_empty() { "A".to_owned() } else { name }),
        revision: u32::try_from(number % 1000).unwrap_or(0),
        command: [u8::try_from(number % 256).unwrap_or(0); 32],
        expires: Timestamp(i64::from_le_bytes(number.to_le_bytes())),
    };
    let sizes: BTreeMap<&str, &Key> = BTreeMap::from([("current", &key), ("previous", &old)]);
    for (name, signer) in sizes {
        let issued = issue(signer, &claims, [9; 32]);
        let genuine = authenticate(&ring, &issued.token).map(|token| (token.claims, token.id_hash));
        assert_eq!(genuine, Ok((claims.clone(), issued.id_hash)), "{name}");
        let place = usize::try_from(number).unwrap_or(0) % issued.token.len();
        let mut forged = issued.token.into_bytes();
        forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
        assert_eq!(authenticate(&ring, &String::from_utf8_lossy(&forged)), Err(TokenError::Forged), "{place}");
    }
    assert_eq!(authenticate(&ring, &issue(&strange, &claims, [9; 32]).token), Err(TokenError::Forged));
}
