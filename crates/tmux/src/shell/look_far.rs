//! The look of [`super::look`] where the system calls are not ours to make: on another machine, over the connection that is
//! there, and where there is no `/proc`. One small script, which changes nothing.

use super::fork;
use crate::Transport;
use crate::core::{Seen, base_name};
use std::time::Duration;
use tmuxagent_model::Front;

/// How long the answer may take.
const LIMIT: Duration = Duration::from_secs(5);

/// `$p` is the pane's process and `$t` its terminal. Linux tells by proc_pid_stat(5), others by `ps` (POSIX.1-2024).
const SCRIPT: &str = r#"if [ -r /proc/$p/stat ]; then
    s=$(cat /proc/$p/stat); set -- ${s##*)}; g=$3; f=$6
    s=$(cat /proc/$f/stat 2>/dev/null); n=${s%)*}; n=${n#*(}; set -- ${s##*)}; shift 19 2>/dev/null && b=$1 || b=0
    shift 6 2>/dev/null && k=$1; c=$(cat /proc/$f/syscall 2>/dev/null); e=$(readlink /proc/$f/exe)
    a() { tr '\000\n' '\n ' </proc/$f/cmdline; }
else
    set -- $(ps -o pgid= -o tpgid= -p $p); g=$1; f=$2; n=$(ps -o comm= -p $f)
    b=$(ps -o lstart= -p $f | cksum | cut -d' ' -f1)
    a() { ps -o args= -p $f | tr ' ' '\n'; }
fi
u() { ps -o uid= -p $1 2>/dev/null | tr -d ' '; }
echo "$g $f ${b:-0} $(u $p) $(u $f)"
echo "$n"
stty -a <$t 2>/dev/null | tr '\n;' '  '; echo
echo "${k:-0} $c"
echo "$e"
a"#;

/// Looks at the terminal `tty` of the pane whose process is `pid`.
pub(super) async fn look(transport: &Transport, pid: u32, tty: &str) -> Option<Seen> {
    let script = format!("p={pid}; t={}; {SCRIPT}", crate::shell_word(tty));
    let printed = fork::run_within(&transport.shell(&script), LIMIT).await.ok()?;
    read(pid, &String::from_utf8_lossy(&printed.output))
}

fn read(pid: u32, text: &str) -> Option<Seen> {
    let mut lines = text.lines();
    let mut numbers = lines.next()?.split_ascii_whitespace();
    let group: u32 = numbers.next()?.parse().ok()?;
    let front: u32 = numbers.next()?.parse().ok()?;
    let born = numbers.next()?.parse().unwrap_or(0);
    let (ours, theirs) = (numbers.next(), numbers.next());
    let name = lines.next()?.to_owned();
    let words: Vec<&str> = lines.next()?.split_ascii_whitespace().collect();
    let mode = |on: &str, off: &str| match (words.contains(&on), words.contains(&off)) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    };
    let (began, call) = lines.next()?.split_once(' ')?;
    let stack = super::look::stack(call, began.parse().unwrap_or(0), lines.next()?);
    let args: Vec<String> = lines.filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let name = args.first().map_or(name.as_str(), String::as_str);
    Some(Seen {
        processes: Vec::new(),
        session: None,
        own: group == front,
        front: (front > 0).then(|| Front { pid: front, born, name: base_name(name).to_owned() }),
        stranger: front != pid && theirs.is_some() && ours != theirs,
        stack,
        busy: call.starts_with("running"),
        reading: super::look::reads(call, words.contains(&"icanon")),
        asks_for: super::look::asks_for(call),
        modes: mode("icanon", "-icanon").zip(mode("echo", "-echo")),
        args,
        ..Seen::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read() {
        let text = "40 77 9876 1000 1000\nbash\nspeed 38400 baud  rows 24  -icanon iexten -echo echoe \n\
             140724603453440 270 0x1 0x7ffd 0x0 0x0 0x0 0x0 0x7ffc00000000 0x7f00\n/bin/bash\n-bash\n--norc\n";
        let seen = read(40, text).unwrap();
        assert_eq!((seen.own, seen.stranger, seen.modes), (false, false, Some((false, false))));
        assert_eq!(seen.args, ["-bash", "--norc"]);
        assert_eq!(seen.front, Some(Front { pid: 77, born: 9876, name: "bash".to_owned() }));
        let stack = seen.stack.unwrap();
        assert_eq!((stack.program.as_str(), stack.call, stack.depth), ("/bin/bash", 270, 0x1_0000_0000));
        let foreign = read(40, "40 77 9 1000 0\nbash\n\n0 \n\n-bash\n").unwrap();
        assert_eq!((foreign.modes, foreign.stranger, foreign.stack), (None, true, None));
        assert_eq!(read(40, ""), None);
    }

    #[tokio::test]
    async fn the_script_tells_of_this_machine_what_the_calls_tell() {
        let transport = Transport::Local { bin: "tmux".to_owned(), socket: crate::Socket::Default };
        let pid = std::process::id();
        let far = look(&transport, pid, "/dev/null").await;
        // Without a terminal nothing is in front; the script still ends.
        assert!(far.is_none_or(|seen| seen.modes.is_none()));
    }
}
