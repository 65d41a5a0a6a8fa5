//! The command line: one file per subcommand, which talks to the running supervisor or works on files.
//!
//! **Invariants:** standard output carries only the answer, standard error only errors and hints; every subcommand
//! takes `--json`; the exit codes are those of [`exit`]; a closed pipe is no error; text from panes is cleaned before
//! it is printed.

mod agent;
mod approvals;
mod audit;
mod auto_answer;
mod closing;
mod completions;
mod config;
mod connection;
mod control;
mod db;
mod debug;
mod decide;
mod definition;
mod demo;
mod doctor;
mod error;
mod events;
mod explain;
mod fake_agent;
mod freeze;
mod help;
pub mod hook;
mod hooks;
mod journal;
mod lease;
mod lifecycle;
mod mcp;
mod notify;
mod output;
mod panes;
mod policy;
mod redact;
mod report;
mod run;
mod screen;
mod send;
mod serve;
mod service;
mod shell_init;
mod status;
mod supervise;
mod table;
mod target;
mod threads;
mod version;
mod wait;
mod watch;
mod watched;
mod workspace;

pub use definition::{definition, definition_in};
pub use error::{CliError, Outcome, exit};
pub use output::{ColorChoice, Output, Tone, report};

use clap::{Args, FromArgMatches as _, Parser, Subcommand};
use std::path::PathBuf;
use tmuxagent_config::{Environment, LanguageChoice, Overrides, Paths};
use tmuxagent_text::Lang;
use tmuxagent_text::redact::{Redactor, is_secret_name};

/// The control room for AI agents and pipelines that work in tmux. Without a subcommand the main screen opens.
#[derive(Debug, Parser)]
#[command(name = "tmuxagent", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    /// Watch without a screen, until SIGTERM or `tmuxagent shutdown`
    #[arg(long)]
    headless: bool,
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Option<Command>,
}

const EXIT_CODES: &str = "Exit codes: 0 done; 1 the answer is no, or warnings; 2 wrong use, configuration or policy; \
                          3 no supervisor runs; 4 not found; 5 decided before or changed; 6 refused now; \
                          7 not certain: done or not, look; 70 our fault; 71 no memory or threads left.";

/// Options of every subcommand.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
struct Globals {
    /// The configuration file
    #[arg(long, global = true, env = "TMUXAGENT_CONFIG", value_name = "FILE", hide_env_values = true)]
    config: Option<PathBuf>,
    /// A policy file or a folder of them; may be given several times
    #[arg(
        long,
        global = true,
        env = "TMUXAGENT_POLICY",
        value_name = "PATH",
        value_delimiter = ':',
        hide_env_values = true
    )]
    policy: Vec<PathBuf>,
    /// The folder of state, lock and socket; another one is another supervisor
    #[arg(long, global = true, env = "TMUXAGENT_STATE_DIR", value_name = "DIR", hide_env_values = true)]
    state_dir: Option<PathBuf>,
    /// The tmux server of this machine: a name as for `tmux -L`, or a path as for `tmux -S`
    #[arg(long, global = true, env = "TMUXAGENT_SOCKET", value_name = "NAME|PATH", hide_env_values = true)]
    socket: Option<String>,
    /// The language of what people read: en or zh
    #[arg(
        long,
        global = true,
        env = "TMUXAGENT_LANG",
        value_name = "LANG",
        hide_env_values = true,
        hide_possible_values = true
    )]
    lang: Option<LangChoice>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
    /// When to use colours: auto, always or never; NO_COLOR is honoured
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_default_value = true,
        hide_possible_values = true
    )]
    color: ColorChoice,
}

impl Globals {
    /// What the flags say before the configuration.
    fn overrides(&self) -> Overrides {
        Overrides {
            config: self.config.clone(),
            policy: self.policy.clone(),
            state_dir: self.state_dir.clone(),
            tmux_socket: self.socket.clone(),
        }
    }
}

