mod odd;

use super::super::stacks::Depth;
use super::*;

/// A look: the pane's own process in front or not, canonical, echo, the arguments, the cursor's row and column.
fn look(args: &[&str], own: bool, modes: (bool, bool), row: &str, x: u32) -> Reads {
    look_at(args, own, modes, row, x, false, &Prompts::default())
}

fn seen(args: &[&str], own: bool, modes: (bool, bool)) -> Seen {
    let front = Some(Front { pid: 7, born: 1, name: base(args[0]).to_owned() });
    let args = args.iter().map(ToString::to_string).collect();
    Seen { own, front, args, modes: Some(modes), ..Seen::default() }
}

fn surface(row: &str, x: u32, alternate: bool) -> Surface {
    Surface { x, y: 1, alternate, rows: vec!["$ before".to_owned(), row.to_owned()], ..Surface::default() }
}

fn look_at(
    args: &[&str],
    own: bool,
    modes: (bool, bool),
    row: &str,
    x: u32,
    alternate: bool,
    prompts: &Prompts,
) -> Reads {
    classify(&surface(row, x, alternate), Some(&seen(args, own, modes)), prompts).0
}

const RAW: (bool, bool) = (false, false);
const LINE: (bool, bool) = (true, true);
const SECRET: (bool, bool) = (true, false);

/// Arguments, the own process in front, modes, the cursor's row and column, what reads.
type Row<'a> = (&'a [&'a str], bool, (bool, bool), &'a str, u32, Reads);

#[test]
fn readers_as_they_were_measured() {
    let rows: &[Row] = &[
        (&["bash", "--norc"], true, RAW, "bash-5.2$ ", 10, Reads::Shell),
        (&["-zsh"], true, RAW, "box% ", 5, Reads::Shell),
        (&["fish", "--no-config"], true, RAW, "root@vm /srv/wt# ", 17, Reads::Shell),
        (&["dash"], true, LINE, "$ ", 2, Reads::Shell),
        (&["/usr/bin/bash", "-l", "-o", "vi"], true, RAW, "me@box:~/a$ ", 12, Reads::Shell),
        (&["bash"], false, RAW, "me@box:~/a$ ", 12, Reads::Shell),
        (&["bash", "--norc"], true, RAW, "bash-5.2$ echo draft", 20, Reads::Draft),
        (&["zsh", "-f"], true, RAW, "box% echo draft", 15, Reads::Draft),
        (&["fish"], true, RAW, "me@vm ~> echo draft", 19, Reads::Draft),
        (&["dash"], true, LINE, "$ echo draft", 12, Reads::Draft),
        // The cursor was moved to the beginning.
        (&["bash"], true, RAW, "$ touch x", 2, Reads::Draft),
        (&["bash"], true, RAW, "> ", 2, Reads::Draft),
        (&["zsh"], true, RAW, "dquote> ", 8, Reads::Draft),
        (&["bash"], true, RAW, "(reverse-i-search)`': ", 22, Reads::Draft),
        (&["bash"], true, RAW, "$ cat foo > ", 12, Reads::Draft),
        (&["bash"], true, RAW, "go on? ", 7, Reads::Draft),
        (&["bash"], true, LINE, "Name: ", 6, Reads::Line),
        (&["dash"], true, LINE, "Name: ", 6, Reads::Draft),
        (&["bash"], true, SECRET, "Password: ", 10, Reads::Password),
        (&["bash"], true, LINE, "", 0, Reads::Command),
        (&["bash", "/menu.sh"], true, LINE, "1) a 2) b #? ", 13, Reads::Line),
        (&["bash", "/key.sh"], true, RAW, "[d]elete [q]uit? ", 17, Reads::Key),
        (&["bash", "-c", "read x"], true, LINE, "x? ", 3, Reads::Line),
        (&["sleep", "300"], false, LINE, "", 0, Reads::Command),
        (&["cat"], false, LINE, "", 0, Reads::Command),
        (&["python3", "-q"], false, RAW, ">>> ", 4, Reads::Line),
        (&["python3", "-q"], false, RAW, "> merge PR 10", 13, Reads::Draft),
        // It was typed before the prompt stood there.
        (&["python3", "a.py"], false, RAW, "merge PR 10, but only if > merge PR 10, but only if ", 52, Reads::Draft),
        (&["codex"], false, RAW, "half a sent› half a sent", 24, Reads::Draft),
        (&["python3", "a.py"], false, RAW, "merge PR 10, but only if it is green> ", 38, Reads::Key),
        (&["python3", "-c", "…"], false, LINE, "Deploy? [y/N] ", 14, Reads::Line),
        (&["node"], false, RAW, "> ", 2, Reads::Line),
        (&["git", "add", "-p"], false, LINE, "Stage this hunk [y,n,q,a,d,e,?]? ", 33, Reads::Line),
        (&["sudo", "ls"], false, SECRET, "[sudo] password for me: ", 24, Reads::Password),
        (&["ssh", "box"], false, SECRET, "me@box's password: ", 19, Reads::Password),
        (&["ssh", "box"], false, RAW, "me@box:~$ ", 10, Reads::Nested),
        (&["ssh", "box"], false, LINE, "Are you sure (yes/no)? ", 23, Reads::Line),
        (&["docker", "exec", "-it", "x", "sh"], false, RAW, "/ # ", 4, Reads::Nested),
        (&["tmux", "-L", "own"], false, RAW, "$ ", 2, Reads::Nested),
        (&["node", "/usr/bin/claude"], false, RAW, "> ", 2, Reads::Agent),
        (&["codex"], false, RAW, "› ", 2, Reads::Agent),
        (&["codex"], false, RAW, "› half a sent", 13, Reads::Draft),
        (&["/opt/tmuxagent", "fake-agent"], false, LINE, "› ", 2, Reads::Agent),
    ];
    for (args, own, modes, row, x, expected) in rows {
        assert_eq!(look(args, *own, *modes, row, *x), *expected, "{args:?} {row:?} {x}");
    }
}

