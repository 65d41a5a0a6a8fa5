//! Files and plans.

use super::*;
use tmuxagent_model::HostName;
use tmuxagent_yaml::Source;

fn known_read(text: &str) -> Result<Workspace, String> {
    let hosts = [HostName::local(), HostName::new("nas")];
    let known = Known {
        hosts: &hosts,
        folder: "/w/app",
        local: &hosts[..1],
        variable: &|name| (name == "KEY").then(|| "hunter2".to_owned()),
    };
    read(&Source::new("w.yaml", text), "w", &known).map_err(|found| found.to_string())
}

const FILE: &str = r#"
version: 1
env: {KEY: "${KEY}", MODE: dev}
sessions:
  - name: proj:app
    root: src
    windows:
      - name: agent
        command: codex
        role: agent
        worktree: feature/x
      - name: shells
        layout: tiled
        panes:
          - {root: web, title: web}
          - {command: "tail -f log;", split: right}
  - name: build
    host: nas
    pass: [KEY, NOT_SET]
    windows: [{name: make, root: src/app}]
"#;

#[test]
fn a_file_is_read_with_folders_below_where_they_belong() {
    let workspace = known_read(FILE).unwrap();
    assert_eq!(workspace.env.get("KEY").map(String::as_str), Some("hunter2"));
    let folders: Vec<&str> = workspace
        .sessions
        .iter()
        .flat_map(|session| &session.windows)
        .flat_map(|window| &window.panes)
        .map(|pane| pane.folder.as_str())
        .collect();
    assert_eq!(folders, ["/w/app/src-feature-x", "/w/app/src/web", "/w/app/src", "~/src/app"]);
    let worktree = workspace.sessions[0].windows[0].worktree.as_ref().unwrap();
    assert_eq!((worktree.repository.as_str(), worktree.branch.as_str()), ("/w/app/src", "feature/x"));
    assert_eq!(workspace.sessions[1].env.keys().collect::<Vec<_>>(), ["KEY"]);
}

#[test]
fn everything_that_is_wrong_is_told_at_its_place() {
    let wrong = r#"
version: 2
sessions:
  - name: a:b
    host: nass
    windows: []
  - name: a_b
    env: {1X: y, TOKEN: "${MISSING}"}
    windows:
      - {name: one, comand: x}
      - {name: one, worktree: "-x"}
      - {role: r}
"#;
    let told = known_read(wrong).unwrap_err();
    for part in [
        "w.yaml:2:10: error[bad-number]: `version` must be between 1 and 1",
        "w.yaml:5:11: error[unknown-name]: no host `nass` is configured",
        "did you mean `nas`?",
        "w.yaml:6:14: error[no-value]: `sessions[0].windows` is empty",
        "`1X` is not the name of a variable",
        "the environment variable `MISSING` is not set",
        "unknown key `comand`",
        "did you mean `command`?",
        "a second window is named `one`",
        "`-x` is not the name of a branch",
        "needs a key `name`",
    ] {
        assert!(told.contains(part), "{part} is missing in\n{told}");
    }
    let same = "sessions:\n  - {name: 'a:b', windows: [{name: x}]}\n  - {name: a_b, windows: [{name: x}]}\n";
    assert!(known_read(same).unwrap_err().contains("a second session is named `a_b`"));
}

/// What a host looks like after everything that is missing was made.
fn made(plan: &Plan, before: &Found, name: &str) -> Found {
    let mut after = before.clone();
    for step in plan.steps.iter().filter(|step| step.host == before.host) {
        let (session, window) = match &step.what {
            What::Session { session, window } | What::Window { session, window } => (session.name.clone(), window),
            What::Worktree(worktree) => {
                after.folders.push(worktree.folder.clone());
                continue;
            }
            What::Close { pane, .. } => {
                after.panes.retain(|there| there.id != *pane);
                continue;
            }
        };
        for pane in &window.panes {
            after.panes.push(FoundPane {
                id: format!("%{}", after.panes.len()),
                session: kept_name(&session),
                window: window.name.clone(),
                folder: before.expand(&pane.folder),
                title: pane.title.clone(),
                role: pane.role.clone(),
                mark: name.to_owned(),
                ..FoundPane::default()
            });
        }
    }
    after
}

#[test]
fn what_is_missing_is_made_once_and_what_differs_is_told() {
    let workspace = known_read(FILE).unwrap();
    let nothing = [HostName::local(), HostName::new("nas")].map(|host| {
        let mut found = Found::nothing(host);
        found.home = "/home/u".to_owned();
        found
    });
    let first = up(&workspace, &nothing);
    let kinds: Vec<&str> = first.steps.iter().map(Step::kind).collect();
    assert_eq!(kinds, ["worktree", "session", "window", "session"]);
    let mut there: Vec<Found> = nothing.iter().map(|found| made(&first, found, &workspace.name)).collect();
    let second = up(&workspace, &there);
    assert_eq!((second.steps.len(), second.differences.len(), second.kept), (0, 0, 3));

    // The user's own window beside ours, a changed role, a closed pane.
    let mine =
        FoundPane { id: "%99".into(), session: "proj_app".into(), window: "mine".into(), ..FoundPane::default() };
    there[0].panes.push(mine);
    there[0].panes[0].role = "other".to_owned();
    there[0].panes.remove(2);
    let third = up(&workspace, &there);
    assert!(third.steps.is_empty(), "{third:?}");
    let told: Vec<&str> = third.differences.iter().map(|difference| difference.text.as_str()).collect();
    assert_eq!(told, ["role `other`, not `agent`", "has 1 panes, not 2"]);

    let closing = down(&workspace.name, &there);
    assert_eq!(closing.kept, 1, "the user's own pane stays");
    let after: Vec<Found> = there.iter().map(|found| made(&closing, found, "")).collect();
    assert_eq!(after[0].panes.len() + after[1].panes.len(), 1);
    assert!(down(&workspace.name, &after).steps.is_empty());
}

