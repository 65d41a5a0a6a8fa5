//! Panes that a run makes where none fits a name, and closes when it ends.
//!
//! **Rules.** A pane is made when a stage that acts in it is about to begin, behind the yes that it waits for, by one command of its tmux server that
//! looks for the run's mark first: so it is made once, whoever dies in between. The stage goes on once the pane is seen to
//! fit its name. When the run ends the pane is closed, unless another run acts in it, which then closes it, or something else
//! was begun in it, which is told.
//! **Invariant:** nothing is killed but a pane with the mark of its maker, whose own shell is in front with no job of its own,
//! in a window that nobody renamed.

use super::Engine;
use super::progress::Cause;
use super::run_row::MadePane;
use super::state::{PaneRow, Purpose, stage_key};
use super::table::StageInput;
use super::turn::{At, Turn};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;
use tmuxagent_model::shell::quoted;
use tmuxagent_model::{
    Effect, IntentId, Millis, Note, Outcome, PaneInfo, PaneKey, RunId, RunState, Severity, ShellCall, ShellOutcome,
    ShellText, SkipReason, StageState, TimerKey,
};
use tmuxagent_policy::{Make, Pipeline};

/// How long tmux may take.
const LIMIT: Millis = Millis::from_secs(20);
/// How long a pane that was made may stay unseen.
const UNSEEN: Millis = Millis::from_secs(15);
/// What tmux shows of a pane until its program has begun.
const BEGINNER: &str = "env";
/// The exit code by which a pane is left open.
const LEFT: i32 = 3;

/// Makes a pane, unless one with the mark is there; prints its identity. The server does both at once, so that two who ask
/// at the same time get one pane. A shell begins with our integration,
/// where its files can be written.
const MAKE: &str = r#"t() { eval "$ta_tmux \"\$@\""; }
found() { t list-panes -a -F '#{pane_id} #{pane_pid} #{pane_start_command}' | grep -F -e "$ta_mark" | head -n 1; }
[ "$(t display-message -p '#{@tmuxagent_server}')" = "$ta_server" ] || { echo 'another tmux server answers there'; exit 1; }
case $ta_cwd in '') f=$PWD ;; '~') f=$HOME ;; '~/'*) f=$HOME/${ta_cwd#'~/'} ;; /*) f=$ta_cwd ;; *) f=$PWD/$ta_cwd ;; esac
[ -d "$f" ] || { echo "there is no folder $f"; exit 1; }
q() { printf "'"; printf %s "$1" | sed "s/'/'\\\\''/g"; printf "'"; }
s=$(t show-options -gv default-shell)
if [ -n "$ta_command" ]; then run="$(q "${s:-/bin/sh}") -c $(q "$ta_command")"
elif d=$(eval "$ta_shell_files" 2>/dev/null) && [ -n "$d" ]; then eval "set -- $ta_tmux"; run="sh $(q "$d/start") $(q "$1")"
else run="$(q "${s:-/bin/sh}") -l"; fi
there='#{m:*'$ta_mark'*,#{S:#{W:#{P:#{pane_start_command} }}}}'
said=$(t if-shell -F "$there" '' \
 "new-window -d -t $ta_session -n $(q "$ta_window") -c $(q "$(printf %s "$f" | sed 's/#/##/g')") -- env TMUXAGENT_MADE=$ta_mark $run" 2>&1)
line=$(found); id=${line%% *}; rest=${line#* }
[ -n "$line" ] || { echo "${said:-what was begun in it ended at once}"; exit 1; }
t set-option -p -t "$id" @tmuxagent_role "$ta_role" || exit 1
echo "$id ${rest%% *}""#;

/// Closes a pane that bears the mark and in which nothing else is in front; says why where it does not.
const CLOSE: &str = r#"t() { eval "$ta_tmux \"\$@\""; }
[ "$(t display-message -p '#{@tmuxagent_server}')" = "$ta_server" ] || exit 0
line=$(t list-panes -a -F '#{pane_id} #{pane_pid} #{pane_start_command}' | grep -e "^$ta_pane " | head -n 1)
[ -n "$line" ] || exit 0
case $line in "$ta_pane $ta_pid "*"$ta_mark"*) ;; *) echo 'another program was begun in it'; exit 3 ;; esac
front=$(ps -o tpgid= -p "$ta_pid" 2>/dev/null | tr -d ' ')
if [ -z "$front" ] && [ -r "/proc/$ta_pid/stat" ]; then read -r all < "/proc/$ta_pid/stat"; set -- ${all##*) }; front=$6; fi
[ "$front" = "$ta_pid" ] || { echo "$(t display-message -p -t "$ta_pane" '#{pane_current_command}') runs in it"; exit 3; }
now=$(t display-message -p -t "$ta_pane" '#{pane_in_mode} #{window_name}')
case $now in "0 ${ta_window:-${now#0 }}") ;; *) echo 'somebody uses it'; exit 3 ;; esac
case $(ps -o comm= -p "$ta_pid" 2>/dev/null) in -sh|sh|*bash|*zsh|*fish|*dash|*ksh|*ash|*csh|'') ;; *) echo 'another program was begun in it'; exit 3 ;; esac
tty=$(ps -o tty= -p "$ta_pid" 2>/dev/null | tr -d ' ')
ps -t "$tty" -o pid=,ppid=,pgid= 2>/dev/null | awk -v own="$ta_pid" '$1 == $3 && $2 == own && $1 != own { found = 1 } END { exit found }' ||
 { echo 'a job of its shell is not over'; exit 3; }