#[test]
fn a_program_that_owns_the_screen_is_told_by_tmux() {
    for program in ["vi", "less", "git", "htop"] {
        assert_eq!(look_at(&[program], false, RAW, "", 0, true, &Prompts::default()), Reads::Screen, "{program}");
    }
    assert_eq!(look(&["top"], false, RAW, "", 99), Reads::Key);
}

#[test]
fn another_users_shell_is_not_ours() {
    let root = Seen { stranger: true, ..seen(&["bash"], false, RAW) };
    assert_eq!(classify(&surface("root@box:/# ", 12, false), Some(&root), &Prompts::default()).0, Reads::Nested);
}

#[test]
fn a_script_that_opens_another_terminal_is_no_agent_whatever_its_arguments_say() {
    let child = |path: &str| Process {
        pid: 2,
        parent: 1,
        start: 1,
        foreground: true,
        executable: path.to_owned(),
        arguments: vec![path.to_owned()],
    };
    let script = &["/bin/sh", "/usr/local/bin/tm", "claude"];
    let with = |processes| Seen { processes, ..seen(script, false, RAW) };
    let reads = |seen: &Seen| classify(&surface("❯ ", 2, false), Some(seen), &Prompts::default()).0;
    assert_eq!(reads(&with(vec![child("/usr/bin/tmux")])), Reads::Nested);
    assert_eq!(reads(&with(vec![child("/opt/claude")])), Reads::Agent);
    let behind = Process { foreground: false, ..child("/usr/bin/tmux") };
    assert_eq!(reads(&with(vec![behind])), Reads::Agent, "one in the background reads nothing");
}

#[test]
fn what_can_not_be_told_is_not_guessed() {
    assert_eq!(classify(&surface("$ ", 2, false), None, &Prompts::default()).0, Reads::Unknown);
    let nothing = Seen { modes: None, ..seen(&["bash"], true, RAW) };
    assert_eq!(classify(&surface("$ ", 2, false), Some(&nothing), &Prompts::default()).0, Reads::Unknown);
    let mode = Surface { in_mode: true, ..surface("$ ", 2, false) };
    assert_eq!(classify(&mode, Some(&seen(&["bash"], true, RAW)), &Prompts::default()).0, Reads::Mode);
    let dead = Surface { dead: true, ..surface("$ ", 2, false) };
    assert_eq!(classify(&dead, None, &Prompts::default()).0, Reads::Dead);
}

