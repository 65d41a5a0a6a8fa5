//! `tmuxagent fake-agent`: a program that behaves like an agent, without keys, network or cost. The demonstration runs
//! it, and whoever writes a policy can try it against an agent that does what it is told.
//!
//! It reads a prompt, thinks, works, may ask before it writes, and reports with a line of its own. Words in a prompt
//! steer it: `[[ask]]`, `[[fail]]`, `[[silent]]` (no report), `[[hang]]` (never ends), `[[exit]]`.

use super::{CliError, Outcome, Session};
use clap::Args;
use std::io::{BufRead as _, Write as _};
use std::time::Duration;
use tmuxagent_model::{AgentMessage, MessageType};

#[derive(Debug, Args)]
pub(super) struct FakeAgentArgs {
    /// Do this one task and end, instead of reading prompts
    #[arg(long, value_name = "TEXT")]
    task: Option<String>,
    /// With a task: stay after it, and read prompts
    #[arg(long, requires = "task")]
    stay: bool,
    /// The file that it pretends to read and edit
    #[arg(long, value_name = "PATH", default_value = "src/main.rs")]
    file: String,
    /// The stage that its reports name
    #[arg(long, value_name = "NAME", default_value = "code")]
    stage: String,
    /// Seconds that each of its steps takes
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    pace: f64,
    /// Seconds that it thinks before the first step
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0)]
    think: f64,
    /// Ask before each edit
    #[arg(long)]
    ask: bool,
    /// Fail the first so many tasks
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    fail: u32,
    /// Tell its state by OSC 7501 as well, as agents do that know this protocol
    #[arg(long)]
    status: bool,
}

/// Works until its input ends, or its one task does.
pub(super) fn run(_: &Session, args: &FakeAgentArgs) -> Outcome {
    if !(0.0..=3600.0).contains(&args.pace) {
        return Err(CliError::user(format!("--pace {} is out of range", args.pace), "give a number from 0 to 3600"));
    }
    let mut agent = Agent { args, failures: args.fail, input: std::io::stdin().lock(), ended: false };
    // By its title it is known as an agent, in whose pane no shell's line is typed.
    say("\u{1b}]2;stand-in agent\u{7}")?;
    say("\u{1b}[1m>_ agent\u{1b}[0m (stand-in, nothing leaves this machine)\n\n")?;
    if let Some(task) = &args.task {
        say(&format!("\u{1b}[2m›\u{1b}[0m {task}\n\n"))?;
        std::thread::sleep(Duration::try_from_secs_f64(args.think).unwrap_or(Duration::ZERO));
        let well = agent.work(task)?;
        if !args.stay {
            return Ok(if well { 0 } else { 1 });
        }
    }
    loop {
        agent.state("idle")?;
        say("\u{1b}[2m›\u{1b}[0m ")?;
        let Some(prompt) = agent.read()? else { return Ok(0) };
        if prompt.is_empty() {
            continue;
        }
        say("\n")?;
        agent.work(&prompt)?;
        if agent.ended {
            return Ok(0);
        }
    }
}

struct Agent<'a> {
    args: &'a FakeAgentArgs,
    /// How many tasks are still to fail.
    failures: u32,
    input: std::io::StdinLock<'static>,
    /// It was told to leave, or its input ended.
    ended: bool,
}

impl Agent<'_> {
    /// Does a task; gives whether it went well.
    fn work(&mut self, task: &str) -> Result<bool, CliError> {
        let told = |word: &str| task.contains(&format!("[[{word}]]"));
        self.ended = told("exit");
        self.state("working")?;
        self.think()?;
        let file = self.args.file.clone();
        say(&format!("• Explored\n  └ Read {file}\n"))?;
        self.pause();
        while told("hang") {
            self.think()?;
        }
        if (self.args.ask || told("ask")) && !self.allowed(&file)? {
            say(&format!("✗ You canceled the edit of {file}\n\n"))?;
            self.report(false, &format!("{file} was not edited: you said no"))?;
            return Ok(false);
        }
        say(&format!("\n• Edited {file} (+14 -3)\n"))?;
        self.pause();
        let fails = told("fail") || self.failures > 0;
        self.failures = self.failures.saturating_sub(1);
        if fails {
            say("\n■ stream disconnected before completion: the stand-in was told to fail\n\n")?;
            self.state("error")?;
        } else {
            say("\n\u{1b}[36m• 进度 / progress:\u{1b}[0m the change is complete, the checks can run.\n\n")?;
            self.state("done")?;
        }
        if !told("silent") {
            self.report(!fails, task)?;
        }
        Ok(!fails)
    }

    /// A line that counts on while it thinks, as agents draw it.
    fn think(&self) -> Result<(), CliError> {
        for second in 0..2 {
            say(&format!("\r◦ Working ({second}s • esc to interrupt)"))?;
            std::thread::sleep(self.step() / 2);
        }
        say("\r\u{1b}[K")
    }

    /// Asks, and waits for a number and Enter.
    fn allowed(&mut self, file: &str) -> Result<bool, CliError> {
        self.state("blocked:kind=permission")?;
        loop {
            say(&format!(
                "\n  Would you like to make the following edits?\n\n  {file}\n\n› 1. Yes, proceed (y)\n  2. No, and tell the agent what to do differently (n)\n\n  Type a number and press enter\n"
            ))?;
            let Some(answer) = self.read()? else {
                self.ended = true;
                return Ok(false);
            };
            match answer.to_lowercase().as_str() {
                "y" | "yes" | "1" => {
                    self.state("working")?;
                    return Ok(true);
                }
                "n" | "no" | "2" | "\u{1b}" => return Ok(false),
                _ => {}
            }
        }
    }

    fn report(&self, ok: bool, summary: &str) -> Result<(), CliError> {
        let message = AgentMessage {
            stage: Some(self.args.stage.clone()),
            ok: Some(ok),
            summary: Some(summary.to_owned()),
            ..AgentMessage::new(MessageType::Status)
        };
        let text = serde_json::to_string(&message).map_err(CliError::internal)?;
        say(&format!("### SENTRY {text}\n"))
    }

    /// A line of its input; `None` at its end.
    fn read(&mut self) -> Result<Option<String>, CliError> {
        let mut line = Vec::new();
        let read = self.input.read_until(b'\n', &mut line).map_err(CliError::internal)?;
        Ok((read > 0).then(|| String::from_utf8_lossy(&line).trim().to_owned()))
    }

    fn state(&self, state: &str) -> Result<(), CliError> {
        if self.args.status {
            say(&format!("\u{1b}]7501;state={state}:app=fake-agent\u{1b}\\"))?;
        }
        Ok(())
    }

    fn pause(&self) {
        std::thread::sleep(self.step());
    }

    fn step(&self) -> Duration {
        Duration::try_from_secs_f64(self.args.pace).unwrap_or(Duration::ZERO)
    }
}

/// Prints at once: who watches sees each step as it comes.
fn say(text: &str) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
