//! The pages, as text. Pure; everything that is not ours is escaped.

use crate::message::Ask;
use crate::token::{TokenError, short_code};
use jiff::tz::TimeZone;
use tmuxagent_model::{Approval, Decider, KeyStep};
use tmuxagent_text::escape;
use tmuxagent_text::plain::named;
use tmuxagent_text::redact::Redactor;
use tmuxagent_text::{Lang, Text, as_it_is, effect_sentence, sentence as sentence_of};

/// The only style; the policy of the pages names it by its hash.
pub(crate) const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:17px/1.45 system-ui,-apple-system,'PingFang SC','Noto Sans CJK SC',sans-serif;margin:0 auto;padding:16px;\
max-width:40rem;overflow-wrap:anywhere}\
h1{font-size:1.25rem;margin:.2em 0 .6em}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2em .8em;margin:0 0 1em}\
dt{opacity:.65}dd{margin:0}\
pre{background:#8882;border-radius:8px;padding:10px;white-space:pre-wrap;overflow-wrap:anywhere;font-size:.9rem;margin:.3em 0 1em}\
.code{font:700 1.5rem/1 ui-monospace,monospace;letter-spacing:.15em}\
.buttons{display:grid;gap:12px;margin:1.2em 0}\
button{font:600 1.15rem/1 inherit;font-family:inherit;min-height:60px;width:100%;border:2px solid transparent;border-radius:12px;color:#fff}\
.approve{background:#17692f}.reject{background:#a5231c}.faint{opacity:.55}\
button:focus-visible{outline:3px solid #4a90e2;outline-offset:2px}\
input[type=password],input[type=text]{font:inherit;width:100%;box-sizing:border-box;padding:12px;border-radius:8px;border:1px solid #888}\
label{display:block;margin:.5em 0}fieldset{border:1px solid #8886;border-radius:8px;margin:0 0 1em}\
.note{opacity:.7;font-size:.9rem}";

/// The field of a form for the PIN.
pub(crate) const PIN: &str =
    "<label>PIN <input type=\"password\" name=\"pin\" inputmode=\"numeric\" required maxlength=\"64\"></label>";

/// What the link's address already chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// The plain link: the page asks for the choice.
    None,
    /// The address ends in `/approve`; the page asks to confirm it.
    Approve,
    /// The address ends in `/reject`; the page asks to confirm it.
    Reject,
}

/// What the page of an open question needs.
pub(crate) struct Question<'a> {
    /// The open approval as the supervisor knows it now.
    pub approval: &'a Approval,
    /// The language that the browser asks for.
    pub lang: Lang,
    /// The zone that times are told in.
    pub zone: &'a TimeZone,
    /// The preselected choice.
    pub choice: Choice,
    /// The page's nonce.
    pub nonce: &'a str,
    /// Whether a PIN is asked for.
    pub asks_pin: bool,
    /// Whom a decision here is recorded with.
    pub by: &'a Decider,
    /// A sentence about the last try, where there was one.
    pub warning: Option<&'a str>,
    /// Takes secrets out of what is shown.
    pub redactor: &'a Redactor,
}

impl Question<'_> {
    /// The page with the question and its two buttons.
    #[must_use]
    pub(crate) fn html(&self) -> String {
        let lang = self.lang;
        let ask = Ask::of(self.approval, None, lang, self.zone, self.redactor);
        let mut body = format!("<h1>{}</h1>", shown(&ask.question));
        let may_decide = self.approval.is_for_decider(self.by);
        if !may_decide {
            let why = sentence_of(lang, &self.approval.not_for(&self.by.who));
            let look = lang.pick("Here it can only be looked at.", "此处只能查看。");
            body.push_str(&format!(
                "<p id=\"reason\"><strong>{}</strong></p><p class=\"note\">{look}</p>",
                shown(&why)
            ));
        }
        if let Some(warning) = self.warning {
            body.push_str(&format!("<p role=\"alert\"><strong>{}</strong></p>", shown(warning)));
        }
        body.push_str("<dl>");
        let mut facts = vec![(lang.pick("Where", "位置"), ask.place.clone())];
        if !ask.folder.is_empty() {
            facts.push((lang.pick("Folder", "目录"), ask.folder.clone()));
        }
        if !ask.stage.is_empty() {
            facts.push((lang.pick("Stage", "阶段"), ask.stage.clone()));
        }
        facts.push((lang.pick("Why", "原因"), ask.reason.to_owned()));
        if let Some(until) = &ask.until {
            facts.push((lang.pick("Until", "截止"), until.clone()));
        }
        for (label, value) in facts {
            body.push_str(&format!("<dt>{label}</dt><dd>{}</dd>", shown(&value)));
        }
        let code = short_code(self.approval);
        let label = lang.pick("Code", "校验码");
        body.push_str(&format!("<dt>{label}</dt><dd class=\"code\" id=\"code\">{code}</dd></dl>"));
        body.push_str(&self.command(lang));
        if !ask.evidence.is_empty() {
            let label = lang.pick("Last lines", "最近输出");
            body.push_str(&format!("<p>{label}</p><pre>{}</pre>", shown(&ask.evidence.join("\n"))));
        }
        if !may_decide {
            return document(lang, lang.pick("Only to be looked at", "仅供查看"), &body);
        }
        body.push_str(&self.form(lang, &ask));
        document(lang, lang.pick("Approve or reject", "审批"), &body)
    }

    /// Exactly what a yes, a no and each answer types, step by step.
    fn command(&self, lang: Lang) -> String {
        let (asked, label_of_no) = (self.approval, lang.pick("A no will type exactly this", "拒绝后将原样输入"));
        let no = self.typed(label_of_no, "command-of-no", &asked.effect_no);
        if asked.option_effects.is_empty() {
            return self.command_of_yes(lang) + &no;
        }
        let label = |option: &str| {
            let option = self.redactor.redact(option);
            lang.pick("The answer OPTION will type exactly this", "回答 OPTION 将原样输入").replace("OPTION", &option)
        };
        let options = asked.options.iter().zip(&asked.option_effects).enumerate();
        let each = options.map(|(n, (option, steps))| self.typed(&label(option), &format!("command-{n}"), steps));
        each.collect::<String>() + &no
    }

    /// What is typed, under its label; nothing where nothing is.
    fn typed(&self, label: &str, id: &str, steps: &[KeyStep]) -> String {
        if steps.is_empty() {
            return String::new();
        }
        let text = self.redactor.redact(&lines_of_steps(steps));
        format!("<p>{}</p><pre id=\"{id}\">{}</pre>", shown(label), shown(&text))
    }

    fn command_of_yes(&self, lang: Lang) -> String {
        if self.approval.takes_text() {
            let told = lang.pick(
                "The command waits for a text: what you write below is typed, and then Enter.",
                "命令在等待文本：下面写的内容会原样输入，然后按回车。",
            );
            return format!("<p>{told}</p>");
        }
        if let Some(answered) = tmuxagent_text::answered(self.approval) {
            return format!("<p>{}{}{}</p>", Text::Effect.of(lang), lang.colon(), answered.of(lang));
        }
        let text = typed(lang, self.approval);
        if text.is_empty() {
            return format!("<p>{}</p>", lang.pick("A yes types nothing.", "批准后不会输入任何内容。"));
        }
        let text = self.redactor.redact(&text);
        let label = if self.approval.effect.is_empty() {
            lang.pick("If approved", "批准后")
        } else {
            lang.pick("A yes will type exactly this", "批准后将原样输入")
        };
        format!("<p>{label}</p><pre id=\"command\">{}</pre>", shown(&text))
    }

    fn form(&self, lang: Lang, ask: &Ask) -> String {
        let mut form = form_begins(self.nonce);
        if !ask.options.is_empty() {
            form.push_str(&format!("<fieldset><legend>{}</legend>", lang.pick("Answer", "答案")));
            for (index, option) in ask.options.iter().enumerate() {
                let checked = if index == 0 { " checked" } else { "" };
                form.push_str(&format!(
                    "<label><input type=\"radio\" name=\"option\" value=\"{index}\"{checked}> {}</label>",
                    shown(option)
                ));
            }
            form.push_str("</fieldset>");
        }
        if let Some(word) = &ask.confirm {
            let label = lang.pick("A yes takes the word", "同意须输入");
            form.push_str(&format!(
                "<label>{label} <strong id=\"word\">{}</strong> <input type=\"text\" name=\"word\" maxlength=\"200\"></label>",
                shown(word)
            ));
        }
        if ask.takes_text {
            let label = lang.pick("Your answer", "您的回答");
            form.push_str(&format!("<label>{label} <input type=\"text\" name=\"word\" maxlength=\"1000\"></label>"));
        }
        if self.asks_pin {
            form.push_str(PIN);
        }
        form.push_str("<div class=\"buttons\">");
        let yes =
            if ask.takes_text { lang.pick("Send the answer", "发送回答") } else { lang.pick("Approve", "批准") };
        let buttons = [
            ("approve", "approve", yes, Choice::Approve),
            ("reject", "reject", lang.pick("Reject", "拒绝"), Choice::Reject),
        ];
        let offered = if self.approval.takes_plain_no() { &buttons[..] } else { &buttons[..1] };
        for &(name, class, label, own) in offered {
            let faint = if self.choice != Choice::None && self.choice != own { " faint" } else { "" };
            let focus = if self.choice == own { " autofocus" } else { "" };
            form.push_str(&format!(
                "<button type=\"submit\" name=\"verdict\" value=\"{name}\" id=\"{name}\" class=\"{class}{faint}\"{focus}>{label}</button>"
            ));
        }
        form.push_str("</div></form>");
        if !self.approval.takes_plain_no() {
            form.push_str(&format!("<p class=\"note\">{}</p>", Text::NoPlainNo.of(lang)));
        }
        form.push_str(&format!(
            "<p class=\"note\">{}</p>",
            lang.pick(
                "Compare the code with the one in your message. Nothing happens before you press a button.",
                "请核对校验码与消息中的是否一致。按下按钮之前不会发生任何操作。"
            )
        ));
        form
    }
}

/// The begin of a form with this nonce. Without an action it goes to where the browser saw the page, whatever path a proxy gave it.
pub(crate) fn form_begins(nonce: &str) -> String {
    let nonce = escape::html(nonce);
    format!("<form method=\"post\" autocomplete=\"off\"><input type=\"hidden\" name=\"nonce\" value=\"{nonce}\">")
}

/// The steps, a line each; keys in brackets.
#[must_use]
pub fn lines_of_steps(steps: &[KeyStep]) -> String {
    let line = |step: &KeyStep| match step {
        KeyStep::Text(text) => as_it_is(text),
        KeyStep::Key(key) => format!("[{key}]"),
    };
    steps.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Exactly what a yes types, step by step, or what else it does; empty where it does nothing. With its secrets.
#[must_use]
pub fn typed(lang: Lang, approval: &Approval) -> String {
    match (tmuxagent_text::answered(approval), approval.effect.as_slice()) {
        (Some(answered), _) => answered.of(lang).to_owned(),
        (None, []) => effect_sentence(lang, &approval.effect_text),
        (None, steps) => lines_of_steps(steps),
    }
}

/// A page that says why nothing was done.
#[must_use]
pub fn refused(lang: Lang, sentence: &str) -> String {
    let head = lang.pick("Nothing was done", "未执行任何操作");
    document(lang, head, &format!("<h1>{head}</h1><p id=\"reason\">{}</p>", shown(sentence)))
}

/// A page that says that nobody knows yet whether it is done, and how to find out.
#[must_use]
pub(crate) fn uncertain(lang: Lang, sentence: &str) -> String {
    let head = lang.pick("Not certain", "尚不确定");
    let how = lang.pick(
        "Open the link again in a moment: it shows what was decided, or asks once more.",
        "请稍后再次打开此链接：它会显示已作的决定，或再次询问。",
    );
    let body = format!("<h1>{head}</h1><p id=\"reason\">{}</p><p class=\"note\">{how}</p>", shown(sentence));
    document(lang, head, &body)
}

/// Why a link is not accepted, in a sentence with the way out.
#[must_use]
pub(crate) const fn sentence(lang: Lang, error: TokenError) -> &'static str {
    match error {
        TokenError::Forged => lang.pick("This link is not genuine.", "此链接不是有效链接。"),
        TokenError::Foreign => lang.pick(
            "This link belongs to no question here. Open the newest message.",
            "此链接不对应任何问题，请打开最新的消息。",
        ),
        TokenError::Expired => lang.pick(
            "This link has expired. Decide at the screen, or wait for the next reminder.",
            "此链接已过期。请在主界面处理，或等待下一次提醒。",
        ),
        TokenError::Used => {
            lang.pick("This link was used, or the question is closed.", "此链接已使用，或该问题已关闭。")
        }
        TokenError::Undecided => lang.pick(
            "Nobody decided this in time: the question has expired, and nothing is decided here any more.",
            "无人及时决定：该问题已过期，此处不能再作决定。",
        ),
        TokenError::Revoked => lang.pick(
            "This link was replaced: what is asked has changed. Open the newest message.",
            "此链接已作废：问题内容已变化，请打开最新的消息。",
        ),
        TokenError::Locked => lang.pick(
            "This link is locked: the PIN was wrong five times. The next reminder brings a new link; or decide at the screen.",
            "此链接已锁定：PIN 连续输错五次。下一次提醒会带来新链接，也可以在主界面处理。",
        ),
    }
}

/// A whole page of this title.
#[must_use]
pub fn document(lang: Lang, title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html><html lang=\"{}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"robots\" content=\"noindex\">\
         <title>{} · tmuxagent</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>",
        lang.code(),
        escape::html(title)
    )
}

/// Text for the page: escaped, and what would show nothing or change the order of the rest is named instead.
#[must_use]
pub fn shown(text: &str) -> String {
    escape::html(&named(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_deceives_is_named() {
        assert_eq!(shown("a\u{202e}b\u{1b}<c>"), "a⟨U+202E⟩b⟨U+001B⟩&lt;c&gt;");
    }

    proptest! {
        #[test]
        fn hostile_text_stays_text(question in ".{0,80}", command in "(?s).{0,80}", evidence in ".{0,80}", option in ".{1,20}") {
            let approval = Approval {
                question: format!("{question}<script>alert(1)</script>\" onload=\"x"),
                effect: vec![KeyStep::Text(format!("{command}</pre><img src=x onerror=alert(1)>"))],
                evidence: vec![format!("{evidence}'><iframe src=//evil.example>")],
                options: vec![format!("{option}\"><input name=nonce value=x>")],
                place: "<b>p".into(),
                ..crate::message::tests::approval()
            };
            let redactor = Redactor::default();
            let html = Question {
                approval: &approval, lang: Lang::En, zone: &TimeZone::UTC, choice: Choice::Approve, nonce: "N", asks_pin: true,
                by: &Decider::named("li", tmuxagent_model::Via::Link), warning: Some("<i>w"), redactor: &redactor,
            }.html();
            for tag in ["<script", "<img", "<iframe", "<b>", "<i>", "onload=\""] {
                prop_assert!(!html.contains(tag), "{tag}");
            }
            prop_assert_eq!(html.matches("name=\"nonce\"").count(), 1);
            prop_assert_eq!(html.matches("<button").count(), 2);
        }
    }
}