#[test]
fn a_program_that_stands_in_a_read_waits_for_a_line() {
    let reading = Seen { reading: true, ..seen(&["cat"], false, LINE) };
    assert_eq!(classify(&surface("", 0, false), Some(&reading), &Prompts::default()).0, Reads::Line);
}

#[test]
fn a_shell_without_an_editor_is_known_by_what_it_asks_for() {
    let dash = |asks_for, modes, row: &str, x| {
        let seen = Seen { reading: true, asks_for, ..seen(&["sh"], true, modes) };
        let surface = surface(row, x, false);
        (classify(&surface, Some(&seen), &Prompts::default()).0, seen.edits(&surface))
    };
    for (row, x) in [("$ ", 2), ("Name: ", 6), ("", 0)] {
        assert_eq!(dash(Some(1), LINE, row, x), (Reads::Line, false), "its own `read`: {row}");
    }
    assert_eq!(dash(Some(0x2000), LINE, "$ ", 2), (Reads::Shell, false));
    assert_eq!(dash(Some(0x2000), RAW, "$ ", 2), (Reads::Shell, false), "the terminal was left raw");
    assert_eq!(dash(None, RAW, "$ ", 2), (Reads::Shell, true), "bash by that name");
}

#[test]
fn a_fancy_prompt_is_learned_after_a_command() {
    let shell = seen(&["zsh"], true, RAW);
    let mut prompts = Prompts::default();
    let at = |row: u64, text: &str| Surface {
        history: row,
        ..surface(text, u32::try_from(text.chars().count()).unwrap(), false)
    };
    let reads = |prompts: &Prompts, surface: &Surface| classify(surface, Some(&shell), prompts).0;
    let fresh = at(10, "➜  api git:(main) ✗ ");
    assert_eq!(reads(&prompts, &fresh), Reads::Draft, "its first sign is not its last, so it may hold a draft");
    prompts.learn(&shell, "➜  api git:(main) ✗ ", &fresh);
    let again = at(12, "➜  api git:(main) ✗ ");
    prompts.learn(&shell, "➜  api git:(main) ✗ ", &again);
    assert_eq!(reads(&prompts, &again), Reads::Draft, "a row that is drawn again may hold the same draft");
    prompts.command_ran();
    prompts.learn(&shell, "➜  api git:(main) ✗ ", &at(14, "➜  api git:(main) ✗ "));
    assert_eq!(reads(&prompts, &again), Reads::Shell);
    assert_eq!(reads(&prompts, &at(12, "➜  api git:(main) ✗ echo > ")), Reads::Draft);
    // A continuation is never learned by coming twice.
    prompts.learn(&shell, "quote> ", &at(13, "quote> "));
    prompts.learn(&shell, "quote> ", &at(14, "quote> "));
    assert_eq!(reads(&prompts, &at(14, "quote> ")), Reads::Draft);
    // One that is a prompt is learned where it stands right after a command and nothing but the prompt can stand.
    prompts.command_ran();
    prompts.learn(&shell, "> ", &at(20, "> "));
    assert_eq!(reads(&prompts, &at(21, "> ")), Reads::Draft, "the shell itself may ask");
    prompts.command_ran();
    let behind_output = Surface { rows: vec!["2 files".to_owned(), "> ".to_owned()], ..at(22, "> ") };
    prompts.learn(&Seen { depth: Depth::AtPrompt, ..shell.clone() }, "> ", &behind_output);
    assert_eq!(reads(&prompts, &at(23, "> ")), Reads::Shell);
}

