//! Questions whose words say something else than what a yes does.

use super::StageSubject;
use crate::raw::{Guarded, RawAsk, RawFailStep};
use crate::read::{Many, Short, Text};
use regex::Regex;
use std::sync::LazyLock;
use tmuxagent_model::OnApprove;
use tmuxagent_yaml::Problems;

/// Words of a question that speak of one of the three things that a yes can do.
const WORDS: &[(OnApprove, &str)] = &[
    (
        OnApprove::Rerun,
        r"(?i)\b(?:again|re-?runs?|re-?try|retries|once more|anew|restart|repeat)\b|重试|重跑|重新|再(?:试|跑|来|运行|执行)",
    ),
    (OnApprove::Skip, r"(?i)\b(?:skip|leave (?:it|this|them) out|omit)\b|跳过|略过"),
    (
        OnApprove::Continue,
        r"(?i)\b(?:continue|go on|proceed|anyway|carry on|ignore|accept|count (?:it|this|them) as|mark (?:it|this) as|treat (?:it|this) as)\b|继续|忽略|视为|仍然",
    ),
];

static PATTERNS: LazyLock<Vec<(OnApprove, Regex)>> =
    LazyLock::new(|| WORDS.iter().filter_map(|(does, text)| Some((*does, Regex::new(text).ok()?))).collect());

pub(super) fn check(stage: &StageSubject, problems: &mut Problems) {
    if let Some(steps) = &stage.raw.on_fail {
        check_steps(steps, problems);
    }
}

fn check_steps(steps: &Many<Guarded<RawFailStep>>, problems: &mut Problems) {
    for entry in steps.items.iter().flat_map(|group| &group.entries) {
        match &entry.value {
            RawFailStep::IfStillFail(inner) => check_steps(inner, problems),
            RawFailStep::AskHuman(RawAsk { form: Some(form) }) => {
                let (question, does) = match form {
                    Short::Short(text) => (Some(text), None),
                    Short::Full(full) => (full.question.as_ref(), full.on_approve.as_ref()),
                };
                if let Some(question) = question {
                    check_question(question, does, problems);
                }
            }
            _ => {}
        }
    }
}

fn check_question(question: &Text, written: Option<&Text>, problems: &mut Problems) {
    let does = match written.map(|word| word.value.trim().to_lowercase()).as_deref() {
        Some("continue") => OnApprove::Continue,
        Some("skip") => OnApprove::Skip,
        _ => OnApprove::Rerun,
    };
    let Some(said) = speaks_of(&question.value).filter(|said| *said != does) else { return };
    let (does, said) = (word(does), word(said));
    let message = format!("the question speaks of `{said}`, but a yes does `{does}`");
    let help =
        format!("write `on_approve: {said}`, or ask what a yes does: run it again, count it as done, leave it out");
    problems.warning("question", question.at, message).help(help);
}

/// What the words of a question promise, where they promise one thing alone.
fn speaks_of(question: &str) -> Option<OnApprove> {
    // What is asked stands in the last sentence; those before say what happened.
    let asked =
        question.trim_end_matches(['?', '？', ' ']).rsplit(['.', '!', ':', ';', '。', '！', '：', '；']).next()?;
    let mut found = PATTERNS.iter().filter(|(_, pattern)| pattern.is_match(asked)).map(|(does, _)| *does);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

const fn word(does: OnApprove) -> &'static str {
    match does {
        OnApprove::Rerun => "rerun",
        OnApprove::Continue => "continue",
        OnApprove::Skip => "skip",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_say_what_a_yes_does() {
        assert_eq!(PATTERNS.len(), WORDS.len());
        for (question, wanted) in [
            ("Lint fails. Run it again?", Some(OnApprove::Rerun)),
            ("Tests fail, rerun?", Some(OnApprove::Rerun)),
            ("The deploy failed. Deploy anyway?", Some(OnApprove::Continue)),
            ("Run it again? It failed. Skip it?", Some(OnApprove::Skip)),
            ("Go on without the lint?", Some(OnApprove::Continue)),
            ("测试失败，重试吗？", Some(OnApprove::Rerun)),
            ("检查失败。跳过？", Some(OnApprove::Skip)),
            ("Skip it or run it again?", None),
            ("{{failures}} tests fail. What now?", None),
        ] {
            assert_eq!(speaks_of(question), wanted, "{question}");
        }
    }
}
