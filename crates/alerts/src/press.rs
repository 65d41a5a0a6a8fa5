//! A button in a chat: what stands behind it, and what a press leads to.

use super::decide::{Decide, Refusal, Unsettled};
use tmuxagent_model::{ApprovalId, Decider, Verdict, Via};
use tmuxagent_text::Lang;
use tmuxagent_text::plain::one_line;

/// What a button stands for. Only an id and a revision: what is decided stands in the approval, and whether the presser
/// may decide is told by the chat service and the allow-list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Press {
    /// The approval that the button was made for.
    pub approval: ApprovalId,
    /// Which revision of it.
    pub revision: u32,
    /// Yes or no.
    pub approve: bool,
}

impl Press {
    /// As the button's key; at most 64 bytes for our ids (Telegram's `callback_data`).
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}:{}:{}", if self.approve { "yes" } else { "no" }, self.revision, self.approval)
    }

    /// Reads a button's key.
    #[must_use]
    pub fn parse(key: &str) -> Option<Self> {
        let (verdict, rest) = key.split_once(':')?;
        let (revision, approval) = rest.split_once(':')?;
        let approve = match verdict {
            "yes" => true,
            "no" => false,
            _ => return None,
        };
        let plain =
            !approval.is_empty() && approval.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        plain.then(|| Some(Self { approval: ApprovalId::new(approval), revision: revision.parse().ok()?, approve }))?
    }
}

/// What a press led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pressed {
    /// It decided; the sentence for the card.
    Decided(String),
    /// It was too late or for something else; the sentence for the presser, and the card has no use any more.
    Over(String),
    /// It counted for nothing; the card stays.
    Ignored(String),
}

/// Decides for `who`, an id that the chat service vouches for, where `allowed` names it.
///
/// # Errors
/// When it has no end yet: the press is not to be taken from the service, nor the card changed, and is tried again.
pub async fn press(
    desk: &dyn Decide,
    key: &str,
    who: &str,
    allowed: &[String],
    lang: Lang,
) -> Result<Pressed, Unsettled> {
    let shown = tmuxagent_text::plain::cut_chars(&one_line(who), 60);
    if !allowed.iter().any(|id| id == who) {
        desk.report(format!("a button was pressed by {shown}, who is not on the allow-list"));
        let sentence = lang.pick("you are not on the list of deciders", "你不在审批人名单中");
        return Ok(Pressed::Ignored(sentence.to_owned()));
    }
    let Some(press) = Press::parse(key) else {
        desk.report(format!("{shown} pressed a button that is not ours"));
        return Ok(Pressed::Ignored(Refusal::Unknown.sentence(lang)));
    };
    let verdict = Verdict { approve: press.approve, answer: None };
    let by = Decider { who: shown.clone(), via: Via::Chat };
    let settled = desk.decide(&press.approval, press.revision, verdict, by).await?;
    Ok(match settled.end() {
        Ok(()) => {
            let what =
                if press.approve { lang.pick("approved", "已批准") } else { lang.pick("rejected", "已拒绝") };
            Pressed::Decided(format!("{what} · {shown}"))
        }
        Err(refusal @ Refusal::Other(_)) => Pressed::Ignored(refusal.sentence(lang)),
        Err(refusal @ (Refusal::Decided(_) | Refusal::Closed | Refusal::Stale | Refusal::Unknown)) => {
            Pressed::Over(refusal.sentence(lang))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_short_and_comes_back() {
        let press =
            Press { approval: ApprovalId::new("01J8ZQ4M3V5C2N7R9T1W6X8Y0A"), revision: u32::MAX, approve: false };
        assert!(press.key().len() <= 64);
        assert_eq!(Press::parse(&press.key()), Some(press));
        for bad in ["", "yes", "yes:1", "yes:1:", "maybe:1:A", "yes:x:A", "yes:1:a b", "yes:-1:A"] {
            assert_eq!(Press::parse(bad), None, "{bad}");
        }
    }
}
