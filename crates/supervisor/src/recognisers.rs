//! The recognisers of agents: those that come along, and the user's own, `agents/NAME.yaml` beside the configuration.

use std::collections::BTreeMap;
use tmuxagent_agents::Known;
use tmuxagent_config::{Paths, Problem};
use tmuxagent_yaml::Source;

/// Which agents are recognised, and how.
///
/// # Errors
/// A file of the user's own that can't be read, is not valid, could be written by others, or has another agent's name.
pub fn recognisers(paths: &Paths) -> Result<Vec<Known>, Problem> {
    read(paths).map(|read| read.known)
}

/// All recognisers, and the texts of the user's own by the agents' names.
#[derive(Debug)]
pub struct Recognisers {
    /// Those in force.
    pub known: Vec<Known>,
    /// The user's own.
    pub own: BTreeMap<String, String>,
}

/// The same, with the texts of the user's own.
///
/// # Errors
/// As [`recognisers`].
pub fn read(paths: &Paths) -> Result<Recognisers, Problem> {
    let hint = "`tmuxagent agent list` shows which files are used";
    tmuxagent_config::trusted(&paths.agents())?;
    let listed = std::fs::read_dir(paths.agents()).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<_> = listed.filter(|path| path.extension().is_some_and(|ending| ending == "yaml")).collect();
    files.sort();
    let mut sources = Vec::new();
    for file in &files {
        tmuxagent_config::trusted(file)?;
        let text = tmuxagent_config::read_placed(file)
            .map_err(|error| Problem::new(format!("the recogniser {} can't be read: {error}", file.display()), hint))?;
        sources.push(Source::new(file.display().to_string(), text));
    }
    let all = tmuxagent_agents::known(&sources).map_err(Problem::in_text)?;
    let mut own = BTreeMap::new();
    for (file, source) in files.iter().zip(&sources) {
        let Some(known) = all.iter().find(|known| known.file == *file.display().to_string()) else { continue };
        // A file under another name would silently take that agent's place.
        let agent = &known.recogniser.agent;
        if file.file_stem().is_none_or(|stem| *stem != **agent) {
            return Err(Problem::new(format!("the file of the agent `{agent}` must be named {agent}.yaml"), hint));
        }
        own.insert(agent.clone(), source.text.clone());
    }
    Ok(Recognisers { known: all, own })
}
