//! The values that the texts of actions may name, and filling them in.

use super::progress::Cause;
use super::state::{PaneRow, Run};
use tmuxagent_model::{Shell, ShellText, is_lost};
use tmuxagent_policy::{self as policy, Quoting, StageValue, TextTemplate};

/// A name that has no value in this run, or whose value was a secret of an earlier life.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{{{{{name}}}}}` {why}")]
pub struct Missing {
    /// The name.
    pub name: String,
    /// Why, behind the name.
    pub why: &'static str,
}

/// What `{{…}}` may name.
#[derive(Clone, Copy)]
pub struct Names<'a> {
    /// The run, where there is one.
    pub run: Option<&'a Run>,
    /// The stage.
    pub stage: &'a str,
    /// The values that it is made for.
    pub each: &'a [(String, String)],
    /// The attempt that the text is for.
    pub attempt: u32,
    /// The pipeline.
    pub pipeline: &'a str,
    /// The pane.
    pub pane: &'a PaneRow,
}

impl Names<'_> {
    /// The value of a name: what is known everywhere, then the run's own variables. No text of a pane can take the place
    /// of a name of ours, since a policy may put those where a second shell reads them.
    pub fn lookup(&self, name: &str) -> Option<String> {
        let info = &self.pane.info;
        Some(match name {
            "stage" => self.stage.to_owned(),
            "pipeline" => self.pipeline.to_owned(),
            "attempt" => self.attempt.to_string(),
            "run" => self.run?.id.0.to_string(),
            "line" => self.line()?,
            "pane.id" => info.key.pane.to_string(),
            "host" => info.key.host.to_string(),
            "pane.path" => info.facts.path.clone(),
            "pane.session" => info.facts.session.clone(),
            "pane.window" => info.facts.window.clone(),
            "pane.title" => info.facts.title.clone(),
            _ => {
                return self
                    .made_for(name)
                    .or_else(|| self.given(name))
                    .or_else(|| self.left_behind(name))
                    .or_else(|| self.variable(name));
            }
        })
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.run?.variables.get(name).cloned()
    }

    /// A value that the stage is made for.
    fn made_for(&self, name: &str) -> Option<String> {
        self.each.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    /// The value of an input.
    fn given(&self, name: &str) -> Option<String> {
        self.run?.inputs.get(name.strip_prefix("inputs.")?).cloned()
    }

    /// A value that a stage of the run left behind.
    fn left_behind(&self, name: &str) -> Option<String> {
        let (stage, value) = policy::stage_value(name)?;
        let stage = self.run?.stages.iter().find(|one| one.name == stage).filter(|one| one.attempt > 0)?;
        Some(match value {
            StageValue::Output => stage.output.clone().unwrap_or_default(),
            StageValue::ExitCode => stage.exit?.to_string(),
            StageValue::Attempt => stage.attempt.to_string(),
            StageValue::Duration => {
                let ended = stage.ended_at.or_else(|| stage.ended.as_ref().map(|cause| cause.at))?;
                (ended.since(stage.started_at?).0 / 1000).to_string()
            }
        })
    }

    /// The line that ended the stage, or the one that started it.
    fn line(&self) -> Option<String> {
        let stage = self.run?.stages.iter().find(|stage| stage.name == self.stage)?;
        let cause: &Cause = stage.ended.as_ref().or(stage.triggered.as_ref())?;
        Some(cause.text.clone())
    }
}

/// Fills a text that no shell reads.
///
/// # Errors
/// When a name has no value.
pub fn fill(template: &TextTemplate, names: &Names<'_>, quoting: Quoting) -> Result<String, Missing> {
    complete(template, names)?;
    Ok(policy::fill(template, &|name| names.lookup(name), quoting))
}

/// Takes a command and its values apart, for that shell.
///
/// # Errors
/// When a name has no value: typing a command with a hole in it is worse than not typing it.
pub fn bind(template: &TextTemplate, names: &Names<'_>, shell: Shell) -> Result<ShellText, Missing> {
    complete(template, names)?;
    Ok(policy::bind(template, &|name| names.lookup(name), shell))
}

/// A line to be typed into that shell or, without one, into a program: as it is typed, and as people read it.
///
/// # Errors
/// When a name has no value.
pub fn type_out(template: &TextTemplate, names: &Names<'_>, shell: Option<Shell>) -> Result<(String, String), Missing> {
    complete(template, names)?;
    let lookup = |name: &str| names.lookup(name);
    Ok((policy::type_out(template, &lookup, shell), policy::show(template, &lookup)))
}

/// The shells that read a line as it is meant which is typed out for one of them; none where every reader does.
pub fn quoted_for(template: &TextTemplate, names: &Names<'_>, shell: Option<Shell>) -> &'static [Shell] {
    let typed = |shell| policy::type_out(template, &|name| names.lookup(name), Some(shell));
    let Some(shell) = shell.filter(|_| !template.names.is_empty()) else { return &[] };
    let this = typed(shell);
    // Letters and digits are quoted alike in all of them.
    let alike = [Shell::Sh, Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Csh].into_iter().all(|one| typed(one) == this);
    if alike { &[] } else { shell.readers_of_words() }
}

/// Every name has a value, and not only the mark of one.
fn complete(template: &TextTemplate, names: &Names<'_>) -> Result<(), Missing> {
    if let Some(name) = template.names.iter().find(|name| names.lookup(name).is_none()) {
        return Err(Missing { name: name.clone(), why: "has no value in this run" });
    }
    if let Some(name) = template.names.iter().find(|name| names.lookup(name).is_some_and(|value| is_lost(&value))) {
        return Err(Missing { name: name.clone(), why: "was a secret, which is not kept when the supervisor ends" });
    }
    // The run is older than the policy, whose patterns give no such value.
    if let Some(name) = template.unexpected(&|name| names.lookup(name)) {
        return Err(Missing {
            name: name.to_owned(),
            why: "has a value from before the policy was changed, which no pattern of it takes",
        });
    }
    Ok(())
}
