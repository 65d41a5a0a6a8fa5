//! Stages, gates and what follows a failure.

use super::valid_condition::Role;
use super::valid_guard::Whose;
use super::{Reading, Use};
use crate::SHELL_OUTPUT;
use crate::guard::Guard;
use crate::policy::{Action, Backoff, Condition, Expiry, FailStep, Gate, RetrySpec, Stage, Stopping};
use crate::raw::{Guarded, RawAsk, RawFailStep, RawGate, RawQuestion, RawRetry, RawStage};
use crate::read::{At, Flag, Limit, Many, Number, Short, Span, SpanMs, Text};
use std::collections::BTreeSet;
use tmuxagent_model::{Millis, OnApprove};
use tmuxagent_text::is_hidden;

/// The most retries that a policy may ask for.
const MOST_RETRIES: i64 = 100;
/// The pause before a retry when the policy names none.
const BACKOFF: Backoff = Backoff { initial: Millis::from_secs(1), factor_milli: 2000, max: Millis::from_secs(60) };

const EXPIRIES: &[(&str, Expiry)] =
    &[("reject", Expiry::Reject), ("escalate", Expiry::Escalate), ("keep", Expiry::Keep)];
const STOPPINGS: &[(&str, Option<Stopping>)] =
    &[("ask", None), ("interrupt", Some(Stopping::Interrupt)), ("terminate", Some(Stopping::Terminate))];
const CANCELLINGS: &[(&str, Option<Stopping>)] =
    &[("leave", None), ("interrupt", Some(Stopping::Interrupt)), ("terminate", Some(Stopping::Terminate))];
const ON_APPROVE: &[(&str, OnApprove)] =
    &[("rerun", OnApprove::Rerun), ("continue", OnApprove::Continue), ("skip", OnApprove::Skip)];

/// The words that are a verdict by themselves in an approval file: as the word of a yes they would say too little, or no.
const VERDICTS: &[&str] = &[
    "approve",
    "approved",
    "yes",
    "y",
    "ok",
    "批准",
    "同意",
    "通过",
    "是",
    "reject",
    "rejected",
    "no",
    "n",
    "deny",
    "拒绝",
    "不同意",
    "驳回",
    "否",
];

/// Whether an action names the output of a command before it in the same list.
fn late_value(actions: &[Action]) -> bool {
    let after = actions.iter().skip_while(|action| !matches!(action.act(), Action::Shell { .. })).skip(1);
    after.into_iter().any(|action| action.names(SHELL_OUTPUT))
}

/// Whether an action can mend something.
fn does_something(action: &Action) -> bool {
    match action.act() {
        Action::SendKeys { .. } | Action::Run { .. } | Action::Prompt { .. } | Action::Shell { .. } => true,
        Action::Notify { .. } | Action::Set { .. } | Action::StartPipeline { .. } | Action::If { .. } => false,
    }
}

/// Whether a person says yes before the stage begins.
pub(super) fn is_gated(raw: &RawStage) -> bool {
    raw.require_approval.as_ref().is_some_and(|raw| !matches!(raw, Short::Short(flag) if !flag.value))
}

