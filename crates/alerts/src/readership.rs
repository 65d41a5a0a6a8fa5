//! Who reads a message, and what its link is for him: to decide what is asked, or only to look at it. Pure.

use super::message::{Ask, Message};
use tmuxagent_text::Lang;

impl Message {
    /// As it is for somebody of this name; empty: nobody says who reads it, and a link is nobody's in particular.
    #[must_use]
    pub(crate) fn read_by(mut self, person: &str) -> Self {
        if let Some(ask) = &mut self.ask {
            ask.for_others = !ask.approvers.is_empty() && !ask.approvers.iter().any(|name| name == person);
        }
        self
    }

    /// What the buttons of a link offer, each with the end of its address: a yes or an answer, and a no where it says
    /// something; only the page where the reader may not decide.
    #[must_use]
    pub(crate) fn choices(&self) -> Vec<(&'static str, &'static str)> {
        let (lang, ask) = (self.lang, self.ask.as_ref());
        if ask.is_some_and(|ask| ask.for_others) {
            return vec![(lang.pick("Look at it…", "查看…"), "approve")];
        }
        let yes = match ask.is_some_and(|ask| ask.takes_text) {
            true => lang.pick("Answer…", "回答…"),
            false => lang.pick("Approve…", "批准…"),
        };
        let no = ask.is_none_or(|ask| ask.takes_no).then(|| (lang.pick("Reject…", "拒绝…"), "reject"));
        std::iter::once((yes, "approve")).chain(no).collect()
    }
}

impl Ask {
    /// What its link is for.
    pub(crate) const fn link_offers(&self, lang: Lang) -> &'static str {
        if self.for_others {
            lang.pick("Only to look at it, this link does not decide", "仅供查看，此链接不能审批")
        } else {
            lang.pick("Open and decide", "打开并审批")
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::markup::Markup;
    use crate::message::Message;
    use jiff::tz::TimeZone;
    use tmuxagent_model::Approval;
    use tmuxagent_testkit::{alert, approval};
    use tmuxagent_text::Lang;
    use tmuxagent_text::redact::Redactor;

    #[test]
    fn who_may_not_decide_is_told_who_may_and_is_offered_no_decision() {
        let asked = Approval { approvers: vec!["root".to_owned(), "mei".to_owned()], ..approval() };
        let sent = |person: &str, lang| {
            let link = Some("https://phone.example/a/TOKEN");
            Message::compose(&alert(), Some(&asked), link, lang, &TimeZone::UTC, &Redactor::default()).read_by(person)
        };
        for person in ["", "li"] {
            let message = sent(person, Lang::En);
            let told = message.render(Markup::Raw, 4000);
            assert!(told.contains("Decided by: root, mei\n") && !told.contains("Open and decide"), "{told}");
            assert!(told.ends_with("does not decide: https://phone.example/a/TOKEN"), "{told}");
            assert_eq!(message.choices(), [("Look at it…", "approve")]);
        }
        let told = sent("", Lang::Zh).render(Markup::Raw, 4000);
        assert!(told.contains("审批人：root, mei\n") && told.contains("此链接不能审批"), "{told}");
        let message = sent("mei", Lang::En);
        let told = message.render(Markup::Raw, 4000);
        assert!(told.contains("Open and decide: ") && !told.contains("Decided by"), "{told}");
        assert_eq!(message.choices().len(), 2);
    }
}
