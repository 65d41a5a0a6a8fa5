//! `tmuxagent status`.

use super::connection::Connection;
use super::panes::no_panes;
use super::{Outcome, Session, Tone, exit};
use clap::Args;
use serde_json::json;
use std::collections::BTreeMap;
use tmuxagent_model::{ApprovalState, HostState, PaneState, Snapshot};
use tmuxagent_text::cli::{Word, word};
use tmuxagent_text::{
    Lang, ago, clean, host_owner, host_state, message, pane_state, part, reader_sentence, span, trouble,
};

/// Exit code 1: it runs, but a part of it fails or a host can't be reached. 3: none runs.
#[derive(Debug, Args)]
pub(super) struct StatusArgs {}

/// Prints what runs, what is watched and what fails.
pub(super) fn run(session: &Session, _: &StatusArgs) -> Outcome {
    let mut connection = Connection::open(session)?;
    let snapshot = connection.snapshot()?;
    let lost = snapshot.hosts.iter().any(|host| host.state == HostState::Unreachable);
    let code = if snapshot.problems.is_empty() && !lost { exit::OK } else { exit::NEGATIVE };
    // As `approvals` lists them: also those of a supervisor that this one only watches beside.
    let elsewhere = connection.approvals_elsewhere(session)?;
    let (out, greeting) = (&session.out, &connection.greeting);
    let open = snapshot.approvals.iter().chain(&elsewhere).filter(|a| a.state == ApprovalState::Pending).count();
    if out.json {
        out.json(&json!({
            "version": greeting.version,
            "protocol": greeting.protocol,
            "pid": greeting.pid,
            "config": greeting.config,
            "started_at": greeting.started_at,
            "generation": snapshot.generation,
            "frozen": snapshot.frozen,
            "hosts": snapshot.hosts,
            "panes": states(&snapshot).iter().map(|(state, n)| (json!(state), n)).map(|(state, n)| json!({"state": state, "count": n})).collect::<Vec<_>>(),
            "runs_failed": snapshot.runs.iter().filter(|run| run.has_failed()).count(),
            "policies": snapshot.policies,
            "open_approvals": open,
            "held": snapshot.held,
            "leases": snapshot.leases,
            "problems": snapshot.problems.iter().map(|it| json!({ "part": it.part, "text": it.text.to_string(), "since": it.since })).collect::<Vec<_>>(),
            "counters": snapshot.counters,
        }))?;
        return Ok(code);
    }
    let (lang, now) = (out.lang, snapshot.at);
    out.line(&format!(
        "{} {}, {} {}, {} {}, {} {}",
        out.paint(Tone::Bold, "tmuxagent"),
        clean(&greeting.version),
        word(lang, Word::Process),
        greeting.pid,
        word(lang, Word::For),
        span(lang, now.since(greeting.started_at)),
        word(lang, Word::Configuration),
        clean(&greeting.config),
    ))?;
    if let Some(freeze) = &snapshot.frozen {
        let text = format!("{} ({}, {})", word(lang, Word::Frozen), clean(&freeze.by), ago(lang, now, freeze.since));
        out.line(&out.paint(Tone::Warn, &text))?;
    }
    for held in &snapshot.held {
        let who = held.reader.as_ref().map(|reader| format!(": {}", reader_sentence(lang, reader)));
        let text = format!(
            "{} {}: {} @ {}{} ({})",
            word(lang, Word::Held),
            clean(held.intent.as_str()),
            clean(&held.text),
            clean(&held.told_place()),
            who.unwrap_or_default(),
            ago(lang, now, held.at)
        );
        out.line(&out.paint(Tone::Warn, &text))?;
    }
    let hosts: Vec<_> = snapshot
        .hosts
        .iter()
        .map(|host| {
            let tone = match host.state {
                HostState::Live => Tone::Good,
                HostState::Connecting
                | HostState::Polling
                | HostState::Watching
                | HostState::Same
                | HostState::NoServer => Tone::Warn,
                HostState::Unreachable => Tone::Bad,
            };
            let version =
                if host.version.is_empty() { String::new() } else { format!("tmux {}", clean(&host.version)) };
            vec![
                (Tone::Plain, clean(host.name.as_str())),
                (tone, host_state(lang, host.state).to_owned()),
                (Tone::Dim, ago(lang, now, host.since)),
                (Tone::Plain, version),
                (
                    Tone::Dim,
                    host.owner.as_ref().map_or_else(
                        || clean(&message(lang, &host.detail)),
                        |owner| host_owner(lang, host.state, owner),
                    ),
                ),
            ]
        })
        .collect();
    out.wrapped(
        "",
        Tone::Plain,
        &format!("{}{}{}", word(lang, Word::Policies), lang.colon(), clean(&snapshot.policies.join(", "))),
    )?;
    if hosts.is_empty() {
        out.wrapped("", Tone::Warn, word(lang, Word::NoHosts))?;
    } else {
        out.table(&[word(lang, Word::Host), word(lang, Word::State), word(lang, Word::Since), "TMUX", ""], &hosts)?;
    }
    let counts: Vec<String> =
        states(&snapshot).iter().map(|(state, n)| format!("{n} {}", counted_as(lang, *state))).collect();
    out.line(&format!(
        "{}{}{}",
        word(lang, Word::Panes),
        lang.colon(),
        if counts.is_empty() { "0".to_owned() } else { counts.join(", ") }
    ))?;
    if counts.is_empty() {
        out.wrapped("  ", Tone::Dim, word(lang, no_panes(&snapshot)))?;
    }
    let failed = snapshot.runs.iter().filter(|run| run.has_failed()).count();
    if failed > 0 {
        let text = format!("{}{}{failed}", lang.pick("Runs failed", "失败的运行"), lang.colon());
        out.line(&out.paint(Tone::Bad, &text))?;
    }
    let tone = if open > 0 { Tone::Ask } else { Tone::Plain };
    out.line(&format!("{}{}{}", word(lang, Word::OpenApprovals), lang.colon(), out.paint(tone, &open.to_string())))?;
    let leases = snapshot.leases.iter().filter(|lease| lease.until > now).count();
    if leases > 0 {
        out.line(&format!(
            "{}{}{leases}",
            lang.pick("Leases (see `tmuxagent leases`)", "限时授权（见 `tmuxagent leases`）"),
            lang.colon()
        ))?;
    }
    for problem in &snapshot.problems {
        let text = format!(
            "{}{}{} ({})",
            clean(&part(lang, &problem.part)),
            lang.colon(),
            clean(&trouble(lang, &problem.text)),
            ago(lang, now, problem.since)
        );
        out.line(&out.paint(Tone::Bad, &text))?;
    }
    Ok(code)
}

/// A pane's state where panes are counted: how many runs failed is another number.
const fn counted_as(lang: Lang, state: PaneState) -> &'static str {
    match state {
        PaneState::Failed => lang.pick("with a failure", "有失败"),
        state => pane_state(lang, state),
    }
}

fn states(snapshot: &Snapshot) -> BTreeMap<PaneState, usize> {
    let mut counts = BTreeMap::new();
    for pane in &snapshot.panes {
        *counts.entry(pane.state).or_default() += 1;
    }
    counts
}
