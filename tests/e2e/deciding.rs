//! One question, many surfaces: files, links and commands decide it, and whoever is first decides it alone.

use super::support::loopback::{Mood, Phone, Service, links};
use super::support::room::{Room, free_address};
use super::support::{PATIENCE, PROMPT, wait_for};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

#[test]
fn a_word_in_a_file_decides_within_a_second() {
    let mut room = Room::gated("", "expires: 1h");
    room.watch();
    room.finish_tests("one");
    let file = room.wait_request();
    let name = file.file_name().expect("a name").to_string_lossy().into_owned();
    assert!(name.starts_with("local--proj_ci.0--dinner--build--"), "{name}");
    let request = std::fs::read_to_string(&file).expect("readable");
    assert!(request.contains("Build after green tests?") && request.contains("tests ok one"), "{request}");
    std::fs::write(&file, "aprove\n").expect("writable");
    wait_for(PROMPT, "an answer in the file", || {
        std::fs::read_to_string(&file).ok().filter(|text| text.contains("not understood: `aprove` (approve?)"))
    });
    assert_eq!(room.ran(), "");
    let written = Instant::now();
    std::fs::write(&file, "approve\n").expect("writable");
    room.wait_ran("build ");
    assert!(written.elapsed() < PROMPT, "{:?}", written.elapsed());
    room.wait_events("\"via\":\"file\"");
    wait_for(PATIENCE, "the file's end", || (!file.exists()).then_some(()));
    // Somebody who did not see that it was decided.
    std::fs::write(&file, "reject\n").expect("writable");
    wait_for(PATIENCE, "the late one's answer", || {
        let text = std::fs::read_to_string(&file).ok()?;
        (text.contains("already approved by ann at 20") && text.contains("via a file")).then_some(())
    });
    room.finish_tests("two");
    let file = room.wait_request();
    std::fs::write(&file, "reject\n").expect("writable");
    room.wait_events("\"approve\":false");
    assert_eq!(room.ran(), "build ");
}

#[test]
fn files_that_somebody_else_may_have_made_are_refused() {
    let mut room = Room::gated("", "expires: 1h");
    room.watch();
    room.finish_tests("");
    let file = room.wait_request();
    let elsewhere = room.file("elsewhere");
    std::fs::write(&elsewhere, "approve\n").expect("writable");
    let put = |made: &dyn Fn()| {
        std::fs::remove_file(&file).expect("it is there");
        made();
    };
    put(&|| std::os::unix::fs::symlink(&elsewhere, &file).expect("a link"));
    room.wait_events("symbolic link");
    put(&|| std::fs::hard_link(&elsewhere, &file).expect("a link"));
    room.wait_events("hard links");
    put(&|| std::fs::write(&file, "approve ".repeat(10_000)).expect("writable"));
    room.wait_events("too large");
    std::fs::write(file.with_file_name("other--question--01ABC.1.txt"), "approve\n").expect("writable");
    room.wait_events("no open question");
    assert_eq!(room.ran(), "", "none of them decided");
    let id = room.wait_approval();
    assert_eq!(room.ask(&["approve", &id]).status.code(), Some(0));
    room.wait_ran("build ");
    assert!(elsewhere.exists(), "what a link led to is untouched");
}