#[test]
fn a_command_that_is_not_whole_goes_on_though_the_shell_stands_where_it_stands_at_its_prompt() {
    let shell = Seen { depth: Depth::AtPrompt, ..seen(&["bash"], true, RAW) };
    let below = |above: &str| {
        let rows = vec!["$ true".to_owned(), above.to_owned(), "> ".to_owned()];
        Surface { y: 2, rows, ..surface("> ", 2, false) }
    };
    let fresh = Prompts::default();
    assert_eq!(classify(&below("$ if true"), Some(&shell), &fresh).0, Reads::Draft);
    assert_eq!(classify(&below("> then"), Some(&shell), &fresh).0, Reads::Draft, "its first row is further up");
    let mut prompts = Prompts::default();
    prompts.command_ran();
    prompts.learn(&shell, "$ ", &surface("$ ", 2, false));
    for above in ["$ echo one \\", "two rows long, and the second", "> then", ""] {
        prompts.learn(&shell, "> ", &below(above));
        assert_eq!(classify(&below(above), Some(&shell), &prompts).0, Reads::Draft, "{above}");
    }
    // A prompt of that shape alone.
    let alone = Surface { rows: vec!["2 files".to_owned(), "> ".to_owned()], ..surface("> ", 2, false) };
    assert_eq!(classify(&alone, Some(&shell), &fresh).0, Reads::Shell);
}

/// The rows above, and the cursor's, which shows a prompt.
fn behind(rows: &[&str], prompt: &str) -> Surface {
    let y = u32::try_from(rows.len()).expect("few rows");
    let rows = rows.iter().chain([&prompt.trim_end()]).map(|row| (*row).to_owned()).collect();
    Surface { y, rows, columns: 80, ..surface(prompt, u32::try_from(prompt.len()).expect("short"), false) }
}

#[test]
fn where_both_prompts_look_alike_the_words_above_tell_whether_a_command_is_whole() {
    let at_prompt = |shell: &str| Seen { depth: Depth::AtPrompt, ..seen(&[shell], true, RAW) };
    let bash = at_prompt("bash");
    for (prompt, fresh) in [("> ", &["~/web"][..]), ("> ", &[]), ("$ ", &["2 files"])] {
        let mut prompts = Prompts::default();
        prompts.line_entered();
        prompts.learn(&bash, prompt, &behind(fresh, prompt));
        assert_eq!(reads_of(&prompts, &bash, &behind(fresh, prompt)), Reads::Shell, "{prompt} {fresh:?}");
        for open in ["for i in 1 2; do", "rm a \\", "echo a |", "true &&", "if true"] {
            let row = format!("{prompt}{open}");
            let above: Vec<&str> = fresh.iter().copied().chain([row.as_str()]).collect();
            let surface = behind(&above, prompt);
            prompts.line_entered();
            assert_eq!(reads_of(&prompts, &bash, &surface), Reads::Draft, "{prompt} {open}");
            assert!(!prompts.learn(&bash, prompt, &surface), "{prompt} {open}");
            assert_eq!(reads_of(&prompts, &bash, &surface), Reads::Draft, "{prompt} {open}");
            // The screen is cleared: the line stays.
            assert_eq!(reads_of(&prompts, &bash, &behind(&[], prompt)), Reads::Draft, "{prompt} {open}");
            let dash = seen(&["dash"], true, LINE);
            assert_eq!(reads_of(&Prompts::default(), &dash, &surface), Reads::Draft, "dash: {prompt} {open}");
            // It was given up, or has printed something.
            for last in [format!("{row}^C"), "1".to_owned()] {
                let above: Vec<&str> = above.iter().copied().chain([last.as_str()]).collect();
                prompts.line_entered();
                assert_eq!(reads_of(&prompts, &bash, &behind(&above, prompt)), Reads::Shell, "{prompt} {last}");
            }
        }
        let whole = format!("{prompt}for i in 1 2; do true; done");
        assert_eq!(reads_of(&prompts, &bash, &behind(&[&whole], prompt)), Reads::Shell, "{prompt}");
    }
    // zsh stands deeper where it waits for more, and shows nothing of an interrupt.
    let row = behind(&["% for i in 1 2; do"], "% ");
    assert_eq!(reads_of(&Prompts::default(), &at_prompt("zsh"), &row), Reads::Shell);
    assert_eq!(reads_of(&Prompts::default(), &seen(&["zsh"], true, RAW), &row), Reads::Draft);
    // fish keeps all rows of a command in its editor, and has other words.
    let row = behind(&["me@vm ~> for i in 1 2; true; end"], "me@vm ~> ");
    assert_eq!(reads_of(&Prompts::default(), &seen(&["fish"], true, RAW), &row), Reads::Shell);
}

