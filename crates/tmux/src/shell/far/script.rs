//! What runs on the other side of the channel, and what its answers say.

use super::super::told::{Stat, Told, reader_of, seen, switches};
use crate::core::Seen;

/// Takes the script below as its first line, and gives it to bash, if there is one: that reads arguments, which end with a NUL,
/// by itself. What `BASH_ENV` names, and functions of the environment, are left out (`-p`).
pub(super) const BEGIN: &str =
    r#"IFS= read -r s; command -v bash >/dev/null 2>&1 && exec bash -p -c "$s" tmuxagent; eval "$s""#;

/// Reads questions, each a line of a number, the pane's process and its terminal, and answers each between two lines of that
/// number. Each line of an answer bears a letter; what stands behind `T` or `P` is a program's own. Linux tells by its files, which the shell
/// reads by itself; others by ps(1).
///
/// It is sent as one line, so each command ends in a sign.
const SCRIPT: &str = r#"
LC_ALL=C; export LC_ALL; exec 2>/dev/null; set -f; i=$IFS; nl=$(echo; echo .); nl=${nl%.};
w=; IFS= read -r -d '' -n 4096 a </proc/$$/cmdline && [ "$a" = bash ] && w=1;
y=; read -r s </proc/$$/stat && y=1;
args() {
  if [ "$w" ]; then
    k=0; while a=; IFS= read -r -d '' -n 4096 a || [ "$a" ]; do
      case $a in *"$nl"*) IFS=$nl; set -- $a; IFS=' '; a="$*"; IFS=$i;; esac;
      printf 'a%s\n' "$a"; k=$((k + ${#a})); [ $k -gt 4096 ] && break;
    done </proc/$1/cmdline;
  else printf A; tr '\000\n' '\036 ' </proc/$1/cmdline; echo; fi;
};
tell() {
  read -r s </proc/$1/stat || return 1;
  c=; read -r c </proc/$1/syscall; m=; read -r m </proc/$1/maps;
  printf 's%s\nc%s\nm%s\n' "$s" "$c" "$m";
  while IFS= read -r l; do case $l in Uid:*|*_ctxt_switches:*) printf 'u%s\n' "$l";; esac; done </proc/$1/status;
};
holds() {
  k=0; set +f; for d in /proc/$1/fd/*; do
    case ${d##*/} in 1|2) ;; *) if [ "$d" -ef "$t" ] || [ "$d" -ef /dev/tty ]; then echo h; break; fi;; esac;
    k=$((k + 1)); [ $k -gt 64 ] && break;
  done; set -f;
};
left() {
  q=$1; j=0; while set -- $q; [ $# -gt 0 ] && [ $j -lt 64 ]; do
    x=$1; shift; c=; read -r c </proc/$x/task/$x/children; q="$* $c"; j=$((j + 1));
    s=; read -r s </proc/$x/stat; set -- ${s##*)};
    [ "$3" = "$f" ] && [ "$1" != Z ] && tell $x && { args $x; holds $x; };
  done;
};
linux() {
  tell $1 || return; set -- $1 ${s##*)}; f=$7;
  if [ $f = $1 ]; then args $1; elif [ $f -gt 0 ]; then
    s=; read -r s </proc/$f/stat; set -- $1 ${s##*)};
    case $2 in ''|Z|X) left $1;; *) tell $f && args $f;; esac;
  fi;
};
while IFS=' ' read -r n p t; do
  echo "=$n";
  if [ "$y" ]; then linux $p; else
    echo P; ps -ww -t "${t#/dev/}" -o pid= -o pgid= -o tpgid= -o uid= -o stat= -o lstart= -o args=; fi;
  case $t in /dev/*) echo T; stty -a <"$t";; esac;
  echo ".$n";
done
"#;

/// The script as the line that [`BEGIN`] reads.
pub(super) fn script() -> String {
    format!("{}\n", SCRIPT.trim().replace('\n', " "))
}

/// A question as a line. Nothing but numbers and the name of a device goes into it.
pub(super) fn question(number: u64, pid: u32, tty: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/_.-".contains(&byte);
    let is_device = tty.starts_with("/dev/") && !tty.contains("..") && tty.len() < 64 && tty.bytes().all(is_plain);
    format!("{number} {pid} {}\n", if is_device { tty } else { "-" })
}

/// What an answer says of the pane whose process is `pid`.
pub(super) fn read(pid: u32, lines: &[String]) -> Option<Seen> {
    let begins = |line: &str| lines.iter().position(|other| other == line).unwrap_or(lines.len());
    let (told, terminal) = lines.split_at_checked(begins("T"))?;
    let modes = modes(terminal);
    let mut processes = match told.strip_prefix(&["P".to_owned()][..]) {
        Some(rows) => listed(pid, rows)?,
        None => told_by_files(told),
    };
    let at = processes.iter().position(|told| told.pid == pid)?;
    if processes.get(at)?.stat.foreground <= 0 {
        return Some(Seen { modes, ..Seen::default() });
    }
    let own = processes.get(at)?;
    let group = u32::try_from(own.stat.foreground).ok()?;
    let own = Told { pid, stat: Stat { name: String::new(), ..own.stat }, user: own.user, ..Told::default() };
    let leader = processes.iter().position(|told| told.pid == group && !told.stat.ended);
    let front = match leader {
        Some(leader) => Some((processes.swap_remove(leader), Vec::new())),
        None => {
            processes.retain(|told| told.stat.group == group && !told.stat.ended);
            reader_of(processes)
        }
    };
    Some(match front {
        Some((front, beside)) => seen(&own, front, beside, modes),
        None => Seen { own: own.leads(), modes, ..Seen::default() },
    })
}

/// What Linux tells by its files.
fn told_by_files(lines: &[String]) -> Vec<Told> {
    let mut processes: Vec<Told> = Vec::new();
    for line in lines {
        let Some((kind, text)) = line.split_at_checked(1) else { continue };
        if kind == "s" {
            let pid = text.split(' ').next().and_then(|pid| pid.parse().ok());
            processes.extend(pid.zip(Stat::read(text)).map(|(pid, stat)| Told { pid, stat, ..Told::default() }));
        }
        let Some(told) = processes.last_mut() else { continue };
        match kind {
            "c" => text.clone_into(&mut told.call),
            // The first that is mapped is the program itself; behind five columns stands its file (proc_pid_maps(5)).
            "m" => text.find('/').and_then(|at| text.get(at..)).unwrap_or_default().clone_into(&mut told.file),
            "u" => match text.strip_prefix("Uid:") {
                Some(users) => told.user = users.split_ascii_whitespace().nth(1).and_then(|user| user.parse().ok()),
                None => {
                    let more = switches([text].into_iter()).unwrap_or_default();
                    told.switches = Some(told.switches.unwrap_or_default().wrapping_add(more));
                }
            },
            "a" if !text.is_empty() => told.args.push(text.to_owned()),
            "A" => {
                told.args = text.split('\u{1e}').filter(|word| !word.is_empty()).map(str::to_owned).collect();
            }
            "h" => told.holds = true,
            _ => {}
        }
    }
    processes
}

/// What ps(1) lists of a terminal; `None` where the pane's process is not among them.
fn listed(pid: u32, rows: &[String]) -> Option<Vec<Told>> {
    let processes: Vec<Told> = rows.iter().filter_map(|row| row_of(row)).collect();
    processes.iter().any(|told| told.pid == pid).then_some(processes)
}

fn row_of(row: &str) -> Option<Told> {
    let mut words = row.split_ascii_whitespace();
    let pid = words.next()?.parse().ok()?;
    let (group, foreground) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let user = words.next()?.parse().ok();
    let ended = words.next()?.starts_with('Z');
    // The same words are the same instant: day of the week, month, day, time, year.
    let born = words
        .by_ref()
        .take(5)
        .flat_map(str::bytes)
        .fold(7u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)) & (u64::MAX >> 11));
    let args: Vec<String> = words.map(str::to_owned).collect();
    let stat = Stat { name: String::new(), ended, group, foreground, born, stack: 0, threads: 0 };
    Some(Told { pid, stat, user, args, ..Told::default() })
}

/// Whether the terminal gathers lines and shows what is typed, by stty(1).
fn modes(lines: &[String]) -> Option<(bool, bool)> {
    let is = |word: &str| lines.iter().any(|line| line.split([' ', ';', '\t']).any(|other| other == word));
    let mode = |on: &str, off: &str| match (is(on), is(off)) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    };
    mode("icanon", "-icanon").zip(mode("echo", "-echo"))
}

#[cfg(test)]
mod tests;
