//! Approval files, the pure part: their names, what stands in them, and what a person may write into them.
//!
//! A request file is readable as it is and takes `echo approve > FILE.txt`, `reject`, or an answer of the question's
//! options; where a program waits for a text, `answer: TEXT`. Its name ends in the approval's id and revision, so that a
//! decision belongs to exactly what was asked.

use super::decide::typed_text;
use super::message::lines_of;
use super::token::short_code;
use jiff::tz::TimeZone;
use std::fmt::Write;
use tmuxagent_model::{Approval, ApprovalId, ApprovalKind, KeyStep, Verdict};
use tmuxagent_text::escape;
use tmuxagent_text::plain::one_line;
use tmuxagent_text::redact::Redactor;
use tmuxagent_text::{Lang, Text, answered, as_it_is, effect_sentence, message, question, told_option};
use tmuxagent_text::{local, open_until};
use tmuxagent_yaml::nearest;

const APPROVE: &[&str] = &["approve", "approved", "yes", "y", "ok", "批准", "同意", "通过", "是"];
const REJECT: &[&str] = &["reject", "rejected", "no", "n", "deny", "拒绝", "不同意", "驳回", "否"];
/// What stands before an answer of one's own, in either language.
const ANSWER: &[&str] = &["answer:", "answer：", "回答:", "回答："];

/// The most bytes that a person may add; more is refused unread.
pub const MOST_ADDED: usize = 4096;

/// The request file's name: host, place, pipeline and stage for people, id and revision to be unique. Never longer than
/// 240 bytes, never with a `/`, never hidden.
#[must_use]
pub fn file_name(approval: &Approval) -> String {
    let (host, place) = host_and_place(approval);
    let mut parts = vec![escape::file_name(host, 30), escape::file_name(place, 60)];
    parts.extend(approval.pipeline.iter().chain(&approval.stage).map(|text| escape::file_name(text, 36)));
    parts.retain(|text| !text.is_empty());
    format!("{}--{}.{}.txt", parts.join("--"), identity(approval.id.as_str()), approval.revision)
}

/// The pane's host, and its place there.
fn host_and_place(approval: &Approval) -> (&str, &str) {
    let (host, place) = (approval.pane.host.as_str(), approval.place.as_str());
    (host, place.strip_prefix(host).and_then(|rest| rest.strip_prefix('/')).unwrap_or(place))
}

/// Whose request a file of that name was; `None` when the name is not of our making.
#[must_use]
pub fn approval_of(name: &str) -> Option<ApprovalId> {
    let (id, revision) = name.strip_suffix(".txt")?.rsplit_once("--")?.1.split_once('.')?;
    let ours = id.bytes().all(|b| b.is_ascii_alphanumeric()) && !id.is_empty() && revision.parse::<u32>().is_ok();
    ours.then(|| ApprovalId::new(id))
}

