//! Lines of one reading, gathered: a flood is recorded and looked through in blocks, not line by line.
//!
//! **Invariant:** what is told is what [`Voice::tell`] tells of the same readings one by one, in the same order.

use super::{Outlet, TAIL, Voice, head};
use tmuxagent_lines::Reading;
use tmuxagent_model::{BlockLine, LineBlock, Origin, PRINTED};

/// A block is told when it holds so many bytes.
const MOST: usize = 64 * 1024;
/// Fewer lines are looked at one by one.
const FEW: usize = 4;

impl Voice {
    /// Takes a reading; [`Voice::tell_gathered`] ends a row of them.
    pub fn gather(&mut self, reading: Reading<'_>, outlet: &mut Outlet) {
        match reading {
            Reading::Line { text, seen, source, origin: Origin::Program, message: None } => {
                self.gathered.push(BlockLine { text, seen, source });
                if self.gathered.text().len() >= MOST {
                    self.tell_gathered(outlet);
                }
            }
            other => {
                self.tell_gathered(outlet);
                self.tell(other, outlet);
            }
        }
    }

    /// Tells the lines that were gathered.
    pub fn tell_gathered(&mut self, outlet: &mut Outlet) {
        if self.gathered.is_empty() {
            return;
        }
        // Not kept for the next: there may be a thousand panes.
        let block = std::mem::take(&mut self.gathered);
        if let Some(tape) = &self.tape {
            tape.lines(&self.key, &block);
        }
        if block.len() < FEW || self.rules.may_hit(block.text()) {
            for line in block.lines() {
                self.tell_line(line, None, outlet);
            }
        } else {
            self.pass_over(&block);
        }
    }

    /// Takes lines without a hit: of them all only the last are shown.
    fn pass_over(&mut self, block: &LineBlock) {
        self.seq += block.len() as u64;
        self.lines += block.len() as u64;
        if let Some(line) = block.lines().rev().find(|line| !line.text.is_empty()) {
            self.last_line.clear();
            self.last_line.push_str(head(line.text, TAIL));
        }
        let mut first = block.len();
        let mut kept = 0;
        for line in block.lines().rev() {
            if kept == PRINTED {
                break;
            }
            kept += usize::from(!head(line.text, TAIL).trim_end().is_empty());
            first -= 1;
        }
        block.lines().skip(first).for_each(|line| self.keep(line.text));
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Feed, Pane};
    use super::*;
    use crate::HostMessage;
    use proptest::prelude::*;
    use tmuxagent_model::{HostName, PaneFacts, PaneId, PaneInfo, PaneKey, ServerId, Timestamp};
    use tmuxagent_policy::{Source, load};

    fn pane() -> Pane {
        let key = PaneKey { host: HostName::local(), server: ServerId::new("s"), pane: PaneId(1), pid: 1 };
        let text = "version: 1\npipelines:\n- name: all\n  match: {session_name: '*'}\n  stages: [{name: watch, triggers: \
                    [{log_regex: '^needle'}, {log_regex: 'x$'}], timeout: never}]\n";
        let policy = load(&[Source::new("p.yaml", text)]).unwrap_or_else(|found| panic!("{found}"));
        let info = PaneInfo::new(key, PaneFacts::default());
        let rules = policy.rules_for(&info.key.host, &info.facts);
        let mut pane = Pane::new(info, rules, None, Feed::Piped);
        pane.reader.resize(80, 24);
        pane.voice.tell_printed(&mut Outlet::default());
        pane
    }

    /// What is told of bytes that come in these pieces, by number of line: hits, and what was last printed.
    fn told(pane: &mut Pane, bytes: &[u8], most: usize) -> Vec<String> {
        let mut outlet = Outlet::default();
        bytes.chunks(most).for_each(|piece| pane.read(piece, Timestamp(1), &mut outlet));
        pane.voice.tell_printed(&mut outlet);
        let messages = std::iter::from_fn(|| outlet.pop());
        // A position stands behind each reading, so there are more of them.
        let said = messages.filter(|message| !matches!(message, HostMessage::Position { .. }));
        said.map(|message| format!("{message:?}"))
            .chain([format!("{} {} {}", pane.voice.seq, pane.voice.lines, pane.voice.last_line)])
            .collect()
    }

    /// The lines that a question may show of these bytes, which end with the cursor at rest.
    fn kept(pane: &mut Pane, bytes: &str) -> Vec<String> {
        let mut outlet = Outlet::default();
        pane.read(bytes.as_bytes(), Timestamp(1), &mut outlet);
        pane.pause(&mut outlet);
        pane.voice.tell_printed(&mut outlet);
        let messages = std::iter::from_fn(|| outlet.pop());
        let lines = messages.filter_map(|message| match message {
            HostMessage::Printed { lines, .. } => Some(lines),
            _ => None,
        });
        lines.flatten().collect()
    }

    #[test]
    fn what_a_shell_prints_between_two_commands_is_its_prompt() {
        for (ended, prompt) in [
            ("__TMUXAGENT_RESULT t1 1\r\n", "li on main 10:15:02\r\n$ "),
            ("\u{1b}]133;D;1\u{7}", "~/shop on main [10:15:02]\r\n% "),
        ] {
            let mut pane = pane();
            pane.reader.typed("{ make; printf '\\033[8m__TMUXAGENT_RESULT %s %s\\033[m\\n' t1 $?; }\n");
            let typed = "{ make; printf '\\033[8m__TMUXAGENT_RESULT %s %s\\033[m\\n' t1 $?; }\r\n";
            let lines = kept(&mut pane, &format!("{typed}b.c:1: error: no\r\n{ended}{prompt}"));
            assert_eq!(lines, ["b.c:1: error: no"], "{ended:?}");
            // What is entered there by hand, and what that prints, may tell something.
            let lines = kept(&mut pane, "make\r\nCC a.c\r\n");
            assert_eq!(lines.last().map(String::as_str), Some("CC a.c"), "{ended:?}");
            // What a command leaves without an end of line is its own.
            let lines = kept(&mut pane, &format!("no newline\u{1b}]133;D;1\u{7}{prompt}"));
            assert_eq!(lines, ["no newline"], "{ended:?}");
        }
    }

    proptest! {
        #[test]
        fn lines_are_told_as_one_by_one(
            lines in prop::collection::vec(
                prop::sample::select(vec!["hay", "needle 1", "x", "", "   ", "中文", "### SENTRY {]", "\u{1b}]9;hi\u{7}", "a\u{1b}[1mx"]),
                0..60,
            ),
        ) {
            let bytes: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
            let (mut whole, mut single) = (pane(), pane());
            prop_assert_eq!(told(&mut whole, bytes.as_bytes(), usize::MAX), told(&mut single, bytes.as_bytes(), 1));
        }
    }
}
