//! `tmuxagent auto-answer test|replay|rule`: what rules answer, before they are switched on.

mod past;
mod replay;
mod rule;

use super::{CliError, Outcome, Session, Tone, exit};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tmuxagent_config::Problem;
use tmuxagent_policy::{Part, Policy, Trace};
use tmuxagent_text::{clean, message};

#[derive(Debug, Subcommand)]
pub(super) enum AutoAnswerCommand {
    /// Tell which rules would answer a command, part by part
    Test(TestArgs),
    /// Tell what the rules would have answered of what was asked, and where you decided otherwise
    Replay(replay::ReplayArgs),
    /// Print a rule made from an approval
    Rule(rule::RuleArgs),
}

/// Agent, pane and folder of a rule are not looked at. Exit codes: 0 a rule answers, 1 a person is asked.
#[derive(Debug, Args)]
pub(super) struct TestArgs {
    /// The command as an agent would show it; in quotes where it has signs of the shell
    #[arg(required = true, last = true)]
    command: Vec<String>,
}

/// Runs one of them.
pub(super) fn run(session: &Session, command: &AutoAnswerCommand) -> Outcome {
    match command {
        AutoAnswerCommand::Test(args) => test(session, args),
        AutoAnswerCommand::Replay(args) => replay::run(session, args),
        AutoAnswerCommand::Rule(args) => rule::run(session, args),
    }
}

/// The policy that a supervisor would load.
fn policy(session: &Session) -> Result<Policy, CliError> {
    tmuxagent_policy::load(&session.load()?.policy_sources).map_err(|found| CliError::User(Problem::in_text(found)))
}

fn test(session: &Session, args: &TestArgs) -> Outcome {
    let trace = policy(session)?.trace_command(&args.command.join(" "));
    let code = if trace.rules.is_empty() { exit::NEGATIVE } else { exit::OK };
    let out = &session.out;
    if out.json {
        out.json(&value(&trace))?;
        return Ok(code);
    }
    if let Some(doubt) = trace.doubt {
        out.line(&out.paint(
            Tone::Warn,
            &format!("{}{}{}", out.lang.pick("asked", "询问"), out.lang.colon(), message(out.lang, doubt)),
        ))?;
        return Ok(code);
    }
    for part in &trace.parts {
        let (tone, words) = words(out.lang, part);
        out.item("  ", &format!("{}  {}", clean(&part.command), out.paint(tone, &words)))?;
    }
    match trace.rules.first() {
        Some(rule) => {
            let text = format!("{}{}{}", out.lang.pick("answered by", "由此规则回答"), out.lang.colon(), clean(rule));
            out.line(&out.paint(Tone::Good, &text))?;
        }
        None => out.line(&out.paint(
            Tone::Warn,
            out.lang.pick("asked: no one rule allows all of it", "询问：没有一条规则允许全部命令"),
        ))?,
    }
    Ok(code)
}

fn words(lang: tmuxagent_text::Lang, part: &Part) -> (Tone, String) {
    let named = |found: &[(String, String)]| {
        found
            .iter()
            .map(|(rule, pattern)| format!("{} (`{}`)", clean(rule), clean(pattern)))
            .collect::<Vec<_>>()
            .join(", ")
    };
    if !part.denied.is_empty() {
        return (Tone::Bad, format!("{}{}{}", lang.pick("denied", "禁止"), lang.colon(), named(&part.denied)));
    }
    if !part.allowed.is_empty() {
        return (Tone::Good, format!("{}{}{}", lang.pick("allowed", "允许"), lang.colon(), named(&part.allowed)));
    }
    match &part.steered {
        Some(word) => {
            let why = lang.pick("makes it run or write something else", "会让它运行或写入别的东西");
            (Tone::Warn, format!("`{}` {why}", clean(word)))
        }
        None => (Tone::Warn, lang.pick("no rule names it", "没有规则提到它").to_owned()),
    }
}

fn value(trace: &Trace) -> Value {
    let pairs = |found: &[(String, String)]| -> Vec<Value> {
        found.iter().map(|(rule, pattern)| json!({ "rule": rule, "pattern": pattern })).collect()
    };
    let parts = trace.parts.iter().map(|part| {
        json!({
            "command": part.command,
            "allowed": pairs(&part.allowed),
            "denied": pairs(&part.denied),
            "steered": part.steered,
        })
    });
    json!({ "answered_by": trace.rules.first(), "doubt": trace.doubt, "parts": parts.collect::<Vec<_>>() })
}
