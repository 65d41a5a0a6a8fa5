use super::*;
use tmuxagent_model::{Basis, SeenByPerson, Timestamp};

/// Nobody knew who was in front when the stage began.
const FRONT: Needs = Needs::Front { basis: None };

fn front(pid: u32, name: &str) -> Front {
    Front { pid, born: 5, name: name.to_owned() }
}

fn reader(reads: Reads, pid: u32) -> PaneReader {
    PaneReader { reads, front: Some(front(pid, "p")), ..PaneReader::default() }
}

fn text() -> Vec<KeyStep> {
    vec![KeyStep::Text("x".to_owned()), KeyStep::Key("Enter".to_owned())]
}

fn fit(needs: &Needs, steps: &[KeyStep], reads: Reads) -> Fit {
    fits(needs, steps, &reader(reads, 1), &mut None)
}

const ALL: [Reads; 12] = [
    Reads::Shell,
    Reads::Draft,
    Reads::Command,
    Reads::Line,
    Reads::Key,
    Reads::Password,
    Reads::Screen,
    Reads::Agent,
    Reads::AgentWorks,
    Reads::AgentAsks,
    Reads::Nested,
    Reads::Unknown,
];

#[test]
fn a_command_needs_a_shell_at_an_empty_prompt() {
    for reads in ALL {
        let fits = fit(&Needs::Shell, &text(), reads.clone()) == Fit::Fits;
        assert_eq!(fits, reads == Reads::Shell, "{reads:?}");
    }
}

#[test]
fn keys_need_the_program_that_was_in_front() {
    let mut basis = None;
    assert_eq!(fits(&FRONT, &text(), &reader(Reads::Line, 1), &mut basis), Fit::Fits);
    assert_eq!(basis, Some(front(1, "p")));
    assert_eq!(fits(&FRONT, &text(), &reader(Reads::Shell, 2), &mut basis), Fit::NotYet);
    assert_eq!(fits(&FRONT, &text(), &reader(Reads::Screen, 1), &mut basis), Fit::Fits);
    for reads in [Reads::Draft, Reads::Password, Reads::Unknown] {
        assert_eq!(fit(&FRONT, &text(), reads), Fit::NotYet);
    }
    let stop = [KeyStep::Key("C-c".to_owned())];
    assert!(ALL.into_iter().all(|reads| fit(&FRONT, &stop, reads) == Fit::Fits), "C-c is for whoever runs");
    let enter = [KeyStep::Key("Enter".to_owned())];
    assert_eq!(fit(&FRONT, &enter, Reads::Draft), Fit::NotYet, "Enter would submit it");
}

