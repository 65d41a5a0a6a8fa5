//! What a release hands out: `install.sh` against a server on the loopback, the plugin in a real tmux, the workflows and the
//! action as GitHub reads them.

use crate::support::{Ran, TestEnv};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const INSTALL: &str = include_str!("../../install.sh");
const MANIFEST: &str = include_str!("../../Cargo.toml");
const TARGET: &str = "x86_64-unknown-linux-musl";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A home with a folder of stand-ins that comes first on the PATH.
struct Home(TestEnv);

impl Home {
    fn new() -> Self {
        let home = Self(TestEnv::new());
        home.program("uname", "case $1 in -s) echo Linux;; *) echo x86_64;; esac");
        home
    }

    fn path(&self) -> &Path {
        self.0.home()
    }

    fn program(&self, name: &str, script: &str) {
        self.0.write_mode(&format!("bin/{name}"), &format!("#!/bin/sh\n{script}\n"), 0o755);
    }

    /// A command in this home, with nothing of the machine but its PATH.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var("PATH").unwrap_or_default();
        command.current_dir(self.path()).env_clear().stdin(Stdio::null()).env("HOME", self.path());
        command.env("PATH", format!("{}:{path}", self.path().join("bin").display()));
        command
    }

    fn install(&self, releases: &str, arguments: &[&str]) -> Ran {
        let mut command = self.command("sh");
        command.arg("-c").arg(INSTALL).arg("install.sh").args(arguments);
        if !releases.is_empty() {
            command.env("TMUXAGENT_RELEASES", releases);
        }
        ran(&mut command)
    }

    /// A release whose program says `version`: the list of checksums and the archive, packed as `.ci/package` does.
    fn release(&self, version: &str) -> BTreeMap<String, Vec<u8>> {
        let folder = format!("made/tmuxagent-{TARGET}");
        self.0.write_mode(&format!("{folder}/tmuxagent"), &format!("#!/bin/sh\necho tmuxagent {version}\n"), 0o755);
        for name in ["tmuxagent.bash", "tmuxagent.fish", "_tmuxagent"] {
            self.0.write(&format!("{folder}/completions/{name}"), name);
        }
        let pack = format!(
            "cd made && tar -czf tmuxagent-{TARGET}.tar.gz tmuxagent-{TARGET} && \
             {{ sha256sum *.gz || shasum -a 256 *.gz; }} >SHA256SUMS 2>/dev/null"
        );
        let packed = ran(self.command("sh").args(["-c", &pack]));
        assert_eq!(packed.code, 0, "{packed}");
        let file = |name: String| {
            let bytes = std::fs::read(self.path().join("made").join(&name)).expect("a file");
            (name, bytes)
        };
        [file("SHA256SUMS".to_owned()), file(format!("tmuxagent-{TARGET}.tar.gz"))].into()
    }
}

