//! How a written policy comes into force: what the running supervisor reads decides it.

use super::super::Session;
use super::super::connection::Connection;
use std::path::{Path, PathBuf};
use tmuxagent_config::Overrides;
use tmuxagent_tmux::shell_word;

/// How a policy comes into force.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli) struct Way {
    /// The command that does it; `None` where the policy is in force, or will be with the next start.
    pub(in crate::cli) command: Option<String>,
    /// The files that the running supervisor was told by name, where it reads no others.
    pub(in crate::cli) named: Vec<String>,
    /// Whether a supervisor runs.
    pub(in crate::cli) is_running: bool,
}

/// What is known of where policies are read from.
struct Places<'a> {
    /// The program as this supervisor is spoken with.
    program: &'a str,
    /// The folder of the user's own policies.
    own: &'a Path,
    /// Where in it this policy has its place.
    target: &'a Path,
    /// Whether it holds this very policy already.
    is_there: bool,
    /// Whether `--policy` or the configuration names the files of a supervisor that is to be started.
    is_named: bool,
    /// Whether a supervisor runs.
    is_running: bool,
    /// What is in force there, as `tmuxagent status` names it; `None` where it doesn't say.
    in_force: Option<Vec<String>>,
}

/// How a file comes into force. `default` is the name of a file that says nothing of the policy; what is renewed takes the
/// place of what was put there `before`.
pub(in crate::cli) fn way(session: &Session, file: &Path, default: &str, before: Option<&str>) -> Way {
    let whole = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let Ok(paths) = session.paths() else {
        let command = Some(start_with(&program(&session.overrides), &[], &whole));
        return Way { command, named: Vec::new(), is_running: false };
    };
    // A policy is called as its project, unless the user gave it a name.
    let folder = whole.parent().and_then(Path::file_name).filter(|_| whole.file_name().is_some_and(|it| it == default));
    let name = folder.or_else(|| whole.file_stem()).unwrap_or_default().to_string_lossy().into_owned();
    let plain: String = name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    let own = own_folder(&paths.config_dir);
    let target = place(&own, plain.trim_start_matches('.'), &whole, before);
    let text = |path: &Path| std::fs::read_to_string(path).ok();
    let in_force = Connection::open(session).and_then(|mut it| it.snapshot()).ok().map(|snapshot| snapshot.policies);
    let program = program(&session.overrides);
    let places = Places {
        program: &program,
        own: &own,
        target: &target,
        is_there: text(&target).is_some_and(|there| Some(there) == text(&whole)),
        is_named: !session.overrides.policy.is_empty() || session.load().is_ok_and(|it| !it.config.policy.is_empty()),
        is_running: in_force.is_some() || tmuxagent_ipc::lock::holder(&paths.runtime_dir).is_some(),
        in_force,
    };
    places.way(&whole)
}

/// The folder of the user's own policies.
pub(in crate::cli) fn own_folder(config: &Path) -> PathBuf {
    config.join("policies")
}

/// Whether a supervisor with these policies reads what is put into the folder: one that was told its files by name reads
/// no others.
pub(in crate::cli) fn reads_folder(in_force: &[String], own: &Path) -> bool {
    in_force.iter().all(|name| name.starts_with('<')) || in_force.iter().any(|name| Path::new(name).starts_with(own))
}

impl Places<'_> {
    fn way(self, whole: &Path) -> Way {
        let Self { program, own, target, is_there, is_named, is_running, in_force } = self;
        let by_copy = |end: &str| {
            let word = |path: &Path| shell_word(&path.display().to_string());
            format!("mkdir -p {} && cp {} {}{end}", word(own), word(whole), word(target))
        };
        let (command, named) = match in_force {
            // It looks after the files that it reads, and after the folder.
            Some(files) if files.iter().any(|file| Path::new(file) == whole) => (None, Vec::new()),
            Some(files) if reads_folder(&files, own) => {
                let is_read = is_there && files.iter().any(|file| Path::new(file) == target);
                ((!is_read).then(|| by_copy(&format!(" && {program} reload"))), Vec::new())
            }
            Some(files) => (Some(format!("{program} shutdown && {}", start_with(program, &files, whole))), files),
            None if is_named => (Some(start_with(program, &[], whole)), Vec::new()),
            None if is_running => (Some(by_copy(&format!(" && {program} reload"))), Vec::new()),
            None => ((!is_there).then(|| by_copy("")), Vec::new()),
        };
        Way { command, named, is_running }
    }
}