/// A language as the flag names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum LangChoice {
    /// English.
    En,
    /// Chinese.
    Zh,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Whether a supervisor runs, what it watches and what fails
    Status(status::StatusArgs),
    /// List the watched panes
    Panes(panes::PanesArgs),
    /// List the approvals
    Approvals(approvals::ApprovalsArgs),
    /// Approve what is asked
    Approve(decide::ApproveArgs),
    /// Reject what is asked
    Reject(decide::DecideArgs),
    /// List the leases: what agents may run for a time without being asked about
    Leases(lease::LeasesArgs),
    /// End leases
    #[command(subcommand)]
    Lease(lease::LeaseCommand),
    /// Tell what the rules of `auto_answers` would answer, and make rules
    #[command(subcommand)]
    AutoAnswer(auto_answer::AutoAnswerCommand),
    /// Start a pipeline on a pane
    Start(control::StartArgs),
    /// Run a stage again
    Retry(control::ControlArgs),
    /// Treat the live stage as done and go on
    Skip(control::ControlArgs),
    /// End a run; nothing more is typed for it
    Cancel(control::ControlArgs),
    /// Type text or keys into a pane
    Send(send::SendArgs),
    /// Wait until a pane is idle, done, asks something, or shows a text
    Wait(wait::WaitArgs),
    /// Stop all sending
    Freeze(freeze::FreezeArgs),
    /// Send again, what was held back first
    Unfreeze(freeze::UnfreezeArgs),
    /// Print the journal's events
    Events(events::EventsArgs),
    /// Tell what happened in the last days: runs, stages, waits, failures, agents
    Report(report::ReportArgs),
    /// Tell whether the trail of what was typed, decided, told and configured is as it was written
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Load configuration and policies again
    Reload(lifecycle::ReloadArgs),
    /// End the supervisor
    Shutdown(lifecycle::ShutdownArgs),
    /// Run a command that reports its end and exit code to the supervisor
    Run(run::RunArgs),
    /// Make the sessions, windows and panes of a workspace file that are missing
    Up(workspace::UpArgs),
    /// Close what `up` made
    Down(workspace::DownArgs),
    /// Write a workspace file of what runs now
    SnapshotWorkspace(workspace::SnapshotArgs),
    /// Check, print or find the configuration
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Check, explain, replay or begin policies
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Tell why each stage is in its state and what it waits for
    #[command(hide = true)]
    Explain(policy::ExplainArgs),
    /// Check, back up, repair, restore or export the state database
    #[command(subcommand)]
    Db(db::DbCommand),
    /// Tell what the agents in panes are doing, and test how they are recognised
    #[command(subcommand)]
    Agent(agent::AgentCommand),
    /// Have agents tell by hooks what they do: install, uninstall, status
    #[command(subcommand)]
    Hooks(hooks::HooksCommand),
    /// Tell the supervisor what an agent does; its hooks call this
    Hook(hook::HookArgs),
    /// Have the supervisor started by systemd, launchd or tmux: install, uninstall, status
    #[command(subcommand)]
    Service(service::ServiceCommand),
    /// Serve tools to an agent by the Model Context Protocol: ask, report, wait, start
    Mcp(mcp::McpArgs),
    /// Send a message to people, try a channel, or print what was sent
    #[command(subcommand)]
    Notify(notify::NotifyCommand),
    /// Invite people to the panel, list them, take their access back
    #[command(subcommand)]
    Serve(serve::ServeCommand),
    /// Print standard input without secrets, as it would leave this machine
    Redact(redact::RedactArgs),
    /// Look for what is wrong on this machine, each finding with its fix
    Doctor(doctor::DoctorArgs),
    /// Write down what the supervisor took in, and play it back
    #[command(subcommand)]
    Debug(debug::DebugCommand),
    /// Watch a demonstration on a tmux server of its own, removed at the end
    Demo(demo::DemoArgs),
    /// Behave like an agent without keys or network, to try a policy
    FakeAgent(fake_agent::FakeAgentArgs),
    /// Open the full view in a tmux popup (see tmux.conf.snippet)
    Popup(watch::PopupArgs),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArgs),
    /// Print lines for a shell's own file, by which it reports each command's begin and end to the pane
    ShellInit(shell_init::ShellInitArgs),
    /// Print the versions of this program, its protocol and the running supervisor
    Version(version::VersionArgs),
}

/// What every subcommand is given.
struct Session {
    out: Output,
    overrides: Overrides,
    environment: Environment,
}

impl Session {
    /// The folders by flags and environment, without reading the configuration.
    fn paths(&self) -> Result<Paths, CliError> {
        Ok(Paths::find(&self.overrides, &self.environment)?)
    }