/// The id as it may stand in a file name: itself when it is letters and digits, its bytes in hexadecimal otherwise, so
/// that two ids never look the same.
fn identity(id: &str) -> String {
    if !id.is_empty() && id.len() <= 40 && id.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return id.to_owned();
    }
    let hash = <sha2::Sha256 as sha2::Digest>::digest(id);
    hash.iter().take(16).fold(String::from("x-"), |mut text, byte| {
        // Writing to a text can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What stands in the file. `who` is whose decision a word in it is. `note` answers what was written last; it stands as a
/// [`remark`].
#[must_use]
pub fn request_text(
    approval: &Approval,
    who: &str,
    (lang, zone): (Lang, &TimeZone),
    redactor: &Redactor,
    note: Option<&str>,
) -> String {
    let line = |text: &str| one_line(&redactor.redact(text));
    let mut text = format!("{}\n\n", line(&question(lang, approval)));
    let mut field = |label: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "{label}{}{value}", lang.colon());
        }
    };
    field(lang.pick("where", "位置"), &line(&approval.told_place()));
    field(lang.pick("folder", "目录"), &line(&approval.folder));
    field(lang.pick("pipeline", "流水线"), &line(approval.pipeline.as_deref().unwrap_or_default()));
    field(lang.pick("stage", "阶段"), &line(approval.stage.as_deref().unwrap_or_default()));
    field(lang.pick("why", "原因"), lang.reason(&approval.kind));
    field(lang.pick("asked", "提出"), &local(zone, approval.asked_at));
    field(lang.pick("until", "截止"), &open_until(zone, approval).unwrap_or_default());
    field(lang.pick("code", "校验码"), &short_code(approval));
    let told = approval.options.iter().map(|option| told_option(lang, approval, option, &line(option)));
    field(lang.pick("answers", "可选答案"), &told.collect::<Vec<_>>().join(" | "));
    field(lang.pick("word of a yes", "同意须输入"), &line(approval.confirm.as_deref().unwrap_or_default()));
    field(lang.pick("for", "审批人"), &line(&approval.approvers.join(", ")));
    text.push_str(&effects(approval, lang, redactor));
    let evidence = lines_of(approval, redactor);
    if !evidence.is_empty() {
        let _ = writeln!(text, "\n{}", lang.pick("Last lines:", "最近输出："));
        for line in evidence {
            let _ = writeln!(text, "  {line}");
        }
    }
    text.push('\n');
    if !approval.options.is_empty() {
        let any = lang.pick(
            "One of the answers, or its number, written here is a yes with that answer.",
            "写入任一可选答案或其序号，即以该答案批准。",
        );
        let _ = writeln!(text, "{any}");
    }
    let how = match (approval.is_for(who), &approval.confirm) {
        (false, _) => NOT_YOURS,
        (true, Some(_)) => HOW_BY_WORD,
        (true, None) if approval.takes_text() => HOW_BY_TEXT_ALONE,
        (true, None) => HOW,
    };
    let _ = writeln!(text, "{}", lang.pick(how[0], how[1]));
    if let Some(note) = note {
        text.push_str(&remark(note));
    }
    text
}

/// What is typed for a yes, for each answer and for a no, a step a line. The labels stand alone at the margin, and no word
/// that decides is one.
fn effects(approval: &Approval, lang: Lang, redactor: &Redactor) -> String {
    let line = |text: &str| one_line(&redactor.redact(text));
    let step = |step: &KeyStep| match step {
        KeyStep::Text(text) => line(&as_it_is(text)),
        KeyStep::Key(key) => format!("[{}]", line(key)),
    };
    let block = |label: &str, steps: &[KeyStep]| match steps {
        [] => String::new(),
        steps => format!("\n{label}\n  {}\n", steps.iter().map(step).collect::<Vec<_>>().join("\n  ")),
    };
    let mut text = match answered(approval) {
        Some(typed) => format!("\n{}{}{}\n", Text::Effect.of(lang), lang.colon(), typed.of(lang)),
        None if approval.effect.is_empty() && !approval.effect_text.is_empty() => {
            let told = line(&as_it_is(&effect_sentence(lang, &approval.effect_text)));
            format!("\n{}\n  {told}\n", lang.pick("If approved:", "批准后："))
        }
        None if approval.option_effects.is_empty() => {
            block(lang.pick("A yes will type:", "批准后将输入："), &approval.effect)
        }
        None => String::new(),
    };
    for (option, steps) in approval.options.iter().zip(&approval.option_effects) {
        let label = lang.pick("The answer OPTION will type:", "回答 OPTION 将输入：");
        text.push_str(&block(&label.replace("OPTION", &line(option)), steps));
    }
    text + &block(lang.pick("A no will type:", "拒绝后将输入："), &approval.effect_no)
}

/// A line of ours in a file, which is never read as somebody's word.
#[must_use]
pub fn remark(sentence: &str) -> String {
    format!("{REMARK}{}\n", one_line(sentence))
}

/// How our remarks begin.
const REMARK: &str = "# ";

/// How to decide, in both languages.
const HOW: [&str; 2] = [
    "To decide: echo approve > THIS-FILE   or   echo reject > THIS-FILE",
    "审批方法：echo approve > 此文件   或   echo reject > 此文件",
];