#[test]
fn a_menu_of_the_shell_that_is_open_when_it_is_first_seen_is_no_prompt() {
    let zsh = seen(&["zsh"], true, RAW);
    for prompt in ["?# ", "$ ", "box% "] {
        let menu = behind(&["box% PS3='$ '; select x in one two; do echo; done", "1) one  2) two"], prompt);
        let mut prompts = Prompts::default();
        for _ in 0..3 {
            assert_eq!(reads_of(&prompts, &zsh, &menu), Reads::Draft, "{prompt}");
            assert!(!prompts.learn(&zsh, prompt, &menu), "{prompt}");
            prompts.line_entered();
        }
    }
    let sure = Seen { depth: Depth::AtPrompt, ..zsh };
    assert_eq!(reads_of(&Prompts::default(), &sure, &behind(&["1) one"], "box% ")), Reads::Shell, "it was printed");
}

#[test]
fn what_grows_in_a_row_is_a_draft() {
    let shell = seen(&["bash"], true, RAW);
    let mut prompts = Prompts::default();
    let row = |text: &str| surface(text, u32::try_from(text.chars().count()).unwrap(), false);
    prompts.learn(&shell, "λx: ", &row("λx: "));
    let grown = row("λx: sort <a >");
    assert_eq!(classify(&grown, Some(&shell), &prompts).0, Reads::Draft);
}

#[test]
fn a_right_prompt_is_no_draft_and_wide_letters_count_twice() {
    assert_eq!(look(&["zsh"], true, RAW, "box%                  12:04", 5), Reads::Shell);
    assert_eq!(look(&["zsh"], true, RAW, "项目 % ", 7), Reads::Shell);
    assert_eq!(split_at("项目 % x", 7), ("项目 % ".to_owned(), "x".to_owned()));
}

#[test]
fn the_marks_of_the_panes_own_shell_go_before_the_looks_of_its_prompt() {
    let shell = |said, own| Seen { said, ..seen(&["bash"], own, RAW) };
    let reads = |row, x, said, own| classify(&surface(row, x, false), Some(&shell(said, own)), &Prompts::default()).0;
    // A prompt without any of the usual signs, and a draft that looks like one.
    assert_eq!(reads("what next", 9, None, true), Reads::Draft);
    assert_eq!(reads("what next", 9, Some(AtPrompt::Empty), true), Reads::Shell);
    assert_eq!(reads("$ ", 2, Some(AtPrompt::Draft), true), Reads::Draft);
    // They say nothing of another shell that is in front.
    assert_eq!(reads("what next", 9, Some(AtPrompt::Empty), false), Reads::Draft);
}

#[test]
fn a_draft_that_is_drawn_again_is_no_prompt() {
    let shell = seen(&["bash", "--norc"], true, RAW);
    let mut prompts = Prompts::default();
    prompts.command_ran();
    prompts.learn(&shell, "bash-5.2$ ", &surface("bash-5.2$ ", 10, false));
    for draft in ["bash-5.2$ rm -rf ./dist &&", "bash-5.2$ ls /tmp/dir/", "bash-5.2$ cat x |"] {
        let x = u32::try_from(draft.len()).unwrap();
        for row in 30..33 {
            let rows = vec![draft.to_owned(), draft.to_owned()];
            let drawn = Surface { x, y: 1, history: row, rows, ..Surface::default() };
            prompts.learn(&shell, draft, &drawn);
            assert_eq!(classify(&drawn, Some(&shell), &prompts).0, Reads::Draft, "{draft}");
        }
    }
}

