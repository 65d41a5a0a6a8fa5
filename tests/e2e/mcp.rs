//! The tools of an agent, over a real server on the standard input and output of a process that the agent started.

use super::support::room::Room;
use super::support::{PATIENCE, wait_for};
use serde_json::{Value, json};
use std::fs::File;
use std::io::Write as _;

const POLICY: &str = r#"
version: 1
pipelines:
  - name: build
    match: [{window_name: ci}]
    stages:
      - name: deploy
        require_approval: {question: "Deploy?"}
        triggers: [manual]
        actions_on_start: [{run: "echo deployed >> ran"}]
        timeout: 60s
      - {name: announce, needs: deploy, actions_on_start: [{run: "echo announced >> ran"}], timeout: 60s}
"#;

/// An agent whose tools a test calls.
struct Agent<'r> {
    room: &'r Room,
    requests: Option<File>,
    next: u64,
}

impl<'r> Agent<'r> {
    /// In a pane of its own, after the greeting.
    fn begin(room: &'r Room) -> Self {
        let claude = room.file("claude");
        std::fs::copy("/bin/sh", &claude).expect("a shell");
        let made = std::process::Command::new("mkfifo").arg(room.file("in")).status().expect("it runs");
        assert!(made.success());
        let (program, state) = (env!("CARGO_BIN_EXE_tmuxagent"), room.state.display());
        let script = format!("{program} --state-dir {state} mcp < in > out 2> errors; echo ended with $?; read end\n");
        std::fs::write(room.file("agent.sh"), script).expect("writable");
        let line = format!("cd {}; exec ./claude agent.sh", room.server.folder().display());
        room.server.new_session("agent", &line);
        // For both ends, so that nobody waits for the other one.
        let requests = File::options().read(true).write(true).open(room.file("in")).expect("a pipe");
        let mut agent = Self { room, requests: Some(requests), next: 0 };
        let hello = json!({
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "test", "version": "1" },
        });
        let greeted = agent.request("initialize", &hello);
        assert_eq!(greeted["result"]["serverInfo"]["name"], "tmuxagent", "{greeted}");
        agent.write(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        agent
    }

    fn write(&mut self, message: &Value) {
        let requests = self.requests.as_mut().expect("open");
        writeln!(requests, "{message}").expect("writable");
    }

