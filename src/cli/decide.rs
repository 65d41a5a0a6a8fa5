//! `tmuxagent approve` and `tmuxagent reject`.

use super::connection::Connection;
use super::control::Typing;
use super::explain::take_back;
use super::{CliError, Outcome, Session, Tone, control, exit};
use clap::Args;
use serde_json::json;
use tmuxagent_ipc::wire::ErrorKind;
use tmuxagent_model::{Approval, ApprovalKind, ApprovalState, Command, Millis, Verdict};
use tmuxagent_text::cli::{Word, word};
use tmuxagent_text::{Lang, answer_with_undo, clean, effect_sentence, question, reveal, skip_reason};

#[derive(Debug, Args)]
pub(super) struct DecideArgs {
    /// The approval's identity or a unique beginning of it; `ID@2` decides only its second revision
    id: Option<String>,
    /// The chosen option or its number, or a typed answer, where the question has one
    #[arg(long, value_name = "TEXT")]
    answer: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct ApproveArgs {
    #[command(flatten)]
    decide: DecideArgs,
    /// Give a lease too: for so long what the agent asks of that kind in this pane is approved without asking
    #[arg(long = "for", value_name = "TIME", conflicts_with = "answer")]
    lease: Option<String>,
}

/// Approves one approval, perhaps with a lease.
pub(super) fn approve(session: &Session, args: &ApproveArgs) -> Outcome {
    let lease = args.lease.as_deref().map(super::lease::read_span).transpose()?;
    decide(session, &args.decide, Choice::Approve, lease)
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// Yes.
    Approve,
    /// No.
    Reject,
}

/// Decides one approval. The decision is bound to the revision that was read.
pub(super) fn run(session: &Session, args: &DecideArgs, choice: Choice) -> Outcome {
    decide(session, args, choice, None)
}

fn decide(session: &Session, args: &DecideArgs, choice: Choice, lease: Option<Millis>) -> Outcome {
    let mut connection = Connection::open(session)?;
    let Some(named) = &args.id else {
        return Err(connection.none_named(session, "no approval is named".to_owned())?);
    };
    let (id, revision) = split(named)?;
    let (mut connection, approval) = connection.with_approval(session, id)?;
    let revision = revision.unwrap_or(approval.revision);
    let answer = args.answer.as_deref().map(|answer| meant(&approval, answer));
    check(&approval, revision, answer)?;
    if choice == Choice::Approve && lease.is_none() && answer.is_none() {
        check_plain_yes(&approval)?;
    }
    let command = match lease {
        Some(span) => Command::GrantLease { approval: approval.id.clone(), revision, span },
        None => Command::Decide {
            approval: approval.id.clone(),
            revision,
            verdict: Verdict { approve: choice == Choice::Approve, answer: answer.map(str::to_owned) },
        },
    };
    let committed = connection.command(command)?;
    // The decision stands; whether its keys reached the pane is another matter.
    let answers = matches!(approval.kind, ApprovalKind::Agent | ApprovalKind::Asks | ApprovalKind::Dialog { .. });
    let types = answers || choice == Choice::Approve && !approval.effect.is_empty();
    let typing = if types { control::typing(&mut connection, &committed.value, &approval.pane) } else { Typing::Told };
    let not_typed = if let Typing::Not(reason) = &typing { Some(reason) } else { None };
    // A freeze keeps back what a decision types; the decision stands.
    let held = types && not_typed.is_none() && connection.snapshot().is_ok_and(|now| now.frozen.is_some());
    let waits = held || matches!(typing, Typing::Waits(_));
    let code = if not_typed.is_some() { exit::NEGATIVE } else { exit::OK };
    let out = &session.out;
    if out.json {
        out.json(&json!({
            "approval": approval.id,
            "revision": revision,
            "approve": choice == Choice::Approve,
            "committed": committed.value,
            "held": waits,
            "known": !matches!(typing, Typing::NotKnown),
            "not_typed": not_typed.map(|reason| skip_reason(Lang::En, reason)),
        }))?;
        return Ok(code);
    }
    let (tone, done) = match choice {
        // An answer to a command is a yes or a no by what it says.
        Choice::Approve if answer.is_some() && approval.kind == ApprovalKind::Asks => (Tone::Good, Word::AnsweredNow),
        Choice::Approve => (Tone::Good, Word::ApprovedNow),
        Choice::Reject => (Tone::Bad, Word::RejectedNow),
    };
    let what = done_by(out.lang, &approval, choice, answer);
    out.line(&format!("{} {}: {what}", out.paint(tone, word(out.lang, done)), clean(&approval.told_place())))?;
    // That it is decided stands there already; what is left to say is that it can be taken back, for example.
    if !matches!(committed.text.as_str(), "" | "approved" | "rejected") {
        let how = format!("`{}`", take_back(&approval.id));
        out.line(&out.paint(Tone::Dim, &clean(&answer_with_undo(out.lang, &committed.text, &how))))?;
    }
    if held {
        out.say("sending is frozen: what it types is held back until `tmuxagent unfreeze`")?;
    }
    if let Some(left) = typing.sentence(out.lang).filter(|_| !held) {
        out.line(&out.paint(Tone::Warn, &left))?;
    }
    Ok(code)
}

/// What a decision does: what is typed, or else what it is about.
fn done_by(lang: Lang, approval: &Approval, choice: Choice, answer: Option<&str>) -> String {
    match (choice, answer) {
        // The answer takes the place of what a plain yes would type, but for the word without which a yes is none.
        (Choice::Approve, Some(answer)) if !approval.is_confirmed_by(answer) => clean(answer),
        (Choice::Approve, _) if !approval.effect_text.is_empty() => {
            reveal(&effect_sentence(lang, &approval.effect_text))
        }
        (Choice::Approve | Choice::Reject, _) => clean(&question(lang, approval)),
    }
}

fn split(text: &str) -> Result<(&str, Option<u32>), CliError> {
    let Some((id, revision)) = text.split_once('@') else { return Ok((text, None)) };
    match revision.parse() {
        Ok(revision) => Ok((id, Some(revision))),
        Err(_) => Err(CliError::user(
            format!("`{}` is not a revision's number", clean(revision)),
            "write ID, or ID@2 for its second revision",
        )),
    }
}

/// The option that is meant, where it is one.
fn meant<'a>(approval: &'a Approval, answer: &'a str) -> &'a str {
    approval.option_meant(answer).unwrap_or(answer)
}

/// A command that waits for a text is told none by a plain yes.
fn check_plain_yes(approval: &Approval) -> Result<(), CliError> {
    if approval.state != ApprovalState::Pending || !approval.takes_text() {
        return Ok(());
    }
    let id = &approval.id;
    let text =
        format!("a plain yes answers nothing here; say what is answered: `tmuxagent approve {id} --answer TEXT`");
    Err(CliError::Answer { kind: ErrorKind::Refused, text })
}

/// What can be said without asking; the supervisor decides about the rest in one step.
fn check(approval: &Approval, revision: u32, answer: Option<&str>) -> Result<(), CliError> {
    // What is decided already takes no answer at all, which the supervisor says.
    if approval.state != ApprovalState::Pending {
        return Ok(());
    }
    if revision != approval.revision {
        return Err(CliError::Answer {
            kind: ErrorKind::Stale,
            text: format!("approval {} has changed: it is at revision {} now", approval.id, approval.revision),
        });
    }
    let shown = matches!(approval.kind, ApprovalKind::Dialog { .. });
    match answer {
        // A number of the dialog's own.
        Some(answer) if shown && answer.parse::<u8>().is_ok() => Ok(()),
        Some(answer) if !approval.options.is_empty() && !approval.options.iter().any(|option| option == answer) => {
            Err(CliError::NotFound {
                text: format!("`{}` is no option of approval {}", clean(answer), approval.id),
                hint: "the options are:".to_owned(),
                candidates: approval.options.iter().map(|option| clean(option)).collect(),
            })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tmuxagent_testkit::approval;

    #[test]
    fn an_answer_is_one_that_is_offered_as_long_as_something_is_asked() {
        let options = vec!["yes".to_owned(), "no".to_owned()];
        let open = Approval { kind: ApprovalKind::Asks, options, ..approval() };
        for (written, option) in [("yes", "yes"), ("NO", "no"), ("y", "yes"), ("2", "no"), ("3", "3"), ("bla", "bla")] {
            assert_eq!(meant(&open, written), option, "{written}");
        }
        assert!(check(&open, 1, Some("yes")).is_ok());
        assert_eq!(check(&open, 1, Some("bla")).map_err(|error| error.code()), Err(exit::NOT_FOUND));
        assert_eq!(check(&open, 2, Some("yes")).map_err(|error| error.code()), Err(exit::DECIDED));
        // Whatever is answered, that it is decided is what the supervisor says.
        let decided = Approval { state: ApprovalState::Approved, ..open };
        assert!(check(&decided, 1, Some("bla")).is_ok());
    }

    #[test]
    fn a_yes_by_its_word_tells_what_is_typed_and_not_the_word() {
        let asked = Approval { confirm: Some("deploy".into()), effect_text: "./deploy.sh ⏎".into(), ..approval() };
        let told = |answer| done_by(Lang::En, &asked, Choice::Approve, Some(answer));
        assert_eq!(told("deploy"), "./deploy.sh ⏎");
        let open = Approval { kind: ApprovalKind::Asks, ..approval() };
        assert_eq!(done_by(Lang::En, &open, Choice::Approve, Some("mars")), "mars");
    }
}