#[test]
fn keys_of_a_stage_are_for_the_program_that_was_in_front_when_it_began() {
    let began = Timestamp(10_000);
    let basis = |pid| Basis { front: front(pid, "p"), at: began, shell: pid == 1, printed: true, ..Basis::default() };
    let needs = |pid| Needs::Front { basis: Some(basis(pid)) };
    let reads = |reads: Reads, pid, since| PaneReader { since: Timestamp(since), ..reader(reads, pid) };
    let ended = reads(Reads::Shell, 1, 12_000);
    let (late, later) = (60_000, Front { born: 6, ..front(1, "p") });
    for (needed, seen, expected) in [
        (1, reads(Reads::Shell, 1, late), Fit::Fits),
        (1, reads(Reads::Line, 1, late), Fit::Fits),
        (1, reads(Reads::Draft, 1, late), Fit::NotYet),
        // Whoever was opened since: an editor, another shell.
        (1, reads(Reads::Screen, 2, late), Fit::NotYet),
        (1, reads(Reads::Shell, 2, late), Fit::NotYet),
        // The number is given again.
        (1, PaneReader { front: Some(later), ..reads(Reads::Shell, 1, late) }, Fit::NotYet),
        (1, PaneReader { front: None, ..reads(Reads::Shell, 1, late) }, Fit::NotYet),
        // What began the stage was the last line of a program, and its end was seen after that.
        (2, reads(Reads::Shell, 1, 10_300), Fit::Fits),
        (2, reads(Reads::Screen, 1, 10_300), Fit::NotYet),
        (1, reads(Reads::Shell, 2, 10_300), Fit::NotYet),
        // Later it has ended for good, and a person is asked at once.
        (2, ended.clone(), Fit::Never(SkipReason::Reader(Box::new(ended)))),
    ] {
        let mut basis = None;
        assert_eq!(fits(&needs(needed), &text(), &seen, &mut basis), expected, "{seen:?}");
        assert_eq!(basis, None, "who reads later is not taken for it");
    }
    let stop = [KeyStep::Key("C-c".to_owned())];
    assert_eq!(fits(&needs(1), &stop, &reads(Reads::Screen, 2, late), &mut None), Fit::Fits);
    // The command of another run takes them where it asks nothing, or what began their stage.
    let asks = |row: &str, since| PaneReader { asks: Some(row.to_owned()), ..reads(Reads::Line, 2, since) };
    let needs = Needs::Front { basis: Some(Basis { answers: Some("Go on? [y/N] ".to_owned()), ..basis(2) }) };
    for (seen, expected) in [
        (asks("Go on? [y/N]", 10_300), Fit::Fits),
        // Asked once more, or something else; or it is to be asked yet.
        (asks("Go on? [y/N]", late), Fit::NotYet),
        (asks("Drop the table? [y/N]", 10_300), Fit::NotYet),
        (reads(Reads::Line, 2, 10_300), Fit::NotYet),
        (reads(Reads::Command, 2, 10_300), Fit::NotYet),
    ] {
        assert_eq!(fits(&needs, &text(), &seen, &mut None), expected, "{seen:?}");
    }
    // It ended just as it was seen: the shell behind it is not who asked, but it is who goes on behind a last line.
    let ended = reads(Reads::Shell, 1, 10_300);
    let needs_of = |answers: &str, unended| {
        let basis = Basis { answers: Some(answers.to_owned()), unended, ..basis(2) };
        fits(&Needs::Front { basis: Some(basis) }, &text(), &ended, &mut None)
    };
    assert_eq!(needs_of("build done (3 files)", false), Fit::Fits);
    assert_eq!(needs_of("Go on? [y/N] ", false), Fit::Never(SkipReason::Reader(Box::new(ended.clone()))));
    assert_eq!(needs_of("Name", true), Fit::Never(SkipReason::Reader(Box::new(ended.clone()))));
    // The same words further down are another question, however soon they come.
    let needs =
        Needs::Front { basis: Some(Basis { answers: Some("Go on? [y/N]".to_owned()), row: Some(7), ..basis(2) }) };
    for (row, expected) in [(7, Fit::Fits), (8, Fit::NotYet), (3, Fit::Fits)] {
        let seen = PaneReader { row, ..asks("Go on? [y/N]", 10_300) };
        assert_eq!(fits(&needs, &text(), &seen, &mut None), expected, "{row}");
    }
    // It was read before all of it was drawn; what is more than the answers that it names is another question.
    for (row, expected) in [
        ("Go on? [y/N] Drop the table? [y/N]", Fit::NotYet),
        ("Go on? [y/N] y", Fit::NotYet),
        ("Go on? [y/N] :", Fit::Fits),
    ] {
        let seen = PaneReader { row: 7, ..asks(row, 10_300) };
        assert_eq!(fits(&needs, &text(), &seen, &mut None), expected, "{row}");
    }
    let half = Basis { answers: Some("Go on?".to_owned()), row: Some(7), ..basis(2) };
    let half = Needs::Front { basis: Some(half) };
    for (row, expected) in
        [("Go on? [y/N]", Fit::Fits), ("Go on? (yes/no):", Fit::Fits), ("Go on? Drop it?", Fit::NotYet)]
    {
        let seen = PaneReader { row: 7, ..asks(row, 10_300) };
        assert_eq!(fits(&half, &text(), &seen, &mut None), expected, "{row}");
    }
    // It is drawn, and read later: what is typed ahead may meet what is asked behind it.
    let early = PaneReader { row: 7, waits_itself: true, ..asks("Go on? [y/N]", 10_300) };
    assert_eq!(fits(&needs, &text(), &early, &mut None), Fit::NotYet);
    assert_eq!((limit(&early, None), limit(&asks("Go on?", 0), None)), (LIMIT, QUESTION));
    // Nobody knew who was in front, and the command of another run lives.
    let unknown = Basis { front: front(0, ""), answers: Some("Go on? [y/N]".to_owned()), ..basis(2) };
    let nobody = Needs::Front { basis: Some(unknown) };
    for (seen, expected) in [
        (asks("Go on? [y/N]", 10_300), Fit::Fits),
        (asks("Drop the table? [y/N]", 10_300), Fit::NotYet),
        (reads(Reads::Command, 2, 10_300), Fit::NotYet),
    ] {
        assert_eq!(fits(&nobody, &text(), &seen, &mut None), expected, "{seen:?}");
    }
    // A person has said that they go to what was asked then.
    let seen = Some(SeenByPerson { question: Some("Q1".to_owned()) });
    let needs = Needs::Front { basis: Some(Basis { answers: Some(String::new()), seen, ..basis(2) }) };
    for (question, expected) in [("Q1", Fit::Fits), ("Q2", Fit::NotYet)] {
        let reader = PaneReader { question: Some(question.to_owned()), ..asks("Go on? [y/N]", late) };
        assert_eq!(fits(&needs, &text(), &reader, &mut None), expected, "{question}");
    }
}