impl<'a> Reading<'a> {
    pub(super) fn stage(&mut self, raw: &'a RawStage, ended: BTreeSet<String>) -> Stage {
        self.ended = ended;
        let name = raw.name.as_ref().map(|name| self.name(name, "a stage")).unwrap_or_default();
        let guard = raw.guard.as_ref().map(|raw| self.guard(raw, Whose::Begins(&name)));
        self.ended.extend(guard.iter().flat_map(Guard::known_stages).map(str::to_owned));
        let actions_on_start = self.actions(raw.actions_on_start.as_ref(), Whose::Begins(&name));
        let is_run = |action: &&Action| matches!(action.act(), Action::Run { .. });
        let runs = actions_on_start.iter().filter(is_run).count();
        let certain = actions_on_start.iter().filter(is_run).any(|action| !matches!(action, Action::If { .. }));
        if runs > 1 && certain {
            let help = "join the commands with `&&`, or make a stage of each; of several with an `if` each is one";
            self.problems
                .error("many-runs", raw.at, "a stage has one `run`: its exit code is that of the stage")
                .help(help);
        }
        if is_gated(raw) && late_value(&actions_on_start) {
            let message = "a human would say yes to a text that is not known yet: `{{shell.output}}` is, once the command before it has run";
            self.problems.error("no-value", raw.at, message).help("run the command in a stage before this one");
        }
        // What only tells mends nothing.
        let acts = raw.success_when.is_some() || actions_on_start.iter().any(does_something);
        let mut success_when = raw.success_when.as_ref().map(|raw| self.condition(raw, Role::Success));
        let mut fail_when = raw.fail_when.as_ref().map(|raw| self.condition(raw, Role::Fail));
        if runs > 0 {
            // A command whose exit code is known needs no words to be judged by.
            success_when = success_when.or_else(|| Some(Condition::ExitCode(vec![0])));
            fail_when = fail_when.or_else(|| Some(Condition::ExitCode(Vec::new())));
        }
        let timeout = self.limit(raw.timeout.as_ref(), raw.timeout_ms.as_ref()).or(self.defaults.timeout);
        let on_timeout = self.on_timeout(raw.on_timeout.as_ref());
        let on_cancel = self.on_cancel(raw.on_cancel.as_ref());
        let gate = raw.require_approval.as_ref().and_then(|raw| self.gate(raw, &name));
        // What follows its end may name it.
        self.ended.insert(name.clone());
        let on_success = self.actions(raw.on_success.as_ref(), Whose::Ended(&name));
        let on_fail = self.fail_steps(raw.on_fail.as_ref(), &name);
        let cooldown = self.span(raw.cooldown.as_ref(), raw.cooldown_ms.as_ref()).map(|(_, span)| span);
        Stage {
            name,
            closes: false,
            told: false,
            pane: raw.pane.as_ref().map(|name| name.value.trim().to_owned()),
            triggers: raw
                .triggers
                .as_ref()
                .map_or(Condition::Any(Vec::new()), |raw| self.condition(raw, Role::Trigger)),
            each: Vec::new(),
            needs: raw.needs.as_ref().map(|raw| self.needs(raw)),
            guard,
            once: raw.triggers.as_ref().is_some_and(|raw| self.starts_once(raw)),
            gate,
            actions_on_start,
            success_when,
            fail_when,
            // `never` is 0: the stage has no limit, whatever the defaults say.
            timeout: timeout.filter(|span| span.0 > 0),
            endless: timeout == Some(Millis(0)),
            on_timeout: on_timeout.or_else(|| self.defaults.on_timeout.clone()).unwrap_or_default(),
            on_cancel: on_cancel.or_else(|| self.defaults.on_cancel.clone()),
            hold: raw.hold.as_ref().map(|span| span.value).or(self.defaults.hold),
            recovers: raw.recovers.as_ref().map_or(acts, |flag| flag.value),
            on_success,
            on_fail,
            cooldown: cooldown.or(self.defaults.cooldown).filter(|span| span.0 > 0),
            lock: self.lock(raw.concurrency.as_ref().and_then(|raw| raw.lock.as_ref()), raw.lock.as_ref()),
            place: self.problems.describe(raw.at),
        }
    }

    /// A time limit; `never` is 0.
    pub(super) fn limit(&mut self, with_unit: Option<&Limit>, millis: Option<&SpanMs>) -> Option<Millis> {
        match with_unit {
            Some(Limit::Never(at)) => {
                let zero = Span { at: *at, value: Millis(0) };
                self.span(Some(&zero), millis)
            }
            Some(Limit::Span(span)) => {
                if span.value.0 == 0 {
                    let message = "a time limit of 0 is none at all";
                    self.problems.warning("no-limit", span.at, message).help("write `never` if that is meant");
                }
                self.span(Some(span), millis)
            }
            None => self.span(None, millis),
        }
        .map(|(_, span)| span)
    }

