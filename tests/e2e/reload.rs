//! Configuration and policies that change while the program runs: what a host was asked comes back when it goes, nothing
//! is typed twice when it changes, and files that did not exist are noticed.

use super::support::loopback::{Mood, Service};
use super::support::room::Room;
use super::support::sshd::Sshd;
use super::support::watched::{Watched, keys, spec};
use super::support::{PATIENCE, TmuxServer, wait_for};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tmuxagent_errand::{Fate, Returned};
use tmuxagent_lines::Reading;
use tmuxagent_model::{IntentId, PaneInfo, PaneKey};
use tmuxagent_tmux::Tape;

/// A line `ready N` asks; a yes appends a word to the file.
const POLICY: &str = r#"
version: 1
pipelines:
  - name: deploy
    match: [{window_name: ci}]
    stages:
      - name: go
        require_approval: {question: "Deploy?", expires: 1h}
        triggers: [{log_regex: '^ready \d+$'}]
        actions_on_start: [{send_keys: "echo ty''ped >> FILE"}]
        success_when: [{log_regex: '^never$'}]
        timeout: 1h
"#;

/// What was told of configurations, oldest first.
struct Told(Vec<String>);

/// A machine `nas` behind sshd beside this one.
struct World {
    room: Room,
    sshd: Sshd,
    there: TmuxServer,
}

impl World {
    fn new() -> Self {
        let (sshd, there) = (Sshd::start(), TmuxServer::running(""));
        there.tmux(&["rename-window", "-t", "main", "ci"]);
        let room = Room::with("");
        let text = POLICY.replace("FILE", &room.file("typed").display().to_string());
        std::fs::write(room.file("policy.yaml"), text).expect("writable");
        let mut world = Self { room, sshd, there };
        world.configure(&world.nas(""));
        world.room.watch();
        world.wait_live(2);
        world
    }

    fn nas(&self, more: &str) -> String {
        let entry = self.sshd.yaml("nas", self.sshd.port(), &self.there);
        entry.replace("tmux: {", &format!("tmux: {{{more}"))
    }

    /// This machine, and what else. It is a link to a file elsewhere.
    fn configure(&self, hosts: &str) {
        let (elsewhere, link) = (self.room.file("elsewhere"), self.room.file("config.yaml"));
        std::fs::create_dir_all(&elsewhere).expect("a folder");
        std::fs::write(elsewhere.join("config.yaml"), format!("hosts:\n  - name: local\n{hosts}")).expect("writable");
        if !link.exists() {
            std::os::unix::fs::symlink(elsewhere.join("config.yaml"), link).expect("a link");
        }
    }

    /// Loads the configuration again; the reply, and what was told since `before`. The supervisor may have seen the change by itself
    /// before the command reached it.
    fn reload(&self, before: &Told) -> String {
        let output = self.room.ask(&["reload"]);
        assert!(output.status.success(), "{output:?}");
        let reply = String::from_utf8_lossy(&output.stdout).into_owned();
        let told = self.told().0.into_iter().skip(before.0.len());
        std::iter::once(reply).chain(told).collect::<Vec<_>>().join("\n")
    }

    /// What was told of configurations so far.
    fn told(&self) -> Told {
        let events = self.room.answer(&["events", "--limit", "1000"]);
        Told(events.lines().filter(|line| line.contains("configuration loaded")).map(str::to_owned).collect())
    }

    fn wait_live(&self, hosts: usize) {
        let live = || (self.room.answer(&["status", "--json"]).matches("\"live\"").count() == hosts).then_some(());
        wait_for(PATIENCE * 2, "the hosts", live);
    }

    /// Prints the line that asks, until it does: it is old where the pane is not read yet.
    fn asks(&self, number: usize) -> String {
        let open = || self.room.approvals().into_iter().find(|approval| approval["state"] == "pending");
        wait_for(PATIENCE * 2, "the question", || {
            if open().is_none() {
                self.there.type_line("main", &format!("echo re''ady {number}"));
                std::thread::sleep(std::time::Duration::from_millis(500));
            }
            Some(open()?["id"].as_str()?.to_owned())
        })
    }

    /// Prints the line that asks once, whether its collector is there or about to come.
    fn asks_once(&self, number: usize) -> String {
        self.there.type_line("main", &format!("echo re''ady {number}"));
        self.room.wait_approval()
    }