fn ran(command: &mut Command) -> Ran {
    let output = command.output().expect("a program");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ran { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Serves files below an address until the test ends; answers 404 for all others.
fn serve(folder: &str, files: &BTreeMap<String, Vec<u8>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let files: BTreeMap<String, Vec<u8>> =
        files.iter().map(|(name, bytes)| (format!("{folder}/{name}"), bytes.clone())).collect();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(stream.try_clone().expect("a socket")).lines().map_while(Result::ok);
            let path = lines.next().and_then(|line| line.split(' ').nth(1).map(str::to_owned)).unwrap_or_default();
            lines.find(String::is_empty);
            let (status, body) =
                files.get(&path).map_or(("404 Not Found", &[][..]), |body| ("200 OK", body.as_slice()));
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        }
    });
    address
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn the_newest_release_is_installed_with_its_completions_and_another_one_over_it() {
    let home = Home::new();
    let newest = serve("/latest/download", &home.release("2.0.0"));
    let done = home.install(&format!("{newest}/"), &[]);
    assert_eq!(done.code, 0, "{done}");
    let place = home.path().join(".local/bin");
    assert!(done.stdout.contains(&format!("tmuxagent 2.0.0 is installed: {}/tmuxagent", place.display())), "{done}");
    assert!(done.stdout.contains("is not on your PATH"), "{done}");
    let share = home.path().join(".local/share");
    for (file, text) in [
        ("bash-completion/completions/tmuxagent", "tmuxagent.bash"),
        ("fish/vendor_completions.d/tmuxagent.fish", "tmuxagent.fish"),
        ("zsh/site-functions/_tmuxagent", "_tmuxagent"),
    ] {
        assert_eq!(std::fs::read_to_string(share.join(file)).expect(file), text);
    }
    // Another place is asked for by name, and a version lies at its own address.
    let named = serve("/download/v1.5.0", &home.release("1.5.0"));
    let done = home.install(&named, &["--version", "v1.5.0", "--dir", &place.display().to_string()]);
    assert!(done.code == 0 && done.stdout.contains("tmuxagent 1.5.0 is installed"), "{done}");
    let started = ran(Command::new(place.join("tmuxagent")).arg("--version"));
    assert_eq!(started.stdout, "tmuxagent 1.5.0\n");
    assert_eq!(names(&place), ["tmuxagent"]);
}

#[test]
fn what_was_changed_on_the_way_or_is_not_there_leaves_the_old_program() {
    let home = Home::new();
    home.0.write_mode(".local/bin/tmuxagent", "old", 0o755);
    let archive = format!("tmuxagent-{TARGET}.tar.gz");
    let good = home.release("2.0.0");
    let mut changed = good.clone();
    changed.get_mut(&archive).expect("the archive").push(b'!');
    let unlisted = BTreeMap::from([("SHA256SUMS".to_owned(), b"00  another\n".to_vec()), (archive.clone(), vec![1])]);
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        format!("http://{}", listener.local_addr().expect("an address"))
    };
    let latest = |files: &BTreeMap<String, Vec<u8>>| serve("/latest/download", files);
    let cases = [
        (latest(&changed), "the checksum of tmuxagent-x86_64-unknown-linux-musl.tar.gz is "),
        (latest(&unlisted), "doesn't name tmuxagent-x86_64-unknown-linux-musl.tar.gz"),
        (latest(&BTreeMap::new()), "SHA256SUMS can't be fetched"),
        (closed, "SHA256SUMS can't be fetched"),
        ("http://example.org/releases".to_owned(), "is no address that starts with https://"),
        (String::new(), "this copy doesn't know where releases are"),
    ];
    for (releases, said) in cases {
        let refused = home.install(&releases, &[]);
        assert!(refused.code == 1 && refused.stderr.contains(said), "{said}: {refused}");
        assert!(refused.stderr.ends_with("nothing was installed\n"), "{refused}");
    }
    let odd = home.install("https://example.org/releases", &["--version", "1/../2"]);
    assert!(odd.code == 1 && odd.stderr.contains("is no version"), "{odd}");
    let flag = home.install("https://example.org/releases", &["--prefix", "x"]);
    assert!(flag.code == 1 && flag.stderr.contains("--prefix is no option"), "{flag}");
    home.program("uname", "case $1 in -s) echo Plan9;; *) echo mips;; esac");
    let unknown = home.install(&latest(&good), &[]);
    assert!(unknown.code == 1 && unknown.stderr.contains("no release has a program for Plan9 on mips"), "{unknown}");
    assert!(unknown.stderr.contains("cargo install --path . --locked"), "{unknown}");
    let old = std::fs::read_to_string(home.path().join(".local/bin/tmuxagent")).expect("a file");
    assert_eq!(old, "old");
    assert_eq!(names(&home.path().join(".local/bin")), ["tmuxagent"]);
}

