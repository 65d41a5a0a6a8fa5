//! What is wrong with files is told in the reader's language, whatever the file is.

use std::path::{Path, PathBuf};
use tmuxagent_config::Environment;
use tmuxagent_model::HostName;
use tmuxagent_text::Lang;
use tmuxagent_tui::keymap::Keymap;
use tmuxagent_workspace::Known;
use tmuxagent_yaml::{Diagnostics, Source};

/// Sentences and ways out that are the same in both languages.
fn untranslated(found: &Diagnostics) -> Vec<String> {
    let mut same = Vec::new();
    for problem in &found.problems {
        let texts =
            |lang| -> Vec<String> { [problem.sentence(lang)].into_iter().chain(problem.ways_out(lang)).collect() };
        same.extend(texts(Lang::En).into_iter().zip(texts(Lang::Zh)).filter(|(en, zh)| en == zh).map(|(en, _)| en));
    }
    same
}

/// The YAML files of a fixture: itself, or those in its folder.
fn policy(path: &Path) -> Vec<Source> {
    let files: Vec<PathBuf> = if path.is_dir() {
        std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect()
    } else {
        vec![path.to_owned()]
    };
    files.iter().map(|file| Source::new("p.yaml", std::fs::read_to_string(file).unwrap())).collect()
}

const CONFIG: &str = "
poll_intervall_ms: 5
language: german
undo: 3
quiet_hours: night
poll_interval_ms: 1
serve: {bind: 8787, pin: 123, public_base_url: x, trusted_proxies: [y]}
hosts:
  - {name: a b, ssh: {hots: nas, options: [x, StrictHostKeyChecking=no, BatchMode=no]}}
  - {name: b, ssh: -x}
  - {name: c, ssh: [x]}
  - {name: local, ssh: nas}
  - {name: twice}
  - {name: twice}
record: {exclude: ['/(/', '']}
retention: {database_size: big, journal: x}
sqlite_path: ${NOT_SET}
approval_dir: '${a b}${'
<<: 3
tmux: !secret x
";

const CHANNELS: &str = "
channels:
  team: {kind: wecm}
  wecom: {webhok: k, proxy: 'ftp://x', base_url: x}
  wecom_app: {corp_id: c, agent_id: x, secret: s}
  serverchn: {}
  other: {}
  wecom_bot: {bot_id: b, secret: s}
  both: {kind: wecom_bot, bot_id: b, secret: s, user: u, group: g}
  ntfy:
  command:
  own: {kind: webhook, url: 'https://x.example', headers: {Cookie: 中, 'a b': c}, success: {}}
  pointer: {kind: webhook, url: 'https://x.example', success: {pointer: x, equals: y}}
  half: {kind: webhook, url: 'https://x.example', success: {pointer: /x}}
notify:
  routes: [{kinds: [aproval], to: [tem, zzzz], when: now}]
  remind: {every: 1s}
  colddown: 3
";

const WORKSPACE: &str = "
version: 2
name: \"a\\tb\"
sessions:
  - {name: a, host: nass, windows: []}
  - {name: a, host: zzzzzz, root: \"a\\tb\", env: {1X: y, TOKEN: '${MISSING}'}, windows: [{name: one, comand: x}, {name: one, worktree: -x}, {role: r, split: up}]}
  - {name: 'a:b', windows: [x, {name: p, panes: []}]}
  - {name: a_b, windows: [{name: ''}]}
  - []
";

const KEYMAP: &str = "aprove: x\nfrobnicate: y\nchoose: z\nretry: [x, hyper-x, k]\nskip: k\nskip: j\napprove: {a: b}\n";

#[test]
fn every_finding_is_told_in_both_languages() {
    let mut same = Vec::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/policies/invalid");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() || path.extension().is_some_and(|ending| ending == "yaml") {
            same.extend(untranslated(&tmuxagent_policy::analyse(&policy(&path)).1));
        }
    }
    let environment = Environment::default();
    let read = |text: &str| {
        let source = Source::new("config.yaml", text);
        let config = tmuxagent_config::read(&source, Path::new("/etc"), &environment);
        (source, config)
    };
    same.extend(untranslated(&read(CONFIG).1.unwrap_err()));
    same.extend(untranslated(&read("hosts: []\n---\na").1.unwrap_err()));
    same.extend(untranslated(&read("hosts: []").1.unwrap_err()));
    let (source, config) = read(CHANNELS);
    let alerts = tmuxagent_alerts::config::read(&config.unwrap(), &source, &environment);
    same.extend(untranslated(&alerts.unwrap_err()));
    let (hosts, variable) = ([HostName::local(), HostName::new("nas")], |_: &str| None);
    let known = Known { hosts: &hosts, folder: "/etc", local: &hosts[..1], variable: &variable };
    for text in [WORKSPACE, "a: b: c", "sessions: []", "", "\ta: b"] {
        let read = tmuxagent_workspace::read(&Source::new("w.yaml", text), "w", &known);
        same.extend(untranslated(&read.unwrap_err()));
    }
    same.extend(untranslated(&Keymap::from_yaml(&Source::new("keymap.yaml", KEYMAP)).unwrap_err()));
    same.sort_unstable();
    same.dedup();
    assert!(same.is_empty(), "no Chinese for:\n{}", same.join("\n"));
}
