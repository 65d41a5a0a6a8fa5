//! Which sessions, windows and titles are meant: globs and regular expressions.

use regex::Regex;

/// A list of patterns, compiled once. Each is a glob with `*` and `?` for the whole name, or a regular expression that
/// is searched; `!` before it excludes.
///
/// A regular expression stands between slashes, or is known by `^`, `$`, a backslash, `|`, `.*` or `.+`, as older
/// configurations have them. tmux writes `_` for `:` and `.` in a session's name, so these two match it as well.
#[derive(Debug, Clone, Default)]
pub struct NameFilter {
    wanted: Vec<Regex>,
    unwanted: Vec<Regex>,
}

impl NameFilter {
    /// Compiles patterns that the configuration's validation let through; a bad one is left out.
    #[must_use]
    pub fn new(patterns: &[String]) -> Self {
        let mut filter = Self::default();
        for pattern in patterns {
            let (negated, regex) = compile(pattern);
            if let Ok(regex) = regex {
                if negated { filter.unwanted.push(regex) } else { filter.wanted.push(regex) }
            }
        }
        filter
    }

    /// Whether nothing is said.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.unwanted.is_empty()
    }

    /// Whether one of `names` is wanted (or nothing is said of what is wanted) and none is unwanted.
    #[must_use]
    pub fn holds<'n>(&self, names: impl IntoIterator<Item = &'n str> + Clone) -> bool {
        let any = |list: &[Regex]| list.iter().any(|regex| names.clone().into_iter().any(|name| regex.is_match(name)));
        (self.wanted.is_empty() || any(&self.wanted)) && !any(&self.unwanted)
    }
}

/// The first problem of a pattern, as a fragment.
///
/// # Errors
/// When it can match nothing, or is no regular expression though it is written as one.
pub fn check_pattern(pattern: &str) -> Result<(), String> {
    if pattern.trim_start_matches('!').is_empty() {
        return Err("an empty pattern matches nothing; leave it out".to_owned());
    }
    match compile(pattern).1 {
        Ok(_) => Ok(()),
        Err(error) => {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Err(format!("`{pattern}` is not a regular expression: {last}"))
        }
    }
}

/// Whether it excludes, and what it looks for.
fn compile(pattern: &str) -> (bool, Result<Regex, regex::Error>) {
    let (negated, pattern) = pattern.strip_prefix('!').map_or((false, pattern), |rest| (true, rest));
    let between = pattern.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')).filter(|inner| !inner.is_empty());
    let looks = ["^", "$", "\\", "|", ".*", ".+"].iter().any(|mark| pattern.contains(mark));
    let source = match between.or_else(|| looks.then_some(pattern)) {
        Some(regex) => as_kept(regex),
        None => glob(pattern),
    };
    (negated, Regex::new(&source))
}

fn glob(pattern: &str) -> String {
    let mut source = String::from("(?s)^");
    for c in pattern.chars() {
        match c {
            '*' => source.push_str(".*"),
            '?' => source.push('.'),
            ':' | '.' => source.push_str(&format!("[{c}_]")),
            c => source.push_str(&regex::escape(&c.to_string())),
        }
    }
    source.push('$');
    source
}

/// A regular expression whose literal `:` and `\.` match what tmux makes of them. Classes and groups stay as they are.
fn as_kept(regex: &str) -> String {
    let mut source = String::with_capacity(regex.len() + 8);
    let (mut class, mut flags) = (false, false);
    let mut chars = regex.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek() == Some(&'.') && !class => {
                chars.next();
                source.push_str("[._]");
            }
            '\\' => {
                source.push(c);
                source.extend(chars.next());
            }
            ':' if !class && !flags => source.push_str("[:_]"),
            c => {
                class = c == '[' || class && c != ']';
                flags = c == '(' && chars.peek() == Some(&'?') || flags && !matches!(c, ':' | ')' | '<');
                source.push(c);
            }
        }
    }
    source
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(patterns: &[&str], name: &str) -> bool {
        NameFilter::new(&patterns.iter().map(ToString::to_string).collect::<Vec<_>>()).holds([name])
    }

    #[test]
    fn patterns_choose_names() {
        let table: &[(&[&str], &str, bool)] = &[
            (&[], "any", true),
            (&["proj*"], "proj_a", true),
            (&["proj"], "proj_a", false),
            (&["proj:*"], "proj_a", true),
            (&["proj:*"], "proj:a", true),
            (&["/^a|b$/"], "xb", true),
            (&["!scratch"], "work", true),
            (&["!scratch"], "scratch", false),
            (&["*", "!s*"], "scratch", false),
            (&["构建-?"], "构建-1", true),
            (&["a+b"], "aab", false),
            (&["^proj:"], "proj_a", true),
            (&["^proj:"], "my proj_a", false),
            (&["proj:.*"], "a proj_x", true),
            (&["!/^proj:/"], "proj_a", false),
            (&["/^(?:a|b):x[:]$/"], "b_x:", true),
            (&["/^(?:a|b):x[:]$/"], "b_x_", false),
            (&["/^v1\\.2$/"], "v1_2", true),
        ];
        for (patterns, name, expected) in table {
            assert_eq!(holds(patterns, name), *expected, "{patterns:?} {name}");
        }
    }

    #[test]
    fn bad_patterns_are_named() {
        assert_eq!(check_pattern("/(/"), Err("`/(/` is not a regular expression: unclosed group".to_owned()));
        assert!(check_pattern("!").is_err() && check_pattern("^(").is_err());
        assert_eq!(check_pattern("a("), Ok(()));
    }
}