t kill-pane -t "$ta_pane""#;

/// Why a stage has no pane.
pub enum Unplaced {
    /// It is to be made, by this name.
    Make(String),
    /// It can't be told.
    Unclear(String),
}

/// By which a pane of a run is known again: the same in each life of the supervisor.
fn mark_of(run: &super::state::Run, name: &str) -> String {
    let digest = Sha256::digest(format!("{}\u{1f}{name}", run.pipeline));
    let digest: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("made-{:x}-{}-{digest}", run.started_at.0, run.id.0)
}

/// The identity that making a pane printed.
fn made_in(own: &PaneKey, output: &str) -> Option<PaneKey> {
    let (id, pid) = output.trim().lines().last()?.split_once(' ')?;
    Some(PaneKey { pane: id.parse().ok()?, pid: pid.parse().ok()?, ..own.clone() })
}

/// A call that may be made once more after a crash.
fn call(pane: &PaneKey, text: &str, shown: String, values: BTreeMap<String, String>, folder: String) -> Effect {
    let script = ShellText { text: text.to_owned(), values, shown };
    Effect::Shell(ShellCall { pane: pane.clone(), script, folder, timeout: LIMIT, again: true })
}

fn values<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(name, value)| (format!("ta_{name}"), value.to_owned())).collect()
}

fn make_call(row: &PaneRow, make: &Make, mark: &str) -> Effect {
    let (info, text) = (&row.info, |text: &Option<String>| text.clone().unwrap_or_default());
    let session = quoted(&format!("{}:", info.session_id));
    let values = values([
        ("mark", mark),
        ("server", info.key.server.as_str()),
        ("session", &session),
        ("window", &make.window.replace('#', "##")),
        ("cwd", &text(&make.cwd)),
        ("command", &text(&make.command)),
        ("role", &make.role),
    ]);
    call(&info.key, MAKE, made_in_words(make), values, info.facts.path.clone())
}

/// What is done to make a pane, for people.
pub fn made_in_words(make: &Make) -> String {
    let what = make.command.as_ref().map(|command| format!(" `{command}`")).unwrap_or_default();
    format!("make the window {}{what}", make.window)
}

