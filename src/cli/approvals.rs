//! `tmuxagent approvals`.

use super::connection::Connection;
use super::control::quoted;
use super::explain::take_back;
use super::{CliError, Outcome, Output, Session, Tone, exit};
use clap::Args;
use tmuxagent_model::{Approval, ApprovalKind, ApprovalState, Decision, GAP, KeyStep, Snapshot, Timestamp, fitting};
use tmuxagent_text::cli::{Word, word};
use tmuxagent_text::{
    Lang, Text, ago, approval_kind, approval_state, clean, decider, effect_of_yes, in_list, message, more_characters,
    open_until, question, reveal, span, steps_line, told_option, via,
};

#[derive(Debug, Args)]
pub(super) struct ApprovalsArgs {
    /// Only this one, whole, also when it is closed: its identity, or a unique beginning of it
    id: Option<String>,
    /// The last closed ones as well
    #[arg(long)]
    all: bool,
}

/// Prints the queue of approvals, or one of them.
pub(super) fn run(session: &Session, args: &ApprovalsArgs) -> Outcome {
    let mut connection = Connection::open(session)?;
    let (out, me) = (&session.out, tmuxagent_supervisor::user_name(&session.environment));
    if let Some(id) = &args.id {
        let (mut connection, approval) = connection.with_approval(session, id)?;
        if out.json {
            out.json(&approval)?
        } else {
            show(out, &approval, connection.snapshot()?.at, &me)?
        }
        return Ok(exit::OK);
    }
    let Snapshot { at, mut approvals, .. } = connection.snapshot()?;
    approvals.extend(connection.approvals_elsewhere(session)?);
    approvals.retain(|approval| args.all || approval.state == ApprovalState::Pending);
    if out.json {
        out.json(&approvals)?
    } else if args.all && approvals.is_empty() {
        // What goes on is of no use here: nothing of it has asked anything.
        out.line(word(out.lang, Word::NothingAsked))?
    } else {
        list(out, &approvals, at, &me)?
    }
    Ok(exit::OK)
}

/// Lines of evidence that a list shows of each, those that tell a cause first; `tmuxagent approvals ID` has them all.
const LISTED: usize = 5;

fn list(out: &Output, approvals: &[Approval], now: Timestamp, me: &str) -> Result<(), CliError> {
    let lang = out.lang;
    if approvals.is_empty() {
        return out.line(word(lang, Word::NoApprovals));
    }
    for approval in approvals {
        let tone = if approval.state == ApprovalState::Pending { Tone::Ask } else { Tone::Dim };
        let of = [approval.pipeline.as_deref(), approval.stage.as_deref()].into_iter().flatten().map(clean);
        let state = out.paint(tone, approval_state(lang, approval.state));
        let asked = out.paint(Tone::Dim, &ago(lang, now, approval.asked_at));
        let left = left(lang, approval, now).map(|left| format!("  {}", out.paint(Tone::Warn, &left)));
        let left = left.unwrap_or_default();
        out.line(&format!("{}  {state}  {asked}{left}", out.paint(Tone::Bold, &name(approval))))?;
        let about = of.collect::<Vec<_>>().join(" / ");
        let at = format!("@ {}", place(approval));
        out.wrapped("  ", Tone::Dim, [about, at].join(" ").trim_start())?;
        out.wrapped("  ", Tone::Plain, &clean(&question(lang, approval)))?;
        if let Some(decision) = &approval.decision {
            let by = decided(lang, decision, now);
            out.wrapped("  ", Tone::Dim, &format!("{}{}{by}", Text::Decided.of(lang), lang.colon()))?;
        }
        if approval.state == ApprovalState::Pending {
            let effects =
                [(Text::Effect, effect_of_yes(lang, approval)), (Text::EffectNo, steps_line(&approval.effect_no))];
            for (head, does) in effects.iter().filter(|(_, does)| !does.is_empty()) {
                let (shown, left_out) = in_list(does);
                out.wrapped("  ", Tone::Warn, &format!("{}{}{shown}", head.of(lang), lang.colon()))?;
                if left_out > 0 {
                    let more = more_characters(lang, left_out, approval.id.as_str());
                    out.item("  ", &out.paint(Tone::Warn, &more))?;
                }
            }
            choices(out, approval)?;
            answer(out, approval, me)?;
            lease(out, approval)?;
        }
        // What was decided is looked up for what it was decided on.
        evidence(out, approval)?;
    }
    Ok(())
}