    /// Configuration, policies' texts and environment, with the user's own `.env`.
    fn load(&self) -> Result<tmuxagent_config::Loaded, CliError> {
        Ok(tmuxagent_config::load(&self.overrides, &self.environment)?)
    }

    /// A name as the supervisor shows it: who types one that holds a secret means the pane that is shown without it.
    fn as_shown(&self, name: &str) -> String {
        self.load().map_or_else(|_| name.to_owned(), |loaded| self.redactor(&loaded).redact(name))
    }

    /// What takes the secrets out of names that come from tmux itself. Channels that are not valid keep none back.
    fn redactor(&self, loaded: &tmuxagent_config::Loaded) -> Redactor {
        tmuxagent_alerts::config::of(loaded).unwrap_or_default().redactor(loaded)
    }
}

/// Runs the program with its arguments (the first is its name) and returns the exit code.
pub fn main(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> u8 {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let lang = lang_before_parsing(&arguments, &Environment::of_process());
    let parsed = definition_in(lang).try_get_matches_from(&arguments).and_then(|found| Cli::from_arg_matches(&found));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers; a closed pipe is no reason to fail.
            let redactor =
                || redactor_of(&overrides_of_variables(&Environment::of_process()), &Environment::of_process());
            return match definition::tell(&error, lang, asks_for_json(&arguments), redactor) {
                _ if error.use_stderr() => {
                    closing::hold(lang);
                    exit::USER
                }
                Ok(()) => exit::OK,
                Err(error) => report(&error.into(), false, lang, &Redactor::default()),
            };
        }
    };
    let json = cli.globals.json;
    let popup = matches!(cli.command, Some(Command::Popup(_)));
    let starts = cli.command.is_none();
    let environment = Environment::of_process();
    let overrides = cli.globals.overrides();
    let lang = match cli.globals.lang {
        Some(LangChoice::En) => Lang::En,
        Some(LangChoice::Zh) => Lang::Zh,
        None => configured_lang(&overrides, &environment),
    };
    match run(cli, lang, overrides.clone(), environment.clone()) {
        Ok(code) => code,
        Err(error) => {
            let code = report(&error, json, lang, &redactor_of(&overrides, &environment));
            if popup {
                watch::hold_popup(lang);
            } else if starts {
                closing::hold(lang);
            }
            code
        }
    }
}

/// What can be said of the flags where they are not understood.
fn overrides_of_variables(environment: &Environment) -> Overrides {
    let path = |name| environment.non_empty(name).map(PathBuf::from);
    Overrides { config: path("TMUXAGENT_CONFIG"), state_dir: path("TMUXAGENT_STATE_DIR"), ..Overrides::default() }
}

/// What takes the secrets out of an error. Where the configuration can't be read the variables' are known, which may be why.
fn redactor_of(overrides: &Overrides, environment: &Environment) -> Redactor {
    let of_variables = || {
        let secret = environment.iter().filter(|(name, _)| is_secret_name(name));
        Redactor::knowing(secret.map(|(_, value)| value.to_owned()))
    };
    tmuxagent_config::load(overrides, environment).map_or_else(
        |_| of_variables(),
        |loaded| tmuxagent_alerts::config::of(&loaded).unwrap_or_default().redactor(&loaded),
    )
}