    fn typed(&self) -> usize {
        std::fs::read_to_string(self.room.file("typed")).unwrap_or_default().lines().count()
    }

    /// No stage begins without going on.
    fn nothing_hangs(&self) {
        let starts = || self.room.answer(&["panes", "nas:%0"]).contains("starting");
        wait_for(PATIENCE, "no stage that starts for ever", || (!starts()).then_some(()));
    }
}

#[test]
fn a_host_that_is_removed_gives_back_what_it_was_asked() {
    let world = World::new();
    let id = world.asks(1);
    let shown = world.room.answer(&["approvals"]);
    assert!(shown.contains("@ nas/main:ci.0"), "the machine is named, once: {shown}");
    let before = world.told();
    world.configure("");
    let said = world.reload(&before);
    assert!(said.contains("host nas removed"), "{said}");
    let late = world.room.ask(&["approve", &id]);
    assert!(!late.status.success(), "a question about a pane that nobody watches is closed: {late:?}");
    world.nothing_hangs();
    assert_eq!(world.typed(), 0);
    assert!(!world.room.answer(&["status", "--json"]).contains("\"nas\""), "nothing of it is shown");
    // It comes back as a new one.
    let before = world.told();
    world.configure(&world.nas(""));
    assert!(world.reload(&before).contains("host nas added"));
    world.wait_live(2);
    let id = world.asks(2);
    assert!(world.room.ask(&["approve", &id]).status.success());
    wait_for(PATIENCE, "the word", || (world.typed() == 1).then_some(()));
}

/// The configuration of this machine with that filter; what the reload said.
fn watch_sessions(room: &Room, filter: &str) {
    room.configure(&format!("hosts:\n  - name: local\n    tmux: {{session_filters: [{filter}]}}\n"));
    let output = room.ask(&["reload"]);
    assert!(output.status.success(), "{output:?}");
}

/// The question is closed, and both languages say why; nothing of it is typed.
fn ends_unwatched(room: &Room, id: &str) {
    let state = || room.approvals().into_iter().find(|approval| approval["id"] == id);
    wait_for(PATIENCE, "the question's end", || state().filter(|approval| approval["state"] == "superseded"));
    let late = room.answer(&["approve", id]);
    assert!(late.contains("superseded") && late.contains("not watched any more"), "{late}");
    assert!(room.answer(&["--lang", "zh", "approve", id]).contains("不再受到监视"));
    room.wait_events("nobody watches it any more");
    let events = room.answer(&["--lang", "zh", "events"]);
    assert!(events.contains("local:%0 不再受到监视") && events.matches("不再受到监视").count() >= 2, "{events}");
    assert_eq!(room.ran(), "");
}

#[test]
fn a_pane_that_a_filter_leaves_out_ends_what_was_asked_there_and_is_watched_anew_without_it() {
    let mut room = Room::gated("", "expires: 1h");
    room.server.new_session("other", "");
    watch_sessions_at_start(&mut room);
    room.finish_tests("once");
    let id = room.wait_approval();
    watch_sessions(&room, "other");
    ends_unwatched(&room, &id);
    // What is printed meanwhile is nobody's.
    room.finish_tests("unseen");
    wait_for(PATIENCE, "its line", || room.server.screen("proj:ci").contains("tests ok unseen").then_some(()));
    watch_sessions(&room, "");
    wait_for(PATIENCE, "the pane", || room.answer(&["panes", "--json"]).contains("/%0/").then_some(()));
    room.wait_status("\"live\"");
    // A line that is printed before the pane is read is old, so it is printed until it is new.
    let again = wait_for(PATIENCE, "a question anew", || {
        let open = room.approvals().into_iter().find(|approval| approval["state"] == "pending");
        if open.is_none() {
            room.finish_tests("again");
        }
        Some(open?["id"].as_str()?.to_owned())
    });
    assert_eq!(room.approvals().len(), 2, "what was printed unwatched asks nothing");
    assert!(room.ask(&["approve", &again]).status.success());
    room.wait_ran("build ");
}

/// A supervisor that watches every session of this machine.
fn watch_sessions_at_start(room: &mut Room) {
    room.configure("hosts:\n  - name: local\n");
    room.watch();
}