/// How long it is still open, or how long its yes can still be taken back and by which command.
fn left(lang: Lang, approval: &Approval, now: Timestamp) -> Option<String> {
    if let Some(until) = approval.undo_until.filter(|_| approval.can_be_taken_back(now)) {
        let (left, how) = (span(lang, until.since(now)), take_back(&approval.id));
        return Some(match lang {
            Lang::En => format!("it is done in {left} {} (`{how}`)", Approval::UNLESS),
            Lang::Zh => format!("若不撤回，{left} 后执行（`{how}`）"),
        });
    }
    let at = approval.expires_at.filter(|at| approval.state == ApprovalState::Pending && *at > now)?;
    let left = span(lang, at.since(now));
    Some(format!("{} {left}", Text::Expires.of(lang)))
}

/// The lines that led to it, those that tell most of it, and where the others stand.
fn evidence(out: &Output, approval: &Approval) -> Result<(), CliError> {
    // What an agent asks is decided on all that its dialog shows. To say that one more is left out would take its row.
    let whole = matches!(approval.kind, ApprovalKind::Dialog { .. }) || approval.evidence.len() <= LISTED + 1;
    let (lines, left_out) = fitting(&approval.evidence, if whole { usize::MAX } else { LISTED });
    for line in &lines {
        out.quoted("  > ", Tone::Dim, &clean(line))?;
    }
    if left_out > 0 {
        let more = more(out.lang, left_out, approval.id.as_str());
        out.item("  > ", &out.paint(Tone::Dim, &more))?;
    }
    Ok(())
}

/// How many lines are left out, and the command that prints them.
fn more(lang: Lang, left_out: usize, id: &str) -> String {
    match (lang, left_out) {
        (Lang::En, 1) => format!("{GAP} 1 more line: `tmuxagent approvals {id}`"),
        (Lang::En, _) => format!("{GAP} {left_out} more lines: `tmuxagent approvals {id}`"),
        (Lang::Zh, _) => format!("{GAP} 还有 {left_out} 行：`tmuxagent approvals {id}`"),
    }
}

/// What was answered, who decided it through what, and when.
fn decided(lang: Lang, decision: &Decision, now: Timestamp) -> String {
    let answer = decision.verdict.answer.as_ref().map(|answer| format!("\"{}\", ", clean(answer))).unwrap_or_default();
    let (who, via) = (clean(&decider(lang, &decision.by.who)), via(lang, decision.by.via));
    format!("{answer}{who} ({via}), {}", ago(lang, now, decision.at))
}

/// The answers to choose from, each in its own line: one may hold any sign, and is typed behind `--answer` as it stands.
fn choices(out: &Output, approval: &Approval) -> Result<(), CliError> {
    if approval.options.is_empty() {
        return Ok(());
    }
    out.line(&format!("  {}:", out.lang.pick("answers (--answer)", "可选答案（--answer）")))?;
    approval.options.iter().enumerate().try_for_each(|(n, option)| {
        let typed = approval.option_effects.get(n).map(|steps| steps_line(steps)).filter(|typed| !typed.is_empty());
        let types = Text::EffectTypes.of(out.lang);
        let typed = typed.map(|typed| format!("  ({types} {typed})")).unwrap_or_default();
        let told = told_option(out.lang, approval, option, &clean(option));
        out.quoted("    - ", Tone::Plain, &format!("{told}{typed}"))
    })
}

/// The command that says yes, where a yes takes a word or a text; to who may not say it, for whom it is instead.
fn answer(out: &Output, approval: &Approval, me: &str) -> Result<(), CliError> {
    if !approval.is_for(me) {
        return out.wrapped("    ", Tone::Warn, &not_for(out.lang, approval, me));
    }
    let Some(command) = yes_with_text(out.lang, approval) else { return Ok(()) };
    out.verbatim(&out.paint(Tone::Ask, &format!("    {command}")))
}

/// For whom a question is that somebody may not decide.
pub(super) fn not_for(lang: Lang, approval: &Approval, me: &str) -> String {
    clean(&message(lang, &approval.not_for(me)))
}

/// The same as text; `None` where a plain yes will do, or an answer is to be chosen.
pub(super) fn yes_with_text(lang: Lang, approval: &Approval) -> Option<String> {
    let answer = match &approval.confirm {
        Some(word) => quoted(&clean(word)),
        None if approval.takes_text() => lang.pick("TEXT", "文本").to_owned(),
        None => return None,
    };
    Some(format!("tmuxagent approve {} --answer {answer}", name(approval)))
}

