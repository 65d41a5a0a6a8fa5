//! The answers in what a channel says, each bounded.

/// How much may stand between two answers, and so in one, bytes.
pub(super) const MOST: usize = 4 * 1024 * 1024;
/// How much of one line is kept, bytes.
const LINE: usize = 8 * 1024;

/// What stands between `=N` and `.N`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub number: u64,
    pub lines: Vec<String>,
    /// It has its end.
    pub whole: bool,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Frames {
    /// The line before which a login shell may print what it likes.
    greeting: Option<&'static str>,
    line: Vec<u8>,
    answer: Option<Answer>,
    bytes: usize,
}

impl Frames {
    pub const fn new(greeting: Option<&'static str>) -> Self {
        Self { greeting, line: Vec::new(), answer: None, bytes: 0 }
    }

    /// Takes bytes; gives the answers that end in them. One without an end is the last.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Answer> {
        let (mut answers, mut rest) = (Vec::new(), bytes);
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest);
            let (line, behind) = rest.split_at(end.map_or(rest.len(), |at| at + 1));
            rest = behind;
            self.bytes += line.len();
            if self.bytes > MOST {
                answers.push(self.answer.take().unwrap_or(Answer { number: 0, lines: Vec::new(), whole: false }));
                break;
            }
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            let room = LINE.saturating_sub(self.line.len()).min(text.len());
            self.line.extend_from_slice(text.get(..room).unwrap_or_default());
            if end.is_some() {
                answers.extend(self.line_ended());
            }
        }
        answers
    }

    fn line_ended(&mut self) -> Option<Answer> {
        let bytes = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&bytes).into_owned();
        if let Some(greeting) = self.greeting {
            self.greeting = (line != greeting).then_some(greeting);
            return None;
        }
        let numbered = |sign: char| line.strip_prefix(sign).and_then(|number| number.parse::<u64>().ok());
        let Some(answer) = &mut self.answer else {
            self.answer = numbered('=').map(|number| Answer { number, lines: Vec::new(), whole: false });
            return None;
        };
        if numbered('.') == Some(answer.number) {
            self.bytes = 0;
            return self.answer.take().map(|answer| Answer { whole: true, ..answer });
        }
        answer.lines.push(line);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(number: u64, lines: &[&str]) -> Answer {
        Answer { number, lines: lines.iter().map(ToString::to_string).collect(), whole: true }
    }

    #[test]
    fn answers_stand_between_their_numbers_wherever_they_are_cut() {
        let said = b"Welcome!\n=1\n.1\n\ntmuxagent-begins\nnoise\n=1\na\n.2\n.1\nnoise\n=2\n.2\n";
        for size in [1, 2, 7, said.len()] {
            let mut frames = Frames::new(Some("tmuxagent-begins"));
            let answers: Vec<Answer> = said.chunks(size).flat_map(|bytes| frames.feed(bytes)).collect();
            assert_eq!(answers, [answer(1, &["a", ".2"]), answer(2, &[])], "{size}");
        }
    }

    #[test]
    fn an_answer_without_end_is_told_as_such_and_a_long_line_is_cut() {
        let mut frames = Frames::new(None);
        let long = format!("=1\n{}\n.1\n", "x".repeat(100_000));
        let answers = frames.feed(long.as_bytes());
        assert_eq!(answers[0].lines[0].len(), LINE);
        let mut frames = Frames::new(None);
        frames.feed(b"=7\n");
        let answers: Vec<Answer> = (0..=MOST / 8).flat_map(|_| frames.feed(b"endless\n")).collect();
        assert_eq!((answers[0].number, answers[0].whole), (7, false));
        let mut frames = Frames::new(Some("never"));
        assert!(!frames.feed(&vec![b'x'; MOST + 1])[0].whole, "before anything else too");
    }
}
