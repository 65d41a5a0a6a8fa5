//! What a yes, a no or an answer types, in words.

use super::plain::{CUT, cut_chars};
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

/// What a no does that types nothing which is known before: what becomes of what asked.
#[must_use]
pub const fn meant_by_no(lang: Lang, approval: &Approval) -> &'static str {
    match &approval.kind {
        ApprovalKind::Gate => lang.pick(
            "nothing is typed; the stage is not started, and the run ends as rejected unless other stages go on",
            "不输入任何内容；不启动该阶段；若无其他阶段继续，运行即以拒绝告终",
        ),
        ApprovalKind::Settle { .. } if approval.stage.is_none() => Text::EffectNothing.of(lang),
        ApprovalKind::Failed { .. } | ApprovalKind::Settle { .. } => lang.pick(
            "nothing is typed; the stage has failed for good, and the run goes on only where its policy says so",
            "不输入任何内容；该阶段最终失败，只有策略另有规定时运行才会继续",
        ),
        ApprovalKind::Gap | ApprovalKind::Unclear => lang.pick(
            "the attempt counts as failed; the policy says whether it is tried again",
            "本次尝试视为失败；是否重试由策略决定",
        ),
        ApprovalKind::Overdue => lang.pick("nothing is typed; its command goes on", "不输入任何内容；它的命令继续运行"),
        ApprovalKind::Dialog { .. } => lang.pick("the answer that refuses is given", "选择其中表示拒绝的答案"),
        ApprovalKind::Agent => {
            lang.pick("it is answered no, where that is one of its answers", "若其答案中有“否”，则以此回答")
        }
        ApprovalKind::Asks => Text::EffectNothing.of(lang),
    }
}

/// What one of our own answers does: its word alone does not say it, and is the same in every language. `None` for the answers
/// of an agent, a command or an author, who say themselves what they mean.
#[must_use]
pub fn option_means(lang: Lang, approval: &Approval, option: &str) -> Option<&'static str> {
    let succeeds = lang.pick("the stage counts as succeeded, and the run goes on", "该阶段视为成功，运行继续");
    let fails = lang.pick("the attempt counts as failed", "本次尝试视为失败");
    let means = match (&approval.kind, option) {
        (ApprovalKind::Gap | ApprovalKind::Unclear | ApprovalKind::Overdue, "continue") => succeeds,
        (ApprovalKind::Gap | ApprovalKind::Unclear, "rerun") => lang.pick(
            "what the stage types is typed once more, as another attempt",
            "再次输入该阶段的内容，作为新的一次尝试",
        ),
        (ApprovalKind::Gap | ApprovalKind::Unclear, "wait") => {
            lang.pick("nothing is done, and its end is waited for", "什么也不做，继续等它结束")
        }
        (ApprovalKind::Overdue, "wait") => {
            lang.pick("it goes on, with as much time once more", "让它继续，再给同样长的时间")
        }
        (ApprovalKind::Overdue, "stop") if approval.effect.is_empty() => fails,
        (ApprovalKind::Overdue, "stop") => lang.pick("its command is told to stop", "让它的命令停止"),
        (ApprovalKind::Overdue, "over") => {
            lang.pick("the attempt counts as failed, and its command is left alone", "本次尝试视为失败，不去动它的命令")
        }
        (ApprovalKind::Settle { .. }, "again") => lang.pick("it is done once more", "再做一次"),
        (ApprovalKind::Settle { .. }, "done") => {
            lang.pick("somebody has done it, and what comes behind it follows", "已经有人做了，继续它之后的内容")
        }
        _ => return None,
    };
    Some(means)
}

/// One of the answers with what it does, where its word does not say it. `shown`: the answer's own word, made harmless.
#[must_use]
pub fn told_option(lang: Lang, approval: &Approval, option: &str, shown: &str) -> String {
    match option_means(lang, approval, option) {
        Some(means) => lang.pick("OPTION (MEANS)", "OPTION（MEANS）").replace("OPTION", shown).replace("MEANS", means),
        None => shown.to_owned(),
    }
}

/// The most characters of an effect that a list shows.
const LISTED: usize = 400;

/// An effect as a list shows it, and how many characters of it are left out there.
#[must_use]
pub fn in_list(effect: &str) -> (String, usize) {
    let all = effect.chars().count();
    (cut_chars(effect, LISTED), if all > LISTED { all - (LISTED - 1) } else { 0 })
}

/// How much of an effect is left out, and the command that prints the whole.
#[must_use]
pub fn more_characters(lang: Lang, left_out: usize, id: &str) -> String {
    match (lang, left_out) {
        (Lang::En, 1) => format!("{CUT} 1 more character: `tmuxagent approvals {id}`"),
        (Lang::En, _) => format!("{CUT} {left_out} more characters: `tmuxagent approvals {id}`"),
        (Lang::Zh, _) => format!("{CUT} 还有 {left_out} 个字符：`tmuxagent approvals {id}`"),
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
    fn what_a_list_leaves_out_of_an_effect_is_counted() {
        assert_eq!(in_list("make ⏎"), ("make ⏎".to_owned(), 0));
        let (shown, left_out) = in_list(&"文".repeat(1950));
        assert_eq!((shown.chars().count(), left_out), (LISTED, 1950 - (LISTED - 1)));
        assert_eq!(more_characters(Lang::En, left_out, "01A"), "… 1551 more characters: `tmuxagent approvals 01A`");
        assert_eq!(more_characters(Lang::Zh, 1, "01A"), "… 还有 1 个字符：`tmuxagent approvals 01A`");
    }

    #[test]
    fn keys_are_told_from_texts() {
        let steps = [KeyStep::Text("n".into()), KeyStep::Key("Enter".into()), KeyStep::Key("C-c".into())];
        assert_eq!(steps_line(&steps), "n ⏎ <C-c>");
    }
}
