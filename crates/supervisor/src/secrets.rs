//! What is kept of panes and commands, without secrets: evidence and the journal.

use tmuxagent_engine::Cleaner;
use tmuxagent_model::{Event, Outcome, Printed};
use tmuxagent_text::redact::Redactor;

/// Takes known secrets and what looks like one out of evidence.
pub fn cleaner(redactor: &Redactor) -> Cleaner {
    let redactor = redactor.clone();
    Cleaner::new(move |words| redactor.redact(words))
}

/// An event as the journal keeps it: what panes and commands printed, without secrets.
pub fn without_secrets(event: &Event, redactor: &Redactor) -> Event {
    let mut event = event.clone();
    match &mut event {
        Event::Line(line) => {
            line.text = redactor.redact(&line.text);
            if let Some(message) = &mut line.message {
                for words in [&mut message.summary, &mut message.question, &mut message.detail].into_iter().flatten() {
                    *words = redactor.redact(words);
                }
            }
        }
        Event::Witnessed { fact, printed } => {
            **fact = without_secrets(fact, redactor);
            let texts: Vec<String> = printed.iter().map(|line| line.text.clone()).collect();
            // A key over several lines leaves fewer.
            let times: Vec<_> = printed.iter().map(|line| line.at).collect();
            let lines = redactor.redact_lines(&texts).into_iter().zip(times);
            *printed = lines.map(|(text, at)| Printed { at, text }).collect();
        }
        Event::Outcome { outcome: Outcome::Shell(shell), .. } => shell.output = redactor.redact(&shell.output),
        Event::PaneSeen { .. }
        | Event::PaneGone { .. }
        | Event::HostLost { .. }
        | Event::Activity { .. }
        | Event::Gap { .. }
        | Event::Program { .. }
        | Event::CommandEnded { .. }
        | Event::Asked { .. }
        | Event::Timer { .. }
        | Event::Outcome { .. }
        | Event::Polled { .. }
        | Event::PolicyLoaded { .. } => {}
    }
    event
}
