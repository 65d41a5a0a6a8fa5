//! What is told, before any service's own form: composed of an alert and the approval it speaks of, rendered in a
//! service's markup within its limit. Pure.
//!
//! **Invariants:** all text in a [`Message`] went through redaction; its links are ours. Rendering keeps the limit, and
//! what it leaves out is evidence first, then body, then command and question, never the code and the links.

use super::markup::{Markup, Tone};
use crate::press::Pressers;
use crate::token::short_code;
use jiff::tz::TimeZone;
use tmuxagent_model::{Alert, AlertKind, Approval, ApprovalId, ApprovalState, RunId, Urgency, shortened};
use tmuxagent_text::plain::{CUT, cut_bytes, harmless, one_line};
use tmuxagent_text::redact::Redactor;
use tmuxagent_text::{
    Lang, Text, answered, as_it_is, effect_sentence, more_characters, open_until, question, sentence, steps_line,
    told_option,
};

/// The most last lines that several messages show as one, and that one of them shows.
const TOGETHER: usize = 24;
const MOST_OF_ONE: usize = 5;
/// So much of what is sent stays while a message has lines of the cause, bytes.
const BRIEF: usize = 400;

/// A message for one human, in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What it is about.
    pub kind: AlertKind,
    /// How pressing it is.
    pub urgency: Urgency,
    /// The language of the words around.
    pub lang: Lang,
    /// What happened, on one line.
    pub title: String,
    /// More lines, may be empty.
    pub body: String,
    /// How the body is read.
    pub form: Form,
    /// The run it speaks of.
    pub run: Option<RunId>,
    /// The open question it asks.
    pub ask: Option<Ask>,
}

/// How the body of a message is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// As data: no markup in it is read.
    #[default]
    Plain,
    /// As Markdown of the user's own, never of a pane's.
    Markdown,
}

/// The part of a message that asks for a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The approval that an answer decides.
    pub approval: ApprovalId,
    /// Which revision of it.
    pub revision: u32,
    /// The signs that message, page and screen share.
    pub code: String,
    /// `session:window.pane` with its host.
    pub place: String,
    /// The folder in which it acts; empty where it is not known.
    pub folder: String,
    /// Pipeline and stage, empty where there are none.
    pub stage: String,
    /// Why it is asked, in our words.
    pub reason: &'static str,
    /// What the person is asked, in their language.
    pub question: String,
    /// What a yes does, one line; empty when it does nothing.
    pub command: Sent,
    /// Whether a yes types that into a pane.
    pub types: bool,
    /// The sentence for a question of which a yes sends the answer that comes with it.
    pub answered: Option<Text>,
    /// What a no sends, one line; empty when it sends nothing.
    pub command_of_no: Sent,
    /// The lines that led to it, oldest first.
    pub evidence: Vec<String>,
    /// The answers to choose from, each with what it does where its word does not say it.
    pub options: Vec<String>,
    /// The word that a yes takes, where it takes one.
    pub confirm: Option<String>,
    /// Whether a yes is a text that the person writes.
    pub takes_text: bool,
    /// Whether a plain no says something.
    pub takes_no: bool,
    /// Who may decide; empty: everybody.
    pub approvers: Vec<String>,
    /// Whether who reads it may not decide by its link, which is then only to look at it.
    pub for_others: bool,
    /// When it expires, in the reader's zone.
    pub until: Option<String>,
    /// Since when it is open, where it is told once more.
    pub since: Option<String>,
    /// The signed link's page, where links are served.
    pub link: Option<String>,
}

impl Message {
    /// Composes the message of an alert. `approval` is the approval it names, as it stands now; a closed one is told of but
    /// not asked about. `link` is the page of a signed link for exactly that revision.
    #[must_use]
    pub fn compose(
        alert: &Alert,
        approval: Option<&Approval>,
        link: Option<&str>,
        lang: Lang,
        zone: &TimeZone,
        redactor: &Redactor,
    ) -> Self {
        let ask = approval
            .filter(|approval| approval.state == ApprovalState::Pending)
            .map(|approval| Ask::of(approval, link, lang, zone, redactor));
        let (name, colon) = (lang.kind(if is_unopened(alert) { AlertKind::Custom } else { alert.kind }), lang.colon());
        let title = one_line(&redactor.redact(&sentence(lang, &alert.title)));
        let title = match alert.kind {
            _ if title.is_empty() => name.to_owned(),
            AlertKind::Program => lang.pick("A program in TITLE", "程序，在 TITLE").replace("TITLE", &title),
            AlertKind::Failure | AlertKind::Success => {
                match place(alert).map(|place| one_line(&redactor.redact(place))) {
                    Some(place) => format!("{name}{colon}{title} ({place})"),
                    None => format!("{name}{colon}{title}"),
                }
            }
            _ => format!("{name}{colon}{title}"),
        };
        Self {
            kind: alert.kind,
            urgency: alert.urgency,
            lang,
            title,
            // What an alert's body says of a question, the question itself says better.
            body: if ask.is_some() { String::new() } else { body(alert, lang, redactor) },
            form: Form::Plain,
            run: alert.run,
            ask,
        }
    }