/// The start of a supervisor with these files and one more.
fn start_with(program: &str, files: &[String], whole: &Path) -> String {
    let whole = whole.display().to_string();
    let all = files.iter().filter(|file| !file.starts_with('<')).chain([&whole]);
    let named: String = all.map(|file| format!(" --policy {}", shell_word(file))).collect();
    format!("{program}{named}")
}

/// The program with the options by which this very supervisor is found; how else it was started only its user knows.
fn program(overrides: &Overrides) -> String {
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let named = [
        ("--config", path(&overrides.config)),
        ("--state-dir", path(&overrides.state_dir)),
        ("--socket", overrides.tmux_socket.clone()),
    ];
    let options = named.into_iter().filter_map(|(name, value)| Some(format!(" {name} {}", shell_word(&value?))));
    format!("tmuxagent{}", options.collect::<String>())
}

/// The first name in a folder that is free, or that holds this very policy: another project may have the same name. What is
/// renewed takes the place of what was put there `before`.
fn place(folder: &Path, name: &str, file: &Path, before: Option<&str>) -> PathBuf {
    let now = std::fs::read_to_string(file).ok();
    let nth = |n: usize| folder.join(if n == 1 { format!("{name}.yaml") } else { format!("{name}-{n}.yaml") });
    let holds =
        |path: &PathBuf, text: Option<&str>| text.is_some() && std::fs::read_to_string(path).ok().as_deref() == text;
    let free = (1..).find(|n| !nth(*n).exists()).unwrap_or(1);
    let ours = (1..free).map(nth).find(|path| holds(path, now.as_deref()) || holds(path, before));
    ours.unwrap_or_else(|| nth(if before.is_some() { 1 } else { free }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way_beside(in_force: Option<&[&str]>, is_there: bool, is_named: bool) -> Way {
        let places = Places {
            program: "tmuxagent",
            own: Path::new("/home/li/.config/tmuxagent/policies"),
            target: Path::new("/home/li/.config/tmuxagent/policies/shop.yaml"),
            is_there,
            is_named,
            is_running: in_force.is_some(),
            in_force: in_force.map(|files| files.iter().map(|file| (*file).to_owned()).collect()),
        };
        places.way(Path::new("/home/li/my shop/tmuxagent.yaml"))
    }

    #[test]
    fn a_supervisor_that_reads_the_folder_needs_a_copy_there() {
        let copy = "mkdir -p /home/li/.config/tmuxagent/policies && cp '/home/li/my shop/tmuxagent.yaml' \
                    /home/li/.config/tmuxagent/policies/shop.yaml";
        let reload = format!("{copy} && tmuxagent reload");
        for in_force in [&["<bundled>/default.yaml"][..], &["/home/li/.config/tmuxagent/policies/a.yaml"]] {
            let way = way_beside(Some(in_force), false, false);
            assert_eq!((way.command.as_deref(), way.is_running), (Some(reload.as_str()), true));
        }
        assert_eq!(way_beside(None, false, false).command.as_deref(), Some(copy));
        assert_eq!(way_beside(None, true, false).command, None, "the next start reads it");
        let read = ["/home/li/.config/tmuxagent/policies/shop.yaml"];
        assert_eq!(way_beside(Some(&read), true, false).command, None);
        assert_eq!(way_beside(Some(&read), false, false).command, Some(reload), "another text of it is read");
    }

    #[test]
    fn the_supervisor_that_is_spoken_with_is_named() {
        let state_dir = Some(PathBuf::from("/srv/my state"));
        let program = program(&Overrides { state_dir, tmux_socket: Some("w2".to_owned()), ..Overrides::default() });
        assert_eq!(program, "tmuxagent --state-dir '/srv/my state' --socket w2");
    }

    #[test]
    fn a_supervisor_that_was_told_its_files_is_started_with_one_more() {
        let way = way_beside(Some(&["/home/li/first/first.yaml"]), true, false);
        assert_eq!(way.named, ["/home/li/first/first.yaml"]);
        assert_eq!(
            way.command.as_deref(),
            Some(
                "tmuxagent shutdown && tmuxagent --policy /home/li/first/first.yaml \
                 --policy '/home/li/my shop/tmuxagent.yaml'"
            )
        );
        let itself = way_beside(Some(&["/home/li/my shop/tmuxagent.yaml"]), false, false);
        assert_eq!((itself.command, itself.named), (None, Vec::new()), "what it reads is loaded when it is written");
        let named = way_beside(None, false, true).command;
        assert_eq!(named.as_deref(), Some("tmuxagent --policy '/home/li/my shop/tmuxagent.yaml'"));
    }
}
