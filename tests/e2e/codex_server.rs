//! Codex's own server, here a stand-in that speaks as the real one does (0.171.0): what it tells is weighed, and an answer
//! goes to it without a key.

use super::support::room::Room;
use super::support::stand_in::{program, screen, show as shows};
use super::support::{PATIENCE, wait_for, wait_or_tell};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

/// What the test has the server tell, and what it was told.
struct Server {
    tell: tokio::sync::mpsc::UnboundedSender<Value>,
    heard: mpsc::Receiver<Value>,
}

impl Server {
    /// Listens where the server of a Codex whose home that is would, with one conversation that works in a folder.
    fn start(home: &Path, folder: &Path) -> Self {
        let place = home.join(".codex/app-server-control");
        std::fs::create_dir_all(&place).expect("a folder");
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel::<Value>();
        let (hear, heard) = mpsc::channel();
        let folder = folder.display().to_string();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = tokio::net::UnixListener::bind(place.join("app-server-control.sock")).expect("a socket");
                let (stream, _) = listener.accept().await.expect("a client");
                let mut stream = tokio_tungstenite::accept_async(stream).await.expect("a WebSocket");
                loop {
                    let said = tokio::select! {
                        said = told.recv() => match said { Some(said) => said, None => return },
                        message = stream.next() => {
                            let Some(Ok(message)) = message else { return };
                            let asked: Value = message.to_text().ok().and_then(|t| serde_json::from_str(t).ok()).unwrap_or_default();
                            let reply = reply(&asked, &folder);
                            let _ = hear.send(asked);
                            match reply { Some(reply) => reply, None => continue }
                        }
                    };
                    stream.send(Message::text(said.to_string())).await.expect("it listens");
                }
            });
        });
        Self { tell, heard }
    }

    fn status(&self, kind: &str, flags: &[&str]) {
        let status = json!({ "type": kind, "activeFlags": flags });
        let told = json!({ "method": "thread/status/changed", "params": { "threadId": "t1", "status": status } });
        self.tell.send(told).expect("it runs");
    }

    /// What it was told that is such.
    fn wait(&self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let heard = self.heard.recv_timeout(PATIENCE).expect("something is said");
            if is_it(&heard) {
                return heard;
            }
        }
    }
}

fn reply(asked: &Value, folder: &str) -> Option<Value> {
    let thread =
        json!({ "id": "t1", "cwd": folder, "status": { "type": "idle" }, "ephemeral": false, "threadSource": "user" });
    Some(match asked["method"].as_str()? {
        "initialize" => json!({ "id": asked["id"], "result": { "userAgent": "codex-tui/0.171.0 (a system) x" } }),
        "thread/loaded/list" => json!({ "id": asked["id"], "result": { "data": ["t1"] } }),
        "thread/read" => json!({ "id": asked["id"], "result": { "thread": thread } }),
        "thread/resume" => json!({
            "method": "item/commandExecution/requestApproval", "id": 7,
            "params": { "threadId": "t1", "command": "/bin/bash -lc 'touch hello.txt'", "availableDecisions": ["accept", "cancel"] },
        }),
        _ => return None,
    })
}

fn agent(room: &Room) -> Value {
    let panes: Vec<Value> = serde_json::from_str(&room.answer(&["panes", "--json"])).unwrap_or_default();
    panes.into_iter().map(|view| view["agent"].clone()).find(|agent| agent["agent"] == "codex").unwrap_or_default()
}

/// Waits for a state, and for the source that it rests on.
fn wait_state(room: &Room, state: &str, source: &str) {
    let is = || {
        let agent = agent(room);
        let by = agent["evidence"].as_array().is_some_and(|all| all.iter().any(|one| one["source"] == source));
        (agent["state"] == state && by).then_some(())
    };
    wait_or_tell(PATIENCE, is, || format!("{state} by {source}: {:#}", agent(room)));
}

#[test]
fn what_a_server_of_codex_tells_counts_and_it_takes_the_answer() {
    let mut room = Room::with("version: 1\npipelines: []\n");
    room.watch();
    let folder = std::fs::canonicalize(room.server.folder()).expect("a folder");
    let server = Server::start(&folder, &folder);
    let report = |state: &str| {
        let file = state.split(':').next().unwrap_or_default();
        format!("printf '\\033]7501;state={state}:app=codex\\007'; : > reports-{file}\n")
    };
    // Both tell a change within a moment.
    let wait_report = |state: &str| {
        let file = room.file(&format!("reports-{state}"));
        wait_for(PATIENCE, "its report", || file.exists().then_some(()));
    };
    let until = |file: &str| format!("until [ -e {file} ]; do sleep 0.05; done\n");
    let show = |name: &str| shows(&screen("codex", name)) + "\n";
    let script = [
        show("idle_start") + &report("idle") + &until("work"),
        show("working_thinking") + &report("working") + &until("ask"),
        show("approve_command") + &report("blocked:kind=permission") + &until("answered"),
        show("finished") + &report("done") + "while :; do sleep 1; done\n",
    ];
    std::fs::write(room.file("script"), script.concat()).expect("writable");
    let line = format!("cd {0}; HOME={0} {1} script; exec sh", folder.display(), program(&room, "codex"));
    room.server.new_session("agents", &format!("sh -c '{line}'"));
    server.wait(|heard| heard["method"] == "thread/read");
    wait_for(PATIENCE, "an agent at rest", || (agent(&room)["state"] == "idle").then_some(()));
    std::fs::write(room.file("work"), "").expect("writable");
    wait_report("working");
    server.status("active", &[]);
    wait_state(&room, "working", "vendor");
    std::fs::write(room.file("ask"), "").expect("writable");
    wait_report("blocked");
    server.status("active", &["waitingOnApproval"]);
    // Its words stand on the screen.
    wait_state(&room, "needs_approval", "screen");
    server.wait(|heard| heard["method"] == "thread/resume");
    let id = wait_for(PATIENCE, "a question", || {
        room.approvals().first().and_then(|it| it["id"].as_str().map(str::to_owned))
    });
    // The dialog is on the screen before the request for it is known as its own; until then its key is the answer.
    let mut dumps = 0;
    wait_for(PATIENCE, "the dialog's request", || {
        dumps += 1;
        let dump = room.file(&format!("dump-{dumps}.jsonl")).display().to_string();
        room.answer(&["debug", "dump", &dump]);
        std::fs::read_to_string(&dump).ok()?.contains(r#""request":""#).then_some(())
    });
    room.ask(&["approve", &id]);
    let answer = server.wait(|heard| heard["id"] == 7);
    assert_eq!(answer["result"]["decision"], "accept", "{answer}");
    std::fs::write(room.file("answered"), "").expect("writable");
    wait_report("done");
    server.status("idle", &[]);
    wait_state(&room, "done", "vendor");
    let told = room.answer(&["events"]);
    assert!(told.contains("given to the agent without a key") && !told.contains("typed <"), "{told}");
}