#[test]
fn a_session_that_is_renamed_out_of_the_filter_ends_what_was_asked_there() {
    let mut room = Room::gated("", "expires: 1h");
    room.server.new_session("other", "");
    room.configure("hosts:\n  - name: local\n    tmux: {session_filters: [proj, other]}\n");
    room.watch();
    room.finish_tests("once");
    let id = room.wait_approval();
    room.server.tmux(&["rename-session", "-t", "proj", "private"]);
    ends_unwatched(&room, &id);
    // Its name back, it is watched anew.
    room.server.tmux(&["rename-session", "-t", "private", "proj"]);
    wait_for(PATIENCE, "the pane", || room.answer(&["panes", "--json"]).contains("/%0/").then_some(()));
    assert_eq!(room.ran(), "");
}

#[test]
fn a_host_that_is_removed_while_no_supervisor_runs_leaves_nothing_open() {
    let mut world = World::new();
    let id = world.asks(1);
    world.room.kill_9();
    world.configure("");
    world.room.watch();
    wait_for(PATIENCE, "the question's end", || {
        let all = world.room.approvals();
        all.iter().all(|approval| approval["state"] != "pending").then_some(())
    });
    assert!(!world.room.ask(&["approve", &id]).status.success());
    world.nothing_hangs();
}

#[test]
fn a_host_that_is_changed_with_a_question_open_types_the_answer_once() {
    let world = World::new();
    let id = world.asks(1);
    let before = world.told();
    world.configure(&world.nas("capture_lines: 500, "));
    let said = world.reload(&before);
    let changed = said.lines().find(|line| line.contains("host nas changed"));
    assert!(changed.is_some_and(|line| !line.contains("policy")), "{said}");
    // At once: its next collector is not there yet.
    assert!(world.room.ask(&["approve", &id]).status.success());
    wait_for(PATIENCE * 2, "the word", || (world.typed() == 1).then_some(()));
    world.nothing_hangs();
    world.wait_live(2);
    assert_eq!(world.typed(), 1);
}

#[test]
fn a_host_that_is_changed_again_and_again_types_each_answer_once_and_reads_no_line_twice() {
    let world = World::new();
    // Whether a command has succeeded may be asked too, where its end is seen late.
    let gates = || world.room.approvals().iter().filter(|asked| asked["question"] == "Deploy?").count();
    let mut first = 0;
    for round in 1..=4 {
        let id = if round == 1 { world.asks(round) } else { world.asks_once(round) };
        if round == 1 {
            // Its line may have been printed several times.
            world.wait_live(2);
            first = gates();
        }
        assert!(world.room.ask(&["approve", &id]).status.success());
        let before = world.told();
        world.configure(&world.nas(&format!("capture_lines: {}, ", 500 + round)));
        let said = world.reload(&before);
        assert!(said.contains("host nas changed"), "{round}: {said}");
        wait_for(PATIENCE * 2, "the word", || (world.typed() >= round).then_some(()));
        world.nothing_hangs();
        // The next line shall start a run of its own.
        let stopped = world.room.ask(&["cancel", &format!("#{round}")]);
        assert!(stopped.status.success(), "{stopped:?}");
    }
    assert_eq!(world.typed(), 4);
    assert_eq!(gates(), first + 3, "each line asked once");
}

#[test]
fn a_renamed_host_is_another_and_what_was_asked_of_the_first_ends() {
    let world = World::new();
    let id = world.asks(1);
    let before = world.told();
    world.configure(&world.nas("").replace("name: nas", "name: attic"));
    let said = world.reload(&before);
    assert!(said.contains("host nas removed") && said.contains("host attic added"), "{said}");
    assert!(!world.room.ask(&["approve", &id]).status.success());
    world.wait_live(2);
    let id = world.asks(2);
    assert!(world.room.answer(&["approvals"]).contains("attic/main:ci.0"));
    assert!(world.room.ask(&["approve", &id]).status.success());
    wait_for(PATIENCE * 2, "the word", || (world.typed() == 1).then_some(()));
}