    /// The steps by which a command is stopped; `ask` is what comes when there are none left.
    pub(super) fn on_timeout(&mut self, words: Option<&Many<Text>>) -> Option<Vec<Stopping>> {
        let words = words?;
        let steps: Vec<Option<Stopping>> =
            words.items.iter().filter_map(|word| self.word(word, "`on_timeout`", STOPPINGS)).collect();
        let asks = steps.iter().position(Option::is_none);
        if asks.is_some_and(|at| at + 1 < steps.len()) {
            self.problems.warning("never-reached", words.at, "nothing after `ask` is done");
        }
        Some(steps.into_iter().map_while(|step| step).collect())
    }

    /// The steps by which the command of a cancelled stage is stopped; none lets it run on.
    pub(super) fn on_cancel(&mut self, words: Option<&Many<Text>>) -> Option<Vec<Stopping>> {
        let words = words?;
        let steps: Vec<Option<Stopping>> =
            words.items.iter().filter_map(|word| self.word(word, "`on_cancel`", CANCELLINGS)).collect();
        if steps.len() > 1 && steps.contains(&None) {
            let message = "`leave` lets the command run on: it stands alone";
            self.problems.error("never-reached", words.at, message).help("write `on_cancel: leave`, or the steps");
        }
        Some(steps.into_iter().flatten().collect())
    }

    fn gate(&mut self, raw: &Short<Flag, RawGate>, name: &str) -> Option<Gate> {
        match raw {
            Short::Short(flag) if !flag.value => None,
            Short::Short(_) => Some(Gate::default()),
            Short::Full(full) => {
                let expires = self.long_span(full.expires.as_ref(), full.expires_ms.as_ref());
                Some(Gate {
                    question: full.question.as_ref().map(|text| self.template(text, Use::Words)),
                    confirm: full.confirm.as_ref().and_then(|word| self.confirm(word, name)),
                    approvers: self.approvers(full.approvers.as_ref()),
                    expires,
                    on_expiry: self.on_expiry(full.on_expiry.as_ref(), expires),
                    remind_every: self.remind_every(full.remind_every.as_ref(), full.remind_every_ms.as_ref()),
                })
            }
        }
    }

    /// The word that a yes takes.
    fn confirm(&mut self, word: &Text, name: &str) -> Option<String> {
        let text = word.value.trim();
        let help = "write `confirm: name`, or the word itself";
        if text.is_empty() {
            self.problems.error("empty-text", word.at, "what is typed for a yes is one word or more").help(help);
            return None;
        }
        if text.contains("{{") {
            let message = "the word of a yes holds no values: it is what is typed, as it stands";
            self.problems.error("bad-template", word.at, message).help(help);
            return None;
        }
        let text = if text == "name" { name } else { text };
        if text.chars().any(|c| c.is_control() || is_hidden(c)) {
            let message = "the word of a yes holds characters that nobody can see";
            self.problems.error("control-character", word.at, message).help("write a word that can be read and typed");
            return None;
        }
        if VERDICTS.contains(&text.trim_end_matches(['.', '!', '。', '！']).to_lowercase().as_str()) {
            let message = format!("`{text}` is a yes or a no by itself, and can't be the word that a yes takes");
            self.problems.error("reserved-name", word.at, message).help("write another word, such as what is done");
            return None;
        }
        Some(text.to_owned())
    }

