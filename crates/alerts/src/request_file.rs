//! Approval files, the pure part: their names, what stands in them, and what a person may write into them.
//!
//! A request file is readable as it is and takes `echo approve > FILE.txt`, `reject`, or an answer of the question's
//! options. Its name ends in the approval's id and revision, so that a decision belongs to exactly what was asked.

use super::token::short_code;
use std::fmt::Write;
use tmuxagent_model::{Approval, ApprovalId, KeyStep, Verdict};
use tmuxagent_text::escape;
use tmuxagent_text::plain::{harmless, one_line};
use tmuxagent_text::redact::Redactor;
use tmuxagent_text::utc;
use tmuxagent_text::{Lang, question};
use tmuxagent_yaml::nearest;

const APPROVE: &[&str] = &["approve", "approved", "yes", "y", "ok", "批准", "同意", "通过", "是"];
const REJECT: &[&str] = &["reject", "rejected", "no", "n", "deny", "拒绝", "不同意", "驳回", "否"];

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

/// What stands in the file. `note` answers what was written last; it stands as a [`remark`].
#[must_use]
pub fn request_text(approval: &Approval, lang: Lang, redactor: &Redactor, note: Option<&str>) -> String {
    let line = |text: &str| one_line(&redactor.redact(text));
    let mut text = format!("{}\n\n", line(&question(lang, approval)));
    let mut field = |label: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "{label}: {value}");
        }
    };
    let (host, place) = host_and_place(approval);
    field(lang.pick("where", "位置"), &line(&format!("{host} {}", approval.pane.told(place))));
    field(lang.pick("pipeline", "流水线"), &line(approval.pipeline.as_deref().unwrap_or_default()));
    field(lang.pick("stage", "阶段"), &line(approval.stage.as_deref().unwrap_or_default()));
    field(lang.pick("why", "原因"), lang.reason(&approval.kind));
    field(lang.pick("asked", "提出"), &utc(approval.asked_at));
    field(lang.pick("until", "截止"), &approval.expires_at.map(utc).unwrap_or_default());
    field(lang.pick("code", "校验码"), &short_code(approval));
    field(lang.pick("answers", "可选答案"), &approval.options.iter().map(|o| line(o)).collect::<Vec<_>>().join(" | "));
    let steps: Vec<String> = approval
        .effect
        .iter()
        .map(|step| match step {
            KeyStep::Text(text) => line(text),
            KeyStep::Key(key) => format!("[{}]", line(key)),
        })
        .collect();
    if !steps.is_empty() {
        let _ = writeln!(text, "\n{}\n  {}", lang.pick("A yes will type:", "批准后将输入："), steps.join("\n  "));
    }
    if !approval.evidence.is_empty() {
        let _ = writeln!(text, "\n{}", lang.pick("Last lines:", "最近输出："));
        for evidence in redactor.redact_lines(&approval.evidence) {
            let _ = writeln!(text, "  {}", harmless(&evidence));
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
    let _ = writeln!(text, "{}", lang.pick(HOW[0], HOW[1]));
    if let Some(note) = note {
        text.push_str(&remark(note));
    }
    text
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

/// A file in two parts: the request, in whatever language and by whatever version it was written, down to the line that
/// says how to decide; and what a person wrote behind it, or instead of it, without our remarks.
fn parts(content: &str) -> (&str, String) {
    let content = content.trim_start_matches('\u{feff}');
    let (mut end, mut at) = (0, 0);
    for line in content.split_inclusive('\n') {
        at += line.len();
        // Evidence is indented, so no pane can print this line.
        if HOW.contains(&line.trim_end_matches(['\n', '\r'])) {
            end = at;
        }
    }
    let (request, added) = content.split_at(end);
    let written = added.lines().filter(|line| !line.starts_with(REMARK));
    (request, written.collect::<Vec<_>>().join("\n").trim().to_owned())
}

/// The language in which a request is written, by the line that says how to decide.
fn language_of(request: &str) -> Option<Lang> {
    let last = request.lines().last()?;
    HOW.iter().position(|how| *how == last).map(|at| if at == 0 { Lang::En } else { Lang::Zh })
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
    let lang = language_of(head).unwrap_or(lang);
    let edited = match request {
        Some(request) => parts(request).0 != head,
        // Somebody wrote a word into the middle of it. What panes printed and what is to be typed is indented.
        None => {
            let own = head.lines().skip(1).filter(|line| !line.starts_with("  "));
            { own }.any(|line| is_word(line, APPROVE) || is_word(line, REJECT))
        }
    };
    if added.is_empty() && (head.is_empty() || !edited) {
        return Written::Nothing;
    }
    let wrong = || {
        let shown = tmuxagent_text::plain::cut_chars(&one_line(added), 40);
        let words = ["approve", "reject"].into_iter().chain(approval.options.iter().map(String::as_str));
        let hint = nearest(&shown, words).map(|near| format!(" ({near}?)")).unwrap_or_default();
        let text = lang.pick("not understood: ", "无法识别：");
        let fix = match approval.options.is_empty() {
            true => lang.pick("write `approve` or `reject`", "请写入 approve 或 reject"),
            false => {
                lang.pick("write `approve`, `reject` or one of the answers", "请写入 approve、reject 或任一可选答案")
            }
        };
        Written::Wrong(format!("{text}`{shown}`{hint}; {fix}"))
    };
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
    if is_word(added, REJECT) {
        return Written::Decided(Verdict { approve: false, answer: None });
    }
    if is_word(added, APPROVE) {
        return yes(option(added));
    }
    if let Some(found) = option(added).or_else(|| numbered(&approval.options, added)) {
        return yes(Some(found));
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

fn is_word(line: &str, words: &[&str]) -> bool {
    words.contains(&plain(line.trim()).as_str())
}

/// A word as the lists have it.
fn plain(word: &str) -> String {
    word.trim_end_matches(['.', '!', '。', '！']).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::tests::approval;
    use proptest::prelude::*;
    use tmuxagent_model::HostName;

    fn read(content: &str) -> Written {
        let asked = Approval { options: vec!["staging".into(), "prod eu".into()], ..approval() };
        let request = request_text(&asked, Lang::En, &Redactor::default(), None);
        read_decision(&content.replace("REQUEST", &request), Some(&request), &asked, Lang::En)
    }

    #[test]
    fn a_request_reads_by_itself() {
        insta::assert_snapshot!(request_text(&approval(), Lang::En, &Redactor::default(), Some("not understood: `x`")), @r"
        Build after green tests?

        where: local proj:storyapp.0 %3
        pipeline: storyapp-ci
        stage: build
        why: a stage wants to start
        asked: 2023-11-14 22:13 UTC
        until: 2023-11-14 23:13 UTC
        code: XDG4

        A yes will type:
          npm run build
          [Enter]

        Last lines:
          Tests: 42 passed
          Done in 3.1s

        To decide: echo approve > THIS-FILE   or   echo reject > THIS-FILE
        # not understood: `x`
        ");
        assert_eq!(approval_of(&file_name(&approval())), Some(approval().id));
        assert_eq!(["a.txt", "--A.1", "a--A.b.txt", "a--../A.1.txt"].map(approval_of), [None, None, None, None]);
        assert_eq!(
            file_name(&approval()),
            "local--proj_storyapp.0--storyapp-ci--build--01J8ZQ4M3V5C2N7R9T1W6X8Y0A.1.txt"
        );
    }

    #[test]
    fn what_people_write_is_understood() {
        let yes = |answer: Option<&str>| Written::Decided(Verdict { approve: true, answer: answer.map(str::to_owned) });
        let no = Written::Decided(Verdict { approve: false, answer: None });
        for (content, expected) in [
            ("approve\n", yes(None)),
            ("REQUESTapprove\n", yes(None)),
            ("  YES  \r\n", yes(None)),
            ("批准", yes(None)),
            ("\u{feff}ok", yes(None)),
            ("approve staging", yes(Some("staging"))),
            ("prod eu\n", yes(Some("prod eu"))),
            ("reject\n", no.clone()),
            ("REQUEST拒绝", no),
            ("", Written::Nothing),
            ("\n", Written::Nothing),
            ("REQUEST", Written::Nothing),
        ] {
            assert_eq!(read(content), expected, "{content}");
        }
    }

    #[test]
    fn a_request_of_an_earlier_life_is_known_in_any_language() {
        let (asked, redactor) = (approval(), Redactor::default());
        let left = |lang, note: Option<&str>| request_text(&asked, lang, &redactor, note);
        let no = Written::Decided(Verdict { approve: false, answer: None });
        for written in [Lang::En, Lang::Zh] {
            for read in [Lang::En, Lang::Zh] {
                for note in [None, Some("not understood: `aprove`")] {
                    let content = left(written, note);
                    assert_eq!(read_decision(&content, None, &asked, read), Written::Nothing, "{content}");
                    assert_eq!(read_decision(&format!("{content}reject\n"), None, &asked, read), no);
                }
                let within = left(written, None).replacen("\n\n", "\napprove\n", 1);
                assert!(matches!(read_decision(&within, None, &asked, read), Written::Wrong(_)), "{within}");
            }
        }
        let changed = format!("{}aprove\n", left(Lang::Zh, None));
        let Written::Wrong(said) = read_decision(&changed, None, &asked, Lang::En) else { panic!("{changed}") };
        assert!(said.starts_with("无法识别"), "in the file's language: {said}");
        let within = left(Lang::En, None).replacen("\n\n", "\naprove\n", 1);
        assert!(matches!(read_decision(&within, Some(&left(Lang::En, None)), &asked, Lang::En), Written::Wrong(_)));
        assert_eq!(read_decision("# ours\n", None, &asked, Lang::En), Written::Nothing);
        assert!(!has_word("# already approved by li\n") && !is_request("# already approved by li\n"));
    }

    #[test]
    fn anything_else_is_answered() {
        for content in
            ["aprove", "approve?? maybe", "approve\nreject\n", "approve mars", "reject it", "REQUEST approve me"]
        {
            assert!(matches!(read(content), Written::Wrong(_)), "{content}");
        }
        assert_eq!(
            read("aprove"),
            Written::Wrong(
                "not understood: `aprove` (approve?); write `approve`, `reject` or one of the answers".into()
            )
        );
    }

    #[test]
    fn a_word_means_its_verdict_whatever_the_answers_are_called() {
        let yes = |answer: &str| Written::Decided(Verdict { approve: true, answer: Some(answer.to_owned()) });
        let plain = |approve| Written::Decided(Verdict { approve, answer: None });
        let of = |options: &[&str], content: &str| {
            let options = options.iter().map(|option| (*option).to_owned()).collect();
            read_decision(content, None, &Approval { options, ..approval() }, Lang::En)
        };
        let (words, letters) = (&["approve", "reject"][..], &["No", "Yes"][..]);
        assert_eq!(of(words, "reject\n"), plain(false));
        assert_eq!(of(words, "approve\n"), yes("approve"));
        assert_eq!(of(words, "2\n"), yes("reject"), "by its number");
        assert_eq!(
            (of(letters, "no"), of(letters, "NO."), of(letters, "reject")),
            (plain(false), plain(false), plain(false))
        );
        assert_eq!(
            (of(letters, "yes"), of(letters, "approve 2"), of(letters, "ok")),
            (yes("Yes"), yes("Yes"), plain(true))
        );
        for contradiction in ["approve reject", "approve no", "reject yes", "3", "0", "-1"] {
            assert!(matches!(of(letters, contradiction), Written::Wrong(_)), "{contradiction}");
        }
        // An answer may be called like a number.
        assert_eq!(of(&["2", "1"], "2"), yes("2"));
    }

    proptest! {
        #[test]
        fn what_a_pane_printed_is_nobodys_word(
            lines in prop::collection::vec(
                prop_oneof![".{0,30}", r"[ \t#]{0,3}(ok|yes|no|y|n|approve|REJECT|是|否)[.!]?[ \r\n]{0,2}", "To decide.{0,60}", Just(HOW[0].to_owned())],
                0..6,
            ),
            zh: bool, read_zh: bool,
        ) {
            let of = |zh| if zh { Lang::Zh } else { Lang::En };
            let asked = Approval { evidence: lines, ..approval() };
            let request = request_text(&asked, of(zh), &Redactor::default(), None);
            for known in [None, Some(request.as_str())] {
                prop_assert_eq!(read_decision(&request, known, &asked, of(read_zh)), Written::Nothing);
            }
        }

        #[test]
        fn names_stay_in_their_folder(
            host in ".{0,80}", place in ".{0,200}", pipeline in prop::option::of(".{0,80}"), stage in prop::option::of("[./]{0,9}.{0,80}"),
            id in ".{0,60}",
        ) {
            let mut asked = approval();
            asked.pane.host = HostName::new(host);
            asked.place = place;
            asked.pipeline = pipeline;
            asked.stage = stage;
            asked.id = ApprovalId::new(id.clone());
            let name = file_name(&asked);
            prop_assert!(name.len() <= 240 && !name.contains(['/', '\0']) && !name.starts_with('.'), "{}", name);
            prop_assert!(name.chars().all(|c| !c.is_control()));
            let other = Approval { id: ApprovalId::new(format!("{id}.")), ..asked.clone() };
            prop_assert_ne!(file_name(&other), name.clone());
            let newer = Approval { revision: 2, ..asked };
            prop_assert_ne!(file_name(&newer), name);
        }

        #[test]
        fn no_request_decides_itself(question in ".{0,60}", evidence in prop::collection::vec(".{0,60}", 0..4)) {
            let asked = Approval { question, evidence, ..approval() };
            let request = request_text(&asked, Lang::En, &Redactor::default(), None);
            prop_assert_eq!(read_decision(&request, Some(&request), &asked, Lang::En), Written::Nothing);
            prop_assert!(!has_word(&request) && is_request(&request));
            let cut: String = request.chars().take(request.chars().count() / 2).collect();
            prop_assert!(!matches!(read_decision(&cut, Some(&request), &asked, Lang::En), Written::Decided(_)) || !cut.contains('\n'));
        }
    }
}
