use super::*;
use crate::shell::far::tests::{Terminal, told_by};

/// Whether the shell on the other side is the one that reads arguments by itself, or one that is not.
const SHELLS: [&[&str]; 2] = [&["bash", "stty"], &["tr", "stty"]];

/// What the system calls tell and a script does not.
fn plain(seen: Seen) -> Seen {
    Seen { processes: Vec::new(), session: None, queued: false, waits_itself: false, took: None, ..seen }
}

/// At its prompt a shell waits in its line editor.
fn is_prompt(seen: &Seen) -> bool {
    seen.own && seen.modes == Some((false, false)) && seen.stack.is_some()
}

#[tokio::test]
async fn the_channel_tells_of_this_machine_what_the_calls_tell_with_no_program_but_these() {
    let terminal = Terminal::new("bash --norc --noprofile -i");
    for typed in ["", "sleep 600\n", "\u{3}exec -a $'two\\nlines' cat\n"] {
        terminal.types(typed);
        let here = terminal.settled(|seen| match typed {
            "" => is_prompt(seen),
            _ if typed.starts_with("sleep") => seen.args == ["sleep", "600"] && seen.stack.is_some(),
            _ => seen.args == ["two\nlines"] && seen.reading,
        });
        if !typed.is_empty() {
            let sleeps = typed.starts_with("sleep");
            assert_eq!((here.waits_itself, here.took.is_some()), (sleeps, !sleeps), "only here: {here:?}");
        }
        for programs in SHELLS {
            let there = told_by(programs, &terminal).await.map(plain);
            // A line break within an argument is a blank there.
            let here =
                plain(Seen { args: here.args.iter().map(|word| word.replace('\n', " ")).collect(), ..here.clone() });
            assert_eq!(
                there.map(|there| Seen { front: here.front.clone(), ..there }),
                Some(here),
                "{programs:?} {typed:?}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_left_of_a_group_is_told_by_every_way() {
    let terminal = Terminal::new("bash --norc --noprofile -i");
    terminal.types("true | sleep 600 | cat </dev/tty | tail\n");
    let here = terminal.settled(|seen| seen.front.as_ref().is_some_and(|front| front.name == "cat"));
    assert_eq!(here.beside, ["sleep", "tail"], "the others, the oldest first: {here:?}");
    for programs in SHELLS {
        assert_eq!(told_by(programs, &terminal).await.map(plain), Some(plain(here.clone())), "{programs:?}");
    }
}

#[test]
fn without_its_files_one_ps_and_one_stty_tell() {
    let terminal = Terminal::new("bash --norc --noprofile -i");
    let ask = |script: &str| {
        let text = format!("{script}{}", question(1, terminal.pid, &terminal.tty));
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", "IFS= read -r s; eval \"$s\""]);
        shell.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        let mut child = shell.spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
        let said = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        let lines: Vec<String> = said.lines().map(str::to_owned).collect();
        assert_eq!((lines[0].as_str(), lines[lines.len() - 1].as_str()), ("=1", ".1"), "{said}");
        read(terminal.pid, &lines[1..lines.len() - 1])
    };
    let script = script().replace("/proc/", "/nowhere/");
    let is = |seen: &Seen, here: &Seen| {
        assert_eq!((seen.own, seen.stranger, seen.modes), (here.own, here.stranger, here.modes));
        assert_eq!((&seen.args, &seen.beside), (&here.args, &here.beside));
        assert_eq!(seen.front.as_ref().map(|front| front.pid), here.front.as_ref().map(|front| front.pid));
    };
    is(&ask(&script).unwrap(), &terminal.settled(is_prompt));
    terminal.types("true | sleep 600\n");
    is(&ask(&script).unwrap(), &terminal.settled(|seen| seen.args == ["sleep", "600"]));
    assert_eq!(ask(&script.replace("-t \"${t#/dev/}\"", "-t nowhere")), None, "nothing is known of another terminal");
}

#[test]
fn nothing_but_a_device_goes_into_a_question() {
    assert_eq!(question(7, 42, "/dev/pts/3"), "7 42 /dev/pts/3\n");
    assert_eq!(question(7, 42, "/dev/ttys003"), "7 42 /dev/ttys003\n");
    for other in ["", "/dev/pts/3; id", "/dev/$(id)", "/dev/../etc/passwd", "/tmp/x", "/dev/pts/3\n8 1 /dev/null"] {
        assert_eq!(question(7, 42, other), "7 42 -\n", "{other:?}");
    }
    assert_eq!(script().matches('\n').count(), 1, "it is one line");
}

#[test]
fn an_answer_of_another_system_is_read() {
    let ps = |text: &str| read(40, &text.lines().map(str::to_owned).collect::<Vec<_>>());
    let rows = "P\n  40  40  77 501 Ss  Mon Nov 30 00:01:02 2026 -zsh\n  77  77  77 0 S+  Mon Nov 30 00:02:02 2026 sudo -s\nT\n\
                speed 9600 baud; 24 rows; 80 columns;\nlflags: icanon isig iexten -echo echoe\n";
    let seen = ps(rows).unwrap();
    assert_eq!((seen.own, seen.stranger, seen.modes), (false, true, Some((true, false))));
    assert_eq!(
        (seen.args, seen.front.map(|front| front.name)),
        (vec!["sudo".to_owned(), "-s".to_owned()], Some("sudo".to_owned()))
    );
    assert_eq!(ps("P\nT\n"), None);
    assert_eq!(ps(""), None);
}