/// The same where a yes takes a word.
const HOW_BY_WORD: [&str; 2] = [
    "To decide: write the word of a yes into THIS-FILE   or   echo reject > THIS-FILE",
    "审批方法：将上面“同意须输入”的词写入此文件   或   echo reject > 此文件",
];

/// The same where a yes is a text, and a no would say nothing.
const HOW_BY_TEXT_ALONE: [&str; 2] =
    ["To decide: echo 'answer: TEXT' > THIS-FILE", "审批方法：echo 'answer: 文本' > 此文件"];

/// How an earlier version said it where a yes is a text.
const HOW_BY_TEXT: [&str; 2] = [
    "To decide: echo 'answer: TEXT' > THIS-FILE   or   echo reject > THIS-FILE",
    "审批方法：echo 'answer: 文本' > 此文件   或   echo reject > 此文件",
];

/// What stands there where whoever reads the file may not decide.
const NOT_YOURS: [&str; 2] = [
    "You may not decide this: what you write into THIS-FILE counts for nothing.",
    "您无权审批此请求：写入此文件的内容无效。",
];

/// The last lines of a request, in both languages.
const ENDS: [[&str; 2]; 5] = [HOW, HOW_BY_WORD, HOW_BY_TEXT_ALONE, HOW_BY_TEXT, NOT_YOURS];

/// A file in two parts: the request, in whatever language and by whatever version it was written, down to the line that
/// says how to decide; and what a person wrote behind it, or instead of it, without our remarks.
fn parts(content: &str) -> (&str, String) {
    let content = content.trim_start_matches('\u{feff}');
    let (mut end, mut at) = (0, 0);
    for line in content.split_inclusive('\n') {
        at += line.len();
        // Evidence is indented, so no pane can print this line.
        if ENDS.as_flattened().contains(&line.trim_end_matches(['\n', '\r'])) {
            end = at;
        }
    }
    let (request, added) = content.split_at(end);
    let written = added.lines().filter(|line| !line.starts_with(REMARK));
    (request, written.collect::<Vec<_>>().join("\n").trim().to_owned())
}

/// Whether somebody wrote something into a file, whosever request it was.
#[must_use]
pub fn has_word(content: &str) -> bool {
    !parts(content).1.is_empty()
}

/// Whether a request stands in a file.
#[must_use]
pub fn is_request(content: &str) -> bool {
    !parts(content).0.is_empty()
}

/// What a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// Nothing yet: the request as it was written, or an empty file on its way to be filled.
    Nothing,
    /// A word that decides, in either language.
    Decided(Verdict),
    /// Something else; the sentence answers it.
    Wrong(String),
}