#[test]
fn a_program_that_does_not_start_is_not_installed() {
    let home = Home::new();
    let mut files = home.release("2.0.0");
    home.0.write_mode(&format!("made/tmuxagent-{TARGET}/tmuxagent"), "#!/nowhere\n", 0o755);
    let pack = format!("cd made && tar -czf - tmuxagent-{TARGET}");
    let archive = home.command("sh").args(["-c", &pack]).output().expect("tar").stdout;
    std::fs::write(home.path().join("made/again"), &archive).expect("a file");
    let sum = ran(home.command("sh").args(["-c", "sha256sum made/again 2>/dev/null || shasum -a 256 made/again"]));
    let name = format!("tmuxagent-{TARGET}.tar.gz");
    let digest = sum.stdout.split(' ').next().unwrap_or_default();
    files.insert("SHA256SUMS".to_owned(), format!("{digest}  {name}\n").into_bytes());
    files.insert(name, archive);
    let refused = home.install(&serve("/latest/download", &files), &[]);
    assert!(refused.code == 1 && refused.stderr.contains("doesn't start on this machine"), "{refused}");
    assert!(!home.path().join(".local/bin/tmuxagent").exists());
}

#[test]
fn a_script_that_was_cut_does_nothing() {
    let home = Home::new();
    let cut = INSTALL.strip_suffix("main \"$@\"\n").expect("the last line calls");
    let nothing = ran(home.command("sh").args(["-c", cut]));
    assert_eq!((nothing.code, nothing.stdout.as_str(), nothing.stderr.as_str()), (0, "", ""));
}