    fn approvers(&mut self, names: Option<&Many<Text>>) -> Vec<String> {
        let Some(names) = names else { return Vec::new() };
        if names.blank {
            let message = "nobody could ever decide: `approvers` names no one";
            self.problems.error("empty-text", names.at, message).help("name who may decide, or take the key out");
        }
        for name in &names.items {
            // It is compared with the names of people as it stands.
            if name.value.contains("{{") || name.value.chars().any(|c| c.is_control() || is_hidden(c)) {
                let message =
                    "`approvers` are names of people, as they stand: no values, and nothing that nobody can see";
                self.problems
                    .error("bad-name", name.at, message)
                    .help("name who may decide, as `tmuxagent approvals --all` shows it");
            }
        }
        names.items.iter().map(|name| name.value.trim().to_owned()).collect()
    }

    fn on_expiry(&mut self, word: Option<&Text>, expires: Option<Millis>) -> Expiry {
        let Some(word) = word else { return Expiry::default() };
        if matches!(word.value.as_str(), "approve" | "accept" | "yes") {
            let message = "nothing but a human's decision opens a gate; its expiry never does";
            self.problems
                .error("unknown-word", word.at, message)
                .help("`on_expiry` is one of `reject`, `escalate`, `keep`");
            return Expiry::default();
        }
        let expiry = self.word(word, "`on_expiry`", EXPIRIES);
        if expires.is_none() && expiry.is_some() {
            self.problems.warning(
                "no-expiry",
                word.at,
                "`on_expiry` without `expires`: the question stays open for ever",
            );
        }
        expiry.unwrap_or_default()
    }

    fn remind_every(&mut self, with_unit: Option<&Span>, millis: Option<&SpanMs>) -> Option<Millis> {
        let (at, span) = self.span(with_unit, millis)?;
        if span < Millis::from_secs(10) {
            self.problems.error("bad-duration", at, "reminders are at least ten seconds apart");
            return None;
        }
        Some(span)
    }

    fn fail_steps(&mut self, list: Option<&Many<Guarded<RawFailStep>>>, name: &str) -> Vec<FailStep> {
        let mut out = Vec::new();
        let items = list.into_iter().flat_map(|list| &list.items);
        for (item, entry) in items.flat_map(|item| item.entries.iter().map(move |entry| (item, entry))) {
            if out.iter().any(|step| matches!(step, FailStep::Escalate { .. })) {
                self.problems.warning("never-reached", entry.at, "nothing after `escalate` is done");
            }
            let before = out.len();
            let guard = item.guard.as_ref().map(|raw| self.guard(raw, Whose::Ended(name)));
            self.fail_step(entry, guard, name, &mut out);
            self.check_behind_question(entry, &out, before);
        }
        out
    }

    /// After a question only a no leads on, and a no is no: what follows may tell, and do nothing else.
    fn check_behind_question(&mut self, entry: &At<RawFailStep>, steps: &[FailStep], before: usize) {
        let asked = steps.iter().position(|step| matches!(step, FailStep::AskHuman { .. }));
        let Some(asked) = asked.filter(|&at| at < before) else { return };
        let acts = |step: &FailStep| match step {
            FailStep::Escalate { .. } => false,
            FailStep::Do(action) => !matches!(action.act(), Action::Notify { .. } | Action::Set { .. }),
            FailStep::Retry(_) | FailStep::AskHuman { .. } => true,
        };
        if steps.get(before.max(asked + 1)..).is_some_and(|rest| rest.iter().any(acts)) {
            let message = "this step is never reached: after `ask_human` a yes does what the question says, and a no does nothing";
            let help = "write it before `ask_human`, or say it in a stage with `after_stage_failure`; `escalate`, `notify` and `set` may follow a no";
            self.problems.error("never-reached", entry.at, message).help(help);
        }
    }

