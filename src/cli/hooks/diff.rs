//! What differs between two texts, line by line, as people read it.

use super::super::Tone;

/// So many unchanged lines stand around a change.
const AROUND: usize = 3;
/// Texts with more lines in their differing parts are compared as a whole.
const MOST: usize = 2000;

/// Lines with `-`, `+` or a blank in front, where something differs.
pub(super) fn lines(before: &str, after: &str) -> Vec<(Tone, String)> {
    let (a, b): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let first = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let last = a[first..].iter().rev().zip(b[first..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (from, to) = (&a[first..a.len() - last], &b[first..b.len() - last]);
    let kept = a[..first].iter().map(|line| (' ', *line));
    let behind = a[a.len() - last..].iter().map(|line| (' ', *line));
    let all: Vec<(char, &str)> = kept.chain(differing(from, to)).chain(behind).collect();
    let near =
        |n: usize| all[n.saturating_sub(AROUND)..all.len().min(n + AROUND + 1)].iter().any(|(sign, _)| *sign != ' ');
    let (mut out, mut gap) = (Vec::new(), true);
    for (n, (sign, line)) in all.iter().enumerate() {
        if !near(n) {
            gap = true;
            continue;
        }
        if std::mem::take(&mut gap) && n > 0 {
            out.push((Tone::Dim, "  …".to_owned()));
        }
        let tone = match sign {
            '-' => Tone::Bad,
            '+' => Tone::Good,
            _ => Tone::Plain,
        };
        out.push((tone, format!("{sign} {line}")));
    }
    out
}

/// The longest common sequence stays, the rest goes or comes.
fn differing<'t>(from: &[&'t str], to: &[&'t str]) -> Vec<(char, &'t str)> {
    if from.len().max(to.len()) > MOST {
        return from.iter().map(|line| ('-', *line)).chain(to.iter().map(|line| ('+', *line))).collect();
    }
    // How many lines are common from each pair of places on.
    let mut common = vec![vec![0_u32; to.len() + 1]; from.len() + 1];
    for i in (0..from.len()).rev() {
        for j in (0..to.len()).rev() {
            common[i][j] =
                if from[i] == to[j] { common[i + 1][j + 1] + 1 } else { common[i + 1][j].max(common[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    while i < from.len() || j < to.len() {
        if i < from.len() && j < to.len() && from[i] == to[j] {
            out.push((' ', from[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == to.len() || i < from.len() && common[i + 1][j] >= common[i][j + 1] {
            out.push(('-', from[i]));
            i += 1;
        } else {
            out.push(('+', to[j]));
            j += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(before: &str, after: &str) -> Vec<String> {
        lines(before, after).into_iter().map(|(_, line)| line).collect()
    }

    #[test]
    fn only_what_differs_is_shown_with_what_stands_around() {
        let before: Vec<String> = (0..20).map(|n| n.to_string()).collect();
        let mut after = before.clone();
        after.insert(10, "new".to_owned());
        after[2] = "two".to_owned();
        let (before, after) = (before.join("\n"), after.join("\n"));
        assert_eq!(
            shown(&before, &after),
            [
                "  0", "  1", "- 2", "+ two", "  3", "  4", "  5", "  …", "  7", "  8", "  9", "+ new", "  10", "  11",
                "  12"
            ]
        );
        assert!(shown(&before, &before).is_empty());
        assert_eq!(shown("", "{\n}\n"), ["+ {", "+ }"]);
        assert_eq!(shown("a\n", ""), ["- a"]);
    }
}