#[test]
fn a_prompt_needs_an_agent_or_a_named_program_that_waits_for_a_line() {
    let named = Needs::Named { programs: vec!["p".to_owned()], composer: true, basis: None };
    for reads in ALL {
        let fits = |needs: &Needs| fit(needs, &[], reads.clone()) == Fit::Fits;
        assert_eq!(fits(&Needs::Composer), reads == Reads::Agent, "{reads:?}");
        assert_eq!(fits(&named), matches!(reads, Reads::Agent | Reads::Line | Reads::Key), "{reads:?}");
    }
}

#[test]
fn an_answer_goes_to_who_asked_and_never_to_a_shell() {
    let asked = |pid| Needs::Asker { front: Some(front(pid, "p")), question: None };
    assert_eq!(fit(&asked(1), &text(), Reads::Line), Fit::Fits);
    assert_eq!(fit(&asked(1), &text(), Reads::Draft), Fit::NotYet);
    for reads in [Reads::Shell, Reads::Password, Reads::Nested] {
        assert!(matches!(fit(&asked(1), &text(), reads), Fit::Never(SkipReason::Asker(_))));
    }
    assert!(matches!(fit(&asked(2), &text(), Reads::Line), Fit::Never(SkipReason::Asker(_))), "another program");
    assert_eq!(fit(&Needs::Asker { front: None, question: None }, &text(), Reads::Agent), Fit::Fits);
    assert!(matches!(fit(&Needs::Asker { front: None, question: None }, &text(), Reads::Shell), Fit::Never(_)));
    assert_eq!(fit(&Needs::Asker { front: None, question: None }, &text(), Reads::Unknown), Fit::NotYet);
}

#[test]
fn a_person_is_told_at_once() {
    for reads in ALL {
        let fit = fit(&Needs::Hand, &text(), reads.clone());
        match reads {
            Reads::Shell | Reads::Agent => assert_eq!(fit, Fit::Fits),
            _ => assert!(matches!(fit, Fit::Never(SkipReason::Reader(_))), "{reads:?}"),
        }
    }
    assert_eq!(fit(&Needs::Hand, &[KeyStep::Key("Down".to_owned())], Reads::Screen), Fit::Fits);
    assert!(ALL.into_iter().all(|reads| fit(&Needs::Nothing, &text(), reads) == Fit::Fits), "who insists is not asked");
}