/// Reads what a person made of the file. `request` is the text that stood in it; `None` where an earlier life wrote it,
/// perhaps in another language.
#[must_use]
pub fn read_decision(content: &str, request: Option<&str>, approval: &Approval, lang: Lang) -> Written {
    let (head, added) = parts(content);
    let added = added.as_str();
    let edited = match request {
        Some(request) => parts(request).0 != head,
        // Somebody wrote a word into the middle of it. What panes printed and what is to be typed is indented.
        None => {
            let own = head.lines().skip(1).filter(|line| !line.starts_with("  "));
            { own }.any(|line| is_word(line, APPROVE) || is_word(line, REJECT) || own_answer(line).is_some())
        }
    };
    if added.is_empty() && (head.is_empty() || !edited) {
        return Written::Nothing;
    }
    let wrong = || {
        let shown = tmuxagent_text::plain::cut_chars(&one_line(added), 40);
        let plain_yes = (!approval.takes_text()).then_some("approve");
        let plain_no = approval.takes_plain_no().then_some("reject");
        let words = plain_yes.into_iter().chain(plain_no).chain(approval.options.iter().map(String::as_str));
        let hint = nearest(&shown, words).map(|near| format!(" ({near}?)")).unwrap_or_default();
        let text = lang.pick("not understood: ", "无法识别：");
        let fix = match approval.options.is_empty() {
            true if approval.takes_text() => lang.pick("write `answer: TEXT`", "请写入 answer: 文本"),
            true => lang.pick("write `approve` or `reject`", "请写入 approve 或 reject"),
            false => {
                lang.pick("write `approve`, `reject` or one of the answers", "请写入 approve、reject 或任一可选答案")
            }
        };
        Written::Wrong(format!("{text}`{shown}`{hint}; {fix}"))
    };
    if added.is_empty() && approval.takes_text() {
        let text = lang.pick(
            "not understood: the request was changed; write `answer: TEXT` behind it, or instead of it",
            "无法识别：请求内容被改动；请在其后写入 answer: 文本，或用它替换全部内容",
        );
        return Written::Wrong(text.to_owned());
    }
    if added.is_empty() {
        let text = lang.pick(
            "not understood: the request was changed; write `approve` or `reject` behind it, or instead of it",
            "无法识别：请求内容被改动；请在其后写入 approve 或 reject，或用它替换全部内容",
        );
        return Written::Wrong(text.to_owned());
    }
    if added.lines().count() > 1 {
        return wrong();
    }
    let option = |text: &str| {
        let text = text.trim();
        approval.options.iter().find(|option| option.trim().eq_ignore_ascii_case(text)).cloned()
    };
    let yes = |answer| Written::Decided(Verdict { approve: true, answer });
    // What these words mean everywhere they mean here, whatever a program calls its answers.
    if is_word(added, REJECT) && !approval.takes_plain_no() {
        return Written::Wrong(Text::NoPlainNo.of(lang).to_owned());
    }
    if is_word(added, REJECT) {
        return Written::Decided(Verdict { approve: false, answer: None });
    }
    if let Some(word) = &approval.confirm {
        let behind = added.split_once(char::is_whitespace).filter(|(yes, _)| is_word(yes, APPROVE));
        // One word takes back the other, also where a policy of an earlier version calls its word so.
        let said = [Some(added), behind.map(|(_, rest)| rest).filter(|rest| !is_word(rest, REJECT)), own_answer(added)];
        if said.into_iter().flatten().any(|said| approval.is_confirmed_by(said)) {
            return yes(Some(word.clone()));
        }
        let shown = tmuxagent_text::plain::cut_chars(&one_line(added), 40);
        return Written::Wrong(message(lang, &approval.another_word(&shown)));
    }
    if is_word(added, APPROVE) {
        return if approval.takes_text() { wrong() } else { yes(option(added)) };
    }
    if let Some(found) = option(added).or_else(|| numbered(&approval.options, added)) {
        return yes(Some(found));
    }
    if let Some(text) = own_answer(added) {
        let free = approval.options.is_empty() && matches!(approval.kind, ApprovalKind::Agent | ApprovalKind::Asks);
        let answer = match free {
            true => typed_text(text).map(str::to_owned),
            false => option(text).or_else(|| numbered(&approval.options, text)),
        };
        return answer.map_or_else(wrong, |answer| yes(Some(answer)));
    }
    match added.split_once(char::is_whitespace) {
        // One word takes back the other.
        Some((word, rest)) if is_word(word, APPROVE) && !is_word(rest, REJECT) => {
            match option(rest).or_else(|| numbered(&approval.options, rest)) {
                Some(found) => yes(Some(found)),
                None => wrong(),
            }
        }
        _ => wrong(),
    }
}

/// The option of a number, from 1, where none is called so.
fn numbered(options: &[String], text: &str) -> Option<String> {
    let number: usize = text.trim().parse().ok()?;
    options.get(number.checked_sub(1)?).cloned()
}

/// What stands behind `answer:`.
fn own_answer(line: &str) -> Option<&str> {
    let line = line.trim();
    ANSWER.iter().find_map(|head| {
        let (begin, text) = line.split_at_checked(head.len())?;
        begin.eq_ignore_ascii_case(head).then_some(text)
    })
}

fn is_word(line: &str, words: &[&str]) -> bool {
    words.contains(&plain(line.trim()).as_str())
}

/// A word as the lists have it.
fn plain(word: &str) -> String {
    word.trim_end_matches(['.', '!', '。', '！']).to_lowercase()
}

#[cfg(test)]
#[path = "request_file_tests.rs"]
mod tests;
