//! What a stage printed, kept for texts that name it: `{{test.output}}`.
//!
//! The lines come with the event that ended the attempt ([`tmuxagent_model::Event::Witnessed`]), and stand in the journal
//! with it, so that a replay fills in the same.

use super::text::visible;
use super::turn::{At, Turn};
use std::sync::Arc;

/// The most lines that are kept, and the most bytes of them.
const LINES: usize = 60;
const BYTES: usize = 8 * 1024;

impl Turn<'_> {
    /// An attempt ends: keeps its last lines, where some text names them.
    pub fn keep_lines(&mut self, at: At) {
        let policy = Arc::clone(&self.policy);
        let told = self.rule(&policy, at).is_some_and(|(_, rule)| rule.told);
        let Some(stage) = self.stage(at).filter(|stage| told && stage.state.is_under_way() && stage.output.is_none())
        else {
            return;
        };
        let since = stage.started_at;
        let printed = match &self.printed {
            Some((pane, printed)) if self.stage_pane(at) == Some(pane) => *printed,
            _ => &[],
        };
        let of_attempt = printed.iter().filter(|line| since.is_none_or(|since| line.at >= since));
        let text = of_attempt.map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n");
        self.used_printed |= !text.is_empty();
        self.keep_text(at, &text);
    }

    /// Keeps what a command beside the pane printed.
    pub fn keep_text(&mut self, at: At, text: &str) {
        let policy = Arc::clone(&self.policy);
        if !self.rule(&policy, at).is_some_and(|(_, rule)| rule.told) {
            return;
        }
        let output = last_lines(&self.cleaner.clean(text));
        if let Some(stage) = self.stage_mut(at) {
            stage.output = Some(output);
        }
    }
}

/// The last lines of a text, harmless to show and to type.
fn last_lines(text: &str) -> String {
    let lines: Vec<String> =
        text.trim_end().lines().map(|line| visible(&line.trim_end().replace('\t', "    "))).collect();
    let mut bytes = 0;
    let kept = lines.iter().rev().take(LINES).take_while(|line| {
        bytes += line.len() + 1;
        bytes <= BYTES
    });
    let mut kept: Vec<&str> = kept.map(String::as_str).collect();
    kept.reverse();
    kept.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_an_output_is_kept() {
        let many: Vec<String> = (0..100).map(|n| format!("line {n}")).collect();
        let kept = last_lines(&many.join("\n"));
        assert_eq!((kept.lines().count(), kept.lines().next()), (LINES, Some("line 40")));
        let wide = vec!["x".repeat(3000); 4].join("\n");
        assert_eq!(last_lines(&wide).lines().count(), 2);
        assert_eq!(last_lines("a  \n\x1b[31mb\n\n"), format!("a\n{}", visible("\x1b[31mb")));
    }
}