/// What a lease given with the approval would allow.
fn lease(out: &Output, approval: &Approval) -> Result<(), CliError> {
    let ApprovalKind::Dialog { lease, .. } = &approval.kind else { return Ok(()) };
    if approval.state != ApprovalState::Pending || lease.class.is_empty() {
        return Ok(());
    }
    let head = out.lang.pick("with `--for 30m` also", "加上 `--for 30m` 还允许");
    out.item("  ", &format!("{head}{}{}", out.lang.colon(), clean(&lease.class.join(", "))))
}

/// Where; the place itself names the machine where it is another one.
fn place(approval: &Approval) -> String {
    let place = clean(&approval.told_place());
    if approval.folder.is_empty() { place } else { format!("{place}  {}", clean(&approval.folder)) }
}

/// Its identity, with the revision once it changed, as `approve` takes it.
fn name(approval: &Approval) -> String {
    match approval.revision {
        0 | 1 => approval.id.to_string(),
        revision => format!("{}@{revision}", approval.id),
    }
}

/// One approval with everything that a decision needs.
pub(super) fn show(out: &Output, approval: &Approval, now: Timestamp, me: &str) -> Result<(), CliError> {
    let lang = out.lang;
    let row = |head: Word, value: String| {
        if value.is_empty() {
            Ok(())
        } else {
            out.quoted(&format!("{}{}", out.paint(Tone::Dim, word(lang, head)), lang.colon()), Tone::Plain, &value)
        }
    };
    out.line(&format!("{} {}", out.paint(Tone::Bold, &name(approval)), approval_state(lang, approval.state)))?;
    row(Word::Kind, approval_kind(lang, &approval.kind).to_owned())?;
    row(Word::Place, format!("{} ({}:{})", clean(&approval.place), approval.pane.host, approval.pane.pane))?;
    row(Word::Folder, clean(&approval.folder))?;
    row(Word::Run, approval.run.map(|run| run.to_string()).unwrap_or_default())?;
    let of = [approval.pipeline.as_deref(), approval.stage.as_deref()].into_iter().flatten().map(clean);
    row(Word::Stage, of.collect::<Vec<_>>().join(" / "))?;
    row(Word::Question, clean(&question(lang, approval)))?;
    row(Word::WillDo, effect_of_yes(lang, approval))?;
    lines_typed(out, approval)?;
    row(Word::WillNot, steps_line(&approval.effect_no))?;
    choices(out, approval)?;
    if approval.state == ApprovalState::Pending {
        answer(out, approval, me)?;
    }
    lease(out, approval)?;
    row(Word::Asked, ago(lang, now, approval.asked_at))?;
    let left = approval.expires_at.filter(|at| approval.state == ApprovalState::Pending && *at > now);
    let zone = jiff::tz::TimeZone::system();
    let until = open_until(&zone, approval).unwrap_or_default();
    row(Word::Expires, left.map(|at| format!("{} ({until})", span(lang, at.since(now)))).unwrap_or_default())?;
    if let Some(decision) = &approval.decision {
        row(Word::Decided, decided(lang, decision, now))?;
    }
    approval.evidence.iter().try_for_each(|line| out.quoted("  ", Tone::Plain, &clean(line)))
}

