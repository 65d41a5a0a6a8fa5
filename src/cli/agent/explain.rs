//! `tmuxagent agent explain`.

use super::super::{CliError, Outcome, Output, Session, Tone, exit};
use super::look::{Local, Pane};
use clap::Args;
use serde_json::json;
use std::time::Duration;
use tmuxagent_agents::{
    AgentCore, AgentProcess, Input, Limits, Readiness, Recogniser, SessionState, identify, recognise,
};
use tmuxagent_clock::wall;
use tmuxagent_model::{AgentQuestion, AgentState, AgentStatus, Timestamp};
use tmuxagent_supervisor::{CodexHeld, codex_held_at};
use tmuxagent_text::{Lang, agent_question_kind, agent_state, ago, answer_role, clean, clean_block, evidence_source};
use tmuxagent_tmux::{CodexServer, claude_session_of, codex_server_of, processes};

/// Looks at the pane now: its processes, the agent's own file, its screen. Exit code 1: no agent runs there, or what it does
/// is not certain.
#[derive(Debug, Args)]
pub(in crate::cli) struct ExplainArgs {
    /// A pane of this machine: `%3`, `session:window.pane`, or the window's name
    pane: String,
}

/// Tells what the agent in a pane is doing.
pub(super) fn run(session: &Session, args: &ExplainArgs) -> Outcome {
    let recognisers: Vec<Recogniser> = super::known(session)?.into_iter().map(|known| known.recogniser).collect();
    let (local, pane) = Local::find(session, &args.pane)?;
    let limits = Limits::default();
    let mut core = AgentCore::new(&recognisers, limits);
    let mut look = look(&local, &pane, &recognisers, &mut core)?;
    // Sources that contradict each other may only see a change at another instant.
    if core.disputed() {
        std::thread::sleep(limits.moment.to_std() + Duration::from_millis(100));
        look = self::look(&local, &pane, &recognisers, &mut core)?;
    }
    let out = &session.out;
    if out.json {
        json(out, (&local, &pane), &look, &core)?;
    } else {
        print(out, (&local, &pane), &look, &core, &recognisers)?;
    }
    let certain = core.status().is_some_and(|status| status.state != AgentState::Unsure);
    Ok(if certain { exit::OK } else { exit::NEGATIVE })
}

/// The file was written by an earlier process with the same id, or elsewhere.
const OTHER_PROCESS: &str = "another_process";

/// What one look found beside the state.
struct Look {
    process: Option<AgentProcess>,
    now: Timestamp,
    /// Why the agent's own file does not count.
    ignored: Option<String>,
    /// What a server that its screens share holds, and whether one answers.
    server: Option<Server>,
}

/// The server of a Codex.
struct Server {
    at: CodexServer,
    held: Option<CodexHeld>,
}

fn look(local: &Local, pane: &Pane, recognisers: &[Recogniser], core: &mut AgentCore) -> Result<Look, CliError> {
    let process = identify(recognisers, &processes(pane.pid), pane.pid);
    let screen = local.look(pane)?;
    let now = wall();
    core.on(now, Input::Process(process.clone()));
    let Some(found) = &process else { return Ok(Look { process, now, ignored: None, server: None }) };
    let mut ignored = None;
    if found.agent == "claude"
        && let Some((text, at)) = claude_session_of(found.pids.iter().map(|(pid, _)| *pid))
    {
        match tmuxagent_agents::claude_session(&text, found) {
            SessionState::Says(said) => {
                core.on(Timestamp(at), Input::Vendor(Some(said)));
            }
            SessionState::OtherProcess => ignored = Some(OTHER_PROCESS.to_owned()),
            SessionState::Unknown(why) => ignored = Some(why),
        }
    }
    if let Some(recogniser) = recognisers.iter().find(|known| known.agent == found.agent) {
        core.on(now, Input::Screen(Box::new(recognise(recogniser, &screen))));
    }
    let server = codex_server_of(found.pid).filter(|_| found.agent == "codex").map(server);
    Ok(Look { process, now, ignored, server })
}

