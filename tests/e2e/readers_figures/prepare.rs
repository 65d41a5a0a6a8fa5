//! The files that readers use, in the folder of their shell.

use crate::readers::exists;
use crate::support::sshd::Sshd;
use crate::support::stand_in::show;
use std::path::Path;

/// A program that reads what is typed and writes it to `right`, until it is told (SIGTERM) that it is something else from now
/// on: then what it reads goes to `got`. What comes in the instant of the change goes to `near`: nobody can type so that it does
/// not happen, since a program does not ask before it changes.
const STAND: &str = r#"
say() {
    case $1 in
    ask) printf 'Drop the old table? [y/N] ' ;;
    more) printf '\nReally all of it? [y/N] ' ;;
    work) printf 'work> ' ;;
    *)
        clear
        printf %s "$(cat "SCREENS/$1.txt")"
        at=$(grep -n '^› [^0-9]' "SCREENS/$1.txt" | tail -n 1 | cut -d: -f1)
        [ -z "$at" ] || printf '\033[%d;3H\033[K' "$at"
        ;;
    esac
}
next() {
    case $1 in
    idle_start) say finished ;;
    *) say "$1" ;;
    esac
}
modes() {
    case $1 in
    approve_*) stty -icanon -echo min 1 time 0 ;;
    *) stty sane ;;
    esac
}
take() {
    case $1 in
    approve_*) dd bs=1 count=1 2>/dev/null >>"$2" ;;
    *) IFS= read -r line && printf '%s\n' "$line" >>"$2" ;;
    esac
}
# As agents do, so that the shell's prompt stands below.
leave() { [ -z "$at" ] || printf '\033[999;1H\n'; }
rest() {
    stty -icanon -echo min 0 time 0
    dd bs=4096 count=1 2>/dev/null >>"$1"
}
changed=
trap changed=1 TERM
trap 'stty sane; leave; exit' INT
modes "$1"
say "$1"
while [ -z "$changed" ]; do
    take "$1" "${3:-right}"
    [ -n "$changed" ] || next "$1"
done
[ "$2" = end ] && {
    case $1 in approve_*) stty sane ;; esac
    leave
    exit
}
rest right
say "$2"
sleep 0.02
rest near
modes "$2"
while :; do take "$2" got; say "$2"; done
"#;

/// Writes them; `far`: also those of the readers that are reached over ssh, and the server for it.
pub fn prepare(folder: &Path, far: bool) -> Option<Sshd> {
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("writable");
    let git = |arguments: &[&str]| {
        let mut command = std::process::Command::new("git");
        drop(command.current_dir(folder).args(arguments).output());
    };
    git(&["init", "-q"]);
    git(&["config", "user.name", "ann"]);
    git(&["config", "user.email", "ann@example.org"]);
    for (shell, file, before) in [
        ("bash", "rc.bash", "PS1='$ '"),
        ("zsh", ".zshrc", "PS1='$ '"),
        ("fish", "rc.fish", "function fish_prompt; printf '$ '; end"),
    ] {
        let lines = std::process::Command::new(crate::support::program())
            .args(["shell-init", shell])
            .env("HOME", folder)
            .output()
            .expect("it runs");
        write(file, &format!("{before}\n{}", String::from_utf8_lossy(&lines.stdout)));
    }
    for name in ["codex", "worker"] {
        std::fs::copy("/bin/sh", folder.join(name)).expect("a shell");
    }
    let screens = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/agents/codex-0.171.0-80x24");
    write("stand", &STAND.replace("SCREENS", &screens.display().to_string()));
    let screen = |name: &str| show(&screens.join(format!("{name}.txt"))) + "; ";
    let leaves = "leave() { printf '\\033[999;1H\\n'; }; trap 'leave; exit' INT; ";
    write("idle", &(leaves.to_owned() + &screen("idle_start") + "IFS= read -r line; echo \"$line\" >> got; leave\n"));
    write(
        "asks",
        &(screen("approve_command")
            + "trap 'stty sane; exit' INT; stty -icanon -echo; dd bs=1 count=1 >> got 2>/dev/null; stty sane\n"),
    );
    // Root is asked for nothing.
    let is_root = rustix::process::geteuid().is_root();
    let ask =
        if is_root { "exec runuser -u nobody -- sh -c 'sudo -k; sudo true'\n" } else { "sudo -k; exec sudo true\n" };
    write("ask-sudo", ask);
    if !far || !exists("ssh") {
        return None;
    }
    let sshd = Sshd::start();
    let locked = sshd.file("locked");
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "a secret", "-f"])
        .arg(&locked)
        .status();
    assert!(made.is_ok_and(|status| status.success()), "ssh-keygen makes a key");
    let keys = sshd.file("authorized_keys");
    let public = std::fs::read_to_string(sshd.file("locked.pub")).expect("a key");
    std::fs::write(&keys, std::fs::read_to_string(&keys).expect("keys") + &public).expect("writable");
    let options: String = sshd.options().iter().map(|option| format!("-o {option} ")).collect();
    let line = |key: &Path| format!("exec ssh {options}-p {} -i {} -t 127.0.0.1 sh -i\n", sshd.port(), key.display());
    write("go-ssh", &line(&sshd.file("user")));
    write("ask-ssh", &line(&locked));
    Some(sshd)
}
