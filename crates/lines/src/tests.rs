//! The reader as a whole: bytes and screens in, readings out.

mod echoed;
mod kept;
mod properties;
mod recorded;
mod redrawn;
mod screens;
mod shown;
mod streamed;

use super::*;

/// A reading in short: `text`, `=text` for an echo, `+3 text` where 3 bytes were told before, `<…>` for the rest.
fn shortly(reading: &Reading<'_>) -> String {
    match reading {
        Reading::Line { text, seen, origin, message, .. } => {
            let seen = if *seen > 0 { format!("+{seen} ") } else { String::new() };
            let echo = if *origin == Origin::Echo { "=" } else { "" };
            let message = message.as_ref().map(|message| format!(" <{}>", brief(message))).unwrap_or_default();
            format!("{echo}{seen}{text}{message}")
        }
        Reading::Program(state) => format!("<program {}>", serde_json::to_string(state).unwrap()),
        Reading::Title(title) => format!("<title {title}>"),
        Reading::Bell => "<bell>".to_owned(),
        Reading::ShellMarks { trusted } => format!("<marks {trusted}>"),
        Reading::CommandBegan { token, .. } => format!("<began {}>", token.as_deref().unwrap_or("-")),
        Reading::CommandEnded { token, exit } => format!("<ended {} {exit}>", token.as_deref().unwrap_or("-")),
        Reading::Malformed { error } => format!("<malformed {error}>"),
    }
}

/// A message's JSON without its quotes.
pub(super) fn brief(message: &AgentMessage) -> String {
    serde_json::to_string(message).unwrap().replace('"', "")
}

/// A reader of a pane of this size, and what it told.
struct Pane {
    reader: Reader,
    told: Vec<String>,
}

impl Pane {
    fn new(columns: u16, rows: u16) -> Self {
        let mut reader = Reader::new();
        reader.resize(columns, rows);
        Self { reader, told: Vec::new() }
    }

    fn bytes(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let told = &mut self.told;
        self.reader.bytes(bytes.as_ref(), &mut |reading| told.push(shortly(&reading)));
        self
    }

    fn quiet(&mut self) -> &mut Self {
        let told = &mut self.told;
        self.reader.quiet(&mut |reading| told.push(shortly(&reading)));
        self
    }

    fn typed(&mut self, text: &str) -> &mut Self {
        self.reader.typed(text);
        self
    }

    fn screen(&mut self, screen: &str) -> &mut Self {
        self.rows(&screen.lines().map(str::to_owned).collect::<Vec<_>>())
    }

    fn rows(&mut self, rows: &[String]) -> &mut Self {
        let told = &mut self.told;
        self.reader.screen(rows, &mut |reading| told.push(shortly(&reading)));
        self
    }

    /// What was told since the last look.
    fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told)
    }
}

/// What a pane of 20×6 tells of bytes; checked to be the same for three chunkings.
fn told(bytes: impl AsRef<[u8]>) -> Vec<String> {
    let bytes = bytes.as_ref();
    let mut whole = Pane::new(20, 6);
    whole.bytes(bytes);
    for size in [1, 3] {
        let mut pieces = Pane::new(20, 6);
        bytes.chunks(size).for_each(|chunk| {
            pieces.bytes(chunk);
        });
        assert_eq!(pieces.told, whole.told, "in chunks of {size}: {}", bytes.escape_ascii());
    }
    whole.told()
}
