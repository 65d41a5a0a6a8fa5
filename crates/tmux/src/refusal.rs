//! What OpenSSH says when it does not get in, in a sentence for people with the command that settles it.

use super::SshTarget;
use super::transport::{HONEST, shell_word};

/// Why a host can't be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong, a lower-case fragment on one line.
    pub what: String,
    /// What to do about it.
    pub fix: String,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}; {}", self.what, self.fix)
    }
}

/// How much of a foreign sentence is repeated, characters.
const LONGEST: usize = 160;

impl Refusal {
    /// Reads the standard error of `ssh` (sshconnect.c, sshconnect2.c and ssh.c of OpenSSH 7 to 10).
    #[must_use]
    pub fn of_ssh(target: &SshTarget, said: &str) -> Self {
        let by_hand = target.by_hand();
        let host = &target.host;
        let new = |what: &str, fix: String| Self { what: what.to_owned(), fix };
        if said.contains("REMOTE HOST IDENTIFICATION HAS CHANGED") {
            let file = between(said, " key in ", ":").map(|file| format!("-f {} ", shell_word(file)));
            let name = between(said, "ost key for ", " has changed").map_or_else(|| target.known_as(), str::to_owned);
            let forget = format!("ssh-keygen {}-R {}", file.unwrap_or_default(), shell_word(&name));
            return new(
                "its host key has changed; somebody may stand between",
                format!("find out why, and only if it is right: {forget}, then {by_hand} true"),
            );
        }
        if said.contains("Host key verification failed") || said.contains("host key is known for") {
            return new("its host key is not known yet", format!("compare and accept it once by hand: {by_hand} true"));
        }
        if said.contains("Permission denied") || said.contains("Too many authentication failures") {
            return new(
                &last_line(said),
                format!(
                    "give it your key: ssh-copy-id {}; a key with a passphrase must be in the agent: ssh-add",
                    target.words(&["-o", "ProxyJump="]).join(" ")
                ),
            );
        }
        let fix = if said.contains("Could not resolve hostname") {
            format!("correct the name, or add `Host {host}` with its `HostName` to ~/.ssh/config")
        } else if ["Connection refused", "timed out", "No route", "unreachable"].iter().any(|it| said.contains(it)) {
            "check address, port and network, and that sshd runs there".to_owned()
        } else {
            format!("try it by hand: {by_hand} tmux -V")
        };
        new(&last_line(said), fix)
    }

    /// The program was not found there (exit code 127 of POSIX shells).
    #[must_use]
    pub fn no_program(bin: &str) -> Self {
        Self {
            what: format!("`{}` is missing there", clean(bin)),
            fix: "install tmux there, or name the program in the configuration: tmux: {bin: /path/to/tmux}".to_owned(),
        }
    }
}

impl SshTarget {
    /// The command that a person types to get there, up to the host: with all that its configuration says of the way, or it
    /// would be another one.
    #[must_use]
    pub fn by_hand(&self) -> String {
        format!("ssh {}", self.words(&["-J", ""]).join(" "))
    }

    /// What stands behind the program, for a shell. `jump`: the option for jump hosts, which only `ssh` has a letter for, and what
    /// stands before them in its value.
    fn words(&self, [letter, before]: &[&str; 2]) -> Vec<String> {
        let mut words = Vec::new();
        // Those that we set against the user's do not count there, and by hand the key is to be asked about.
        for option in self.options.iter().filter(|option| !is_ours(option)) {
            words.extend(["-o".to_owned(), shell_word(option)]);
        }
        if let Some(key) = &self.key {
            words.extend(["-i".to_owned(), shell_word(&key.display().to_string())]);
        }
        if let Some(jump) = &self.jump {
            words.extend([(*letter).to_owned(), shell_word(&format!("{before}{jump}"))]);
        }
        if let Some(port) = self.port {
            words.extend(["-p".to_owned(), port.to_string()]);
        }
        let user = self.user.as_ref().map_or_else(String::new, |user| format!("{user}@"));
        words.push(shell_word(&format!("{user}{}", self.host)));
        words
    }

