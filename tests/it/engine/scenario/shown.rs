//! How a scenario file writes what an event led to.

use super::Player;
use std::collections::BTreeMap;
use tmuxagent_engine::{Answer, Part, Step, Target, describe_effect};
use tmuxagent_model::{ApprovalState, Effect, Intent, Needs, Note, RunId, SendKeys};

impl Player {
    /// Everything that is new since the last step.
    pub(super) fn show(&mut self, step: &Step) {
        for (_, _, note) in &step.notes {
            self.show_note(note);
        }
        self.show_states();
        for intent in &step.intents {
            self.show_intent(intent);
        }
        for id in &step.withdrawn {
            let label = self.label(id);
            self.say(&format!("withdraw {label}"));
        }
        match &step.answer {
            Some(Answer::Ok { text, .. }) => self.say(&format!("ok: {text}")),
            Some(Answer::Refused { kind, text }) => {
                let mut text = text.clone();
                for (n, id) in self.approvals.iter().enumerate() {
                    text = text.replace(&id.0, &format!("A{}", n + 1));
                }
                self.say(&format!("refused {kind:?}: {text}"));
            }
            None => {}
        }
    }

    /// Notes that nothing else here shows.
    fn show_note(&mut self, note: &Note) {
        let text = match note {
            Note::ApprovalAsked { approval, .. } => {
                let label = self.approval_label(approval);
                let asked = self.engine.approval(approval).expect("asked").clone();
                let kind = format!("{:?}", asked.kind);
                let kind = kind.split([' ', '{']).next().unwrap_or_default().to_lowercase();
                let mut text = format!("{label} asks ({kind}, attempt {}): {}", asked.attempt, asked.question);
                if asked.revision > 1 {
                    text.push_str(&format!(" (revision {})", asked.revision));
                }
                text.push_str(&format!(" [{}]", asked.effect_text));
                if !asked.options.is_empty() {
                    text.push_str(&format!(" {{{}}}", asked.options.join("|")));
                }
                for line in asked.evidence.iter().rev().take(1) {
                    text.push_str(&format!(" << {line}"));
                }
                text
            }
            Note::ApprovalClosed { approval, state } => {
                format!("{} closed: {}", self.approval_label(approval), snake(&format!("{state:?}")))
            }
            Note::Held { text, .. } => format!("held: {text}"),
            Note::Given { text, .. } => format!("given: {text}"),
            Note::NotSent { text, reason, .. } => format!("not sent ({reason:?}): {text}"),
            Note::EffectFailed { error, .. } => format!("effect failed: {error}"),
            Note::StageRetrying { attempt, max, after, .. } => {
                format!("retrying: attempt {attempt} of 1+{max} in {after}")
            }
            Note::StageFailed { stage, by, attempt, .. } => format!("{stage} attempt {attempt} failed: {by}"),
            Note::StageSucceeded { stage, by, .. } => format!("{stage} succeeded: {by}"),
            Note::StageTriggered { stage, by, .. } => format!("{stage} triggered: {by}"),
            Note::StageEscalated { stage, code, .. } => format!("{stage} escalated: {code}"),
            Note::StageNotStarted { stage, why, .. } => format!("{stage} is not started: {why}"),
            Note::StageCancelled { stage, why, .. } => format!("{stage} cancelled: {why}"),
            Note::AgentSaid { kind, summary, .. } => format!("agent {kind:?}: {summary}"),
            Note::Gap { pane } => format!("gap in {pane}"),
            Note::Reloaded { .. } => "reloaded".to_owned(),
            Note::PolicyLoaded { pipelines } => format!("policy with {pipelines} pipelines"),
            Note::Text { text } => {
                let mut text = text.clone();
                for (n, id) in self.approvals.iter().enumerate() {
                    text = text.replace(&id.0, &format!("A{}", n + 1));
                }
                text
            }
            Note::NotAutoAnswered { by, why } => format!("{} leaves it to a person: {why:?}", by.who),
            Note::LeaseGranted { lease, class, span, by } => {
                format!("lease {lease} of {} for {span}: {}", by.who, class.join(", "))
            }
            Note::LeaseEnded { lease, by } => {
                format!("lease {lease} ended by {}", by.as_ref().map_or("its agent", |by| &by.who))
            }
            Note::AutoAnswered { question, by, .. } => format!("answered by {} ({:?}): {question}", by.who, by.via),
            Note::ActionSkipped { stage, action, why, .. } => format!("{stage}: `{action}` skipped: {why}"),
            Note::StageSkipped { stage, why, .. } if !why.is_empty() => format!("{stage} skipped: {why}"),
            Note::RunStarted { .. }
            | Note::RunEnded { .. }
            | Note::StageNeedsApproval { .. }
            | Note::StageStarted { .. }
            | Note::StageSkipped { .. }
            | Note::ApprovalDecided { .. }
            | Note::DecisionRefused { .. }
            | Note::Sent { .. }
            | Note::Frozen { .. }
            | Note::Unfrozen { .. }
            | Note::MalformedMessage { .. }
            | Note::PaneSeen { .. }
            | Note::PaneGone { .. }
            | Note::PaneLeft { .. }
            | Note::Refused { .. }
            | Note::PolicyBroken { .. }
            | Note::Host { .. } => return,
        };
        self.say(&text);
    }