/// Each line of a text of several that a yes types, such as a prompt: in one line it is told by its first one.
fn lines_typed(out: &Output, approval: &Approval) -> Result<(), CliError> {
    let texts = approval.effect.iter().filter_map(|step| match step {
        KeyStep::Text(text) if text.trim_end().contains('\n') => Some(text),
        _ => None,
    });
    texts.flat_map(|text| text.lines()).try_for_each(|line| out.quoted("  | ", Tone::Warn, &reveal(line)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tmuxagent_model::{Decider, Verdict, Via};
    use tmuxagent_testkit::approval;

    #[test]
    fn a_place_names_another_machine_once() {
        let mut far = Approval { place: "nas/main:ci.0".to_owned(), folder: "/srv/ci".to_owned(), ..approval() };
        far.pane = "nas/main/%0/7".parse().unwrap();
        assert_eq!(place(&far), "nas/main:ci.0 %0  /srv/ci");
    }

    #[test]
    fn our_own_answers_say_what_they_do() {
        let told = |kind: ApprovalKind, lang: Lang, option: &str| {
            told_option(lang, &Approval { kind, ..approval() }, option, option)
        };
        let waits = told(ApprovalKind::Unclear, Lang::En, "wait");
        assert_eq!(waits, "wait (nothing is done, and its end is waited for)");
        assert_eq!(told(ApprovalKind::Unclear, Lang::Zh, "wait"), "wait（什么也不做，继续等它结束）");
        for option in ["continue", "rerun", "wait"] {
            assert!(told(ApprovalKind::Gap, Lang::Zh, option).starts_with(&format!("{option}（")), "{option}");
        }
        for option in ["stop", "wait", "over", "continue"] {
            assert!(told(ApprovalKind::Overdue, Lang::En, option).starts_with(&format!("{option} (")), "{option}");
        }
        assert_eq!(told(ApprovalKind::Agent, Lang::En, "wait"), "wait", "an agent's words are its own");
    }

    #[test]
    fn how_long_it_is_open_or_can_be_taken_back_is_told() {
        let open = Approval { expires_at: Some(Timestamp(95_000)), ..approval() };
        assert_eq!(left(Lang::En, &open, Timestamp(90_000)).as_deref(), Some("expires in 5s"));
        assert_eq!(left(Lang::En, &open, Timestamp(95_000)), None, "its time is over");
        let yes = Approval { state: ApprovalState::Approved, undo_until: Some(Timestamp(94_000)), ..open };
        let told = format!("it is done in 4s unless it is taken back (`tmuxagent reject {}`)", yes.id);
        assert_eq!(left(Lang::En, &yes, Timestamp(90_000)), Some(told));
        assert_eq!(left(Lang::En, &yes, Timestamp(94_000)), None);
    }

    #[test]
    fn what_is_open_for_less_than_an_hour_is_told_with_seconds() {
        let until = |span| {
            let at = Timestamp(1_700_000_000_000);
            let asked = Approval { expires_at: Some(at), asked_at: Timestamp(at.0 - span), ..approval() };
            open_until(&jiff::tz::TimeZone::UTC, &asked)
        };
        assert_eq!(until(90_000).as_deref(), Some("2023-11-14 22:13:20 UTC"));
        assert_eq!(until(3_600_000).as_deref(), Some("2023-11-14 22:13 UTC"));
    }

    #[test]
    fn a_yes_that_takes_words_is_a_whole_command() {
        let command = |asked: Approval| yes_with_text(Lang::En, &asked);
        let id = approval().id;
        assert_eq!(command(approval()), None);
        let by_word = Approval { confirm: Some("go live".to_owned()), ..approval() };
        assert_eq!(command(by_word), Some(format!("tmuxagent approve {id} --answer 'go live'")));
        let asks = Approval { kind: ApprovalKind::Asks, revision: 2, ..approval() };
        assert_eq!(command(asks.clone()), Some(format!("tmuxagent approve {id}@2 --answer TEXT")));
        assert!(yes_with_text(Lang::Zh, &asks).is_some_and(|command| command.ends_with(" --answer 文本")));
        assert_eq!(command(Approval { options: vec!["yes".to_owned(), "no".to_owned()], ..asks }), None);
    }

    #[test]
    fn what_a_list_leaves_out_is_counted_and_where_it_stands_is_told() {
        assert_eq!(more(Lang::En, 1, "01A"), "… 1 more line: `tmuxagent approvals 01A`");
        assert_eq!(more(Lang::En, 7, "01A"), "… 7 more lines: `tmuxagent approvals 01A`");
        assert_eq!(more(Lang::Zh, 7, "01A"), "… 还有 7 行：`tmuxagent approvals 01A`");
    }

    #[test]
    fn a_yes_that_is_an_answer_says_that_it_is_typed() {
        let (kind, effect, effect_text) = (ApprovalKind::Asks, Vec::new(), String::new());
        let asks = Approval { kind, effect, effect_text, ..approval() };
        assert_eq!(effect_of_yes(Lang::En, &asks), "what you write is typed, and then Enter");
        let chosen = Approval { options: vec!["merge".to_owned(), "abort".to_owned()], ..asks };
        assert_eq!(effect_of_yes(Lang::Zh, &chosen), Text::EffectChosen.of(Lang::Zh));
        assert_eq!(effect_of_yes(Lang::En, &approval()), "npm run build ⏎");
    }

    #[test]
    fn a_decision_names_the_answer_and_who_gave_it() {
        let by = Decider::named("mei", Via::Cli);
        let no = Verdict { approve: false, answer: Some("no".to_owned()) };
        let told = decided(Lang::En, &Decision { verdict: no, by, at: Timestamp(0) }, Timestamp(60_000));
        assert!(told.starts_with("\"no\", mei ("), "{told}");
    }
}
