use super::*;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tmuxagent_model::{HostName, Millis};
use tmuxagent_yaml::Source;

fn environment() -> Environment {
    Environment::from_pairs([("HOME", "/home/u"), ("NAS", "192.168.1.20"), ("PIN", "2468")])
}

fn config(text: &str) -> Config {
    read(&Source::new("config.yaml", text), Path::new("/etc/x"), &environment())
        .unwrap_or_else(|found| panic!("{found}"))
}

fn wrong(text: &str) -> String {
    match read(&Source::new("config.yaml", text), Path::new("/etc/x"), &environment()) {
        Ok(config) => panic!("{config:?}"),
        Err(found) => found.to_string(),
    }
}

#[test]
fn the_printed_default_is_the_built_in_one() {
    assert_eq!(config(DEFAULT_CONFIG), Config::default());
    assert_eq!(config(""), Config::default());
}

#[test]
fn every_key_of_the_reference_is_set_or_shown() {
    // A key that the reader knows and the reference does not mention would be a secret.
    let listing = wrong("nothing_like_it: 1\n");
    let known = listing.split("possible: ").nth(1).unwrap();
    for key in known.split('`').filter(|word| !word.contains([',', ' ', '\n']) && !word.is_empty()) {
        assert!(DEFAULT_CONFIG.contains(&format!("\n{key}:")), "{key} is not in the reference");
    }
}

#[test]
fn the_keys_of_the_earlier_scripts_are_understood() {
    let config = config(
        "poll_interval_ms: 800\ntmux_bin: ~/bin/tmux\nsqlite_path: ~/s.db\napproval_dir: approvals\nnotify: wecom_app\n\
         hosts:\n- name: local\n  tmux: {socket: default, session_filters: proj:*, capture_lines: 300}\n\
         - name: nas\n  ssh: {host: \"${NAS}\", port: 2222, user: me, key: ~/.ssh/k, jump: gate, options: {Compression: yes}}\n\
         \x20 tmux: {bin: /opt/tmux, pane_name_patterns: ['agent:*'], poll_interval_ms: 3000}\n- {name: box, ssh: box}\n",
    );
    assert_eq!(config.sqlite_path.as_deref(), Some(Path::new("/home/u/s.db")));
    assert_eq!(config.approval_dir.as_deref(), Some(Path::new("/etc/x/approvals")));
    assert!(matches!(&config.notify, Some(Tree(node)) if node.as_text() == Some("wecom_app")));
    let default = TmuxConfig { bin: "/home/u/bin/tmux".into(), poll_interval: Millis(800), ..TmuxConfig::default() };
    let nas = SshConfig {
        host: "192.168.1.20".into(),
        port: Some(2222),
        user: Some("me".into()),
        key: Some("/home/u/.ssh/k".into()),
        jump: Some("gate".into()),
        options: vec!["Compression=yes".into()],
    };
    let expected = [
        HostConfig {
            name: HostName::local(),
            ssh: None,
            tmux: TmuxConfig { session_filters: vec!["proj:*".into()], capture_lines: 300, ..default.clone() },
        },
        HostConfig {
            name: HostName::new("nas"),
            ssh: Some(nas),
            tmux: TmuxConfig {
                bin: "/opt/tmux".into(),
                pane_name_patterns: vec!["agent:*".into()],
                poll_interval: Millis(3000),
                ..default.clone()
            },
        },
        HostConfig {
            name: HostName::new("box"),
            ssh: Some(SshConfig { host: "box".into(), ..SshConfig::default() }),
            tmux: default,
        },
    ];
    assert_eq!(config.hosts, expected);
}