    /// Runs, stages and approvals whose state is another than before.
    fn show_states(&mut self) {
        let view = self.engine.view();
        let mut found = BTreeMap::new();
        for run in &view.runs {
            let Some(id) = run.run else { continue };
            for stage in &run.stages {
                found.insert(format!("{id} {}", stage.name), snake(&format!("{:?}", stage.state)));
            }
            found.insert(
                format!("{id}~"),
                format!("{} {}", run.pipeline, snake(&format!("{:?}", run.state.expect("run")))),
            );
        }
        for (key, state) in &found {
            if self.states.get(key) != Some(state) && (state != "waiting" || self.states.contains_key(key)) {
                match key.strip_suffix('~') {
                    Some(id) => self.say(&format!("run {id} {state}")),
                    None => self.say(&format!("{key}: {state}")),
                }
            }
        }
        self.states.extend(found);
        for approval in view.approvals {
            let known = self.closed.insert(approval.id.clone(), approval.state);
            let decided = matches!(approval.state, ApprovalState::Approved | ApprovalState::Rejected);
            if decided && known != Some(approval.state) {
                let label = self.approval_label(&approval.id);
                self.say(&format!("{label}: {}", snake(&format!("{:?}", approval.state))));
            }
        }
    }

    fn show_intent(&mut self, intent: &Intent) {
        if let Effect::Alert(alert) = &intent.effect {
            let kind = snake(&format!("{:?}", alert.kind));
            let urgency = snake(&format!("{:?}", alert.urgency));
            return self.say(&format!("alert {kind} {urgency}: {}", alert.title));
        }
        if !self.intents.iter().any(|known| known.id == intent.id) {
            self.intents.push(intent.clone());
        }
        let label = self.label(&intent.id);
        let (word, pane) = match &intent.effect {
            Effect::Send(send) => ("type", Some(&send.pane)),
            Effect::Prompt(prompt) => ("prompt", Some(&prompt.pane)),
            Effect::Shell(call) => ("shell", Some(&call.pane)),
            Effect::Answer(answer) => ("answer", Some(&answer.instead.pane)),
            Effect::Poll(_) => ("poll", None),
            Effect::Alert(_) => ("alert", None),
        };
        let text = describe_effect(&intent.effect).replace(&intent.id.0, "TOKEN");
        let pane = pane.map(|pane| format!(" {}", pane.pane)).unwrap_or_default();
        let mut who = String::new();
        if let Effect::Send(SendKeys { needs: Needs::Front { basis: Some(basis) }, .. }) = &intent.effect {
            let answers = basis.answers.as_deref().map(|row| format!(", answers only `{row}`")).unwrap_or_default();
            who = format!(" (for {} {}{answers})", basis.front.name, basis.front.pid);
        }
        self.say(&format!("{label} {word}{pane}: {text}{who}"));
    }

