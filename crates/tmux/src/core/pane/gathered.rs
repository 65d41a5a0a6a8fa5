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
