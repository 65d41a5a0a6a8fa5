//! A file is read when nobody has it open for writing.

use super::*;
use std::fs::{File, Permissions, create_dir, rename, set_permissions, write};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;

const HALF: &str =
    "version: 1\npipelines:\n- name: p\n  match: {window_name: w}\n  stages:\n  - name: s\n    triggers: [manual]\n";

/// A home with a policy, from which everything is read.
fn home() -> (tempfile::TempDir, PathBuf, (Overrides, Environment)) {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("config");
    create_dir(&folder).unwrap();
    set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
    create_dir(folder.join("policies")).unwrap();
    set_permissions(folder.join("policies"), Permissions::from_mode(0o700)).unwrap();
    let config = folder.join("config.yaml");
    write(&config, "undo: 4s\n").unwrap();
    let policy = folder.join("policies/p.yaml");
    write(&policy, HALF).unwrap();
    for file in [&config, &policy] {
        set_permissions(file, Permissions::from_mode(0o600)).unwrap();
    }
    let overrides = Overrides { config: Some(config), ..Overrides::default() };
    let environment = Environment::from_pairs([("HOME", home.path().display().to_string())]);
    (home, policy, (overrides, environment))
}

#[tokio::test]
async fn a_file_that_is_moved_to_its_place_is_read_once_its_writer_has_closed_it() {
    let (home, policy, (overrides, environment)) = home();
    let from = (&overrides, &environment);
    let before = load_closed(from).await.unwrap();
    assert!(before.policy_sources.iter().any(|source| source.text == HALF), "{:?}", before.policy_sources);
    let beside = home.path().join("new");
    let mut file = File::create(&beside).unwrap();
    file.set_permissions(Permissions::from_mode(0o600)).unwrap();
    file.write_all(HALF.as_bytes()).unwrap();
    rename(&beside, &policy).unwrap();
    let Err(Unread::Written(writer)) = load_closed(from).await else { panic!("half was read") };
    let text = writer.problem().text;
    assert!(writer.part == "policy" && text.contains("p.yaml is still being written"), "{text}");
    assert!(text.contains(&std::process::id().to_string()), "{text}");
    file.write_all(b"    require_approval: true\n").unwrap();
    let (said, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let waits = tokio::spawn({
        let (before, overrides, environment) = (before.clone(), overrides.clone(), environment.clone());
        let tell = move |text: &str| said.send(text.to_owned()).unwrap();
        async move { load_for_start(before, (&overrides, &environment), &tell).await }
    });
    // It says so as long as it waits.
    assert_eq!(heard.recv().await, Some(text));
    assert!(!waits.is_finished(), "a start waits");
    drop(file);
    let whole = waits.await.unwrap().unwrap();
    assert!(whole.policy_sources.iter().any(|source| source.text.ends_with("true\n")), "{:?}", whole.policy_sources);
}

/// Whoever starts it learns why it does not, and is not kept waiting for a process that never ends.
#[tokio::test(start_paused = true)]
async fn a_start_gives_up_on_a_writer_that_stays() {
    let (_home, policy, (overrides, environment)) = home();
    let from = (&overrides, &environment);
    let before = load_closed(from).await.unwrap();
    let _open = File::options().append(true).open(&policy).unwrap();
    let told = std::sync::Mutex::new(Vec::new());
    let tell = |text: &str| told.lock().unwrap().push(text.to_owned());
    let problem = load_for_start(before, from, &tell).await.unwrap_err();
    let told = told.into_inner().unwrap();
    assert!(told == [problem.text.clone()] && problem.text.contains("is still being written"), "{told:?}");
}

#[test]
fn a_reader_and_another_file_hold_nothing_up() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    write(&one, "1").unwrap();
    let writes = File::create(&other).unwrap();
    let reads = File::open(&one).unwrap();
    assert!(writer(&[("policy", one.clone())]).is_none());
    let found = writer(&[("policy", one), ("configuration", other.clone())]).unwrap();
    assert!(found.part == "configuration" && found.file == other);
    drop((writes, reads));
    assert_eq!(written_at(&found.at), None);
}