#[test]
fn copy_mode_is_waited_out() {
    for needs in [Needs::Shell, FRONT, Needs::Composer, Needs::Hand] {
        assert_eq!(fit(&needs, &text(), Reads::Mode), Fit::NotYet);
    }
    assert_eq!(not_read(reader(Reads::Mode, 1)), SkipReason::InMode);
}

fn named(programs: &[&str], composer: bool) -> Needs {
    Needs::Named { programs: programs.iter().map(|name| (*name).to_owned()).collect(), composer, basis: None }
}

#[test]
fn a_named_program_alone_gets_the_keys() {
    for (programs, fits) in [(&["p"][..], true), (&["vim", "/^p$/"], true), (&["q*"], false), (&[], false)] {
        let needs = named(programs, false);
        for reads in ALL {
            // One that reads nothing yet may throw away what was typed ahead.
            let reads_now = !matches!(reads, Reads::Draft | Reads::Password | Reads::Unknown | Reads::Command);
            let wanted = if fits && reads_now { Fit::Fits } else { Fit::NotYet };
            assert_eq!(fit(&needs, &text(), reads.clone()), wanted, "{programs:?} {reads:?}");
        }
    }
    let stop = [KeyStep::Key("C-c".to_owned())];
    assert_eq!(fit(&named(&["q"], false), &stop, Reads::Command), Fit::NotYet, "also what only interrupts");
    assert_eq!(fit(&named(&["p"], false), &stop, Reads::Draft), Fit::Fits);
    let nobody = PaneReader { reads: Reads::Command, ..PaneReader::default() };
    assert_eq!(fits(&named(&["*"], false), &text(), &nobody, &mut None), Fit::NotYet);
}

#[test]
fn a_prompt_for_a_named_program_needs_one_that_takes_a_prompt() {
    for reads in ALL {
        let fits = fit(&named(&["p"], true), &[], reads.clone()) == Fit::Fits;
        assert_eq!(fits, matches!(reads, Reads::Agent | Reads::Line | Reads::Key), "{reads:?}");
    }
}

#[test]
fn its_author_says_how_long_a_send_is_held() {
    let limit = |reads, hold| limit(&reader(reads, 1), hold);
    assert_eq!(limit(Reads::Command, None), Duration::from_secs(60));
    assert_eq!(limit(Reads::Command, Some(Millis(5))), Duration::from_millis(5));
    assert_eq!(limit(Reads::Password, Some(Millis::from_secs(600))), Duration::from_secs(3));
    assert_eq!(limit(Reads::Password, Some(Millis(5))), Duration::from_millis(5));
}

#[test]
fn what_is_quoted_for_one_shell_goes_to_no_other() {
    let at = |name: &str, reads: Reads| PaneReader { reads, front: Some(front(1, name)), ..PaneReader::default() };
    let needs = [Needs::Shell, FRONT];
    for (shells, name, other) in [
        (&[Shell::Bash, Shell::Zsh][..], "bash", false),
        (&[Shell::Bash, Shell::Zsh], "zsh", false),
        (&[Shell::Bash, Shell::Zsh], "dash", true),
        (&[Shell::Bash, Shell::Zsh], "fish", true),
        (&[Shell::Fish], "bash", true),
        (Shell::Sh.readers_of_words(), "zsh", false),
        (Shell::Sh.readers_of_lines(), "zsh", true),
        (&[], "fish", false),
        (&[Shell::Bash], "node", false),
    ] {
        for needs in &needs {
            let reader = at(name, Reads::Shell);
            let fit = quoted_for(shells, &reader, || fits(needs, &text(), &reader, &mut None));
            let expected = if other { Fit::Never(SkipReason::OtherShell(name.to_owned())) } else { Fit::Fits };
            assert_eq!(fit, expected, "{shells:?} {name}");
        }
    }
    // A script of bash runs; what is typed now may be read by the shell around it.
    let mut basis = None;
    let script = at("bash", Reads::Command);
    let held = quoted_for(&[Shell::Bash], &script, || fits(&FRONT, &text(), &script, &mut basis));
    assert_eq!((held, basis), (Fit::NotYet, None), "and it is not the reader that is waited for");
}