#[test]
fn a_changed_and_a_removed_channel_deliver_what_waits_or_say_so() {
    let (hanging, good) = (Service::start(Mood::Fails), Service::start(Mood::Takes));
    let channel = |name: &str, service: &Service| {
        format!(
            "channels:\n  {name}: {{kind: wecom, webhook: key-of-{name}, base_url: '{}'}}\nnotify: {name}\n",
            service.base
        )
    };
    let mut room = Room::gated(&channel("team", &hanging), "expires: 1h");
    room.watch();
    room.finish_tests("");
    wait_for(PATIENCE, "an attempt", || (hanging.asked() > 0).then_some(()));
    room.server.type_line("proj:ci", "echo note'' one");
    wait_for(PATIENCE, "the note in the outbox", || {
        (room.answer(&["notify", "log", "--json"]).matches("\"waiting\"").count() >= 2).then_some(())
    });
    // Changed: what waits goes out by the new address.
    room.configure(&channel("team", &good));
    room.wait_events("\"channel\",\"name\":\"team\",\"how\":\"changed\"");
    good.wait("Build after green tests?");
    // Removed: a question moves, and what only tells is given up, and said.
    room.configure(&channel("other", &hanging));
    room.wait_events("\"channel\",\"name\":\"other\",\"how\":\"added\"");
    room.server.type_line("proj:ci", "echo note'' two");
    room.configure(&channel("last", &good));
    wait_for(PATIENCE, "an outcome of each", || {
        (!room.answer(&["notify", "log", "--json"]).contains("\"waiting\"")).then_some(())
    });
}

/// A supervisor that began without any file.
fn bare_room() -> (Room, std::path::PathBuf) {
    let room = Room::with("");
    let config = room.file(".config/tmuxagent");
    (room, config)
}

fn watch_bare(room: &mut Room) {
    let mut command = room.command(&["--headless"]);
    command.env_remove("TMUXAGENT_POLICY").env_remove("TMUXAGENT_CONFIG");
    room.supervisor = Some(command.stderr(std::process::Stdio::null()).spawn().expect("it starts"));
    room.wait_status("\"live\"");
}

fn put_policy(folder: &Path) {
    let text = POLICY.replace("FILE", "/dev/null").replace("name: deploy", "name: brought");
    std::fs::write(folder.join("mine.yaml"), text).expect("writable");
}

fn wait_policy(room: &Room) {
    wait_for(PATIENCE, "the policy", || room.answer(&["panes", "--json"]).contains("\"brought\"").then_some(()));
}

#[test]
fn a_policies_folder_that_comes_after_the_start_is_noticed() {
    let (mut room, config) = bare_room();
    watch_bare(&mut room);
    std::fs::create_dir_all(config.join("policies")).expect("folders");
    put_policy(&config.join("policies"));
    wait_policy(&room);
    // And one that comes in place of another, which stays in force until then.
    std::fs::rename(config.join("policies"), config.join("old")).expect("it moves");
    room.wait_status("mine.yaml is gone");
    wait_policy(&room);
    std::fs::create_dir(config.join("policies")).expect("a folder");
    let text = std::fs::read_to_string(config.join("old/mine.yaml")).expect("it was moved");
    std::fs::write(config.join("policies/mine.yaml"), text.replace("brought", "second")).expect("writable");
    wait_for(PATIENCE, "the other one", || room.answer(&["panes", "--json"]).contains("\"second\"").then_some(()));
    assert!(!room.answer(&["panes", "--json"]).contains("\"brought\""));
}

#[test]
fn a_policy_in_an_empty_folder_and_a_configuration_that_comes_late_are_noticed() {
    let (mut room, config) = bare_room();
    std::fs::create_dir_all(config.join("policies")).expect("folders");
    watch_bare(&mut room);
    put_policy(&config.join("policies"));
    wait_policy(&room);
    std::fs::write(config.join("config.yaml"), "hosts:\n  - name: desk\n").expect("writable");
    wait_for(PATIENCE, "the host", || room.answer(&["status", "--json"]).contains("\"desk\"").then_some(()));
    room.wait_events("\"host\",\"name\":\"desk\",\"how\":\"added\"");
    room.wait_status(&config.join("config.yaml").display().to_string());
}

#[test]
fn a_reload_by_hand_sees_a_policies_folder_that_came_after_the_start() {
    let (mut room, config) = bare_room();
    watch_bare(&mut room);
    std::fs::create_dir_all(config.join("policies")).expect("folders");
    put_policy(&config.join("policies"));
    let output = room.ask(&["reload"]);
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("policy ") && said.contains(" added") && said.contains("pipeline"), "{said}");
    wait_for(PATIENCE, "the new policy", || room.answer(&["panes", "--json"]).contains("\"brought\"").then_some(()));
}

/// A recorder with a fault.
#[derive(Debug, Default)]
struct Faulty(AtomicBool);