/// Asks it what it holds.
fn server(at: CodexServer) -> Server {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let held = runtime.ok().and_then(|runtime| runtime.block_on(codex_held_at(&at.socket)));
    Server { at, held }
}

impl Server {
    /// What those of its conversations do that work in the agent's folder.
    fn states(&self) -> Vec<&AgentState> {
        let threads = self.held.iter().flat_map(|held| &held.threads);
        let own = threads.filter(|thread| thread.folder == self.at.folder);
        own.filter_map(|thread| Some(&thread.state.as_ref()?.state)).collect()
    }

    /// In one sentence.
    fn sentence(&self, lang: Lang) -> String {
        let Some(held) = &self.held else {
            return lang.pick("its server does not answer", "它的服务没有应答").to_owned();
        };
        let version = clean(&held.version);
        if !held.spoken_with {
            return match lang {
                Lang::En => format!("its server is not used: version {version}"),
                Lang::Zh => format!("未采用它的服务：版本 {version}"),
            };
        }
        let states: Vec<String> = self.states().into_iter().map(|state| agent_state(lang, state)).collect();
        let states = if states.is_empty() { "-".to_owned() } else { states.join(lang.pick(", ", "，")) };
        match lang {
            Lang::En => format!("its server ({version}) holds in this folder: {states}"),
            Lang::Zh => format!("它的服务（{version}）在此文件夹中的会话：{states}"),
        }
    }
}

const fn readiness_word(readiness: &Readiness) -> &'static str {
    match readiness {
        Readiness::Ready => "ready",
        Readiness::Draft(_) => "draft",
        Readiness::Elsewhere => "elsewhere",
        Readiness::Busy => "busy",
        Readiness::Asks => "asks",
        Readiness::Unsure => "unsure",
        Readiness::Gone => "gone",
    }
}

fn json(out: &Output, (local, pane): (&Local, &Pane), look: &Look, core: &AgentCore) -> Result<(), CliError> {
    let status = core.status();
    let server = look.server.as_ref().map(|it| {
        let held = it.held.as_ref();
        let (version, used) = (held.map(|held| &held.version), held.is_some_and(|held| held.spoken_with));
        json!({ "socket": it.at.socket, "version": version, "used": used, "states": it.states() })
    });
    let process = look.process.as_ref().map(|found| json!({ "pid": found.pid, "start": found.start }));
    out.json(&json!({
        "server": local.server(), "pane": pane.id, "place": pane.place, "process": process,
        "agent": status.map(|status| &status.agent), "state": status.map(|status| status.state.word()),
        "detail": status.map(|status| &status.state), "evidence": core.evidence(), "ignored": look.ignored, "own_server": server,
        "question": status.and_then(|status| status.question.as_ref()), "prompt": readiness_word(&core.readiness()),
    }))
}

fn print(
    out: &Output,
    (local, pane): (&Local, &Pane),
    look: &Look,
    core: &AgentCore,
    recognisers: &[Recogniser],
) -> Result<(), CliError> {
    let lang = out.lang;
    let head = format!("{}  {}", pane.id, clean(&pane.place));
    let server = clean(&local.server().display().to_string());
    let looked_at =
        || out.line(&out.paint(Tone::Dim, &format!("{} {server}", lang.pick("tmux server", "tmux 服务器"))));
    let (Some(status), Some(process)) = (core.status(), &look.process) else {
        out.line(&out.paint(Tone::Bold, &head))?;
        looked_at()?;
        return out.line(lang.pick("no agent reads this terminal", "没有智能体在使用这个终端"));
    };
    let title = recognisers.iter().find(|known| known.agent == status.agent).map_or("", |known| &known.title);
    let who = match lang {
        Lang::En => format!("{}, process {}", clean(title), process.pid),
        Lang::Zh => format!("{}，进程 {}", clean(title), process.pid),
    };
    out.line(&out.paint(Tone::Bold, &format!("{head}  {who}")))?;
    looked_at()?;
    out.line(&out.paint(tone(&status.state), &agent_state(lang, &status.state)))?;
    evidence(out, look, core)?;
    if let Some(question) = &status.question {
        asked(out, question)?;
    }
    prompt(out, status, &core.readiness())
}