fn run(cli: Cli, lang: Lang, overrides: Overrides, environment: Environment) -> Outcome {
    let Cli { globals, headless, command } = cli;
    let out = Output::new(lang, globals.json, globals.color);
    let session = Session { out, overrides, environment };
    let Some(command) = command else {
        return watch::run(&session, if headless { watch::Mode::Headless } else { watch::Mode::Screen });
    };
    if headless {
        return Err(CliError::user("--headless stands alone", "leave the subcommand or --headless out"));
    }
    match command {
        Command::Status(args) => status::run(&session, &args),
        Command::Panes(args) => panes::run(&session, &args),
        Command::Approvals(args) => approvals::run(&session, &args),
        Command::Approve(args) => decide::approve(&session, &args),
        Command::Reject(args) => decide::run(&session, &args, decide::Choice::Reject),
        Command::Leases(args) => lease::list(&session, &args),
        Command::Lease(command) => lease::run(&session, &command),
        Command::AutoAnswer(command) => auto_answer::run(&session, &command),
        Command::Start(args) => control::start(&session, &args),
        Command::Retry(args) => control::run(&session, &args, tmuxagent_model::RunControl::Retry),
        Command::Skip(args) => control::run(&session, &args, tmuxagent_model::RunControl::Skip),
        Command::Cancel(args) => control::run(&session, &args, tmuxagent_model::RunControl::Cancel),
        Command::Send(args) => send::run(&session, &args),
        Command::Wait(args) => wait::run(&session, &args),
        Command::Freeze(args) => freeze::freeze(&session, &args),
        Command::Unfreeze(args) => freeze::unfreeze(&session, &args),
        Command::Events(args) => events::run(&session, &args),
        Command::Report(args) => report::run(&session, &args),
        Command::Audit(command) => audit::run(&session, &command),
        Command::Reload(args) => lifecycle::reload(&session, &args),
        Command::Shutdown(args) => lifecycle::shutdown(&session, &args),
        Command::Run(args) => run::run(&session, args),
        Command::Up(args) => workspace::up(&session, &args),
        Command::Down(args) => workspace::down(&session, &args),
        Command::SnapshotWorkspace(args) => workspace::snapshot(&session, &args),
        Command::Config(command) => config::run(&session, &command),
        Command::Policy(command) => policy::run(&session, &command),
        Command::Explain(args) => policy::explain(&session, &args),
        Command::Db(command) => db::run(&session, &command),
        Command::Agent(command) => agent::run(&session, &command),
        Command::Hooks(command) => hooks::run(&session, &command),
        Command::Hook(args) => Ok(hook::run(&args, session.overrides.state_dir)),
        Command::Service(command) => service::run(&session, &command),
        Command::Mcp(_) => mcp::run(session),
        Command::Notify(command) => notify::run(&session, &command),
        Command::Serve(command) => serve::run(&session, &command),
        Command::Redact(args) => redact::run(&session, &args),
        Command::Doctor(args) => doctor::run(&session, &args),
        Command::Debug(command) => debug::run(&session, &command),
        Command::Demo(args) => demo::run(&session, &args),
        Command::FakeAgent(args) => fake_agent::run(&session, &args),
        Command::Popup(args) => watch::popup(&session, &args),
        Command::Completions(args) => completions::run(&session, &args),
        Command::ShellInit(args) => shell_init::run(&session, &args),
        Command::Version(args) => version::run(&session, &args),
    }
}

/// Whether arguments that are not understood ask for JSON. Behind `--` they are somebody else's.
fn asks_for_json(arguments: &[std::ffi::OsString]) -> bool {
    arguments.iter().take_while(|argument| *argument != "--").any(|argument| argument == "--json")
}

/// The language of the configuration, or else of the locale.
fn configured_lang(overrides: &Overrides, environment: &Environment) -> Lang {
    match tmuxagent_config::language(overrides, environment) {
        LanguageChoice::English => Lang::En,
        LanguageChoice::Chinese => Lang::Zh,
        LanguageChoice::Auto => lang_of(environment),
    }
}

/// The language of the locale (POSIX: `LC_ALL`, then `LC_MESSAGES`, then `LANG`).
fn lang_of(environment: &Environment) -> Lang {
    let named = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(|name| environment.non_empty(name));
    named.map_or(Lang::En, Lang::from_locale)
}

/// The language of help and of errors in the arguments themselves: as it will be chosen once they are understood.
fn lang_before_parsing(arguments: &[std::ffi::OsString], environment: &Environment) -> Lang {
    let ours = arguments.iter().take_while(|argument| *argument != "--").filter_map(|argument| argument.to_str());
    let mut flag = ours.clone().skip_while(|argument| !argument.starts_with("--lang"));
    let named = match flag.next() {
        Some("--lang") => flag.next(),
        Some(other) => other.strip_prefix("--lang="),
        None => environment.non_empty("TMUXAGENT_LANG"),
    };
    match named {
        Some("zh") => Lang::Zh,
        Some("en") => Lang::En,
        _ => {
            let mut flag = ours.skip_while(|argument| !argument.starts_with("--config"));
            let config = match flag.next() {
                Some("--config") => flag.next(),
                Some(other) => other.strip_prefix("--config="),
                None => environment.non_empty("TMUXAGENT_CONFIG"),
            };
            let overrides = Overrides { config: config.map(PathBuf::from), ..Overrides::default() };
            configured_lang(&overrides, environment)
        }
    }
}