#[test]
fn a_written_file_is_read_back_as_what_it_was_written_from() {
    let pane = |id: &str, window: &str, path: &str, command: &str| FoundPane {
        id: id.into(),
        session: "proj_app".into(),
        window: window.into(),
        layout: format!("layout of {window}"),
        path: path.into(),
        command: command.into(),
        ..FoundPane::default()
    };
    let mut found = Found::nothing(HostName::local());
    found.home = "/home/u".to_owned();
    found.panes = vec![
        pane("%0", "a \"b\": #c", "/home/u/src", "bash"),
        pane("%1", "two", "/srv", "codex"),
        FoundPane { role: "r".into(), title: "t".into(), ..pane("%2", "two", "/home/u", "-zsh") },
    ];
    let text = write("mine", &[found.clone()]);
    let workspace = known_read(&text).unwrap_or_else(|told| panic!("{told}\n{text}"));
    assert_eq!(workspace.name, "mine");
    for pane in &mut found.panes {
        pane.folder.clone_from(&pane.path);
    }
    let plan = up(&workspace, &[found]);
    assert_eq!((plan.steps.len(), plan.differences.len(), plan.kept), (0, 0, 2), "{plan:?}\n{text}");
    assert_eq!(workspace.sessions[0].windows[1].panes[0].command, "codex");
}

#[test]
fn the_example_has_the_windows_that_the_bundled_policies_match() {
    let workspace = known_read(EXAMPLE).unwrap();
    let windows =
        workspace.sessions.iter().flat_map(|s| s.windows.iter().map(move |w| (s.name.as_str(), w.name.as_str())));
    assert_eq!(
        windows.collect::<Vec<_>>(),
        [
            ("proj:storyapp", "agent:codex-ci"),
            ("proj:storyapp", "agent:codex-voice"),
            ("proj:points", "agent:codex-release"),
        ]
    );
}

#[test]
fn what_is_written_can_be_read_and_has_no_window_of_our_own() {
    let pane = |id: &str, session: &str, window: &str, command: &str, start: &str| FoundPane {
        id: id.into(),
        session: session.into(),
        window: window.into(),
        layout: format!("layout of {id}"),
        path: "/srv".into(),
        command: command.into(),
        start: start.into(),
        ..FoundPane::default()
    };
    let mut found = Found::nothing(HostName::local());
    found.panes = vec![
        pane("%0", "app", "w", "bash", ""),
        pane("%1", "app", "w", "bash", ""),
        pane("%2", "app", "w-2", "bash", ""),
        // A command under our wrapper is the user's own.
        pane("%3", "app", "tests", "tmuxagent", ""),
        pane("%4", "app", "screen", "tmuxagent", "tmuxagent --state-dir /x"),
        pane("%5", "tmuxagent", "bash", "tmuxagent", ""),
    ];
    let text = write("mine", &[found]);
    let workspace = known_read(&text).unwrap_or_else(|told| panic!("{told}\n{text}"));
    let windows: Vec<_> = workspace.sessions.iter().flat_map(|session| &session.windows).collect();
    let names: Vec<&str> = windows.iter().map(|window| window.name.as_str()).collect();
    assert_eq!(names, ["w", "w-2", "w-2-2", "tests"], "{text}");
    assert!(windows.iter().all(|window| window.panes[0].command.is_empty()), "{text}");
}

#[test]
fn a_folder_that_is_not_there_is_told_before_a_step_is_taken() {
    let workspace = known_read(FILE).unwrap();
    let mut found = Found::nothing(HostName::local());
    let plan = up(&workspace, &[found.clone(), Found::nothing(HostName::new("nas"))]);
    let told = |found: &Found| -> Vec<String> {
        let here = plan.steps.iter().filter(|step| step.host == found.host);
        here.filter_map(|step| obstacle(step, found)).map(|failed| failed.text).collect()
    };
    let missing = |folder: &str| format!("the folder {folder} is not there; make it, or correct `root`");
    // The worktree makes its own folder, from its repository.
    assert_eq!(told(&found), ["/w/app/src", "/w/app/src/web"].map(missing));
    found.folders = vec!["/w/app/src".to_owned()];
    assert_eq!(told(&found), [missing("/w/app/src/web")]);
    found.folders.push("/w/app/src/web".to_owned());
    assert_eq!(told(&found), Vec::<String>::new());
}