#[test]
fn of_surfaces_that_decide_in_one_instant_one_wins() {
    const ROUNDS: usize = 12;
    let service = Service::start(Mood::Takes);
    let config = format!(
        "channels:\n  hook: {{kind: webhook, url: '{}/x', spacing: 0s}}\nnotify: hook\nserve: {{bind: '{}'}}\n",
        service.base,
        free_address()
    );
    let mut room = Room::gated(&config, "expires: 1h");
    room.watch();
    let mut approved = 0;
    let mut ways = std::collections::BTreeSet::new();
    for round in 0..ROUNDS {
        room.finish_tests(&round.to_string());
        let id = room.wait_approval();
        let file = room.wait_request();
        let message = wait_for(PATIENCE, "its message", || service.taken().get(round).cloned());
        let link = links(&message).into_iter().find(|link| link.contains("/a/")).expect("a link");
        let phone = Phone::new();
        let page = phone.get(&link);
        let nonce = page.html.split("name=\"nonce\" value=\"").nth(1).expect("a nonce").split('"').next().expect("it");
        let together = Arc::new(Barrier::new(4));
        let command = |verb: &str| {
            let (mut command, together) = (room.command(&[verb, &id]), Arc::clone(&together));
            move || {
                together.wait();
                command.output().expect("it runs")
            }
        };
        let (approve, reject) = (command("approve"), command("reject"));
        let (outputs, status) = std::thread::scope(|scope| {
            let (approve, reject) = (scope.spawn(approve), scope.spawn(reject));
            let wait = Arc::clone(&together);
            let writing = scope.spawn(move || {
                wait.wait();
                // No condition is waited for: time passes on purpose, so that in each round it comes at another moment of
                // what the commands do, which take some milliseconds.
                std::thread::sleep(Duration::from_millis(round as u64 % 4 * 5));
                // The file may be gone already, with its question.
                std::fs::OpenOptions::new()
                    .write(true)
                    .truncate(true)
                    .open(&file)
                    .and_then(|mut file| std::io::Write::write_all(&mut file, b"approve\n"))
            });
            together.wait();
            // And so does the press, on purpose too, with another rhythm.
            std::thread::sleep(Duration::from_millis(round as u64 % 3 * 10));
            let pressed = phone.post(&link, &page.cookie, &[("nonce", nonce), ("verdict", "approve")]);
            let _ = writing.join().expect("no panic");
            ([approve.join().expect("no panic"), reject.join().expect("no panic")], pressed)
        });
        let closed = wait_for(PATIENCE, "the decision", || {
            let output = room.ask(&["approvals", &id, "--json"]);
            let value: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
            value["decision"].is_object().then_some(value)
        });
        let yes = closed["decision"]["verdict"]["approve"].as_bool().expect("a verdict");
        let via = closed["decision"]["by"]["via"].as_str().expect("a way").to_owned();
        let winners = outputs.iter().filter(|output| output.status.code() == Some(0)).count()
            + usize::from(status.status == 200)
            + usize::from(via == "file");
        assert_eq!(winners, 1, "{closed} {outputs:?} {status:?}");
        let word = if yes { "already approved by" } else { "already rejected by" };
        for late in outputs.iter().filter(|output| output.status.code() != Some(0)) {
            let said = String::from_utf8_lossy(&late.stderr);
            assert!(late.status.code() == Some(5) && said.contains(word) && said.contains(" via "), "{said}");
        }
        if status.status != 200 {
            assert!(status.status == 410 && status.html.contains(word), "{status:?}");
        }
        ways.insert(via);
        approved += usize::from(yes);
        room.wait_ran(&"build ".repeat(approved));
        wait_for(PATIENCE, "the run's end", || {
            room.approvals().iter().all(|approval| approval["state"] != "pending").then_some(())
        });
    }
    eprintln!("decided via {ways:?}, {approved} of {ROUNDS} approved");
}

#[test]
fn a_yes_can_be_taken_back_for_a_while() {
    let mut room = Room::gated("undo: 3s\n", "expires: 1h");
    room.watch();
    room.finish_tests("one");
    let id = room.wait_approval();
    let said = room.answer(&["approve", &id]);
    assert!(said.contains("unless it is taken back"), "{said}");
    assert_eq!(room.ask(&["reject", &id]).status.code(), Some(0), "taken back");
    room.finish_tests("two");
    let id = room.wait_approval();
    let decided = Instant::now();
    assert_eq!(room.ask(&["approve", &id]).status.code(), Some(0));
    room.wait_ran("build ");
    assert!(decided.elapsed() > Duration::from_millis(2500), "{:?}", decided.elapsed());
}