    /// A message of plain words, for scripts and tests of a channel.
    #[must_use]
    pub fn plain(title: &str, body: &str, urgency: Urgency, lang: Lang, redactor: &Redactor) -> Self {
        Self {
            kind: AlertKind::Custom,
            urgency,
            lang,
            title: one_line(&redactor.redact(title)),
            body: harmless(&redactor.redact(body)).trim().to_owned(),
            form: Form::Plain,
            run: None,
            ask: None,
        }
    }

    /// Several messages that ask nothing as one; `None` for fewer than two.
    #[must_use]
    pub fn merged(messages: &[Self]) -> Option<Self> {
        let [first, _, ..] = messages else {
            return None;
        };
        let urgency = messages.iter().map(|message| message.urgency).max().unwrap_or(first.urgency);
        let pressing = messages.iter().max_by_key(|message| message.urgency).unwrap_or(first);
        let count = messages.len();
        let each = (TOGETHER / count).clamp(1, MOST_OF_ONE);
        let body: Vec<String> = messages.iter().map(|message| message.as_item(each)).collect();
        Some(Self {
            kind: pressing.kind,
            urgency,
            lang: first.lang,
            title: first.lang.pick("COUNT messages", "COUNT 条消息").replace("COUNT", &count.to_string()),
            body: body.join("\n"),
            form: Form::Plain,
            run: None,
            ask: None,
        })
    }

    /// As one of several: its title with the first line that says more, and the last `most` of the others below.
    fn as_item(&self, most: usize) -> String {
        let lines: Vec<&str> = self.body.lines().filter(|line| !self.title.contains(line.trim())).collect();
        let Some((first, more)) = lines.split_first() else {
            return format!("• {}", self.title);
        };
        let more = more[more.len().saturating_sub(most)..].iter().map(|line| format!("\n  {}", cut_bytes(line, 120)));
        format!("• {} — {}{}", self.title, cut_bytes(first, 160), more.collect::<String>())
    }

    /// The whole message in `markup`, at most `limit` bytes; see the module's invariants for what is left out.
    #[must_use]
    pub fn render(&self, markup: Markup, limit: usize) -> String {
        fit(self, limit, |message| message.written(markup, Head::WithTitle))
    }

    /// Everything but the title, for services that take the title apart.
    #[must_use]
    pub(crate) fn render_body(&self, markup: Markup, limit: usize) -> String {
        fit(self, limit, |message| message.written(markup, Head::Apart))
    }

    fn written(&self, markup: Markup, head: Head) -> String {
        let mut parts = Vec::new();
        let is_whole = self.form == Form::Markdown && super::markdown::title(&self.body) == self.title;
        if head == Head::WithTitle && !is_whole {
            parts.push(markup.heading(&self.title));
        }
        if !self.body.is_empty() {
            parts.push(match self.form {
                Form::Plain => self.body.lines().map(|l| markup.shown(l)).collect::<Vec<_>>().join(markup.line_break()),
                Form::Markdown => markup.markdown(&self.body),
            });
        }
        if let Some(ask) = &self.ask {
            parts.extend(ask.written(
                markup,
                self.lang,
                head == Head::WithTitle && self.title.ends_with(&ask.question),
            ));
        }
        parts.retain(|part| !part.is_empty());
        parts.join(if matches!(markup, Markup::Markdown | Markup::Quoted) { "\n\n" } else { "\n" })
    }
}

/// The body of an alert that asks nothing. Of a failure the second line is the machine's own: why it failed, between the
/// pane's place and the lines that it printed. Everything else is words of a policy, an agent or a pane.
fn body(alert: &Alert, lang: Lang, redactor: &Redactor) -> String {
    let told = harmless(&redactor.redact(&alert.body)).trim().to_owned();
    if alert.kind != AlertKind::Failure {
        return told;
    }
    let word = |(n, line): (usize, &str)| if n == 1 { sentence(lang, line) } else { line.to_owned() };
    told.split('\n').enumerate().map(word).collect::<Vec<_>>().join("\n")
}

/// Whether it tells of a gate that nobody opened in time, which is no failure: nothing of its stage was begun.
fn is_unopened(alert: &Alert) -> bool {
    let of_stage = alert.title.strip_suffix(" is not started").map(|title| title.contains("stage "));
    alert.kind == AlertKind::Failure && alert.run.is_some() && of_stage == Some(true)
}