#[test]
fn what_a_shell_asks_by_itself_gets_no_keys_that_name_nobody() {
    for (reads, fits) in [(Reads::Shell, Fit::Fits), (Reads::Line, Fit::NotYet), (Reads::Command, Fit::NotYet)] {
        let shell = PaneReader { shell: true, ..reader(reads.clone(), 1) };
        assert_eq!(super::fits(&FRONT, &text(), &shell, &mut None), fits, "{reads:?}");
        // A program that asks is the one that they are for.
        assert_eq!(fit(&FRONT, &text(), reads.clone()), Fit::Fits, "{reads:?}");
    }
}

#[test]
fn only_a_command_is_told_to_stop() {
    let stop = [KeyStep::Key("C-c".to_owned())];
    for reads in ALL {
        let fits = fit(&Needs::Command { front: None }, &stop, reads.clone()) == Fit::Fits;
        assert_eq!(fits, matches!(reads, Reads::Command | Reads::Line | Reads::Key), "{reads:?}");
    }
}

#[test]
fn who_names_a_shell_means_its_prompt_and_not_what_a_script_of_it_asks() {
    let at = |name: &str, reads: Reads, shell: bool| {
        let asks = (!shell).then(|| "Go on? [y/N]".to_owned());
        PaneReader {
            reads,
            shell,
            asks,
            front: Some(front(1, name)),
            since: Timestamp(10_000),
            ..PaneReader::default()
        }
    };
    let basis = |answers: Option<&str>| {
        Some(Box::new(Basis { at: Timestamp(10_000), answers: answers.map(str::to_owned), ..Basis::default() }))
    };
    let fit = |programs: &[&str], basis: Option<Box<Basis>>, reader: &PaneReader| {
        let programs = programs.iter().map(|name| (*name).to_owned()).collect();
        fits(&Needs::Named { programs, composer: false, basis }, &text(), reader, &mut None)
    };
    let shells = &["bash", "zsh", "sh"][..];
    let script = at("bash", Reads::Line, false);
    for (programs, basis, reader, fitting) in [
        (shells, None, at("bash", Reads::Shell, true), true),
        (shells, None, script.clone(), false),
        (shells, None, at("sh", Reads::Key, false), false),
        (shells, None, at("bash", Reads::Screen, false), false),
        (shells, None, at("bash", Reads::Line, true), false),
        // A person began the stage; the very row did; another row did; its own run started the script.
        (shells, basis(Some("")), script.clone(), false),
        (shells, basis(Some("Go on? [y/N]")), script.clone(), true),
        (shells, basis(Some("Drop it? [y/N]")), script.clone(), false),
        (shells, basis(None), script.clone(), true),
        // Whoever reads, as its author says.
        (&["*"], None, script, true),
    ] {
        let expected = if fitting { Fit::Fits } else { Fit::NotYet };
        assert_eq!(fit(programs, basis.clone(), &reader), expected, "{programs:?} {basis:?} {reader:?}");
    }
    // Typed ahead an Enter would answer whatever comes.
    let enter = [KeyStep::Key("Enter".to_owned())];
    let needs = named(&["bash"], false);
    assert_eq!(fits(&needs, &enter, &at("bash", Reads::Command, false), &mut None), Fit::NotYet);
    let stop = [KeyStep::Key("C-c".to_owned())];
    assert_eq!(fits(&needs, &stop, &at("bash", Reads::Line, false), &mut None), Fit::Fits);
}
