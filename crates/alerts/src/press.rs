//! A button in a chat: what stands behind it, and what a press leads to.

use super::decide::{Decide, Refusal, Unsettled};
use std::sync::{Mutex, PoisonError};
use tmuxagent_clock::wall;
use tmuxagent_model::{ApprovalId, Decider, Millis, Timestamp, Verdict, Via};
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

/// The time in which rows of presses that count for nothing are counted,
const WINDOW: Millis = Millis::from_secs(3600);
/// and how many there are within it: who can see a chat may press as often as he likes.
const ROWS: u32 = 10;

/// The presses in one chat that count for nothing: a few rows an hour, then their number.
#[derive(Debug, Default)]
pub struct Ignored(Mutex<Hour>);

#[derive(Debug, Default)]
struct Hour {
    since: Option<Timestamp>,
    rows: u32,
    untold: u64,
}

impl Ignored {
    /// Reports one, as long as there are not too many.
    pub fn report(&self, desk: &dyn Decide, text: String) {
        self.report_at(desk, text, wall());
    }

    fn report_at(&self, desk: &dyn Decide, text: String, now: Timestamp) {
        let (tells, untold) = self.0.lock().unwrap_or_else(PoisonError::into_inner).count(now);
        if untold > 0 {
            desk.report(format!("within the last hour {untold} more presses in a chat counted for nothing"));
        }
        if tells {
            desk.report(text);
        }
    }
}

impl Hour {
    /// Whether a press gets a row, and how many of an hour that is over got none.
    fn count(&mut self, now: Timestamp) -> (bool, u64) {
        let over = self.since.is_some_and(|since| now.since(since) >= WINDOW);
        let untold = if over { std::mem::take(self).untold } else { 0 };
        self.since.get_or_insert(now);
        let tells = self.rows < ROWS;
        if tells {
            self.rows += 1;
        } else {
            self.untold = self.untold.saturating_add(1);
        }
        (tells, untold)
    }
}

/// Decides for `who`, an id that the chat service vouches for, where `allowed` names it; recorded by `name`, as people know him,
/// or by the id where that is empty.
///
/// # Errors
/// When it has no end yet: the press is not to be taken from the service, nor the card changed, and is tried again.
pub async fn press(
    desk: &dyn Decide,
    key: &str,
    (who, name): (&str, &str),
    (allowed, ignored): (&[String], &Ignored),
    lang: Lang,
) -> Result<Pressed, Unsettled> {
    let [name, id] = [name, who].map(|text| tmuxagent_text::plain::cut_chars(&one_line(text), 60));
    if !allowed.iter().any(|id| id == who) {
        ignored.report(desk, format!("a button was pressed by {id}, who is not on the allow-list"));
        let sentence = lang.pick("you are not on the list of deciders", "您不在审批人名单中");
        return Ok(Pressed::Ignored(sentence.to_owned()));
    }
    let shown = if name.trim().is_empty() { id } else { name };
    let Some(press) = Press::parse(key) else {
        ignored.report(desk, format!("{shown} pressed a button that is not ours"));
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
    fn an_hour_of_presses_has_few_rows_and_then_a_number() {
        let mut hour = Hour::default();
        let told = (0..100_000).filter(|n| hour.count(Timestamp(n % 3_600_000)).0).count();
        assert_eq!(told, 10);
        assert_eq!(hour.count(Timestamp(3_600_000)), (true, 99_990));
        assert_eq!(hour.count(Timestamp(3_600_001)), (true, 0));
    }

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