/// Where a run failed or is through: the first line of the body, unless that is the text of a policy, which begins with its
/// title.
pub(crate) fn place(alert: &Alert) -> Option<&str> {
    alert.run?;
    alert.body.lines().next().filter(|line| !line.is_empty() && *line != alert.title)
}

/// What a decision sends, as far as a message shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sent {
    /// That much of it, ending in [`CUT`] where some is left out.
    pub shown: String,
    /// Characters of the whole.
    chars: usize,
}

impl Sent {
    fn of(whole: String) -> Self {
        Self { chars: whole.chars().count(), shown: whole }
    }

    /// Characters that are not shown.
    fn left_out(&self) -> usize {
        let shown = self.shown.chars().count();
        if shown < self.chars { self.chars - shown.saturating_sub(1) } else { 0 }
    }
}

/// Whether the title is part of the text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Head {
    WithTitle,
    Apart,
}

impl Ask {
    /// What is asked by an open approval.
    #[must_use]
    pub fn of(approval: &Approval, link: Option<&str>, lang: Lang, zone: &TimeZone, redactor: &Redactor) -> Self {
        let words = |text: &str| one_line(&redactor.redact(text));
        let stage = match (&approval.pipeline, &approval.stage) {
            (Some(pipeline), Some(stage)) => words(&format!("{pipeline} / {stage}")),
            (Some(name), None) | (None, Some(name)) => words(name),
            (None, None) => String::new(),
        };
        Self {
            approval: approval.id.clone(),
            revision: approval.revision,
            code: short_code(approval),
            place: words(&approval.told_place()),
            folder: words(&approval.folder),
            stage,
            reason: lang.reason(&approval.kind),
            question: words(&question(lang, approval)),
            command: Sent::of(words(&as_it_is(&effect_sentence(lang, &approval.effect_text)))),
            types: !approval.effect.is_empty(),
            answered: answered(approval),
            command_of_no: Sent::of(words(&steps_line(&approval.effect_no))),
            evidence: lines_of(approval, redactor),
            options: approval
                .options
                .iter()
                .map(|option| told_option(lang, approval, option, &words(option)))
                .collect(),
            confirm: approval.confirm.clone(),
            takes_text: approval.takes_text(),
            takes_no: approval.takes_plain_no(),
            approvers: approval.approvers.clone(),
            for_others: false,
            until: open_until(zone, approval),
            since: None,
            link: link.map(str::to_owned),
        }
    }

    /// Whether a chat's yes-or-no buttons decide it: nothing is to be chosen or typed, and one of those whose presses count
    /// may decide.
    #[must_use]
    pub fn takes_buttons(&self, pressers: &Pressers) -> bool {
        let plain = self.options.is_empty() && self.confirm.is_none() && !self.takes_text && self.takes_no;
        plain && pressers.one_may(&self.approvers)
    }

    /// What is sent, below its heading; where not all of it fits, how much more there is and the command that shows it.
    fn sent(&self, markup: Markup, lang: Lang, head: &str, sent: &Sent) -> Vec<String> {
        if sent.shown.is_empty() {
            return Vec::new();
        }
        let rest = sent.left_out();
        let more = (rest > 0).then(|| markup.text(&more_characters(lang, rest, self.approval.as_str())));
        [markup.bold(head), markup.block(&sent.shown)].into_iter().chain(more).collect()
    }

    /// The command that says yes.
    fn command_line(&self, lang: Lang) -> String {
        let answer = match &self.confirm {
            Some(word) => format!(" --answer {}", quoted(word)),
            None if self.takes_text => format!(" --answer {}", lang.pick("TEXT", "文本")),
            None => String::new(),
        };
        format!("tmuxagent approve {}{answer}", self.approval)
    }

    /// `told`: the title is the question.
    fn written(&self, markup: Markup, lang: Lang, told: bool) -> Vec<String> {
        let mut facts = vec![field(markup, lang, lang.pick("Where", "位置"), &self.place)];
        if !self.folder.is_empty() {
            facts.push(field(markup, lang, lang.pick("Folder", "目录"), &self.folder));
        }
        if !self.stage.is_empty() {
            facts.push(field(markup, lang, lang.pick("Stage", "阶段"), &self.stage));
        }
        facts.push(field(markup, lang, lang.pick("Why", "原因"), self.reason));
        if !told {
            facts.push(field(markup, lang, lang.pick("Question", "问题"), &self.question));
        }
        if let Some(since) = &self.since {
            facts.push(field(markup, lang, lang.pick("Asked", "提问时间"), since));
        }
        if let Some(until) = &self.until {
            facts.push(field(markup, lang, lang.pick("Until", "截止"), until));
        }
        let mut parts = vec![facts.join(markup.line_break())];
        if let Some(answered) = self.answered {
            parts.push(field(markup, lang, Text::Effect.of(lang), answered.of(lang)));
        } else {
            let (en, zh) =
                if self.types { ("A yes will type", "批准后将输入") } else { ("If approved", "批准后") };
            parts.extend(self.sent(markup, lang, lang.pick(en, zh), &self.command));
        }
        parts.extend(self.sent(markup, lang, lang.pick("A no will type", "拒绝后将输入"), &self.command_of_no));
        if !self.evidence.is_empty() {
            parts.push(markup.bold(lang.pick("Last lines", "最近输出")));
            parts.push(markup.block(&self.evidence.join("\n")));
        }
        if !self.options.is_empty() {
            parts.push(field(markup, lang, lang.pick("Answers", "可选答案"), &self.options.join(" · ")));
        }
        parts.push(format!("{} {}", lang.pick("Code", "校验码"), markup.tone(Tone::Warn, &self.code)));
        if self.for_others {
            parts.push(field(markup, lang, lang.pick("Decided by", "审批人"), &self.approvers.join(", ")));
        }
        match &self.link {
            Some(link) => parts.push(markup.link(self.link_offers(lang), link)),
            None => parts.push(markup.text(&self.command_line(lang))),
        }
        parts
    }
}

