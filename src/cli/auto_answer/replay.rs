//! `tmuxagent auto-answer replay`.

use super::super::policy::instant;
use super::super::{CliError, Outcome, Session, Tone, exit};
use super::past::{Past, dialogs};
use clap::Args;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tmuxagent_model::{ApprovalState, Via};
use tmuxagent_policy::Asked;
use tmuxagent_text::{Lang, approval_state, clean, clock_seconds, question};

/// Limits are not counted. Exit codes: 0 nothing that you decided otherwise, 1 something.
#[derive(Debug, Args)]
pub(in crate::cli) struct ReplayArgs {
    /// Only what was asked since then: so long ago (`7d`), a time of today (`08:30`), or a date and time
    #[arg(long, value_name = "WHEN", default_value = "7d")]
    since: String,
}

/// A dialog that a rule would have answered.
struct Answered {
    past: Past,
    rule: String,
}

impl Answered {
    /// A person said no, or something else than yes for this once.
    fn is_otherwise(&self) -> bool {
        let approval = &self.past.approval;
        let by_person = |via: Via| !matches!(via, Via::Rule | Via::Lease);
        approval.decision.as_ref().filter(|decision| by_person(decision.by.via)).is_some_and(|decision| {
            let once = self.past.question.answers.iter().any(|answer| {
                answer.role == tmuxagent_model::AnswerRole::Once
                    && Some(&answer.label) == decision.verdict.answer.as_ref()
            });
            !decision.verdict.approve || !once
        })
    }

    fn value(&self) -> Value {
        let approval = &self.past.approval;
        json!({
            "approval": approval.id,
            "rule": self.rule,
            "question": approval.question,
            "state": approval.state,
            "decision": approval.decision,
            "otherwise": self.is_otherwise(),
        })
    }
}

/// Tells what the rules would have answered.
pub(super) fn run(session: &Session, args: &ReplayArgs) -> Outcome {
    let policy = super::policy(session)?;
    let since = instant(&args.since, tmuxagent_clock::wall())?;
    let all = dialogs(session, since)?;
    let total = all.len();
    let rule = |past: &Past| {
        let host = &past.approval.pane.host;
        let asked = Asked { agent: &past.agent, host, facts: &past.facts, question: &past.question };
        policy.auto_answer(&asked).map(|rule| rule.name.clone())
    };
    let answered: Vec<Answered> =
        all.into_iter().filter_map(|past| Some(Answered { rule: rule(&past)?, past })).collect();
    let otherwise = answered.iter().filter(|it| it.is_otherwise()).count();
    let code = if otherwise == 0 { exit::OK } else { exit::NEGATIVE };
    let out = &session.out;
    if out.json {
        let listed: Vec<Value> = answered.iter().map(Answered::value).collect();
        out.json(&json!({ "asked": total, "answered": answered.len(), "otherwise": otherwise, "dialogs": listed }))?;
        return Ok(code);
    }
    answered.iter().try_for_each(|it| tell(session, it))?;
    let (n, sum) = (
        answered.len(),
        match out.lang {
            Lang::En => format!(
                "would have answered {} of {total}, of which you decided otherwise: {otherwise}",
                answered.len()
            ),
            Lang::Zh => format!("{total} 个提问中会自动回答 {} 个，其中您另有决定的：{otherwise}", answered.len()),
        },
    );
    out.line(&out.paint(
        if otherwise > 0 {
            Tone::Bad
        } else if n > 0 {
            Tone::Good
        } else {
            Tone::Plain
        },
        &sum,
    ))?;
    Ok(code)
}

fn tell(session: &Session, it: &Answered) -> Result<(), CliError> {
    let (out, approval) = (&session.out, &it.past.approval);
    let by = approval.decision.as_ref().map(|decision| format!(" ({})", clean(&decision.by.who))).unwrap_or_default();
    let state = format!("{}{by}", approval_state(out.lang, approval.state));
    let tone = match (it.is_otherwise(), approval.state) {
        (true, _) => Tone::Bad,
        (false, ApprovalState::Approved) => Tone::Good,
        (false, _) => Tone::Dim,
    };
    let head = format!("{}  ", clock_seconds(&TimeZone::system(), approval.asked_at));
    let text = format!("{}  {}  {}", clean(&it.rule), clean(&question(out.lang, approval)), out.paint(tone, &state));
    out.item(&head, &text)
}
