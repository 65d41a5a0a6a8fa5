use super::codec::{FrameCodec, METHODS, Piece, encode, request};
use super::wire::{ErrorKind, MAX_FRAME, Request, RequestFrame, ServerFrame};
use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use tmuxagent_model::{
    AgentMessage, AgentQuestionKind, AgentRequest, AgentState, Command, HookReport, HumanCall, MessageType, Millis,
    Snapshot, Via,
};
use tokio_util::codec::Decoder;

/// Feeds bytes in chunks of the given sizes, repeated; returns what they consist of.
fn pieces(bytes: &[u8], sizes: &[usize]) -> std::io::Result<Vec<Piece>> {
    let (mut codec, mut buffer, mut found) = (FrameCodec::default(), BytesMut::new(), Vec::new());
    let mut rest = bytes;
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, later) = rest.split_at((*size).clamp(1, rest.len()));
        rest = later;
        buffer.extend_from_slice(chunk);
        while let Some(piece) = codec.decode(&mut buffer)? {
            found.push(piece);
        }
        assert!(buffer.len() <= MAX_FRAME);
    }
    while let Some(piece) = codec.decode_eof(&mut buffer)? {
        found.push(piece);
    }
    Ok(found)
}

/// One request of each kind; a new kind does not compile until it is here.
fn one_of_each() -> Vec<Request> {
    let (call, question) = ("a1".to_owned(), "Go on?".to_owned());
    let asks = HumanCall { call, question, options: Vec::new(), detail: String::new(), expires: Millis(1) };
    let all = vec![
        Request::Hello { protocol: 1, version: "0".into(), via: Via::Cli, pane: None, tmux_socket: None },
        Request::Snapshot,
        Request::Subscribe,
        Request::WatchPane { pane: None },
        Request::Command { command: Command::Freeze },
        Request::Events { after: 0, limit: 1, follow: false },
        Request::Approval { id: "a".into() },
        Request::Explain { target: "%1".into() },
        Request::Dump { path: "/tmp/dump".into() },
        Request::ChannelsWork { channels: vec!["team".into()] },
        Request::Reload,
        Request::Bye,
        Request::Shutdown,
        Request::Report {
            pane: "%1".into(),
            tmux_socket: "/s".into(),
            stage: None,
            command: "make".into(),
            exit: None,
            duration_ms: 0,
        },
        Request::Say { message: Box::new(AgentMessage::new(MessageType::Log)) },
        Request::AskHuman { asks: Box::new(asks) },
        Request::Hook { report: HookReport { event: "Stop".into(), state: AgentState::Done, text: String::new() } },
        Request::Await {
            request: AgentRequest {
                kind: AgentQuestionKind::Command,
                words: vec!["make".into()],
                place: None,
                options: Vec::new(),
                thread: None,
            },
            again: true,
        },
    ];
    for request in &all {
        match request {
            Request::Hello { .. }
            | Request::Snapshot
            | Request::Subscribe
            | Request::WatchPane { .. }
            | Request::Command { .. }
            | Request::Events { .. }
            | Request::Approval { .. }
            | Request::Explain { .. }
            | Request::Dump { .. }
            | Request::ChannelsWork { .. }
            | Request::Reload
            | Request::Bye
            | Request::Shutdown
            | Request::Report { .. }
            | Request::Say { .. }
            | Request::AskHuman { .. }
            | Request::Hook { .. }
            | Request::Await { .. } => {}
        }
    }
    all
}