fn close_call(made: &MadePane, window: &str) -> Effect {
    let (id, pid) = (made.pane.pane.to_string(), made.pane.pid.to_string());
    let server = made.pane.server.as_str();
    let values = values([("mark", &made.mark), ("server", server), ("pane", &id), ("pid", &pid), ("window", window)]);
    call(&made.pane, CLOSE, format!("close the pane {id}, which was made for {}", made.name), values, "/".to_owned())
}

/// How a pane of that name is made.
pub fn make_of<'p>(pipeline: &'p Pipeline, name: &str) -> Option<&'p Make> {
    pipeline.panes.iter().find(|pane| pane.name == name)?.make.as_ref()
}

impl Turn<'_> {
    /// Lets a stage wait for its pane, and has that made.
    pub fn make_pane(&mut self, at: At, name: &str) {
        let policy = Arc::clone(&self.policy);
        let make = self.rule(&policy, at).and_then(|(pipeline, _)| make_of(pipeline, name));
        let run = self.run(at.run);
        let row = run.and_then(|run| self.state.panes.get(&run.pane));
        let (Some(make), Some(run), Some(row)) = (make, run, row) else {
            return self.not_placed(at, "the pane of the run is gone".to_owned());
        };
        let effect = make_call(row, make, &mark_of(run, name));
        self.shift(at, StageInput::Queue);
        let purpose = Purpose::MakePane { run: at.run, stage: self.stage_name(at), name: name.to_owned() };
        let id = self.emit(effect, purpose);
        if let Some(stage) = self.stage_mut(at) {
            stage.queue = None;
            stage.looks_for = Some(id);
        }
    }

    /// A pane was made, or was not.
    pub fn pane_made(&mut self, id: &IntentId, own: &PaneKey, purpose: &Purpose, outcome: &Outcome) {
        let Purpose::MakePane { run, stage, name } = purpose else { return };
        let at = self.find_stage(*run, stage).filter(|at| {
            self.stage(*at).is_some_and(|one| one.looks_for.as_ref() == Some(id) && one.state == StageState::Queued)
        });
        let made = match outcome {
            Outcome::Shell(ShellOutcome { exit: Some(0), output }) => made_in(own, output).ok_or_else(|| {
                format!("tmux names no pane: `{}`", super::text::visible(&self.cleaner.clean(output.trim())))
            }),
            Outcome::Shell(ShellOutcome { output, .. }) => {
                Err(super::text::visible(&self.cleaner.clean(output.trim().lines().last().unwrap_or_default())))
            }
            Outcome::Skipped { reason: SkipReason::Withdrawn } => return,
            Outcome::Skipped { reason } => Err(super::readers::why_skipped(reason)),
            Outcome::Failed { error } | Outcome::Unknown { error } => Err(error.clone()),
            Outcome::Done => Err(String::new()),
        };
        match made {
            Ok(pane) => self.keep_made(*run, name, pane),
            Err(why) => {
                let Some(at) = at else { return };
                if let Some(stage) = self.stage_mut(at) {
                    stage.looks_for = None;
                }
                return self.not_placed(at, format!("its pane {name} could not be made: {why}"));
            }
        }
        if let Some(at) = at {
            self.state.arm(TimerKey::Made(at.run, stage.clone()), self.now + UNSEEN);
            self.go_on_where_made(at);
        }
    }

    fn keep_made(&mut self, id: RunId, name: &str, pane: PaneKey) {
        let Some(run) = self.run(id) else { return };
        let made = MadePane { name: name.to_owned(), mark: mark_of(run, name), pane };
        if run.state != RunState::Open {
            // Nobody acts in it any more.
            let window = self.made_window(id, name);
            let purpose = Purpose::ClosePane { run: id, name: name.to_owned() };
            self.emit(close_call(&made, &window), purpose);
            return;
        }
        if run.made.contains(&made) {
            return;
        }
        let text = format!("run {id} has made its pane {name}: {}", made.pane.pane);
        if let Some(run) = self.state.runs.get_mut(&id) {
            run.made.retain(|other| other.name != made.name);
            run.made.push(made);
        }
        self.note_run(Severity::Info, id, Note::Text { text });
    }

    /// A pane has changed: stages go on that waited for it.
    pub fn made_is_seen(&mut self, pane: &PaneKey) {
        let open = self.state.runs.values().filter(|run| run.state == RunState::Open && !run.made.is_empty());
        let runs = open.filter(|run| run.made.iter().any(|made| made.pane == *pane));
        let waiting: Vec<At> = runs.flat_map(|run| run.live().map(move |stage| At { run: run.id, stage })).collect();
        for at in waiting {
            let name = self.stage_name(at);
            if self.state.armed(&TimerKey::Made(at.run, name)).is_some() {
                self.go_on_where_made(at);
            }
        }
    }

    /// Lets a stage go on whose pane is there by now, with a program in it.
    fn go_on_where_made(&mut self, at: At) {
        let policy = Arc::clone(&self.policy);
        let Some((pipeline, rule)) = self.rule(&policy, at) else { return };
        let (Some(run), Some(name)) = (self.run(at.run), &rule.pane) else { return };
        let Some(made) = run.made.iter().find(|made| made.name == *name) else { return };
        let key = stage_key(&pipeline.name, name);
        let begun = |row: &PaneRow| row.names.contains(&key) && row.info.facts.command != BEGINNER && !row.info.dead;
        if !self.state.panes.get(&made.pane).is_some_and(begun) {
            return;
        }
        let pane = made.pane.clone();
        if let Some(run) = self.state.runs.get_mut(&at.run) {
            run.panes.insert(name.clone(), pane);
        }
        self.found_its_pane(at);
    }

    fn found_its_pane(&mut self, at: At) {
        let policy = Arc::clone(&self.policy);
        self.state.disarm(&TimerKey::Made(at.run, self.stage_name(at)));
        if let Some(stage) = self.stage_mut(at) {
            stage.looks_for = None;
        }
        let gated = self.rule(&policy, at).is_some_and(|(_, rule)| rule.gate.is_some());
        let shown = self.stage(at).is_some_and(|stage| stage.plan_fixed);
        // Nobody said yes to its actions yet.
        if self.asks_of_rounds(at).is_some() || gated && !shown {
            self.ask_gate(at);
        } else {
            self.enter_as_shown(at);
        }
    }

    /// A pane that was made is not seen.
    pub fn made_is_unseen(&mut self, at: At) {
        let waits = self.stage(at).is_some_and(|stage| stage.looks_for.is_some() && stage.state == StageState::Queued);
        if !waits {
            return;
        }
        let policy = Arc::clone(&self.policy);
        let name = self.rule(&policy, at).and_then(|(_, rule)| rule.pane.clone()).unwrap_or_default();
        if let Some(stage) = self.stage_mut(at) {
            stage.looks_for = None;
        }
        self.not_placed(at, format!("its pane {name} was made, and none is seen that fits that name"));
    }

    /// A run has ended: what it made is closed, or given to another run that acts in it.
    pub fn close_made(&mut self, id: RunId) {
        let made = self.state.runs.get_mut(&id).filter(|run| !run.made.is_empty());
        let Some(made) = made.map(|run| std::mem::take(&mut run.made)) else { return };
        for pane in made {
            let Some(row) = self.state.panes.get(&pane.pane).filter(|row| !row.info.dead) else { continue };
            let other = row.open.values().chain(&row.guests).find(|other| **other != id).copied();
            if let Some(run) = other.and_then(|other| self.state.runs.get_mut(&other)) {
                run.made.push(pane);
                continue;
            }
            let window = self.made_window(id, &pane.name);
            let purpose = Purpose::ClosePane { run: id, name: pane.name.clone() };
            self.emit(close_call(&pane, &window), purpose);
        }
    }

    /// What the window of a made pane was called; empty where the policy says that no more.
    fn made_window(&self, id: RunId, name: &str) -> String {
        let pipeline = self.run(id).and_then(|run| self.policy.pipeline(&run.pipeline));
        pipeline.and_then(|pipeline| make_of(pipeline, name)).map_or_else(String::new, |make| make.window.clone())
    }

    /// Whether a pane that was made is about to go.
    pub fn is_being_closed(&self, pane: &PaneKey) -> bool {
        let closes = |row: &super::state::IntentRow| matches!(row.purpose, Purpose::ClosePane { .. });
        self.state.intents.values().any(|row| closes(row) && row.intent.effect.pane() == Some(pane))
    }

    /// A pane that a run made was closed, or was not.
    pub fn pane_closed(&mut self, pane: &PaneKey, purpose: &Purpose, outcome: &Outcome) {
        let Purpose::ClosePane { run, name } = purpose else { return };
        let (severity, text) = match outcome {
            Outcome::Shell(ShellOutcome { exit: Some(0), .. }) => {
                (Severity::Info, format!("the made pane {name} of run {run} is closed"))
            }
            Outcome::Skipped { reason: SkipReason::Withdrawn } => return,
            other => {
                let why = match other {
                    Outcome::Shell(ShellOutcome { exit: Some(LEFT), output }) => output.trim().to_owned(),
                    Outcome::Shell(shell) => super::outcome::describe_shell(shell),
                    Outcome::Failed { error } | Outcome::Unknown { error } => error.clone(),
                    Outcome::Skipped { reason } => super::readers::why_skipped(reason),
                    Outcome::Done => String::new(),
                };
                let why = super::text::visible(&self.cleaner.clean(&why));
                (Severity::Warning, format!("the made pane {name} of run {run} is left open: {why}"))
            }
        };
        self.note_at(severity, pane, Note::Text { text });
    }

    /// No pane is found for a stage that was to act in one that is made, and the run has ended.
    pub fn has_no_pane_at_end(&mut self, at: At, why: String) {
        // The run has ended: there is nothing to go on with.
        if self.shift(at, StageInput::Start) {
            if let Some(stage) = self.stage_mut(at) {
                stage.attempt += 1;
            }
            self.give_up(at, Cause::own(self.now, "pane", why));
        }
    }
}