    fn fail_step(&mut self, entry: &At<RawFailStep>, guard: Option<Guard>, name: &str, out: &mut Vec<FailStep>) {
        if guard.is_some() && entry.value.written().is_none() {
            let message = "`if` stands beside an action; what is tried again, asked or handed on has none";
            let help = "put the `if` at the stage, or at a `notify`, `run` or other action";
            self.problems.error("many-keys", entry.at, message).help(help);
        }
        match &entry.value {
            RawFailStep::Retry(form) => {
                if out.iter().any(|step| matches!(step, FailStep::Retry(_))) {
                    let message = "`on_fail` has one `retry`; a second would never be reached";
                    self.problems.error("twice", entry.at, message);
                }
                out.extend(self.retry(form).map(FailStep::Retry));
            }
            RawFailStep::IfStillFail(inner) => {
                let inner = self.fail_steps(Some(inner), name);
                if inner.iter().any(|step| matches!(step, FailStep::Retry(_))) {
                    self.problems.error(
                        "twice",
                        entry.at,
                        "`if_still_fail` is what is done when the retries are used up",
                    );
                }
                out.extend(inner);
            }
            RawFailStep::AskHuman(ask) => {
                let step = self.ask_human(ask);
                out.push(step);
            }
            RawFailStep::Escalate(form) => {
                let code = match form {
                    Short::Short(code) => Some(code),
                    Short::Full(full) => full.code.as_ref(),
                };
                if let Some(code) = code {
                    out.push(FailStep::Escalate { code: code.value.trim().to_owned() });
                }
            }
            RawFailStep::SendKeys(_)
            | RawFailStep::Run(_)
            | RawFailStep::Prompt(_)
            | RawFailStep::Shell(_)
            | RawFailStep::Notify(_)
            | RawFailStep::Set(_)
            | RawFailStep::StartPipeline(_) => {
                let read = |reading: &mut Self| {
                    entry.value.written().map(|written| reading.action(written)).unwrap_or_default()
                };
                out.extend(self.where_it_holds(guard, read).into_iter().map(FailStep::Do));
            }
        }
    }

    fn retry(&mut self, form: &Short<Number, RawRetry>) -> Option<RetrySpec> {
        let (max, backoff) = match form {
            Short::Short(max) => (Some(max), None),
            Short::Full(RawRetry { max, backoff, backoff_ms, .. }) => {
                (max.as_ref(), self.backoff(backoff.as_ref(), backoff_ms.as_ref()))
            }
        };
        let max = max?;
        if !(0..=MOST_RETRIES).contains(&max.value) {
            self.problems.error("bad-number", max.at, format!("retries are from 0 to {MOST_RETRIES}"));
        }
        let backoff = backoff.or_else(|| self.defaults.backoff.clone()).unwrap_or(BACKOFF);
        Some(RetrySpec { max: u32::try_from(max.value.clamp(0, MOST_RETRIES)).unwrap_or_default(), backoff })
    }

    fn ask_human(&mut self, ask: &RawAsk) -> FailStep {
        let none = FailStep::AskHuman {
            question: None,
            on_approve: OnApprove::Rerun,
            expires: None,
            on_expiry: Expiry::default(),
            remind_every: None,
        };
        match &ask.form {
            None => none,
            Some(Short::Short(text)) => FailStep::AskHuman {
                question: Some(self.template(text, Use::Words)),
                on_approve: OnApprove::Rerun,
                expires: None,
                on_expiry: Expiry::default(),
                remind_every: None,
            },
            Some(Short::Full(full)) => self.question(full),
        }
    }

    fn question(&mut self, full: &RawQuestion) -> FailStep {
        let expires = self.long_span(full.expires.as_ref(), full.expires_ms.as_ref());
        let on_approve = full.on_approve.as_ref().and_then(|word| self.word(word, "`on_approve`", ON_APPROVE));
        FailStep::AskHuman {
            question: full.question.as_ref().map(|text| self.template(text, Use::Words)),
            on_approve: on_approve.unwrap_or(OnApprove::Rerun),
            expires,
            on_expiry: self.on_expiry(full.on_expiry.as_ref(), expires),
            remind_every: self.remind_every(full.remind_every.as_ref(), full.remind_every_ms.as_ref()),
        }
    }
}
