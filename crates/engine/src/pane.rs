//! Panes that come, change and go.

use super::progress::Cause;
use super::state::{PaneRow, is_shell, stage_key};
use super::turn::Turn;
use super::watch::of_pane;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tmuxagent_model::shell::quoted;
use tmuxagent_model::{
    Alert, AlertKind, HostName, IntentId, Note, OpenQuestion, Owner, PaneInfo, PaneKey, ProgramState, Severity,
    TimerKey, Urgency,
};
use tmuxagent_policy::{Pipeline, Policy};

impl Turn<'_> {
    /// A pane appeared, or one of its facts changed.
    pub fn pane_seen(&mut self, info: &PaneInfo) {
        let policy = Arc::clone(&self.policy);
        let pipelines: Vec<String> =
            policy.applicable(&info.key.host, &info.facts).map(|pipeline| pipeline.name.clone()).collect();
        let names = names_of(&policy, info);
        let place = self.told_place(info);
        let Some(row) = self.state.panes.get(&info.key) else {
            let row = PaneRow {
                info: info.clone(),
                place: place.clone(),
                pipelines,
                names,
                shell: Some(info.facts.command.clone()).filter(|command| is_shell(command)),
                typed_by: None,
                typed_after: false,
                at_shell: false,
                waits: false,
                stale: false,
                program: None,
                agent: None,
                open: BTreeMap::new(),
                guests: BTreeSet::new(),
                last: BTreeMap::new(),
                starts: BTreeMap::new(),
                watch: BTreeMap::new(),
                misses: BTreeMap::new(),
                auto_answers: super::auto_answer::AutoAnswers::default(),
                shell_marks: super::tracking::ShellMarks::None,
            };
            self.state.panes.insert(info.key.clone(), row);
            self.note_at(Severity::Info, &info.key, Note::PaneSeen { pane: info.short() });
            self.arm_watches(&info.key);
            self.made_is_seen(&info.key);
            return;
        };
        // Sizes, modes and (unless a policy chooses or names by it) the title, which agents change every second, decide
        // nothing here; a change of them alone is no change.
        let same = row.pipelines == pipelines
            && row.names == names
            && !row.stale
            && row.place == place
            && row.info.dead == info.dead
            && row.info.facts.path == info.facts.path
            && row.info.facts.command == info.facts.command
            && row.info.facts.agent == info.facts.agent
            && row.info.facts.role == info.facts.role
            && (row.info.facts.title == info.facts.title || !names_title(&policy.pipelines));
        if same {
            return;
        }
        let died = info.dead && !row.info.dead;
        let back = row.info.facts.command != info.facts.command && is_shell(&info.facts.command);
        if let Some(row) = self.state.panes.get_mut(&info.key) {
            row.at_shell &= row.info.facts.command == info.facts.command;
            row.info = info.clone();
            row.place = place;
            row.pipelines = pipelines;
            row.names = names;
            if is_shell(&info.facts.command) {
                row.shell = Some(info.facts.command.clone());
            }
            row.stale = false;
        }
        if died {
            self.end_runs(&info.key, &Cause::own(self.now, "pane", "its process ended"), false);
            self.supersede_pane(&info.key);
        }
        if back {
            self.dialogs_gone(&info.key);
            self.shell_in_front(&info.key);
        }
        self.arm_watches(&info.key);
        self.made_is_seen(&info.key);
    }

    /// A pane is gone, or lives on unwatched; everything that was meant for it ends.
    pub fn pane_gone(&mut self, pane: &PaneKey, unwatched: bool, by: Option<&Owner>) {
        let Some(row) = self.state.panes.get(pane) else { return };
        let place = row.place.clone();
        let meant: Vec<IntentId> = self
            .state
            .intents
            .iter()
            .filter(|(_, row)| {
                row.intent.effect.pane() == Some(pane)
                    || matches!(&row.purpose, super::state::Purpose::TriggerPoll { pane: of, .. } if of == pane)
            })
            .map(|(id, _)| id.clone())
            .collect();
        for id in &meant {
            self.withdraw(id);
        }
        // Nothing begins there any more.
        if let Some(row) = self.state.panes.get_mut(pane) {
            row.info.dead = true;
        }
        let why = match (by, unwatched) {
            (Some(other), _) if other.gone.is_some() => {
                format!("{} had its server meanwhile", other.named(super::text::visible))
            }
            (Some(other), _) => format!("it is watched now by {}", other.named(super::text::visible)),
            (None, true) => "nobody watches it any more".to_owned(),
            (None, false) => "it is gone".to_owned(),
        };
        self.end_runs(pane, &Cause::own(self.now, "pane", &why), true);
        self.supersede_pane(pane);
        let timers: Vec<TimerKey> =
            self.state.timers().map(|row| &row.key).filter(|key| of_pane(key, pane)).cloned().collect();
        for key in &timers {
            self.state.disarm(key);
        }
        self.state.panes.remove(pane);
        let short = format!("{}:{}", pane.host, pane.pane);
        let note = if unwatched { Note::PaneLeft { pane: short } } else { Note::PaneGone { pane: short } };
        self.note(Severity::Info, &pane.told(&place), note);
    }

    /// Another supervisor had asked about a stage here when it was last seen. Whether that was decided since is not known, so
    /// nothing is begun: a person is told, and how to begin the stage here.
    pub fn left_open(&mut self, pane: &PaneKey, owner: &Owner, question: &OpenQuestion) {
        let Some(row) = self.state.panes.get(pane) else { return };
        let place = pane.told(&row.place);
        let (pipeline, stage) = (&question.pipeline, &question.stage);
        let who = owner.named(super::text::visible);
        let text = format!("a decision about {pipeline}/{stage} was open at {who}, which is gone");
        let known = row.pipelines.contains(pipeline)
            && self.policy.pipelines.iter().any(|own| own.name == *pipeline && own.stage(stage).is_some());
        let word = |text: &str| {
            let plain = text.chars().all(|c| c.is_alphanumeric() || "-_.:%".contains(c));
            if plain { text.to_owned() } else { quoted(text) }
        };
        let [at, name, part] = [&format!("{}:{}", pane.host, pane.pane), pipeline, stage].map(|text| word(text));
        let command = format!("tmuxagent start {at} {name} --stage {part}");
        let follows = if known {
            format!("nothing of it is begun here; `{command}` begins it, without what its trigger had captured there")
        } else {
            "nothing of it is begun here, where no policy has it for this pane".to_owned()
        };
        self.note(Severity::Warning, &place, Note::Text { text: text.clone() });
        self.note(Severity::Info, &place, Note::Text { text: follows });
        self.alert(Alert {
            kind: AlertKind::Approval,
            urgency: Urgency::High,
            title: format!("{place}: {text}"),
            body: if known { command } else { String::new() },
            approval: None,
            run: None,
            // Each is a decision of its own, also where one was open there before; and one that is told by two, or twice, is one.
            dedupe: format!("left/{}/{pane}/{pipeline}/{stage}/{}", owner.instance, question.asked.0),
            channels: Vec::new(),
        });
    }

    /// A host can't be observed: its panes are stale. Time limits run on, nothing is lost.
    pub fn host_lost(&mut self, host: &HostName) {
        self.forget_begins_of(host);
        let keys = self.state.panes.iter().filter(|(key, row)| key.host == *host && !row.stale);
        let keys: Vec<PaneKey> = keys.map(|(key, _)| key.clone()).collect();
        for key in keys {
            if let Some(row) = self.state.panes.get_mut(&key) {
                row.stale = true;
            }
        }
    }

    /// Whom an alert about what a pane's program says speaks of: an agent only where the pane's facts name one.
    pub fn speaker(&self, pane: &PaneKey) -> AlertKind {
        let known = self.state.panes.get(pane).is_some_and(|row| !row.info.facts.agent.is_empty());
        if known { AlertKind::Agent } else { AlertKind::Program }
    }

    /// A program told its state.
    pub fn program(&mut self, pane: &PaneKey, state: &ProgramState) {
        let Some(row) = self.state.panes.get(pane) else { return };
        let place = row.place.clone();
        let news = row.program.as_ref() != Some(state);
        let (urgency, words) = match state {
            ProgramState::Notification { text } => (Urgency::Normal, text.clone()),
            ProgramState::Blocked { kind, message } => {
                let words = message.clone().or_else(|| kind.clone()).unwrap_or_default();
                (Urgency::High, format!("waits for you: {words}"))
            }
            ProgramState::Error => (Urgency::High, "reports an error".to_owned()),
            ProgramState::Done => (Urgency::Low, "is done".to_owned()),
            ProgramState::Idle | ProgramState::Working | ProgramState::Clear => (Urgency::Low, String::new()),
        };
        let is_state = !matches!(state, ProgramState::Notification { .. });
        if is_state && !news {
            return;
        }
        if is_state && let Some(row) = self.state.panes.get_mut(pane) {
            row.program = if *state == ProgramState::Clear { None } else { Some(state.clone()) };
        }
        // What a dialog asks is told as a question that can be decided.
        let told = matches!(state, ProgramState::Blocked { .. }) && self.asks_by_dialog(pane);
        if words.is_empty() || told {
            return;
        }
        // One line says it; what stands below is the whole of it.
        let (first, more) = words.trim().split_once('\n').unwrap_or((words.trim(), ""));
        let more: Vec<String> = more.lines().map(super::text::visible).collect();
        let words = super::text::visible(first);
        let title = format!("{} {words}", pane.told(&place));
        let dedupe = format!("program/{pane}/{words}");
        let (kind, channels) = (self.speaker(pane), Vec::new());
        let body = match (is_state, more.is_empty()) {
            (_, false) => more.join("\n"),
            (true, true) => self.few_lines(pane).trim_start().to_owned(),
            (false, true) => String::new(),
        };
        self.alert(Alert { kind, urgency, title, body, approval: None, run: None, dedupe, channels });
    }
}

/// The names of panes that a pane fits.
pub fn names_of(policy: &Policy, info: &PaneInfo) -> Vec<String> {
    let names = policy.pipelines.iter().flat_map(|pipeline| pipeline.panes.iter().map(move |pane| (pipeline, pane)));
    let fits = names.filter(|(_, pane)| pane.selector.holds(&info.key.host, &info.facts));
    fits.map(|(pipeline, pane)| stage_key(&pipeline.name, &pane.name)).collect()
}

/// Whether any text of the policy names the pane's title.
fn names_title(pipelines: &[Pipeline]) -> bool {
    use tmuxagent_policy::{Action, FailStep};
    let in_action = |action: &Action| action.names("pane.title");
    pipelines.iter().flat_map(|pipeline| &pipeline.stages).any(|stage| {
        let fails = stage.on_fail.iter().filter_map(|step| match step {
            FailStep::Do(action) => Some(action),
            FailStep::Retry(_) | FailStep::AskHuman { .. } | FailStep::Escalate { .. } => None,
        });
        stage.actions_on_start.iter().chain(&stage.on_success).chain(fails).any(in_action)
    })
}