#[test]
fn the_list_of_requests_is_that_of_the_wire() {
    let names: Vec<String> = one_of_each()
        .iter()
        .map(|request| serde_json::to_value(request).unwrap()["method"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, METHODS);
}

#[test]
fn every_request_comes_back_from_its_frame() {
    for asked in one_of_each() {
        let frame = RequestFrame { id: 7, request: asked };
        let bytes = encode(&frame).unwrap();
        let found = pieces(&bytes, &[3]).unwrap();
        let [Piece::Frame(line)] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(request(line), Ok(frame));
    }
}

#[test]
fn wrong_frames_are_told_apart() {
    let table = [
        ("", 0, ErrorKind::BadRequest),
        ("[]", 0, ErrorKind::BadRequest),
        ("{}", 0, ErrorKind::BadRequest),
        ("{\"id\":4}", 4, ErrorKind::BadRequest),
        ("{\"id\":-1,\"request\":{\"method\":\"reload\"}}", 0, ErrorKind::BadRequest),
        ("{\"id\":4,\"request\":{\"method\":7}}", 4, ErrorKind::BadRequest),
        ("{\"id\":4,\"request\":{\"method\":\"unknown variant `x`\"}}", 4, ErrorKind::UnknownRequest),
        ("{\"id\":4,\"request\":{\"method\":\"events\"}}", 4, ErrorKind::BadRequest),
        (
            "{\"id\":4,\"request\":{\"method\":\"command\",\"command\":{\"command\":\"dance\"}}}",
            4,
            ErrorKind::BadRequest,
        ),
    ];
    for (frame, id, kind) in table {
        let bad = request(frame.as_bytes()).unwrap_err();
        assert_eq!((bad.id, bad.kind), (id, kind), "{frame}: {}", bad.text);
    }
    let long = format!("{{\"id\":1,\"request\":{{\"method\":\"{}\\u001b[2J\"}}}}", "x".repeat(500));
    let text = request(long.as_bytes()).unwrap_err().text;
    assert!(text.len() < 300 && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn a_frame_may_be_as_long_as_the_limit_and_no_longer() {
    let frame = |length: usize| {
        let mut bytes = vec![b'x'; length - 1];
        bytes.push(b'\n');
        bytes
    };
    let chunk = [1 << 20];
    let fits = pieces(&frame(MAX_FRAME), &chunk).unwrap();
    assert!(matches!(fits.as_slice(), [Piece::Frame(bytes)] if bytes.len() == MAX_FRAME - 1));
    let mut too_long = frame(MAX_FRAME + 1);
    too_long.extend(b"{}\n");
    let expected = [Piece::TooLong, Piece::Frame(Bytes::from_static(b"{}"))];
    assert_eq!(pieces(&too_long, &chunk).unwrap(), expected, "it is skipped");
    assert_eq!(pieces(&too_long, &[too_long.len()]).unwrap(), expected, "also when it came at once");
    assert!(pieces(&vec![b'x'; 3 * MAX_FRAME], &chunk).is_err(), "without an end it is an error");
    let halves = pieces(&vec![b'x'; MAX_FRAME + 9], &chunk).unwrap();
    assert_eq!(halves, [Piece::TooLong, Piece::Half]);
    let snapshot = Snapshot { version: "x".repeat(MAX_FRAME), ..Snapshot::default() };
    assert!(encode(&ServerFrame::Snapshot { snapshot: Box::new(snapshot) }).is_err());
}

proptest! {
    #[test]
    fn chunks_play_no_part(bytes in prop::collection::vec(prop_oneof![3 => any::<u8>(), 1 => Just(b'\n')], 0..600),
                           sizes in prop::collection::vec(1..50_usize, 1..8)) {
        let whole = pieces(&bytes, &[bytes.len().max(1)]).unwrap();
        prop_assert_eq!(&pieces(&bytes, &sizes).unwrap(), &whole);
        let lines = bytes.split(|byte| *byte == b'\n').count();
        prop_assert!(whole.len() <= lines);
        for piece in whole {
            if let Piece::Frame(frame) = piece {
                prop_assert!(!frame.contains(&b'\n'));
                // Never panics, and garbage is never a request.
                let _ = request(&frame);
            }
        }
    }

    #[test]
    fn a_damaged_request_is_an_error_or_a_request(at in 0..200_usize, byte in any::<u8>(), which in 0..12_usize) {
        let asked = one_of_each().swap_remove(which);
        let mut bytes = encode(&RequestFrame { id: 7, request: asked }).unwrap().to_vec();
        let at = at % (bytes.len() - 1);
        bytes[at] = byte;
        if let Ok(frame) = request(&bytes) {
            prop_assert_eq!(request(&encode(&frame).unwrap()), Ok(frame));
        }
    }

    #[test]
    fn any_text_survives_the_wire(text in any::<String>(), id in any::<u64>()) {
        let frame = RequestFrame { id, request: Request::Explain { target: text } };
        let bytes = encode(&frame).unwrap();
        prop_assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 1);
        prop_assert_eq!(request(&bytes), Ok(frame));
    }
}
