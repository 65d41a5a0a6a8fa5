//! The page of a question that is not open any more: for who has just decided it, who opens its link again, and who comes too
//! late. Pure.

use super::page::{self, PIN, document, form_begins, shown};
use crate::decide::{done_unless, how_decided};
use crate::token::TokenError;
use jiff::tz::TimeZone;
use tmuxagent_model::{Approval, ApprovalState, Timestamp, Verdict};
use tmuxagent_text::redact::Redactor;
use tmuxagent_text::{Lang, question};

/// What a form says that takes a yes back.
pub(crate) const TAKE_BACK: &str = "take_back";

/// What has just come of a form.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Just<'a> {
    /// Nothing was sent.
    Opened,
    /// This was decided.
    Decided(&'a Verdict),
    /// The yes was taken back.
    TakenBack,
    /// It changed nothing; the sentence says why.
    Refused(&'a str),
}

/// What the page needs.
pub(crate) struct Stands<'a> {
    /// The closed approval.
    pub approval: &'a Approval,
    /// The language that the browser asks for.
    pub lang: Lang,
    /// The zone that times are told in.
    pub zone: &'a TimeZone,
    /// Now.
    pub now: Timestamp,
    /// What has just come of a form.
    pub just: Just<'a>,
    /// The nonce of a form that takes the yes back; none where this link may not.
    pub nonce: Option<&'a str>,
    /// Whether a PIN is asked for.
    pub asks_pin: bool,
    /// Takes secrets out of what is shown.
    pub redactor: &'a Redactor,
}

impl Stands<'_> {
    /// The page.
    #[must_use]
    pub(crate) fn html(&self) -> String {
        let (lang, head) = (self.lang, self.head());
        let mut body = format!("<h1 id=\"done\">{}</h1>", shown(&head));
        if let Just::Refused(why) = self.just {
            body.push_str(&format!("<p role=\"alert\"><strong>{}</strong></p>", shown(why)));
        }
        body.push_str(&format!("<p>{}</p>", shown(&self.redactor.redact(&question(lang, self.approval)))));
        let own = matches!(self.just, Just::Decided(_) | Just::TakenBack);
        if !own {
            body.push_str(&format!("<p id=\"reason\">{}</p>", shown(&self.ended())));
        }
        match done_unless(lang, self.approval, self.now) {
            _ if matches!(self.just, Just::TakenBack) => {}
            Some(until) => {
                body.push_str(&format!("<p id=\"until\"><strong>{}</strong></p>{}", shown(&until), self.way_back()));
            }
            None if !own && self.approval.state == ApprovalState::Approved => {
                let told = lang.pick("It is decided, and can't be taken back any more.", "已作出决定，不能再撤回。");
                body.push_str(&format!("<p id=\"until\">{told}</p>"));
            }
            None => {}
        }
        if own {
            let told = lang.pick("Recorded. You can close this page.", "已记录，可以关闭此页面。");
            body.push_str(&format!("<p class=\"note\">{told}</p>"));
        }
        document(lang, &head, &body)
    }

    /// What became of it, in a word or two.
    fn head(&self) -> String {
        let lang = self.lang;
        let verdict = match self.just {
            Just::TakenBack => return lang.pick("Taken back; nothing is done", "已撤回，不执行任何操作").to_owned(),
            Just::Decided(verdict) => Some(verdict),
            Just::Opened | Just::Refused(_) => self.approval.decision.as_ref().map(|decision| &decision.verdict),
        };
        // The word of a yes is no answer, and an answer may be a no, whatever button sent it.
        let answer = verdict.and_then(|verdict| verdict.answer.as_ref()).filter(|_| self.approval.confirm.is_none());
        if let Some(answer) = answer {
            let answer = self.redactor.redact(answer);
            return lang.pick("Answered: ANSWER", "已回答：ANSWER").replace("ANSWER", &answer);
        }
        let head = match (self.approval.state, verdict) {
            (_, Some(Verdict { approve: true, .. })) => lang.pick("Approved", "已批准"),
            (_, Some(Verdict { approve: false, .. })) => lang.pick("Rejected", "已拒绝"),
            (ApprovalState::Expired, None) => lang.pick("Expired", "已过期"),
            (_, None) => lang.pick("Not asked any more", "已不再询问"),
        };
        head.to_owned()
    }

    /// How it ended: who decided it, or why nobody does.
    fn ended(&self) -> String {
        let (lang, approval) = (self.lang, self.approval);
        match (&approval.decision, approval.state, self.just) {
            (Some(decision), _, Just::Refused(_)) => {
                crate::decide::Refusal::decided(decision.clone(), self.zone.clone()).sentence(lang)
            }
            (Some(decision), ..) => how_decided(lang, decision, self.zone),
            (None, ApprovalState::Expired, _) => page::sentence(lang, TokenError::Undecided).to_owned(),
            (None, ApprovalState::Superseded, _) => lang
                .pick(
                    "What it asked about is over, gone or not watched any more: nothing is decided here.",
                    "所问之事已结束、已消失或不再受监视：此处不再作决定。",
                )
                .to_owned(),
            (None, ..) => page::sentence(lang, TokenError::Used).to_owned(),
        }
    }

    /// How the yes is taken back: here, or where else.
    fn way_back(&self) -> String {
        let (lang, id) = (self.lang, self.approval.id.as_str());
        let Some(nonce) = self.nonce else {
            let told = lang.pick(
                "To take it back: `tmuxagent reject ID`, or `x` on its row of the screen.",
                "撤回方法：`tmuxagent reject ID`，或在主界面中它所在的行按 `x`。",
            );
            return format!("<p class=\"note\">{}</p>", shown(&told.replace("ID", id)));
        };
        let pin = if self.asks_pin { PIN } else { "" };
        let label = lang.pick("Take it back", "撤回");
        format!(
            "{}{pin}<div class=\"buttons\"><button type=\"submit\" name=\"verdict\" value=\"{TAKE_BACK}\" id=\"take-back\" \
             class=\"reject\">{label}</button></div></form>",
            form_begins(nonce)
        )
    }
}
