//! `tmuxagent hook`: what an agent runs at its events. It tells the supervisor, and whatever is wrong it ends well,
//! silently and soon: the agent waits for it, and a complaint could end up in its prompt or hold up its tool.
//!
//! One that asks a person, of an agent that shows its dialog meanwhile, stays: the supervisor keeps it waiting, and what was
//! decided there it prints for its agent. It ends with its agent, and where no supervisor follows the one that kept it.

use super::{exit, overrides_of_variables};
use clap::Args;
use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tmuxagent_agents::hooks::{HookRequest, LONGEST, read_event, read_request};
use tmuxagent_config::{Environment, Paths};
use tmuxagent_ipc::client::{Connection, hello};
use tmuxagent_ipc::lock::socket_path;
use tmuxagent_ipc::wire::{Reply, Request};
use tmuxagent_model::Via;

/// It ends by then, unless it is kept waiting. What an agent does is seen without it too, so nothing hangs on it.
const LIMIT: Duration = Duration::from_millis(40);

/// How long the next supervisor is waited for by one that waits for an answer; its agent shows the dialog meanwhile.
const RESTART: Duration = Duration::from_secs(30);
/// How often it is looked for.
const PAUSE: Duration = Duration::from_millis(200);

/// Reads the event's JSON from standard input. Its exit code is always 0, and it prints nothing but the answer to a question
/// that it waited for.
#[derive(Debug, Args)]
pub(super) struct HookArgs {
    /// The event, by the agent's own name, such as UserPromptSubmit
    event: String,
    /// Tells `hooks` that this command is its own
    #[arg(long, hide = true)]
    by_tmuxagent: bool,
}

/// What is to be told, and where.
struct Call {
    event: String,
    state_dir: Option<PathBuf>,
}

impl Call {
    /// Of this program's arguments; `None` where they call for something else, or for help.
    fn of(arguments: &[OsString]) -> Option<Self> {
        let mut words = arguments.iter().skip(1).map(|word| word.to_string_lossy());
        let mut state_dir = None;
        loop {
            let word = words.next()?;
            if word == "hook" {
                break;
            }
            let named =
                if word == "--state-dir" { words.next() } else { word.strip_prefix("--state-dir=").map(Into::into) };
            state_dir = Some(PathBuf::from(named?.into_owned()));
        }
        let rest: Vec<_> = words.collect();
        let asks = rest.iter().any(|word| matches!(word.as_ref(), "--help" | "-h"));
        (!asks)
            .then(|| Self { event: rest.first().map(|word| word.clone().into_owned()).unwrap_or_default(), state_dir })
    }
}

/// Serves a call of an agent's hook before anything else of the program begins, which takes longer than the agent should
/// wait. `None`: the arguments call for something else.
pub fn serve(arguments: &[OsString]) -> Option<u8> {
    let Call { event, state_dir } = Call::of(arguments)?;
    Some(run(&HookArgs { event, by_tmuxagent: true }, state_dir))
}

/// Tells, and ends in time.
pub(super) fn run(args: &HookArgs, state_dir: Option<PathBuf>) -> u8 {
    std::panic::set_hook(Box::new(|_| std::process::exit(exit::OK.into())));
    let kept = Arc::new(AtomicBool::new(false));
    let waits = Arc::clone(&kept);
    // Whatever is waited for: input, a socket that nobody reads, a disk.
    let watch = std::thread::Builder::new().spawn(move || {
        std::thread::sleep(LIMIT);
        if !waits.load(Ordering::SeqCst) {
            std::process::exit(exit::OK.into());
        }
    });
    if watch.is_ok() {
        tell(&args.event, state_dir, &kept);
    }
    exit::OK
}

/// Tells, as far as there is somebody to be told, and waits where somebody answers.
fn tell(event: &str, state_dir: Option<PathBuf>, kept: &AtomicBool) -> Option<()> {
    let mut input = Vec::new();
    // All of it is taken, so that the agent never writes to nobody.
    std::io::stdin().lock().take(LONGEST as u64 + 1).read_to_end(&mut input).ok()?;
    let input = Some(input).filter(|input| input.len() <= LONGEST)?;
    let (report, asks) = (read_event(event, &input)?, read_request(&input));
    let environment = Environment::of_process();
    let mut overrides = overrides_of_variables(&environment);
    overrides.state_dir = state_dir.or(overrides.state_dir);
    let socket = socket_path(&Paths::find(&overrides, &environment).ok()?.runtime_dir);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    runtime.block_on(async {
        let telling = async {
            let mut connection = Connection::open(&socket, hello(Via::Hook, None, None)).await.ok()?;
            // Answered before this process ends: who runs it is read off while it runs.
            let told = connection.request(Request::Hook { report }).await.ok()?;
            (told == Reply::Done).then_some(connection)
        };
        let connection = tokio::time::timeout(LIMIT, telling).await.ok()??;
        let asks = asks?;
        kept.store(true, Ordering::SeqCst);
        tokio::select! {
            answer = answered(connection, &socket, &asks) => print(&answer?),
            () = agent_is_gone() => None,
        }
    })
}

/// What was decided, in the agent's form. A supervisor that dies may have written down a decision and given it to nobody: the
/// next one is asked for it.
async fn answered(mut connection: Connection, socket: &Path, asks: &HookRequest) -> Option<String> {
    let mut again = false;
    loop {
        match connection.request(Request::Await { request: asks.request.clone(), again }).await {
            Ok(Reply::Given { role, label }) => return asks.answer(role, &label),
            Ok(_) => return None,
            Err(_) => connection = tokio::time::timeout(RESTART, anew(socket)).await.ok()?,
        }
        again = true;
    }
}

/// A connection to the next supervisor.
async fn anew(socket: &Path) -> Connection {
    loop {
        tokio::time::sleep(PAUSE).await;
        if let Ok(connection) = Connection::open(socket, hello(Via::Hook, None, None)).await {
            return connection;
        }
    }
}

fn print(answer: &str) -> Option<()> {
    let mut out = std::io::stdout();
    out.write_all(answer.as_bytes()).and_then(|()| out.flush()).ok()
}

/// The agent that waits has ended: another process took its place as the parent of this one.
async fn agent_is_gone() {
    let parent = rustix::process::getppid();
    while rustix::process::getppid() == parent {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_call_of_a_hook_is_one() {
        let call = |words: &[&str]| {
            let words: Vec<OsString> = ["tmuxagent"].iter().chain(words).map(OsString::from).collect();
            Call::of(&words).map(|call| (call.event, call.state_dir))
        };
        assert_eq!(call(&["hook", "Stop"]), Some(("Stop".to_owned(), None)));
        let folder = Some(PathBuf::from("/s"));
        assert_eq!(call(&["hook", "Stop", "--by-tmuxagent"]), Some(("Stop".to_owned(), None)));
        assert_eq!(call(&["--state-dir", "/s", "hook", "Stop"]), Some(("Stop".to_owned(), folder.clone())));
        assert_eq!(call(&["--state-dir=/s", "hook"]), Some((String::new(), folder)));
        for other in
            [&["hooks", "status"][..], &["hook", "--help"], &["status"], &["--json", "hook"], &[], &["--state-dir"]]
        {
            assert_eq!(call(other), None, "{other:?}");
        }
    }
}
