//! The readers that take a pane's keys while a command is sent there, and the shells in which they are started.

/// A shell that reads at its prompt.
pub struct Shell {
    /// What the rows name it.
    pub name: &'static str,
    /// The program that must be installed.
    pub needs: &'static str,
    /// What the pane runs.
    pub line: &'static str,
    /// The one of [`Reader::shells`] that understands the same.
    pub like: &'static str,
    /// It has the lines of `tmuxagent shell-init`, so commands are typed bare.
    pub integrated: bool,
}

const fn shell(name: &'static str, needs: &'static str, line: &'static str) -> Shell {
    Shell { name, needs, line, like: name, integrated: false }
}

const fn integrated(name: &'static str, needs: &'static str, line: &'static str) -> Shell {
    Shell { name, needs, line, like: needs, integrated: true }
}

const BASH: &str = "exec env PS1='$ ' bash --norc --noprofile";

pub const SHELLS: &[Shell] = &[
    shell("bash", "bash", BASH),
    shell("zsh", "zsh", "exec zsh -f"),
    shell("fish", "fish", "exec fish --no-config"),
    shell("dash", "dash", "exec env PS1='$ ' dash"),
    shell("vi", "bash", "exec env PS1='$ ' bash --norc --noprofile -o vi"),
    integrated("bash+", "bash", "exec bash --noprofile --rcfile rc.bash"),
    integrated("zsh+", "zsh", "exec env TERM=tmux-256color ZDOTDIR=. zsh -d"),
    integrated("fish+", "fish", "exec env TERM=tmux-256color fish --no-config -C 'source rc.fish'"),
];

/// What a person does to a pane in one instant.
#[derive(Debug, Clone, Copy)]
pub enum Start {
    /// Enters a line.
    Line(&'static str),
    /// Writes a text and does not enter it.
    Draft(&'static str),
    /// Presses keys.
    Keys(&'static [&'static str]),
    /// Scrolls back.
    CopyMode,
}

/// A reader other than a shell at its empty prompt. What reads a line or a key writes it to the file `got`.
pub struct Reader {
    pub name: &'static str,
    /// The shells that understand how it is started.
    pub shells: &'static [&'static str],
    /// The program that must be installed, if it is no shell's own.
    pub needs: &'static str,
    pub start: Start,
    /// What ends it.
    pub ends: &'static [&'static str],
}

const ALL: &[&str] = &["bash", "zsh", "fish", "dash", "vi"];
/// Those whose `read`, here-documents and `printf` are as in sh.
const SH: &[&str] = &["bash", "zsh", "dash", "vi"];
const LIKE_BASH: &[&str] = &["bash", "vi"];

const fn line(
    name: &'static str,
    shells: &'static [&'static str],
    needs: &'static str,
    line: &'static str,
    ends: &'static [&'static str],
) -> Reader {
    Reader { name, shells, needs, start: Start::Line(line), ends }
}

const fn other(
    name: &'static str,
    shells: &'static [&'static str],
    start: Start,
    ends: &'static [&'static str],
) -> Reader {
    Reader { name, shells, needs: "", start, ends }
}

const NOTHING: &[&str] = &[];
const BREAK: &[&str] = &["C-c"];
const ENTER: &[&str] = &["Enter"];
const CLEAR: &[&str] = &["C-u"];

pub const READERS: &[Reader] = &[
    // Commands, and what they ask.
    line("cat", ALL, "", "cat >>got", BREAK),
    line("sleep", ALL, "", "sleep 0.2", NOTHING),
    line("loop", ALL, "", "bash -c 'while read -r x; do echo \"$x\" >>got; done'", BREAK),
    line("read", SH, "", "read -r x; echo \"$x\" >>got", ENTER),
    line("read -s", &["bash", "zsh", "vi"], "", "read -s x; echo \"$x\" >>got", ENTER),
    line("read -p", LIKE_BASH, "", "read -p 'Name: ' x; echo \"$x\" >>got", ENTER),
    line("read -e $", LIKE_BASH, "", "read -e -p '$ ' x; echo \"$x\" >>got", ENTER),
    line("read -e #", LIKE_BASH, "", "read -e -p '# ' x; echo \"$x\" >>got", ENTER),
    line("vared", &["zsh"], "", "x=; vared -p '# ' x; echo \"$x\" >>got", ENTER),
    line("read -P", &["fish"], "", "read -P '> ' x; echo \"$x\" >>got", ENTER),
    line("printf; read", &["dash"], "", "printf '$ '; read x; echo \"$x\" >>got", ENTER),
    line("one key", ALL, "", "bash -c 'read -rsn1 k; echo \"$k\" >>got'", &["q"]),
    line("dash read", ALL, "dash", "dash -c 'read x; echo \"$x\" >>got'", ENTER),
    line("menu", ALL, "", "bash -c 'select x in a b; do echo \"$x $REPLY\" >>got; break; done'", &["1", "Enter"]),
    line("input", ALL, "python3", "python3 -c 'open(\"got\", \"a\").write(input(\"Deploy? [y/N] \"))'", ENTER),
    // Passwords.
    line("sudo", ALL, "sudo", "sh ask-sudo", BREAK),
    line("ssh key", ALL, "ssh", "sh ask-ssh", BREAK),
    // Lines that are not whole yet.
    line("quote", ALL, "", "echo 'an open quote >>got", BREAK),
    line("here", SH, "", "cat >>got <<END", BREAK),
    line("backslash", ALL, "", "echo one \\", BREAK),
    // Commands that go on: what is typed there runs later, elsewhere or never.
    line("and", ALL, "", "false &&", BREAK),
    line("brace", SH, "", "{", BREAK),
    line("if", SH, "", "if false; then", BREAK),
    line("function", SH, "", "later() {", BREAK),
    other("draft", ALL, Start::Draft("echo half a"), CLEAR),
    other("draft of one", ALL, Start::Draft("x"), CLEAR),
    other("search", &["bash", "zsh"], Start::Keys(&["C-r"]), BREAK),
    other("vi command", &["vi"], Start::Keys(&["Escape"]), NOTHING),
    // Programs that own the screen.
    line("vi", ALL, "vi", "vi -u NONE -c 'set noswapfile' got-vi", &["Escape", ":q!", "Enter"]),
    line("less", ALL, "less", "less /etc/services", &["q"]),
    line("nano", ALL, "nano", "nano -I got-nano", &["C-x", "n", "C-u"]),
    line("htop", ALL, "htop", "htop", &["q"]),
    line("fzf", ALL, "fzf", "printf 'a\\nb\\n' | fzf", BREAK),
    line("git commit", ALL, "git", "git -c core.editor='vi -u NONE' commit --allow-empty", &["Escape", ":q!", "Enter"]),
    // Prompts of other languages.
    line("python", ALL, "python3", "python3 -q", &["raise SystemExit", "Enter"]),
    line("node", ALL, "node", "node", &[".exit", "Enter"]),
    // What came before it was up may have begun a statement, in which `.quit` is no command.
    line("sqlite3", ALL, "sqlite3", "sqlite3", &["\\;", "Enter", ".quit", "Enter"]),
    // Agents.
    line("agent", ALL, "", "./codex idle", BREAK),
    line("dialog", ALL, "", "./codex asks", BREAK),
    // Shells that are no local ones, or no shells of this pane.
    line("ssh", ALL, "ssh", "sh go-ssh", &["Enter", "~", "."]),
    line("tmux", ALL, "tmux", "env -u TMUX tmux -L inner -f /dev/null new-session -c /", NOTHING),
    other("copy mode", ALL, Start::CopyMode, NOTHING),
];
