//! What an init system is to read: a unit of systemd, an agent of launchd. Pure.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Stands in the first lines of a file of ours.
pub(super) const MARK: &str = "Written by `tmuxagent service install`";

const UNIT: &str = include_str!("../../../assets/service/tmuxagent.service");
const AGENT: &str = include_str!("../../../assets/service/tmuxagent.plist");

/// The supervisor as a service. No text of it holds a control character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Service {
    /// The program, then the flags that name its files.
    pub words: Vec<String>,
    /// What it needs of the environment in which it was installed. Never a secret.
    pub variables: Vec<(String, String)>,
    /// The user's own `.env`, where only he can read it.
    pub env_file: Option<String>,
    /// Where launchd writes what it complains.
    pub log: String,
}

/// Whether a file's text is ours.
pub(super) fn is_ours(text: &str) -> bool {
    text.lines().take(3).any(|line| line.contains(MARK))
}

impl Service {
    /// What is another one for other flags or another environment.
    pub fn digest(&self) -> String {
        let mut hasher = DefaultHasher::new();
        (&self.words, &self.variables).hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }

    /// The unit of systemd (systemd.service(5), systemd.exec(5)).
    pub fn unit(&self) -> String {
        let command = |last: &str| {
            let mut words = self.words.iter().map(|word| unit_word(word));
            // The program's path is never expanded, the other words are (systemd.service(5), "Command lines").
            let program = words.next().unwrap_or_default();
            let rest = words.map(|word| word.replace('$', "$$")).chain([last.to_owned()]);
            std::iter::once(program).chain(rest).collect::<Vec<_>>().join(" ")
        };
        let variable =
            |(name, value): &(String, String)| format!("Environment={}", unit_word(&format!("{name}={value}")));
        let mut environment: Vec<String> = self.variables.iter().map(variable).collect();
        // It wins over the lines above it.
        environment.extend(self.env_file.as_ref().map(|file| format!("EnvironmentFile=-{}", file.replace('%', "%%"))));
        let text = UNIT.replace("@ENVIRONMENT@", &environment.join("\n"));
        text.replace("@RELOAD@", &command("reload")).replace("@START@", &command("--headless"))
    }

    /// The agent of launchd (launchd.plist(5)).
    pub fn agent(&self) -> String {
        let words = self.words.iter().map(String::as_str).chain(["--headless"]);
        let words: Vec<String> = words.map(|word| format!("    <string>{}</string>", escaped(word))).collect();
        let variable = |(name, value): &(String, String)| {
            format!("    <key>{}</key>\n    <string>{}</string>", escaped(name), escaped(value))
        };
        let environment: Vec<String> = self.variables.iter().map(variable).collect();
        let text = AGENT.replace("@ENVIRONMENT@", &environment.join("\n"));
        text.replace("@LOG@", &escaped(&self.log)).replace("@START@", &words.join("\n"))
    }
}

/// A word as systemd reads it: specifiers begin with `%`; quotes and backslashes as in C (systemd.syntax(7)).
fn unit_word(word: &str) -> String {
    let word = word.replace('%', "%%");
    let plain = |c: char| c.is_alphanumeric() || "-_./:=,@%+$".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word;
    }
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

const ENTITIES: [(char, &str); 3] = [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;")];

fn escaped(text: &str) -> String {
    ENTITIES.iter().fold(text.to_owned(), |text, (sign, entity)| text.replace(*sign, entity))
}

/// The program that a unit of ours starts.
pub(super) fn program_of_unit(text: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix("ExecStart="))?;
    let Some(quoted) = line.strip_prefix('"') else {
        return line.split(' ').next().map(|word| word.replace("%%", "%"));
    };
    let mut program = String::new();
    let mut signs = quoted.chars();
    loop {
        match signs.next()? {
            '"' => return Some(program.replace("%%", "%")),
            '\\' => program.push(signs.next()?),
            sign => program.push(sign),
        }
    }
}

/// The program that an agent of ours starts.
pub(super) fn program_of_agent(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("<key>ProgramArguments</key>")?;
    let (_, rest) = rest.split_once("<string>")?;
    let (word, _) = rest.split_once("</string>")?;
    let plain =
        ENTITIES.iter().rev().fold(word.to_owned(), |text, (sign, entity)| text.replace(entity, &sign.to_string()));
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(words: &[&str]) -> Service {
        Service {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            variables: vec![
                ("PATH".to_owned(), "/home/mei/bin:/usr/bin:/bin".to_owned()),
                ("NO_PROXY".to_owned(), "localhost,127.0.0.1,::1,qyapi.weixin.qq.com".to_owned()),
            ],
            env_file: Some("/home/mei/.config/tmuxagent/.env".to_owned()),
            log: "/home/mei/.local/state/tmuxagent/logs/service.log".to_owned(),
        }
    }

    /// Without the lines that are the same for everybody.
    fn of_its_own(text: &str, template: &str) -> String {
        let own = text.lines().filter(|line| !template.lines().any(|known| known == *line));
        own.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_unit_names_program_files_and_environment() {
        let unit = service(&["/home/mei/bin/tmuxagent", "--state-dir", "/srv/state"]).unit();
        assert!(is_ours(&unit) && !unit.contains('@'), "{unit}");
        insta::assert_snapshot!(of_its_own(&unit, UNIT), @r"
        ExecStart=/home/mei/bin/tmuxagent --state-dir /srv/state --headless
        ExecReload=/home/mei/bin/tmuxagent --state-dir /srv/state reload
        Environment=PATH=/home/mei/bin:/usr/bin:/bin
        Environment=NO_PROXY=localhost,127.0.0.1,::1,qyapi.weixin.qq.com
        EnvironmentFile=-/home/mei/.config/tmuxagent/.env
        ");
    }

    #[test]
    fn words_are_read_as_they_are_meant() {
        let odd = r#"/home/m "e i\/100%/$X;/tmuxagent"#;
        let unit = service(&[odd, "--config", "/a b/$HOME.yaml"]).unit();
        let start = unit.lines().find(|line| line.starts_with("ExecStart=")).unwrap();
        assert_eq!(start, r#"ExecStart="/home/m \"e i\\/100%%/$X;/tmuxagent" --config "/a b/$$HOME.yaml" --headless"#);
        assert_eq!(program_of_unit(&unit).as_deref(), Some(odd));
        assert_eq!(program_of_unit(&service(&["/opt/5%/t"]).unit()).as_deref(), Some("/opt/5%/t"));
        let odd = "/Users/a&amp;b/<c>&/tmuxagent";
        assert_eq!(program_of_agent(&service(&[odd]).agent()).as_deref(), Some(odd));
    }

    #[test]
    fn an_agent_of_launchd_names_the_same() {
        let agent = service(&["/Users/mei/bin/tmuxagent"]).agent();
        assert!(is_ours(&agent) && !agent.contains('@'), "{agent}");
        insta::assert_snapshot!(of_its_own(&agent, AGENT), @r"
            <string>/Users/mei/bin/tmuxagent</string>
            <string>--headless</string>
            <key>PATH</key>
            <string>/home/mei/bin:/usr/bin:/bin</string>
            <key>NO_PROXY</key>
            <string>localhost,127.0.0.1,::1,qyapi.weixin.qq.com</string>
          <string>/home/mei/.local/state/tmuxagent/logs/service.log</string>
        ");
    }
}