/// The last lines of a question, without secrets and without those that say nothing.
pub(crate) fn lines_of(approval: &Approval, redactor: &Redactor) -> Vec<String> {
    let lines = redactor.redact_lines(&approval.evidence);
    lines.iter().map(|line| harmless(line)).filter(|line| !line.trim().is_empty()).collect()
}

/// A word as a shell reads it; one of plain signs stands as it is.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':');
    if word.chars().all(plain) { word.to_owned() } else { tmuxagent_model::shell::quoted(word) }
}

fn field(markup: Markup, lang: Lang, label: &str, value: &str) -> String {
    format!("{}{}{}", markup.bold(label), lang.colon(), markup.shown(value))
}

impl Markup {
    /// What ends a line without ending the paragraph.
    pub(super) const fn line_break(self) -> &'static str {
        match self {
            // CommonMark joins lines of one paragraph unless two spaces end them.
            Self::Markdown | Self::Quoted => "  \n",
            Self::Raw | Self::Plain | Self::Wecom | Self::Telegram | Self::Slack => "\n",
        }
    }
}

/// Shortens `message` until `write` keeps `limit`.
fn fit(message: &Message, limit: usize, write: impl Fn(&Message) -> String) -> String {
    let mut out = write(message);
    if out.len() <= limit {
        return out;
    }
    let mut short = message.clone();
    while out.len() > limit && shorten(&mut short, out.len() - limit) {
        out = write(&short);
    }
    // Only limits below any service's own get here: even the links do not fit.
    cut_bytes(&out, limit)
}

/// Takes something out of the least needed part that is left; false when nothing is left to take. A sign may stand for
/// three bytes after its replacement, so at least a third of the excess goes.
fn shorten(message: &mut Message, excess: usize) -> bool {
    let step = (excess / 3).max(8);
    // A long effect leaves the cause its lines: where the rest of it stands is told below it.
    if let Some(ask) = &mut message.ask
        && (trim(&mut ask.command.shown, step, BRIEF) || trim(&mut ask.command_of_no.shown, step, BRIEF))
    {
        return true;
    }
    if let Some(ask) = &mut message.ask
        && !ask.evidence.is_empty()
    {
        // What tells the cause goes last, and each place where lines went is marked.
        let bytes = |lines: &[String]| lines.iter().map(|line| line.len() + 1).sum::<usize>();
        let whole = bytes(&ask.evidence);
        let fits = |kept: &Vec<String>| whole.saturating_sub(bytes(kept)) >= excess;
        let kept = (1..ask.evidence.len()).rev().map(|most| shortened(&ask.evidence, most)).find(fits);
        ask.evidence = kept.unwrap_or_default();
        return true;
    }
    if trim(&mut message.body, step, 0) {
        return true;
    }
    if let Some(ask) = &mut message.ask {
        let parts = [
            (&mut ask.command.shown, 60),
            (&mut ask.command_of_no.shown, 60),
            (&mut ask.question, 40),
            (&mut ask.stage, 20),
            (&mut ask.place, 20),
        ];
        for (part, least) in parts {
            if trim(part, step, least) {
                return true;
            }
        }
        if ask.options.pop().is_some() {
            return true;
        }
    }
    trim(&mut message.title, step, 20)
}

/// Cuts `step` bytes off a text that is longer than `least`.
fn trim(text: &mut String, step: usize, least: usize) -> bool {
    if text.len() <= least + CUT.len() {
        return false;
    }
    let room = text.len().saturating_sub(step + CUT.len()).max(least);
    let before = text.len();
    *text = if room == 0 { String::new() } else { cut_bytes(text.trim_end_matches(CUT), room) };
    text.len() < before
}

#[cfg(test)]
#[path = "message_tests.rs"]
pub(crate) mod tests;