impl Tape for Faulty {
    fn seen(&self, _: &PaneInfo, _: &str) {}
    fn gone(&self, _: &PaneKey) {}
    fn told(&self, _: &PaneKey, _: &Reading<'_>) {
        assert!(!self.0.load(Ordering::Relaxed), "a fault that a test wants");
    }
}

#[test]
fn a_collector_that_fails_gives_back_what_it_holds() {
    let server = TmuxServer::running("");
    let tape = Arc::new(Faulty::default());
    let mut spec = spec(&server);
    spec.tape = Some(Arc::<Faulty>::clone(&tape));
    let watched = Watched::with(spec, &["^x$"]);
    let pane = watched.wait_live(&server, "main").key;
    tape.0.store(true, Ordering::Relaxed);
    // Typed, but the echo of it is too much for the recorder.
    watched.handle.send(IntentId::new("first"), keys(&pane, "echo fi''rst"));
    wait_for(PATIENCE, "its end", || watched.handle.has_ended().then_some(()));
    watched.handle.send(IntentId::new("second"), keys(&pane, "echo sec''ond"));
    let mut back: Vec<Returned> = Vec::new();
    let told = |back: &[Returned]| {
        let outcome = watched.messages().iter().any(|message| format!("{message:?}").contains("first"));
        usize::from(outcome) + back.len()
    };
    wait_for(PATIENCE, "an end of each", || {
        back.extend(watched.handle.returned());
        (told(&back) == 2).then_some(())
    });
    let second = back.iter().find(|returned| returned.intent.id == IntentId::new("second")).expect("it comes home");
    assert_eq!(second.fate, Fate::NotBegun);
}

/// A room whose policies lie in the folder of the configuration.
fn own_folder() -> Room {
    let mut room = Room::with("");
    std::fs::remove_file(room.file("policy.yaml")).expect("ours");
    let text = POLICY.replace("FILE", &room.file("typed").display().to_string());
    std::fs::create_dir(room.file("policies")).expect("a folder");
    std::fs::write(room.file("policies/mine.yaml"), text).expect("writable");
    room.configure("language: en\n");
    room.watch();
    room
}

#[test]
fn policies_that_are_moved_away_stay_in_force_until_somebody_says_otherwise() {
    let room = own_folder();
    room.server.type_line("proj:ci", "echo re''ady 1");
    let asked = room.wait_approval();
    std::fs::rename(room.file("policies"), room.file("away")).expect("ours");
    let told = room.wait_status("policies");
    assert!(told.contains("mine.yaml"), "{told}");
    wait_for(PATIENCE, "that it is told", || (room.ask(&["status"]).status.code() == Some(1)).then_some(()));
    assert_eq!(room.wait_approval(), asked, "the question stays");
    std::fs::rename(room.file("away"), room.file("policies")).expect("ours");
    wait_for(PATIENCE, "that it is back", || (room.ask(&["status"]).status.code() == Some(0)).then_some(()));
    assert_eq!(room.wait_approval(), asked, "the question stays");

    // Emptied before it is written anew, or because the disk is full.
    let text = std::fs::read_to_string(room.file("policies/mine.yaml")).expect("readable");
    for empty in ["", "\n", "# soon\n"] {
        std::fs::write(room.file("policies/mine.yaml"), empty).expect("writable");
        room.wait_status("mine.yaml is gone, empty or cut off");
        assert_eq!(room.wait_approval(), asked, "the question stays");
        std::fs::write(room.file("policies/mine.yaml"), &text).expect("writable");
        wait_for(PATIENCE, "that it is back", || (room.ask(&["status"]).status.code() == Some(0)).then_some(()));
    }

    // One file of several: the others alone are not what was meant, unless a person says so.
    std::fs::write(room.file("policies/more.yaml"), "version: 1\npipelines: []\n").expect("writable");
    room.wait_status("more.yaml");
    std::fs::rename(room.file("policies/mine.yaml"), room.file("mine.yaml")).expect("ours");
    room.wait_status("mine.yaml is gone");
    assert_eq!(room.wait_approval(), asked, "the question stays");
    let by_hand = room.answer(&["reload"]);
    assert!(by_hand.contains("mine.yaml"), "{by_hand}");
    wait_for(PATIENCE, "the new policies", || (!room.wait_status("policies").contains("mine.yaml")).then_some(()));
    assert_eq!(room.ask(&["status"]).status.code(), Some(0));
}
