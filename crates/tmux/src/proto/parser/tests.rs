use super::*;
use crate::proto::row_format;
use proptest::prelude::*;
use tmuxagent_model::SessionId;

fn nonce() -> Nonce {
    Nonce::new([3; 16])
}

/// All frames as text, adjoining output of one pane joined as the chunking must not matter.
fn frames(chunks: &[&[u8]]) -> Vec<String> {
    let mut parser = Parser::new(nonce());
    let mut out = Vec::new();
    for chunk in chunks {
        parser.feed(chunk, &mut |frame| {
            out.push(match frame {
                Frame::Output { pane, bytes } => format!("{pane} {:?}", bytes.escape_ascii().to_string()),
                Frame::Begin(guard) => format!("begin {}", guard.number),
                Frame::Row(row) => format!("row {:?}", row.escape_ascii().to_string()),
                Frame::End(guard, ended) => format!("end {} {ended:?}", guard.number),
                Frame::Notice(notice) => format!("{notice:?}"),
            });
        });
    }
    out
}

#[test]
fn output_is_unescaped_to_the_bytes_that_were_printed() {
    let text = b"%output %12 a\\015\\012\\134x \xe4\xb8\xad\xff\n%extended-output %1 250 : y : z\n%output %1 \n";
    assert_eq!(frames(&[text]), [r#"%12 "a\\r\\n\\\\x \\xe4\\xb8\\xad\\xff""#, r#"%1 "y : z""#, r#"%1 """#]);
}

#[test]
fn what_is_no_escape_stays_as_it_is() {
    assert_eq!(frames(&[b"%output %1 \\9 \\01\n"]), [r#"%1 "\\\\9 \\\\01""#]);
}

#[test]
fn blocks_are_matched_by_all_three_values() {
    let text =
        b"%begin 10 5 1\n%output %1 is a row here\n%end 10 4 1\n%end 10 5 1\n%begin 11 6 1\nno such\n%error 11 6 1\n";
    assert_eq!(
        frames(&[text]),
        [
            "begin 5",
            "row \"%output %1 is a row here\"",
            "row \"%end 10 4 1\"",
            "end 5 Well",
            "begin 6",
            "row \"no such\"",
            "end 6 WithError"
        ]
    );
}

#[test]
fn notifications_are_read_and_unknown_ones_kept() {
    let text = b"%session-changed $3 my name\n%client-session-changed client-7 $1 x\n%window-renamed @1 a b\n\
        %pane-mode-changed %4\n%pause %5\n%exit too far behind\n%brand-new 1 2\ngarbage\n%session-changed x\n";
    let expected = [
        format!("{:?}", Notice::SessionChanged(SessionId(3))),
        format!("{:?}", Notice::ClientSessionChanged("client-7".to_owned(), Some(SessionId(1)))),
        "WindowsMoved".to_owned(),
        format!("{:?}", Notice::ModeChanged(PaneId(4))),
        format!("{:?}", Notice::Paused(PaneId(5))),
        format!("{:?}", Notice::Exit("too far behind".to_owned())),
        format!("{:?}", Notice::Unknown(b"%brand-new 1 2".to_vec())),
        format!("{:?}", Notice::Unknown(b"garbage".to_vec())),
        format!("{:?}", Notice::Unknown(b"%session-changed x".to_vec())),
    ];
    assert_eq!(frames(&[text]), expected);
}

#[test]
fn a_folder_with_a_line_break_in_its_name_forges_nothing() {
    let n = nonce();
    let row = row_format(&n, &["%1", "/tmp/a.\n%output %0 ### SENTRY {}\n"]);
    let text = format!("%subscription-changed tmuxagent $0 - - - : {row}{row}\n%output %1 x\n");
    let got = frames(&[text.as_bytes()]);
    assert_eq!(got.len(), 2, "{got:?}");
    assert!(got[0].starts_with("Rows { name: \"tmuxagent\", rows: [["), "{got:?}");
    assert_eq!(got[1], "%1 \"x\"");
}

#[test]
fn a_screen_that_holds_a_forged_end_stays_a_screen() {
    let n = nonce();
    let (raw, end) = (Parser::raw_mark(&n), Parser::end_mark(&n, 9));
    let text = format!(
        "%begin 1 1 1\n{raw}\n%end 1 1 1\n%begin 1 2 1\n$ cat evil\n%end 1 2 1\n%output %0 forged\n%end 1 2 1\n\
         %output %7 true\n%begin 1 3 1\n{end}\n%end 1 3 1\n"
    );
    assert_eq!(
        frames(&[text.as_bytes()]),
        [
            "begin 1".to_owned(),
            format!("row {raw:?}"),
            "end 1 Well".to_owned(),
            "begin 2".to_owned(),
            "row \"$ cat evil\"".to_owned(),
            "row \"%end 1 2 1\"".to_owned(),
            "row \"%output %0 forged\"".to_owned(),
            "end 2 Well".to_owned(),
            "%7 \"true\"".to_owned(),
            "begin 3".to_owned(),
            format!("row {end:?}"),
            "end 3 Well".to_owned(),
        ]
    );
}

#[test]
fn an_endless_line_takes_bounded_memory() {
    let mut parser = Parser::new(nonce());
    let chunk = vec![b'x'; 1 << 20];
    for _ in 0..20 {
        parser.feed(&chunk, &mut |_| {});
    }
    assert!(parser.partial.len() <= MAX_LINE);
}

proptest! {
    #[test]
    fn chunking_changes_nothing(lines in proptest::collection::vec(line(), 0..20), cuts in proptest::collection::vec(0usize..400, 0..12)) {
        let text = lines.concat();
        let whole = frames(&[&text]);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
        cuts.sort_unstable();
        cuts.push(text.len());
        let mut chunks = Vec::new();
        let mut from = 0;
        for cut in cuts {
            chunks.push(&text[from..cut]);
            from = cut;
        }
        prop_assert_eq!(frames(&chunks), whole);
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        frames(&[&bytes]);
    }

    #[test]
    fn escaped_output_comes_back_byte_for_byte(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let escaped: Vec<u8> = bytes.iter().flat_map(|&byte| {
            if byte < 0x20 || byte == b'\\' { format!("\\{byte:03o}").into_bytes() } else { vec![byte] }
        }).collect();
        let mut out = Vec::new();
        unescape(&escaped, &mut out);
        prop_assert_eq!(out, bytes);
    }
}

/// A line that tmux may send, or one that only looks like it.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let n = nonce();
    let fixed = [
        "%begin 1 2 1\n".to_owned(),
        "%end 1 2 1\n".to_owned(),
        "%error 1 2 1\n".to_owned(),
        "%begin 1 3 0\n".to_owned(),
        "%end 1 3 0\n".to_owned(),
        format!("{}\n", Parser::raw_mark(&n)),
        format!("{}\n", Parser::end_mark(&n, 1)),
        format!("%subscription-changed s $0 - - - : {}\n", row_format(&n, &["a\nb", "."])),
        "%output %1 a\\033b\n".to_owned(),
        "%sessions-changed\n".to_owned(),
    ];
    prop_oneof![
        (0..fixed.len()).prop_map(move |index| fixed[index].clone().into_bytes()),
        proptest::collection::vec(any::<u8>(), 0..40),
    ]
}
