//! What a yes, a no or an answer types, in words.

use super::{Lang, Text, effect_sentence, reveal};
use tmuxagent_model::{Approval, ApprovalKind, KeyStep};

/// What a yes does, in one line: the command verbatim. Where the yes is an answer, that this is typed; empty where nothing
/// is.
#[must_use]
pub fn effect_of_yes(lang: Lang, approval: &Approval) -> String {
    match answered(approval) {
        Some(text) => text.of(lang).to_owned(),
        None => effect_sentence(lang, &reveal(&approval.effect_text)),
    }
}

/// The sentence for a question of which a yes types nothing of its own, but the answer that comes with it.
#[must_use]
pub fn answered(approval: &Approval) -> Option<Text> {
    let chosen = approval.kind == ApprovalKind::Asks && approval.confirm.is_none() && approval.effect.is_empty();
    match (approval.takes_text(), chosen) {
        (true, _) => Some(Text::EffectWritten),
        (false, true) => Some(Text::EffectChosen),
        (false, false) => None,
    }
}

/// What is typed, in one line with nothing hidden: `n ⏎`, `<C-c>`.
#[must_use]
pub fn steps_line(steps: &[KeyStep]) -> String {
    let show = |step: &KeyStep| match step {
        KeyStep::Text(text) => reveal(text),
        KeyStep::Key(key) if key == "Enter" => "⏎".to_owned(),
        KeyStep::Key(key) => format!("<{}>", reveal(key)),
    };
    steps.iter().map(show).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_from_texts() {
        let steps = [KeyStep::Text("n".into()), KeyStep::Key("Enter".into()), KeyStep::Key("C-c".into())];
        assert_eq!(steps_line(&steps), "n ⏎ <C-c>");
    }
}