    pub(super) fn explain(&mut self, target: &str) {
        let target = match target.parse::<RunId>() {
            Ok(run) => Target::Run(run),
            Err(_) => Target::Pane(self.key(target)),
        };
        for stage in self.engine.explain(self.now, &target) {
            let waits = if stage.waits_for.is_empty() {
                String::new()
            } else {
                format!(" | waits for {}", stage.waits_for.join("; "))
            };
            self.say(&format!(
                "{}/{} {}: {}{waits}",
                stage.pipeline,
                stage.stage,
                snake(&format!("{:?}", stage.state)),
                stage.summary
            ));
            if let Some(cause) = &stage.started_by {
                self.say(&format!("  started by {} / {}", cause.rule, cause.text));
            }
            for earlier in &stage.earlier {
                let (attempt, cause) = (earlier.attempt, &earlier.cause);
                self.say(&format!("  attempt {attempt} failed: {} / {}", cause.rule, cause.text));
            }
            for condition in &stage.conditions {
                self.explain_part(&format!("{:?}", condition.role), &condition.part, 1);
            }
            stage.waits_for.iter().for_each(|text| has_chinese(text));
            stage.near_misses.iter().for_each(|miss| has_chinese(&miss.why));
            for miss in &stage.near_misses {
                self.say(&format!("  near miss: {} ({})", miss.text, miss.why));
            }
        }
    }

    fn explain_part(&mut self, role: &str, part: &Part, depth: usize) {
        let mark = if part.holds { "+" } else { "-" };
        let cause = part.cause.as_ref().map(|cause| format!(" << {}", cause.text)).unwrap_or_default();
        let detail = if part.detail.is_empty() { String::new() } else { format!(" ({})", part.detail) };
        self.say(&format!("{}{mark} {role} {}{detail}{cause}", "  ".repeat(depth), part.text));
        for inner in &part.parts {
            self.explain_part("", inner, depth + 1);
        }
    }

    pub(super) fn view(&mut self) {
        let view = self.engine.view();
        for run in &view.runs {
            for stage in &run.stages {
                if !stage.state.is_ended() && (stage.detail.starts_with("waits for ") || !stage.state.is_live()) {
                    has_chinese(&stage.detail);
                }
                let due = stage.due_at.map(|at| format!(" due in {}", at.since(self.now))).unwrap_or_default();
                self.say(&format!(
                    "{} {}/{} {} {}/{}{due}: {}",
                    run.place,
                    run.pipeline,
                    stage.name,
                    snake(&format!("{:?}", stage.state)),
                    stage.attempt,
                    stage.max_attempts,
                    stage.detail
                ));
            }
        }
        for (pane, state) in &view.panes {
            self.say(&format!("pane {}: {}", pane.pane, snake(&format!("{state:?}"))));
        }
        for held in &view.held {
            self.say(&format!("held {}: {}", held.place, held.text));
        }
    }
}

/// What the machine says of itself is told in Chinese too; words of the policy stand for themselves.
fn has_chinese(text: &str) {
    const WORDS: [&str; 16] = [
        "agent ",
        "any_of",
        "all_of",
        "not ",
        "log_regex",
        "message",
        "after_stage",
        "exit_code",
        "idle_for",
        "needs ",
        "schedule",
        "inputs.",
        "stage ",
        "file_",
        "run failed",
        "version",
    ];
    let of_policy = WORDS.iter().any(|word| text.starts_with(word)) || text.starts_with("poll ") || text == "manual";
    let chinese = tmuxagent_text::sentence(tmuxagent_text::Lang::Zh, text);
    assert!(of_policy || chinese.chars().any(|c| c > '\u{2e7f}'), "no Chinese for: {text}");
}

/// A name of the code as it is written in data.
fn snake(camel: &str) -> String {
    let mut out = String::new();
    for c in camel.chars() {
        if c.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}
