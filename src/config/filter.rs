//! Which sessions, windows and titles are meant: globs and regular expressions.

use regex::Regex;

/// A list of patterns. Pure; compiled once.
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

    /// Whether one of `names` is wanted (or nothing is said of what is wanted) and none is unwanted.
    #[must_use]
    pub fn holds<'n>(&self, names: impl IntoIterator<Item = &'n str> + Clone) -> bool {
        let any = |list: &[Regex]| list.iter().any(|regex| names.clone().into_iter().any(|name| regex.is_match(name)));
        (self.wanted.is_empty() || any(&self.wanted)) && !any(&self.unwanted)
    }
}

/// The first problem of a pattern, as a fragment.
pub(super) fn check(pattern: &str) -> Result<(), String> {
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

/// `!` before a pattern negates it; `/…/` is a regular expression, searched; all else a glob over the whole name.
fn compile(pattern: &str) -> (bool, Result<Regex, regex::Error>) {
    let (negated, pattern) = pattern.strip_prefix('!').map_or((false, pattern), |rest| (true, rest));
    let regex = pattern.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')).filter(|inner| !inner.is_empty());
    let source = regex.map_or_else(|| glob(pattern), str::to_owned);
    (negated, Regex::new(&source))
}

fn glob(pattern: &str) -> String {
    let mut source = String::from("(?s)^");
    for c in pattern.chars() {
        match c {
            '*' => source.push_str(".*"),
            '?' => source.push('.'),
            // tmux itself writes `_` for these two in session names, so `proj:app` means `proj_app` as well.
            ':' | '.' => source.push_str(&format!("[{c}_]")),
            c => source.push_str(&regex::escape(&c.to_string())),
        }
    }
    source.push('$');
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
        ];
        for (patterns, name, expected) in table {
            assert_eq!(holds(patterns, name), *expected, "{patterns:?} {name}");
        }
    }

    #[test]
    fn bad_patterns_are_named() {
        assert_eq!(check("/(/"), Err("`/(/` is not a regular expression: unclosed group".to_owned()));
        assert!(check("!").is_err());
        assert_eq!(check("a("), Ok(()));
    }
}
