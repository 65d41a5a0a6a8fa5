//! A button in a chat: what stands behind it, and what a press leads to.

use super::decide::{Decide, Refusal, Unsettled, done_unless};
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
    pub fn report(&self, decisions: &dyn Decide, text: String) {
        self.report_at(decisions, text, wall());
    }

    fn report_at(&self, decisions: &dyn Decide, text: String, now: Timestamp) {
        let (tells, untold) = self.0.lock().unwrap_or_else(PoisonError::into_inner).count(now);
        if untold > 0 {
            decisions.report(format!("within the last hour {untold} more presses in a chat counted for nothing"));
        }
        if tells {
            decisions.report(text);
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

/// Those whose presses in a chat count: ids that its service vouches for, and what the configuration calls the one of them.
#[derive(Debug)]
pub struct Pressers {
    ids: Vec<String>,
    person: String,
    ignored: Ignored,
}

impl Pressers {
    /// Those with these ids. `person` is what the one of them is called, empty where that is not known; of several it names
    /// nobody.
    #[must_use]
    pub fn new(ids: Vec<String>, person: &str) -> Self {
        let person = if ids.len() == 1 { person.to_owned() } else { String::new() };
        Self { ids, person, ignored: Ignored::default() }
    }

    /// Reports a press that counts for nothing.
    pub(crate) fn ignored(&self, decisions: &dyn Decide, text: String) {
        self.ignored.report(decisions, text);
    }

    /// The names that are vouched for of who has this id.
    fn names(&self, id: &str) -> Vec<String> {
        let person = Some(&self.person).filter(|person| !person.is_empty() && *person != id).cloned();
        person.into_iter().chain([id.to_owned()]).collect()
    }

    /// Whether a press of one of them would count for a question that these may decide; everybody where nobody is named.
    #[must_use]
    pub fn one_may(&self, approvers: &[String]) -> bool {
        let names = |id: &String| self.names(id).iter().any(|name| approvers.contains(name));
        self.ids.iter().any(|id| approvers.is_empty() || names(id))
    }

    /// Who decides by a press of this id; `None` where it is not on the list. What he calls himself in the chat is for people to
    /// read, beside the id, and gives no right: anybody can call himself anything.
    #[must_use]
    pub fn decider(&self, id: &str, called: &str) -> Option<Decider> {
        self.ids.iter().find(|known| *known == id)?;
        let [called, shown] = [called, id].map(shown);
        let who = match (self.person.as_str(), called.as_str()) {
            ("", "") => shown,
            ("", called) => format!("{called} ({shown})"),
            (person, _) => person.to_owned(),
        };
        Some(Decider::called(who, Via::Chat, self.names(id)))
    }
}

/// A text of a chat's, for the journal.
fn shown(text: &str) -> String {
    tmuxagent_text::plain::cut_chars(&one_line(text), 60)
}

/// Decides for the one with this id, which the chat service vouches for, where he is one of the pressers; `called` is what he calls
/// himself there.
///
/// # Errors
/// When it has no end yet: the press is not to be taken from the service, nor the card changed, and is tried again.
pub async fn press(
    decisions: &dyn Decide,
    key: &str,
    (id, called): (&str, &str),
    pressers: &Pressers,
    lang: Lang,
) -> Result<Pressed, Unsettled> {
    let Some(by) = pressers.decider(id, called) else {
        let text = format!("a button was pressed by {}, who is not on the allow-list", shown(id));
        pressers.ignored(decisions, text);
        let sentence = lang.pick("you are not on the list of deciders", "您不在审批人名单中");
        return Ok(Pressed::Ignored(sentence.to_owned()));
    };
    let shown = by.who.clone();
    let Some(press) = Press::parse(key) else {
        pressers.ignored(decisions, format!("{shown} pressed a button that is not ours"));
        return Ok(Pressed::Ignored(Refusal::Unknown.sentence(lang)));
    };
    let verdict = Verdict { approve: press.approve, answer: None };
    let settled = decisions.decide(&press.approval, press.revision, verdict, by).await?;
    Ok(match settled.end() {
        Ok(()) => {
            let what =
                if press.approve { lang.pick("approved", "已批准") } else { lang.pick("rejected", "已拒绝") };
            let until = if press.approve { until(decisions, &press.approval, lang).await } else { String::new() };
            Pressed::Decided(format!("{what} · {shown}{until}"))
        }
        Err(refusal @ Refusal::Other(_)) => Pressed::Ignored(refusal.sentence(lang)),
        Err(refusal @ (Refusal::Decided(_) | Refusal::Closed | Refusal::Stale | Refusal::Unknown)) => {
            Pressed::Over(refusal.sentence(lang))
        }
    })
}

/// When a yes is done that can still be taken back, and how it is; empty where it can't be.
async fn until(decisions: &dyn Decide, id: &ApprovalId, lang: Lang) -> String {
    let now = decisions.approval(id).await.and_then(|approval| done_unless(lang, &approval, wall()));
    let told = now.map(|until| match lang {
        Lang::En => format!(" · {until} (`tmuxagent reject {id}`)"),
        Lang::Zh => format!(" · {until}（`tmuxagent reject {id}`）"),
    });
    told.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tmuxagent_model::Approval;

    #[test]
    fn an_hour_of_presses_has_few_rows_and_then_a_number() {
        let mut hour = Hour::default();
        let told = (0..100_000).filter(|n| hour.count(Timestamp(n % 3_600_000)).0).count();
        assert_eq!(told, 10);
        assert_eq!(hour.count(Timestamp(3_600_000)), (true, 99_990));
        assert_eq!(hour.count(Timestamp(3_600_001)), (true, 0));
    }

    /// Whether a press counts, and whether a button is shown for it, for each rule about who may decide.
    #[test]
    fn what_somebody_calls_himself_gives_no_right_and_buttons_are_where_a_press_counts() {
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        let asked = |approvers: &[&str]| Approval { approvers: ids(approvers), ..crate::message::tests::approval() };
        for (allow, person, approvers, id, called, counts) in [
            (&["5", "7"][..], "", &["5"][..], "7", "5", false),
            (&["5", "7"], "", &["5"], "5", "Ann Li", true),
            (&["5", "7"], "mei", &["mei"], "7", "mei", false),
            (&["5", "7"], "", &["mei (7)"], "7", "mei", false),
            (&["5"], "mei", &["mei"], "5", "Ann", true),
            (&["5"], "mei", &["5"], "5", "Ann", true),
            (&["5"], "mei", &["Ann"], "5", "Ann", false),
            (&["5"], "", &[], "5", "", true),
        ] {
            let (pressers, asked) = (Pressers::new(ids(allow), person), asked(approvers));
            let by = pressers.decider(id, called).unwrap();
            assert_eq!(asked.is_for_decider(&by), counts, "{approvers:?} {by:?}");
            let one = allow.iter().any(|id| asked.is_for_decider(&pressers.decider(id, "x").unwrap()));
            assert_eq!(pressers.one_may(&asked.approvers), one, "{approvers:?} {allow:?} {person}");
        }
        let pressers = Pressers::new(ids(&["5", "7"]), "mei");
        assert_eq!(pressers.decider("9", "5"), None);
        assert_eq!(pressers.decider("7", " 5\n").unwrap().who, "5 (7)", "never the name of another");
        assert_eq!(pressers.decider("7", "").unwrap().who, "7");
        assert_eq!(Pressers::new(ids(&["7"]), "mei").decider("7", "5").unwrap().who, "mei");
        assert!(!Pressers::new(Vec::new(), "mei").one_may(&[]), "a button that nobody may press");
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
