//! Which agent runs in a pane, told from its facts alone.

use tmuxagent_model::PaneFacts;

/// The agents that are known, and how each shows itself.
///
/// Programs written in Node.js show `node` as their command, so the title, the role and the window's name count too;
/// seen with Codex 0.169, Claude Code 2.1.329, Gemini CLI 0.61, opencode 1.18 and aider 0.86.
const AGENTS: &[Agent] = &[
    Agent { name: "claude", commands: &["claude"], title: |title| title.contains("Claude Code") },
    Agent { name: "codex", commands: &["codex"], title: |title| title.contains("Action Required |") },
    Agent { name: "gemini", commands: &["gemini"], title: |title| title.starts_with(['◇', '✦', '✋']) },
    Agent { name: "opencode", commands: &["opencode"], title: |title| title.starts_with("OC | ") },
    Agent { name: "aider", commands: &["aider"], title: |_| false },
    // `tmuxagent fake-agent`.
    Agent { name: "stand-in", commands: &[], title: |title| title == "stand-in agent" },
];

struct Agent {
    name: &'static str,
    commands: &'static [&'static str],
    title: fn(&str) -> bool,
}

/// Shells: with one in the foreground no agent runs, whatever an earlier one left in the title.
const SHELLS: &[&str] = &["sh", "bash", "zsh", "fish", "dash", "ksh", "ash", "csh", "tcsh", "nu", "pwsh"];

/// The agent's name, or an empty text for none.
#[must_use]
pub fn recognise(facts: &PaneFacts) -> String {
    let command = facts.command.trim_start_matches('-');
    if let Some(agent) = AGENTS.iter().find(|agent| agent.commands.contains(&command)) {
        return agent.name.to_owned();
    }
    if SHELLS.contains(&command) {
        return String::new();
    }
    let by_title = AGENTS.iter().find(|agent| (agent.title)(&facts.title));
    let named = |agent: &&Agent| [&facts.role, &facts.window].iter().any(|text| has_word(text, agent.name));
    let by_name = || AGENTS.iter().find(named).filter(|_| matches!(command, "node" | "python" | "python3" | "bun"));
    by_title.or_else(by_name).map_or_else(String::new, |agent| agent.name.to_owned())
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric()).any(|part| part.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(command: &str, title: &str, window: &str) -> String {
        recognise(&PaneFacts {
            command: command.into(),
            title: title.into(),
            window: window.into(),
            ..PaneFacts::default()
        })
    }

    #[test]
    fn an_agent_is_known_by_command_title_or_name() {
        assert_eq!(agent("claude", "", ""), "claude");
        assert_eq!(agent("node", "[ ! ] Action Required | demo", ""), "codex");
        assert_eq!(agent("node", "demo", "agent:codex-ci"), "codex");
        assert_eq!(agent("node", "✋  Action Required (demo)", ""), "gemini");
        assert_eq!(agent("python3", "", "aider"), "aider");
    }

    #[test]
    fn a_shell_is_no_agent_whatever_was_left_in_the_title() {
        assert_eq!(agent("bash", "✳ Claude Code", "agent:codex-ci"), "");
        assert_eq!(agent("node", "server", "web"), "");
    }
}
