//! The `tmuxagent` program: its helpers, panic hook, crypto provider, run, exit code.

#![doc = include_str!("../ARCHITECTURE.md")]

mod cli;
#[allow(unsafe_code, reason = "an allocator is named by an unsafe trait, and by nothing else")]
mod memory;
mod wrapper;

use std::process::ExitCode;

fn main() -> ExitCode {
    // What tmux starts to hand a pane's output over, and what keeps it: before anything else, since each pane waits for it.
    if let Some(code) = tmuxagent_tmux::serve(std::env::args_os()) {
        return ExitCode::from(code);
    }
    memory::share_heaps();
    let arguments: Vec<_> = std::env::args_os().collect();
    // An agent waits for its hooks.
    if let Some(code) = cli::hook::serve(&arguments) {
        return ExitCode::from(code);
    }
    // Children are not to speak for us to the init system.
    if let Err(error) = tmuxagent_supervisor::notify_socket::claim(&arguments) {
        return ExitCode::from(cli::report(
            &cli::CliError::internal(error),
            false,
            tmuxagent_text::Lang::En,
            &tmuxagent_text::redact::Redactor::default(),
        ));
    }
    // Reports of failures go to standard error; where a screen is open, its own hook restores the terminal first.
    let hooked = color_eyre::config::HookBuilder::default().display_env_section(false).install();
    // The only provider that is linked; a second installation in one process is impossible here.
    let provided = rustls::crypto::ring::default_provider().install_default();
    if hooked.is_err() || provided.is_err() {
        return ExitCode::from(cli::exit::INTERNAL);
    }
    memory::mind_panics();
    ExitCode::from(cli::main(arguments))
}