#[test]
fn a_question_of_the_shell_itself_is_no_prompt_however_alike() {
    let shell = |depth| Seen { depth, ..seen(&["bash"], true, RAW) };
    let mut prompts = Prompts::default();
    prompts.learn(&shell(Depth::Unknown), "$ ", &surface("$ ", 2, false));
    let reads = |row: &str, depth| {
        let x = u32::try_from(row.chars().count()).unwrap();
        classify(&surface(row, x, false), Some(&shell(depth)), &prompts).0
    };
    let mut anew = prompts.clone();
    anew.line_entered();
    let reads_anew = |row: &str| {
        let x = u32::try_from(row.chars().count()).unwrap();
        classify(&surface(row, x, false), Some(&shell(Depth::AtPrompt)), &anew).0
    };
    // Where the depth is told it decides; a new prompt is one, too.
    assert_eq!(reads("$ ", Depth::Elsewhere), Reads::Draft);
    assert_eq!(reads_anew("(venv) new# "), Reads::Shell);
    assert_eq!(
        reads("(venv) new# ", Depth::AtPrompt),
        Reads::Draft,
        "no line was let go of since the other stood there"
    );
    assert_eq!(reads(" 60%", Depth::AtPrompt), Reads::Draft, "another one's output, over what the editor may hold");
    assert_eq!(reads("> ", Depth::AtPrompt), Reads::Draft, "a command that goes on stands there as well");
    assert_eq!(reads("> ls", Depth::AtPrompt), Reads::Draft);
    // Where it is not, one that is not like the others may be a question.
    assert_eq!(reads("# ", Depth::Unknown), Reads::Draft);
    assert_eq!(reads("(venv) $ ", Depth::Unknown), Reads::Shell);
    // The command that asks stands above.
    let rows = vec!["$ read -e -p '$ ' x".to_owned(), "$ ".to_owned()];
    let asked = Surface { rows, ..surface("$ ", 2, false) };
    assert_eq!(classify(&asked, Some(&shell(Depth::Unknown)), &prompts).0, Reads::Draft);
    assert_eq!(classify(&asked, Some(&shell(Depth::AtPrompt)), &prompts).0, Reads::Shell);
}

#[test]
fn a_theme_with_arrows_is_read_behind_the_last() {
    assert_eq!(look(&["zsh"], true, RAW, " me \u{e0b0} ~/web \u{e0b0} ", 15), Reads::Shell);
    assert_eq!(look(&["zsh"], true, RAW, " me \u{e0b0} ~/web \u{e0b0} ls", 17), Reads::Draft);
}

/// A row whose cursor stands at its end, at the given number.
fn row_at(number: u64, text: &str, folder: &str) -> Surface {
    let x = u32::try_from(text.chars().count()).unwrap();
    Surface { history: number, folder: folder.to_owned(), ..surface(text, x, false) }
}

fn reads_of(prompts: &Prompts, seen: &Seen, surface: &Surface) -> Reads {
    classify(surface, Some(seen), prompts).0
}

#[test]
fn a_prompt_that_marks_told_is_known_where_none_are_heard() {
    let shell = seen(&["zsh"], true, RAW);
    let told = Seen { told: Some("╰─ ".to_owned()), said: Some(AtPrompt::Empty), ..shell.clone() };
    let mut prompts = Prompts::default();
    assert_eq!(reads_of(&prompts, &shell, &row_at(9, "╰─ ", "")), Reads::Draft);
    assert!(prompts.learn(&told, "╰─ ", &row_at(9, "╰─ ", "")));
    assert!(prompts.has_news() && !prompts.has_news());
    // What stands there when the marks tell another place is none.
    prompts.learn(&told, "╰─ ls |", &row_at(10, "╰─ ls |", ""));
    let json = serde_json::to_string(&prompts.kept()).expect("written");
    let kept: Option<crate::KnownPrompts> = serde_json::from_str(&json).expect("read");
    let mut later = Prompts::remembering(kept.expect("something"));
    assert_eq!(reads_of(&later, &shell, &row_at(9, "╰─ ", "")), Reads::Shell);
    for draft in ["╰─ ls", "╰─ ls |", "╰─  ", "╰─"] {
        assert_eq!(reads_of(&later, &shell, &row_at(9, draft, "")), Reads::Draft, "{draft}");
    }
    // Another pane's shell of that name has it too, another program's not.
    assert!(later.tell(&Front { pid: 8, born: 2, name: "zsh".to_owned() }, "╰─ "));
    assert!(!later.tell(&Front { pid: 8, born: 2, name: "bash".to_owned() }, "╰─ "));
    let alike = Seen { alike: true, ..seen(&["zsh"], true, RAW) };
    assert_eq!(reads_of(&Prompts::default(), &alike, &row_at(3, "╰─ ", "")), Reads::Shell);
    let asks = Seen { depth: Depth::Elsewhere, ..alike };
    assert_eq!(reads_of(&Prompts::default(), &asks, &row_at(3, "╰─ ", "")), Reads::Draft);
    // Another life of the shell knows nothing of it.
    let other = Seen { front: Some(Front { pid: 7, born: 2, name: "zsh".to_owned() }), ..shell };
    later.learn(&other, "go ", &row_at(10, "go ", ""));
    assert_eq!((reads_of(&later, &other, &row_at(11, "╰─ ", "")), later.kept()), (Reads::Draft, None));
}