fn yaml(name: &str) -> Value {
    serde_yaml::from_str(&read(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The steps of a workflow's jobs, or of an action.
fn steps(document: &Value) -> Vec<&Value> {
    let jobs = document["jobs"].as_object().into_iter().flat_map(|jobs| jobs.values());
    let lists = jobs.map(|job| &job["steps"]).chain([&document["runs"]["steps"]]);
    lists.filter_map(Value::as_array).flatten().collect()
}

#[test]
fn the_workflows_and_the_action_are_pinned_and_mix_no_input_into_a_script() {
    for name in [".github/workflows/ci.yml", ".github/workflows/release.yml", "action.yml"] {
        let document = yaml(name);
        let steps = steps(&document);
        assert!(!steps.is_empty(), "{name}");
        for step in steps {
            if let Some(action) = step["uses"].as_str() {
                let version = action.split_once("@v").map(|(_, version)| version);
                assert!(version.is_some_and(|v| v.parse::<u8>().is_ok()), "{name}: {action}");
            }
            let script = step["run"].as_str().unwrap_or_default();
            assert!(!script.contains("${{"), "{name}: {script}");
            let checked = ran(Command::new("bash").args(["-n", "-c", script]));
            assert_eq!(checked.code, 0, "{name}: {script}{checked}");
        }
    }
    let mut scripts = vec!["install.sh".to_owned(), "tmuxagent.tmux".to_owned()];
    scripts.extend(names(&root().join(".ci")).into_iter().map(|name| format!(".ci/{name}")));
    for script in scripts {
        let checked = ran(Command::new("sh").arg("-n").arg(root().join(&script)));
        assert_eq!(checked.code, 0, "{script}: {checked}");
    }
}

#[test]
fn a_release_has_what_install_sh_and_binstall_fetch_and_each_job_asks_for_little() {
    let release = yaml(".github/workflows/release.yml");
    assert_eq!(release["permissions"], serde_json::json!({}));
    let jobs = release["jobs"].as_object().expect("jobs");
    for (name, job) in jobs {
        let writes = job["permissions"].as_object().expect(name).values().any(|value| value == "write");
        assert_eq!(writes, name == "publish", "{name}");
    }
    let built = jobs["build"]["strategy"]["matrix"]["include"].as_array().expect("targets");
    let mut built: Vec<&str> = built.iter().filter_map(|one| one["target"].as_str()).collect();
    let mut fetched: Vec<&str> =
        INSTALL.lines().filter_map(|line| line.split_once(") echo ")?.1.split(' ').next()).collect();
    fetched.retain(|word| word.matches('-').count() >= 2);
    built.sort_unstable();
    fetched.sort_unstable();
    assert_eq!(built, fetched);
    assert!(MANIFEST.contains("pkg-url = \"{ repo }/releases/download/v{ version }/tmuxagent-{ target }.tar.gz\""));
    assert!(MANIFEST.contains("bin-dir = \"tmuxagent-{ target }/{ bin }{ binary-ext }\""));
    // The line that the workflow writes the address into.
    assert_eq!(INSTALL.lines().filter(|line| *line == "releases=").count(), 1);
    // What the package for Debian takes is there, but for what is built.
    let assets = MANIFEST.split("assets = [").nth(1).and_then(|rest| rest.split("\n]").next()).expect("assets");
    for line in assets.lines().filter_map(|line| line.trim().strip_prefix("[\"")) {
        let file = line.split('"').next().unwrap_or_default();
        assert!(file.starts_with("target/") || root().join(file).is_file(), "{file}");
    }
}

/// One script of the action, with what GitHub would set.
fn act(home: &Home, step: &str, variables: &[(&str, &str)]) -> Ran {
    let action = yaml("action.yml");
    let found = steps(&action).into_iter().find(|one| one["name"] == step).expect(step);
    let mut command = home.command("sh");
    command.args(["-e", "-c", found["run"].as_str().expect("a script")]);
    for name in found["env"].as_object().expect("variables").keys() {
        command.env(name, "");
    }
    ran(command.envs(variables.iter().copied()))
}

#[test]
fn the_action_plays_tests_and_sends_messages() {
    let home = Home::new();
    let program = env!("CARGO_BIN_EXE_tmuxagent");
    home.program("tmuxagent", &format!("exec '{program}' \"$@\""));
    // The policy that the README begins with, and its test.
    let readme = read("README.md");
    let blocks: Vec<&str> = readme.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let test = blocks.iter().find(|block| block.contains("expect:")).expect("a test");
    home.0.write("my tests/storyapp.yaml", blocks[0]);
    home.0.write("my tests/storyapp.test.yaml", test);
    let played = act(&home, "policy test", &[("TESTS", "my tests\nmy tests/storyapp.test.yaml\n")]);
    assert_eq!(played.code, 0, "{played}");
    let short = act(&home, "policy test", &[("TESTS", "my tests"), ("LEAST", "100")]);
    assert!(short.stdout.contains('%'), "{short}");
    let none = act(&home, "policy test", &[("TESTS", "$(touch made-by-input)")]);
    assert!(none.code != 0 && !home.path().join("made-by-input").exists(), "{none}");

    let noted = home.path().join("noted");
    home.program("tmuxagent", &format!("printf '%s\\n' \"$@\" >'{}'; cat >>'{}'", noted.display(), noted.display()));
    let text = "Built\n$(rm -rf /) \"as it stands\"";
    let sent = [("TEXT", text), ("CHANNELS", "wecom\nmy phone\n"), ("URGENCY", "high"), ("CONFIG", "a file.yaml")];
    let sent = act(&home, "notify send", &sent);
    assert_eq!(sent.code, 0, "{sent}");
    let told = std::fs::read_to_string(&noted).expect("arguments");
    let words = "--config=a file.yaml\nnotify\nsend\n--urgency=high\n--channel=wecom\n--channel=my phone\n-\n";
    assert_eq!(told, format!("{words}{text}"));

    let files = home.release("3.0.0");
    let (action, releases) = (root().display().to_string(), serve("/download/v3.0.0", &files));
    let temporary = home.path().join("temporary").display().to_string();
    let added = home.path().join("added").display().to_string();
    let variables = [
        ("WANTED", "3.0.0"),
        ("ACTION", action.as_str()),
        ("TMUXAGENT_RELEASES", releases.as_str()),
        ("RUNNER_TEMP", temporary.as_str()),
        ("GITHUB_PATH", added.as_str()),
    ];
    let installed = act(&home, "install tmuxagent", &variables);
    assert_eq!(installed.code, 0, "{installed}");
    assert_eq!(std::fs::read_to_string(&added).expect("a path"), format!("{temporary}/tmuxagent\n"));
    assert!(Path::new(&temporary).join("tmuxagent/tmuxagent").is_file());
}

/// A tmux server of its own, gone with the test.
struct Server<'h>(&'h Home, String);

impl<'h> Server<'h> {
    /// Starts one by the machine's own tmux, whatever stand-in the home has.
    fn start(home: &'h Home) -> Self {
        let found = ran(Command::new("sh").args(["-c", "command -v tmux"]));
        let server = Self(home, found.stdout.trim_end().to_owned());
        let started = server.ask(&["-f", "/dev/null", "new-session", "-d", "sleep 600"]);
        assert_eq!(started.code, 0, "{started}");
        server
    }

    fn ask(&self, arguments: &[&str]) -> Ran {
        ran(self.0.command(&self.1).arg("-S").arg(self.0.path().join("tmux")).args(arguments))
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        self.ask(&["kill-server"]);
    }
}

#[test]
fn the_plugin_binds_its_key_in_a_real_tmux() {
    let home = Home::new();
    let plugin = home.0.write_mode("it's #{here}/tmuxagent.tmux", &read("tmuxagent.tmux"), 0o755);
    let load = format!("'{}'", plugin.display().to_string().replace('\'', "'\\''").replace('#', "##"));
    let server = Server::start(&home);
    let loaded = server.ask(&["run-shell", &load]);
    assert_eq!(loaded.code, 0, "{loaded}");
    let bound = |key: &str| server.ask(&["list-keys", "-T", "prefix", key]).stdout;
    assert!(bound("M").contains("run-shell -b") && bound("M").contains("open"), "{}", bound("M"));
    server.ask(&["set-option", "-g", "@tmuxagent-key", "A"]);
    server.ask(&["run-shell", &load]);
    assert!(bound("A").contains("open"), "{}", bound("A"));
}

#[test]
fn the_plugin_opens_the_popup_or_says_what_is_missing() {
    let home = Home::new();
    let noted = home.path().join("noted");
    let note = format!("printf '%s\\n' \"$@\" >>'{}'", noted.display());
    let popups = "case $1 in list-commands) echo display-popup; exit;; esac";
    home.program("tmux", &format!("{popups}\n{note}"));
    let told = || {
        let told = std::fs::read_to_string(&noted).unwrap_or_default();
        let _ = std::fs::remove_file(&noted);
        told
    };
    let plugin = home.0.write_mode("it's #{here}/tmuxagent.tmux", &read("tmuxagent.tmux"), 0o755);
    let open = || {
        // Away from whatever is installed on the machine.
        let path = format!("{}:/usr/bin:/bin", home.path().join("bin").display());
        ran(home.command("sh").env("PATH", path).arg(&plugin).args(["open", "/dev/pts/1"]))
    };
    assert_eq!(open().code, 0);
    assert!(told().starts_with("display-message\n-c\n/dev/pts/1\ntmuxagent is not installed"));
    home.0.write_mode(".local/bin/tmuxagent", "#!/bin/sh\n", 0o755);
    assert_eq!(open().code, 0);
    let program = home.path().join(".local/bin/tmuxagent");
    let popup = format!("display-popup\n-c\n/dev/pts/1\n-w\n90%\n-h\n90%\n-E\n'{}' popup\n", program.display());
    assert_eq!(told(), popup);
    home.program("tmux", &note);
    assert_eq!(open().code, 0);
    assert!(told().contains("this tmux has no popups"));

    // The command of the key, as a real server expands it, finds the plugin in its odd folder.
    let loaded = ran(home.command("sh").arg(&plugin));
    assert_eq!(loaded.code, 0, "{loaded}");
    let bound = told();
    let command = bound.lines().last().expect("a command").to_owned();
    let server = Server::start(&home);
    let pressed = server.ask(&["run-shell", &command]);
    assert_eq!(pressed.code, 0, "{pressed}");
    let said = told();
    assert!(said.contains("this tmux has no popups"), "{command}: {said}{pressed}");
}