impl Engine {
    /// The pane that an intent makes, as its policy says, with the facts of the pane of its run for the rest.
    pub fn making(&self, id: &IntentId) -> Option<PaneInfo> {
        let row = self.state.intents.get(id)?;
        let Purpose::MakePane { run, name, .. } = &row.purpose else { return None };
        let run = self.state.runs.get(run)?;
        let make = make_of(self.policy.pipeline(&run.pipeline)?, name)?;
        let own = self.state.panes.get(&run.pane)?;
        let mut info = own.info.clone();
        info.facts.window.clone_from(&make.window);
        info.facts.role.clone_from(&make.role);
        info.facts.agent.clear();
        let command = make.command.as_deref().and_then(|command| command.split_whitespace().next());
        info.facts.command = command.unwrap_or(own.reader()).to_owned();
        Some(info)
    }

    /// The pane that an intent closes.
    pub fn closing(&self, id: &IntentId) -> Option<PaneKey> {
        let row = self.state.intents.get(id)?;
        matches!(row.purpose, Purpose::ClosePane { .. }).then(|| row.intent.effect.pane().cloned()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tmuxagent_model::{HostName, PaneId, ServerId};

    #[test]
    fn the_identity_of_a_pane_is_the_last_line() {
        let own = PaneKey { host: HostName::new("nas"), server: ServerId::new("s"), pane: PaneId(1), pid: 10 };
        let made = made_in(&own, "something else\n%7 4711\n");
        assert_eq!(made, Some(PaneKey { pane: PaneId(7), pid: 4711, ..own.clone() }));
        assert_eq!((made_in(&own, ""), made_in(&own, "no server running")), (None, None));
    }
}