#[test]
fn a_second_row_of_a_command_is_not_kept_as_a_prompt() {
    let mut prompts = Prompts::default();
    let told = Seen { told: Some("> ".to_owned()), ..seen(&["bash"], true, RAW) };
    prompts.learn(&told, "> ", &row_at(9, "> ", ""));
    assert_eq!(prompts.kept(), None);
    assert_eq!(reads_of(&prompts, &seen(&["bash"], true, RAW), &row_at(10, "> ", "")), Reads::Draft);
}

#[test]
fn a_prompt_of_another_shape_is_one_when_it_comes_again_after_a_command() {
    for (text, folder, depth) in [
        ("→ ", "", Depth::Unknown),
        ("╰─ ", "", Depth::Unknown),
        ("~/web: ", "web", Depth::Unknown),
        ("/srv/web ", "web", Depth::Unknown),
        ("[me]: ", "web", Depth::AtPrompt),
    ] {
        let shell = Seen { depth, ..seen(&["bash"], true, RAW) };
        let mut prompts = Prompts::default();
        prompts.learn(&shell, text, &row_at(3, text, folder));
        assert_eq!(reads_of(&prompts, &shell, &row_at(3, text, folder)), Reads::Draft, "{text}");
        prompts.command_ran();
        // Who types fast has begun already.
        let begun = format!("{text}ls |");
        prompts.learn(&shell, &begun, &row_at(5, &begun, folder));
        prompts.command_ran();
        prompts.learn(&shell, &begun, &row_at(6, &begun, folder));
        assert_eq!(reads_of(&prompts, &shell, &row_at(6, &begun, folder)), Reads::Draft, "{text}");
        prompts.command_ran();
        prompts.learn(&shell, text, &row_at(7, text, folder));
        assert_eq!(reads_of(&prompts, &shell, &row_at(7, text, folder)), Reads::Shell, "{text}");
        assert_eq!(reads_of(&prompts, &shell, &row_at(7, &begun, folder)), Reads::Draft, "{text}");
    }
    // A question is none, however often it comes.
    let shell = seen(&["bash"], true, RAW);
    let mut prompts = Prompts::default();
    for row in 3..6 {
        prompts.learn(&shell, "Name: ", &row_at(row, "Name: ", "web"));
        prompts.command_ran();
    }
    assert_eq!(reads_of(&prompts, &shell, &row_at(6, "Name: ", "web")), Reads::Draft);
}

#[test]
fn a_prompt_that_is_the_folders_path_is_known_in_another_folder() {
    let shell = seen(&["bash"], true, RAW);
    let mut prompts = Prompts::default();
    for row in [3, 5] {
        prompts.learn(&shell, "~/web: ", &row_at(row, "~/web: ", "web"));
        prompts.command_ran();
    }
    assert_eq!(reads_of(&prompts, &shell, &row_at(7, "/tmp/x: ", "x")), Reads::Shell);
    assert_eq!(reads_of(&prompts, &shell, &row_at(7, "/tmp/x: ", "y")), Reads::Draft);
    assert_eq!(reads_of(&prompts, &shell, &row_at(7, "/tmp/x: /tmp/x: ", "x")), Reads::Draft);
}

#[test]
fn a_position_of_before_prompts_were_kept_is_read() {
    let old = serde_json::to_string(&crate::Position::default()).expect("written");
    assert!(!old.contains("prompts"), "{old}");
    assert_eq!(serde_json::from_str::<crate::Position>(&old).expect("read"), crate::Position::default());
}
