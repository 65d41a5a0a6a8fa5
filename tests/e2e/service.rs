//! The supervisor as a service: what it tells the init system, and its session in tmux.

use super::support::room::Room;
use super::support::{PATIENCE, wait_for};
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;
use std::time::Duration;

const QUIET: &str = "version: 1\npipelines: []\n";

fn heard(listener: &UnixDatagram) -> String {
    let mut buffer = [0; 512];
    let taken = listener.recv(&mut buffer).expect("it speaks");
    String::from_utf8_lossy(&buffer[..taken]).into_owned()
}

#[test]
fn the_init_system_hears_of_begin_loop_and_end_and_children_do_not_know_it() {
    let room = Room::with(QUIET);
    let address = room.file("notify");
    let listener = UnixDatagram::bind(&address).expect("a socket");
    listener.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    let mut command = room.command(&["--headless"]);
    command.env("NOTIFY_SOCKET", &address).env("WATCHDOG_USEC", "200000");
    let mut supervisor = command.stderr(Stdio::null()).spawn().expect("it starts");
    let first = heard(&listener);
    assert!(first.starts_with("READY=1\nSTATUS=watches; hosts: "), "{first}");
    room.wait_status(&format!("\"pid\": {}", supervisor.id()));
    for _ in 0..2 {
        let beat = heard(&listener);
        assert!(beat.starts_with("WATCHDOG=1\nSTATUS="), "{beat}");
    }
    if cfg!(target_os = "linux") {
        let inherited = std::fs::read(format!("/proc/{}/environ", supervisor.id())).expect("its environment");
        let mut variables = inherited.split(|byte| *byte == 0);
        assert!(!variables.any(|variable| variable.starts_with(b"NOTIFY_SOCKET") || variable.starts_with(b"WATCHDOG")));
    }
    let pid = rustix::process::Pid::from_child(&supervisor);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it lives");
    wait_for(PATIENCE, "the word of its end", || match heard(&listener) {
        end if end.starts_with("STOPPING=1") => Some(()),
        beat => {
            assert!(beat.starts_with("WATCHDOG=1"), "{beat}");
            None
        }
    });
    assert!(supervisor.wait().expect("an end").success());
    listener.set_read_timeout(Some(Duration::from_millis(1))).expect("a time limit");
    assert!(listener.recv(&mut [0; 8]).is_err(), "nothing comes behind the end");
}

#[test]
fn a_session_of_the_users_tmux_keeps_it_running() {
    let room = Room::with(QUIET);
    room.configure("language: en\n");
    let ran = |arguments: &[&str]| {
        let output = room.ask(&[&["service"][..], arguments, &["--in-tmux"]].concat());
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    };
    assert_eq!(ran(&["status"]).0, Some(1));
    let (code, said) = ran(&["install", "--dry-run"]);
    assert!(code == Some(0) && said.contains("@reboot PATH=") && said.contains("would be opened"), "{said}");
    let (code, said) = ran(&["install"]);
    assert!(code == Some(0) && said.contains("is open"), "{said}");
    room.wait_status("\"live\"");
    let (code, said) = ran(&["status"]);
    assert!(code == Some(0) && said.contains("tmux: installed") && said.contains("runs: yes "), "{said}");
    assert!(ran(&["install"]).1.contains("nothing is to be done"));
    // With other flags it is not the same, and nothing is changed without a word.
    let policy = room.file("elsewhere.yaml").display().to_string();
    std::fs::write(&policy, QUIET).expect("writable");
    let other = room.answer(&["--policy", &policy, "service", "install", "--in-tmux"]);
    assert!(other.contains("other flags") && other.contains("elsewhere.yaml"), "{other}");
    assert!(room.answer(&["--lang", "zh", "service", "install", "--in-tmux"]).contains("其他选项"));
    // Without the flag it is not touched, and told.
    let plain = room.answer(&["service", "status"]);
    assert!(plain.contains("`tmuxagent service status --in-tmux` tells of that"), "{plain}");
    let way = "`tmuxagent service uninstall --in-tmux` ends";
    let plain = room.answer(&["service", "uninstall"]);
    assert!(plain.contains(way), "{plain}");
    let folder = room.file(".config/systemd/user");
    std::fs::create_dir_all(&folder).expect("folders");
    std::fs::write(folder.join("tmuxagent.service"), "[Service]\n").expect("writable");
    let plain = room.answer(&["service", "uninstall"]);
    assert!(cfg!(target_os = "macos") || plain.contains("is not from") && plain.contains(way), "{plain}");
    let (code, said) = ran(&["uninstall"]);
    assert!(code == Some(0) && said.contains("its supervisor ends"), "{said}");
    wait_for(PATIENCE, "its end", || (room.ask(&["status"]).status.code() == Some(3)).then_some(()));
    // One of the same name that somebody else opened.
    room.server.new_session("tmuxagent-service", "sleep 1000");
    for arguments in [&["install"][..], &["uninstall"]] {
        let (code, said) = ran(arguments);
        assert!(code == Some(2) && said.contains("is not from `tmuxagent service install`"), "{said}");
    }
    assert!(room.server.tmux(&["list-sessions"]).contains("tmuxagent-service"));
}