#[test]
fn the_rest_of_the_keys() {
    let config = config(
        "language: zh\nundo: 3s\nrecord: false\nretention: {journal: 0, recordings_size: 1GB, database_size: 0}\nquiet_hours: 22:00-07:30\n\
         serve: {bind: 'localhost:9000', public_base_url: 'https://a.example.org/', pin: '${PIN}', trusted_proxies: [127.0.0.1, 10.0.0.0/8]}\npolicy: p.yaml\n",
    );
    assert_eq!((config.language, config.undo), (LanguageChoice::Chinese, Millis(3000)));
    assert_eq!((config.record.enabled, config.retention.journal), (false, Millis(0)));
    assert_eq!((config.retention.recordings_size, config.retention.database_size), (1_000_000_000, 0));
    assert_eq!(config.quiet_hours, Some(QuietHours { from: 1320, to: 450 }));
    assert_eq!(config.policy, [Path::new("/etc/x/p.yaml")]);
    let serve = config.serve.unwrap();
    assert_eq!(
        (serve.bind.to_string(), serve.public_base_url.as_str()),
        ("127.0.0.1:9000".into(), "https://a.example.org")
    );
    assert_eq!(serve.pin, Some(Secret::new("2468")));
    assert_eq!(serve.trusted_proxies, ["127.0.0.1", "10.0.0.0/8"].map(|text| Network::parse(text).unwrap()));
    assert!(!format!("{serve:?}").contains("2468"));
}

#[test]
fn metrics_are_told_where_the_configuration_says_so() {
    let listen = |text: &str| config(text).metrics.map(|address| address.to_string());
    assert_eq!((listen(""), listen("metrics: false\n")), (None, None));
    assert_eq!(listen("metrics: true\n").as_deref(), Some("127.0.0.1:9108"));
    assert_eq!(listen("metrics: {listen: 'localhost:9109'}\n").as_deref(), Some("127.0.0.1:9109"));
}