fn evidence(out: &Output, look: &Look, core: &AgentCore) -> Result<(), CliError> {
    let lang = out.lang;
    for piece in core.evidence() {
        let source = evidence_source(lang, piece.source);
        let (state, age) = (agent_state(lang, &piece.state), ago(lang, look.now, piece.at));
        let text = if piece.text.is_empty() { String::new() } else { format!("  {}", clean(&piece.text)) };
        out.wrapped(
            "  ",
            Tone::Plain,
            &format!("{source}{}{state} ({}, {age}){text}", lang.colon(), clean(&piece.rule)),
        )?;
    }
    if let Some(server) = &look.server {
        out.wrapped("  ", Tone::Dim, &server.sentence(lang))?;
    }
    if let Some(why) = &look.ignored {
        let why = if why == OTHER_PROCESS {
            lang.pick("it belongs to another process", "它属于另一个进程").to_owned()
        } else {
            clean(why)
        };
        let text = match lang {
            Lang::En => format!("its own file is not used: {why}"),
            Lang::Zh => format!("未采用其自身文件：{why}"),
        };
        out.wrapped("  ", Tone::Dim, &text)?;
    }
    Ok(())
}

fn asked(out: &Output, question: &AgentQuestion) -> Result<(), CliError> {
    let lang = out.lang;
    let label = lang.pick("asks", "询问");
    out.line(&out.paint(Tone::Ask, &format!("{label}{}{}", lang.colon(), agent_question_kind(lang, question.kind))))?;
    let text = if question.detail.is_empty() { &question.text } else { &question.detail };
    for line in clean_block(text) {
        out.line(&format!("    {line}"))?;
    }
    if !question.whole {
        let text = lang.pick(
            "not all of it is on the screen, or it can be read in more than one way",
            "屏幕上没有显示全部内容，或内容有歧义",
        );
        out.wrapped("  ", Tone::Warn, text)?;
    }
    for answer in &question.answers {
        let mark = if answer.highlighted { ">" } else { " " };
        let role = answer_role(lang, answer.role);
        out.line(&format!("  {mark} {}  ({role})", clean(&answer.label)))?;
    }
    Ok(())
}

fn prompt(out: &Output, status: &AgentStatus, readiness: &Readiness) -> Result<(), CliError> {
    let lang = out.lang;
    let text = match readiness {
        Readiness::Ready => lang.pick("a prompt can be typed", "可以输入提示"),
        Readiness::Draft(_) => lang.pick("a draft stands in its input line", "输入行里有未发送的草稿"),
        Readiness::Elsewhere => lang.pick(
            "another field than its input line takes the keys, such as a search",
            "按键会进入输入行之外的字段，例如搜索",
        ),
        Readiness::Busy => lang.pick("a prompt has to wait", "提示需要等待"),
        Readiness::Asks => lang.pick("a prompt would answer its question", "输入提示会变成对它的回答"),
        Readiness::Unsure => lang.pick("nothing may be typed", "不可输入任何内容"),
        Readiness::Gone => return Ok(()),
    };
    let tone = if status.state == AgentState::Unsure { Tone::Warn } else { Tone::Dim };
    out.line(&out.paint(tone, text))
}

const fn tone(state: &AgentState) -> Tone {
    match state {
        AgentState::Working => Tone::Good,
        AgentState::NeedsApproval | AgentState::NeedsAnswer | AgentState::Starting => Tone::Ask,
        AgentState::Error | AgentState::Exited => Tone::Bad,
        AgentState::RateLimited { .. } | AgentState::Stalled | AgentState::Unsure => Tone::Warn,
        AgentState::Idle | AgentState::Done => Tone::Plain,
    }
}