    /// Asks, without waiting for the answer.
    fn send(&mut self, method: &str, params: &Value) -> u64 {
        self.next += 1;
        let id = self.next;
        self.write(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        id
    }

    fn answer(&self, id: u64) -> Option<Value> {
        let said = std::fs::read_to_string(self.room.file("out")).ok()?;
        let messages = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        messages.into_iter().find(|message| message["id"] == id)
    }

    fn wait_answer(&self, id: u64) -> Value {
        wait_for(PATIENCE, &format!("the answer to {id}"), || self.answer(id))
    }

    fn request(&mut self, method: &str, params: &Value) -> Value {
        let id = self.send(method, params);
        self.wait_answer(id)
    }

    fn call(&mut self, tool: &str, arguments: &Value) -> u64 {
        self.send("tools/call", &json!({ "name": tool, "arguments": arguments }))
    }

    /// The structured answer of a tool.
    fn told(&mut self, tool: &str, arguments: &Value) -> Value {
        let id = self.call(tool, arguments);
        let answer = self.wait_answer(id);
        assert_ne!(answer["result"]["isError"], true, "{answer}");
        answer["result"]["structuredContent"].clone()
    }

    /// The words of a tool's error.
    fn refused(&mut self, tool: &str, arguments: &Value) -> String {
        let id = self.call(tool, arguments);
        let answer = self.wait_answer(id);
        assert_eq!(answer["result"]["isError"], true, "{answer}");
        answer["result"]["content"][0]["text"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the supervisor knows its pane.
    fn wait_known(&self) {
        wait_for(PATIENCE, "a pane with an agent", || {
            self.room.answer(&["panes", "--json"]).contains("\"agent\": \"claude\"").then_some(())
        });
    }
}

fn wait_state(room: &Room, id: &str, state: &str) -> Value {
    wait_for(PATIENCE, &format!("{id} {state}"), || {
        room.approvals().into_iter().find(|approval| approval["id"] == id && approval["state"] == state)
    })
}

/// The open question of those words.
fn wait_question(room: &Room, words: &str) -> String {
    wait_for(PATIENCE, words, || {
        let open = room.approvals().into_iter().find(|open| open["state"] == "pending" && open["question"] == words);
        Some(open?["id"].as_str()?.to_owned())
    })
}

#[test]
fn an_agent_asks_reports_and_starts_and_decides_nothing() {
    let mut room = Room::with(POLICY);
    room.watch();
    let room = &room;
    let mut agent = Agent::begin(room);
    agent.wait_known();
    let listed = agent.request("tools/list", &json!({}));
    let tools = listed["result"]["tools"].as_array().expect("a list");
    let names: Vec<&str> = tools.iter().filter_map(|tool| tool["name"].as_str()).collect();
    assert_eq!(names, ["ask_human", "report_status", "list_panes", "read_pane", "wait_for", "run_pipeline"]);
    // A question, its answer, and who gave it.
    let asked = agent
        .call("ask_human", &json!({ "question": "Which colour?", "options": ["Red", "Blue"], "detail": "rm -r x" }));
    let id = room.wait_approval();
    let approval = wait_state(room, &id, "pending");
    assert_eq!(approval["question"], "claude: Which colour?", "{approval:#}");
    assert!(approval["place"].as_str().is_some_and(|place| place.starts_with("agent:")), "{approval:#}");
    assert_eq!(approval["evidence"], json!(["rm -r x"]));
    // Whatever it sends, an open question stays one.
    for tool in ["ask_human", "report_status", "list_panes", "read_pane", "wait_for", "run_pipeline", "approve"] {
        let words = agent.refused(tool, &json!({ "approval": id, "answer": "Red" }));
        assert!(words.contains("wrong arguments") || words.contains("no tool"), "{words}");
    }
    assert_eq!(agent.answer(asked), None, "it waits");
    assert!(room.ask(&["approve", &id, "--answer", "Blue"]).status.success());
    let answer = agent.wait_answer(asked)["result"]["structuredContent"].clone();
    let by = json!({ "who": "ann", "via": "cli" });
    assert_eq!(answer, json!({ "decided": true, "approved": true, "answer": "Blue", "by": by }));
    assert!(!room.server.screen("agent").contains("Blue"), "nothing is typed");
    // A report is what a line of it would be.
    agent.told("report_status", &json!({ "summary": "the tests pass", "ok": true }));
    room.wait_events("the tests pass");
    // Its gate holds.
    let panes = agent.told("list_panes", &json!({}));
    assert!(panes.to_string().contains("claude"), "{panes}");
    let behind = agent.refused("run_pipeline", &json!({ "pane": "proj:ci", "stage": "announce" }));
    assert!(behind.contains("which only a person leaves out"), "{behind}");
    let started = agent.told("run_pipeline", &json!({ "pane": "proj:ci" }));
    assert!(started["run"].is_u64(), "{started}");
    let gate = room.wait_approval();
    assert_eq!(wait_state(room, &gate, "pending")["question"], "Deploy?");
    let waited = agent.told("wait_for", &json!({ "pane": "proj:ci", "for": "asks", "timeout_seconds": 30 }));
    assert_eq!(waited["reached"], "asks", "{waited}");
    room.server.type_line("proj:ci", "echo seen'' here");
    let read = wait_for(PATIENCE, "what the pane shows", || {
        Some(agent.told("read_pane", &json!({ "pane": "proj:ci", "lines": 5 })))
            .filter(|read| read.to_string().contains("seen here"))
    });
    assert!(read["lines"].as_array().is_some_and(|lines| lines.len() <= 5), "{read}");
    assert_eq!(room.ran(), "");
    // Nobody waits for the answer to a call that was given up, or of one that has ended.
    let given_up = agent.call("ask_human", &json!({ "question": "Shall I?" }));
    let shall = wait_question(room, "claude: Shall I?");
    agent.write(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": given_up } }));
    wait_state(room, &shall, "superseded");
    agent.call("ask_human", &json!({ "question": "And now?" }));
    let last = wait_question(room, "claude: And now?");
    agent.requests = None;
    room.server.wait_screen("agent", "ended with 0");
    wait_state(room, &last, "superseded");
    assert_eq!(std::fs::read_to_string(room.file("errors")).expect("a file"), "");
}

#[test]
fn its_server_outlives_every_supervisor_and_asks_once() {
    let mut room = Room::with(POLICY);
    let requests = {
        let mut agent = Agent::begin(&room);
        let words = agent.refused("list_panes", &json!({}));
        assert!(agent.refused("ask_human", &json!({ "question": "Is anybody there?" })).contains("no supervisor runs"));
        assert!(words.contains("no supervisor runs"), "{words}");
        agent.requests.take().expect("open")
    };
    room.watch();
    let asked = {
        let mut agent = Agent { room: &room, requests: Some(requests.try_clone().expect("a copy")), next: 10 };
        agent.wait_known();
        agent.call("ask_human", &json!({ "question": "May I go on?" }))
    };
    let id = room.wait_approval();
    room.kill_9();
    room.watch();
    assert_eq!(room.wait_approval(), id, "the same question");
    wait_for(PATIENCE, "a decision", || {
        room.ask(&["reject", &id, "--answer", "not yet"]).status.success().then_some(())
    });
    let agent = Agent { room: &room, requests: Some(requests), next: 20 };
    let answer = agent.wait_answer(asked)["result"]["structuredContent"].clone();
    assert_eq!((&answer["approved"], &answer["answer"]), (&json!(false), &json!("not yet")), "{answer}");
    assert_eq!(room.approvals().len(), 1);
}