    /// The name in `known_hosts`.
    fn known_as(&self) -> String {
        match self.port {
            None | Some(22) => self.host.clone(),
            Some(port) => format!("[{}]:{port}", self.host),
        }
    }
}

/// Whether an option is one of those that every connection of ours sets first.
fn is_ours(option: &str) -> bool {
    let name = |option: &str| option.split(['=', ' ', '\t']).next().unwrap_or_default().to_ascii_lowercase();
    HONEST.iter().any(|ours| name(ours) == name(option.trim_start()))
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    text.lines()
        .find_map(|line| Some(line.split_once(before)?.1.split_once(after)?.0))
        .filter(|found| !found.is_empty())
}

/// The last line that says anything, as a fragment.
fn last_line(said: &str) -> String {
    let last = said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("ssh gave no reason");
    clean(last.trim_end_matches('.'))
}

/// Foreign text, without anything that could drive a terminal.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nas() -> SshTarget {
        SshTarget {
            host: "nas".to_owned(),
            port: Some(2222),
            user: Some("me".to_owned()),
            jump: Some("gw".to_owned()),
            ..SshTarget::default()
        }
    }

    #[test]
    fn every_complaint_has_the_command_that_settles_it() {
        let told = |said: &str| Refusal::of_ssh(&nas(), said).to_string();
        let changed = "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r\nOffending ED25519 key in /home/me/.ssh/known hosts:3\r\n\
                       Host key for [nas]:2222 has changed and you have requested strict checking.\r\nHost key verification failed.\r\n";
        assert_eq!(
            told(changed),
            "its host key has changed; somebody may stand between; find out why, and only if it is right: \
             ssh-keygen -f '/home/me/.ssh/known hosts' -R '[nas]:2222', then ssh -J gw -p 2222 me@nas true"
        );
        assert!(told("REMOTE HOST IDENTIFICATION HAS CHANGED").contains("ssh-keygen -R '[nas]:2222'"));
        assert_eq!(
            told(
                "No ED25519 host key is known for [nas]:2222 and you have requested strict checking.\r\nHost key verification failed.\r\n"
            ),
            "its host key is not known yet; compare and accept it once by hand: ssh -J gw -p 2222 me@nas true"
        );
        assert!(
            told("me@nas: Permission denied (publickey).\r\n")
                .contains("(publickey); give it your key: ssh-copy-id -o ProxyJump=gw -p 2222 me@nas;"),
            "ssh-copy-id knows no -J"
        );
        assert!(told("ssh: Could not resolve hostname nas: unknown").contains("`Host nas`"));
        assert!(told("ssh: connect to host nas port 22: Connection refused").contains("that sshd runs there"));
        assert_eq!(told(""), "ssh gave no reason; try it by hand: ssh -J gw -p 2222 me@nas tmux -V");
        assert_eq!(told("a\n\u{1b}]0;x\u{7}b\n").split(';').next(), Some("]0"), "no escapes");
    }

    #[test]
    fn a_command_by_hand_goes_the_configured_way() {
        let options =
            ["UserKnownHostsFile=/x/known hosts", "batchmode no", "StrictHostKeyChecking=no", "CheckHostIP=no"];
        let target =
            SshTarget { key: Some("/x/id of nas".into()), options: options.map(str::to_owned).to_vec(), ..nas() };
        let told = |said: &str| Refusal::of_ssh(&target, said).fix;
        let way = "-o 'UserKnownHostsFile=/x/known hosts' -o CheckHostIP=no -i '/x/id of nas'";
        assert_eq!(told(""), format!("try it by hand: ssh {way} -J gw -p 2222 me@nas tmux -V"));
        assert_eq!(
            told("Host key verification failed."),
            format!("compare and accept it once by hand: ssh {way} -J gw -p 2222 me@nas true")
        );
        assert!(
            told("Permission denied")
                .starts_with(&format!("give it your key: ssh-copy-id {way} -o ProxyJump=gw -p 2222 me@nas;"))
        );
    }
}