#[test]
fn wrong_configurations_are_explained_all_at_once() {
    insta::assert_snapshot!(wrong(
        "poll_intervall_ms: 500\nlanguage: german\nundo: 3\nquiet_hours: late\nserve: {bind: 8787, pin: 12}\n\
         hosts:\n- name: a b\n- name: nas\n  ssh: {hots: x}\n- name: nas\n  ssh: -oProxyCommand=x\n- {name: local, ssh: x}\n\
         sqlite_path: ${NOT_SET}/x.db\ntmux: {session_filters: ['/(/']}\n"
    ), @r"
    config.yaml:1:1: error[unknown-key]: unknown key `poll_intervall_ms`
      |
    1 | poll_intervall_ms: 500
      | ^^^^^^^^^^^^^^^^^
      = help: did you mean `poll_interval_ms`?

    config.yaml:2:11: error[unknown-word]: `german` is no value of `language`
      |
    2 | language: german
      |           ^^^^^^
      = help: possible: `auto`, `en`, `zh`

    config.yaml:3:7: error[wrong-type]: `undo` must be a time such as `1500ms`, `2s`, `5m`, `1h30m` or `7d`, not `3`
      |
    3 | undo: 3
      |       ^

    config.yaml:4:14: error[bad-duration]: `quiet_hours` must be a span of the day such as `22:00-07:30`
      |
    4 | quiet_hours: late
      |              ^^^^

    config.yaml:5:15: error[bad-url]: `serve.bind` must be address and port such as `127.0.0.1:8787`, not `8787`
      |
    5 | serve: {bind: 8787, pin: 12}
      |               ^^^^

    config.yaml:5:26: error[too-short]: `serve.pin` must have at least 4 characters
      |
    5 | serve: {bind: 8787, pin: 12}
      |                          ^^

    config.yaml:7:9: error[bad-name]: `a b` is not the name of a host
      |
    7 | - name: a b
      |         ^^^
      = help: up to 40 letters, digits, `-`, `_` and `.`

    config.yaml:9:8: error[missing-key]: `hosts[1].ssh` needs a key `host`
      |
    9 |   ssh: {hots: x}
      |        ^

    config.yaml:9:9: error[unknown-key]: unknown key `hots` in `hosts[1].ssh`
      |
    9 |   ssh: {hots: x}
      |         ^^^^
      = help: did you mean `host`?

    config.yaml:11:8: error[bad-name]: `hosts[2].ssh` must be a name without blanks that does not begin with `-`
       |
    11 |   ssh: -oProxyCommand=x
       |        ^^^^^^^^^^^^^^^^

    config.yaml:12:22: error[reserved-name]: `local` is this machine and has no `ssh`
       |
    12 | - {name: local, ssh: x}
       |                      ^
       = help: give the host another name

    config.yaml:13:14: error[not-set]: the environment variable `NOT_SET` is not set
       |
    13 | sqlite_path: ${NOT_SET}/x.db
       |              ^^^^^^^^^^^^^^^
       = help: set it in the shell, or in a file `.env` (mode 600) beside the configuration

    config.yaml:14:26: error[bad-regex]: `/(/` is not a regular expression: unclosed group
       |
    14 | tmux: {session_filters: ['/(/']}
       |                          ^^^^^
    ");
}

#[test]
fn an_empty_list_of_hosts_is_no_silent_nothing() {
    insta::assert_snapshot!(wrong("hosts: []\n"), @r"
    config.yaml:1:8: error[no-value]: `hosts` is empty
      |
    1 | hosts: []
      |        ^
      = help: leave the key out to watch this machine
    ");
    insta::assert_snapshot!(wrong("- a\n- b\n"), @r"
    config.yaml:1:1: error[wrong-type]: the file must be a map of keys and values, not a list
      |
    1 | - a
      | ^
    ");
    insta::assert_snapshot!(wrong("hosts: [{name: a, ssh: a}, {name: a, ssh: b}]\n"), @r"
    config.yaml:1:35: error[twice]: a second host is named `a`
      |
    1 | hosts: [{name: a, ssh: a}, {name: a, ssh: b}]
      |                                   ^
      = help: give it another name
    ");
}

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> &Self {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        self
    }

    fn load(&self, overrides: &Overrides) -> Result<Loaded, Problem> {
        let home = self.0.path().display().to_string();
        load(overrides, &Environment::from_pairs([("HOME", home.as_str())]))
    }
}

#[test]
fn without_any_file_the_bundled_policy_is_loaded() {
    let loaded = Home::new().load(&Overrides::default()).unwrap();
    assert_eq!(loaded.config, Config::default());
    assert_eq!(loaded.config_name, "<default>");
    assert!(!loaded.configured);
    assert_eq!(loaded.policy_sources[0].name, "<bundled>/default.yaml");
}

#[test]
fn files_are_found_beside_the_configuration() {
    let home = Home::new();
    home.write(".config/tmuxagent/config.yaml", "undo: ${UNDO}\n")
        .write(".config/tmuxagent/.env", "UNDO=4s\n")
        .write(".config/tmuxagent/policies/b.yaml", "b")
        .write(".config/tmuxagent/policies/a.yml", "a")
        .write(".config/tmuxagent/policies/.hidden.yaml", "h")
        .write(".config/tmuxagent/policies/notes.txt", "n");
    let loaded = home.load(&Overrides::default()).unwrap();
    assert_eq!(loaded.config.undo, Millis(4000));
    assert!(loaded.configured);
    let texts: Vec<&str> = loaded.policy_sources.iter().map(|source| source.text.as_str()).collect();
    assert_eq!(texts, ["a", "b"]);
}

#[test]
fn a_named_file_must_be_there() {
    let home = Home::new();
    let missing = home.0.path().join("no.yaml");
    let problem = home.load(&Overrides { config: Some(missing.clone()), ..Overrides::default() }).unwrap_err();
    assert!(problem.text.ends_with("no.yaml can't be read: no such file or directory"), "{problem}");
    let problem = home.load(&Overrides { policy: vec![missing], ..Overrides::default() }).unwrap_err();
    assert!(problem.text.starts_with("there is no policy /"), "{problem}");
    assert!(problem.hint.is_some_and(|hint| hint.contains("policies lie in")));
    let empty = home.0.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let problem = home.load(&Overrides { policy: vec![empty], ..Overrides::default() }).unwrap_err();
    assert!(problem.text.ends_with("holds no policy"), "{problem}");
}

#[test]
fn the_socket_is_the_flag_then_the_file_then_the_server_we_are_in() {
    let home = Home::new();
    let folder = home.0.path().display().to_string();
    let inside = Environment::from_pairs([("HOME", folder.as_str()), ("TMUX", "/tmp/tmux-0/work,12,0")]);
    let socket = |overrides: &Overrides| load(overrides, &inside).unwrap().config.hosts[0].tmux.socket.clone();
    assert_eq!(socket(&Overrides::default()), TmuxSocket::Path("/tmp/tmux-0/work".into()));
    home.write(".config/tmuxagent/config.yaml", "tmux: {socket: other}\n");
    assert_eq!(socket(&Overrides::default()), TmuxSocket::Name("other".into()));
    let flag = Overrides { tmux_socket: Some("flag".into()), ..Overrides::default() };
    assert_eq!(socket(&flag), TmuxSocket::Name("flag".into()));
    // Of several hosts here those that name a server keep it.
    home.write(
        ".config/tmuxagent/config.yaml",
        "hosts: [{name: local}, {name: second, tmux: {socket: own}}, {name: third, tmux: {socket: /tmp/third}}]\n",
    );
    let sockets: Vec<_> = load(&flag, &inside).unwrap().config.hosts.into_iter().map(|host| host.tmux.socket).collect();
    let expected =
        [TmuxSocket::Name("flag".into()), TmuxSocket::Name("own".into()), TmuxSocket::Path("/tmp/third".into())];
    assert_eq!(sockets, expected);
}

#[test]
fn what_others_could_have_written_is_refused_before_anything_is_read() {
    let home = Home::new();
    let keymap = ".config/tmuxagent/keymap.yaml";
    home.write(keymap, "quit: q\n").write(".config/tmuxagent/policies/a.yaml", "a");
    home.load(&Overrides::default()).unwrap();
    for (file, open, closed) in [(keymap, 0o666, 0o600), (".config/tmuxagent/policies", 0o1777, 0o755)] {
        let path = home.0.path().join(file);
        let set = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        set(open);
        let problem = home.load(&Overrides::default()).unwrap_err();
        assert!(problem.text.contains("is refused: everybody can write it"), "{problem}");
        assert_eq!(problem.hint, Some(format!("chmod go-w {}", path.display())));
        set(closed);
    }
}

#[test]
fn included_files_are_read_once_and_links_are_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("lib")).unwrap();
    std::fs::write(at("secret.yaml"), "templates: {}").unwrap();
    std::fs::write(at("a.yaml"), "include: [lib/b.yaml, lib/link.yaml, lib/none.yaml, ../c.yaml]").unwrap();
    std::fs::write(at("lib/b.yaml"), "include: deeper.yaml").unwrap();
    std::fs::write(at("lib/deeper.yaml"), "panes: {checks: {pane_role: checks}}").unwrap();
    std::os::unix::fs::symlink(at("secret.yaml"), at("lib/link.yaml")).unwrap();
    let overrides = Overrides { policy: vec![at("a.yaml"), at("lib/b.yaml")], ..Overrides::default() };
    let sources = policy_sources(&overrides, &environment()).unwrap();
    let told: Vec<(String, Option<String>)> = sources
        .into_iter()
        .map(|source| (source.name.rsplit('/').next().unwrap_or_default().to_owned(), source.unread))
        .map(|(name, why)| (name, why.map(|why| why.rsplit('/').next().unwrap_or_default().to_owned())))
        .collect();
    let told: Vec<(&str, Option<&str>)> = told.iter().map(|(name, why)| (name.as_str(), why.as_deref())).collect();
    assert_eq!(told[..2], [("a.yaml", None), ("b.yaml", None)]);
    assert_eq!(told[2], ("link.yaml", Some("link.yaml is a link")));
    assert!(told[3].0 == "none.yaml" && told[3].1.is_some(), "{told:?}");
    assert_eq!(told[4..], [("deeper.yaml", None)]);
}
