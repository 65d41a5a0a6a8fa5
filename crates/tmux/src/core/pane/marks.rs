//! What began and ended in a pane since something was typed there, as the marks of commands tell.
//!
//! Something that is to be typed once more, since nobody has seen it begin, is not typed where one of these says that it has
//! begun by now: who types sees them first.

use std::collections::VecDeque;
use tmuxagent_model::Repeats;

/// So many are known; of more it is not told which they were.
const MOST: usize = 32;

#[derive(Debug, Default)]
pub(in super::super) struct Marks(VecDeque<Mark>);

#[derive(Debug)]
struct Mark {
    token: Option<String>,
    /// The line that the shell read, where it is known.
    line: Option<String>,
    ends: bool,
}

impl Marks {
    pub fn began(&mut self, token: Option<&str>, line: Option<&str>) {
        self.push(Mark { token: token.map(str::to_owned), line: line.map(str::to_owned), ends: false });
    }

    pub fn ended(&mut self, token: Option<&str>) {
        self.push(Mark { token: token.map(str::to_owned), line: None, ends: true });
    }

    fn push(&mut self, mark: Mark) {
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back(mark);
    }

    /// Something is typed, or a person was asked about what may have begun.
    pub fn forget(&mut self) {
        self.0.clear();
    }

    /// Whether what was typed before has begun since, or may have.
    pub fn may_have_begun(&self, repeats: &Repeats) -> bool {
        let is_it = |mark: &Mark| {
            let unknown = repeats.line.is_some() && mark.line.is_none() && !mark.ends;
            unknown || repeats.begun_by(mark.token.as_deref(), mark.line.as_deref()).is_some()
        };
        self.0.len() >= MOST || self.0.iter().any(is_it)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tmuxagent_model::IntentId;

    fn repeats(line: Option<&str>) -> Repeats {
        Repeats { intents: vec![IntentId("a-1".to_owned())], line: line.map(str::to_owned), unseen: false }
    }

    #[test]
    fn what_was_typed_is_known_by_its_token_or_line() {
        let (bare, tracked) = (repeats(Some("make")), repeats(None));
        let mut marks = Marks::default();
        marks.began(Some("sh.k.1"), Some("ls"));
        marks.ended(Some("sh.k.1"));
        assert!(!marks.may_have_begun(&bare) && !marks.may_have_begun(&tracked), "a person's own command");
        marks.began(Some("sh.k.2"), Some("make"));
        assert!(marks.may_have_begun(&bare) && !marks.may_have_begun(&tracked));
        marks.ended(Some("a-1"));
        assert!(marks.may_have_begun(&tracked), "what has ended has begun");
        marks.forget();
        assert!(!marks.may_have_begun(&bare) && !marks.may_have_begun(&tracked));
    }

    #[test]
    fn what_nobody_can_tell_may_be_it() {
        let mut marks = Marks::default();
        marks.began(Some("sh.k.1"), None);
        assert!(marks.may_have_begun(&repeats(Some("make"))), "its line is not known");
        marks.forget();
        (0..MOST).for_each(|_| marks.began(Some("sh.k.1"), Some("ls")));
        assert!(marks.may_have_begun(&repeats(None)), "it may stand before those that are known");
    }
}
