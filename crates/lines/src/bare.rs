//! Commands that are typed as a person would type them: what a shell reads as one whole command, whatever its line editor
//! and its options make of single signs.

use tmuxagent_model::{Shell, ShellText};

/// The longest command that is typed as it is, bytes.
const LONGEST_BARE: usize = 500;

/// The key words that begin or end something of several parts. Not every shell knows each of these, and nobody calls a
/// program by such a name: they count in all of them.
const KEY_WORDS: [&str; 15] = [
    "if", "then", "else", "elif", "fi", "do", "done", "case", "esac", "while", "until", "for", "in", "function",
    "select",
];

/// Those that a shell has beside them. Where it is not known, each of them may be one.
const fn more_key_words(shell: Shell) -> &'static [&'static str] {
    match shell {
        Shell::Bash => &["coproc"],
        Shell::Zsh => &["coproc", "repeat", "foreach", "end", "nocorrect"],
        Shell::Fish => &["begin", "end", "switch", "and", "or", "not"],
        Shell::Sh | Shell::Csh | Shell::Other => {
            &["coproc", "repeat", "foreach", "end", "nocorrect", "begin", "switch", "and", "or", "not"]
        }
    }
}

fn is_key_word(shell: Shell, word: &str) -> bool {
    KEY_WORDS.contains(&word) || more_key_words(shell).contains(&word)
}

/// The command as a person would type it, where that shell reads it as one whole command: one line without values,
/// comments, recalled history, groups, key words where a command begins, patterns in brackets and unfinished quotes.
///
/// `[ … ]` is a command like others in all of them. `$(…)` is read by all but fish, which knows it from 3.4 on and takes the
/// whole line for a mistake before: there it is not typed bare.
#[must_use]
pub fn bare_command(shell: Shell, command: &ShellText) -> Option<&str> {
    let text = command.text.trim();
    let kept = shell != Shell::Zsh || !text.split_whitespace().any(is_busy_address);
    (command.values.is_empty() && text.len() <= LONGEST_BARE && kept && is_whole(shell, text)).then_some(text)
}

/// Whether a word is an address.
pub(super) fn is_address(word: &str) -> bool {
    word.contains("://")
}

/// Whether a word is an address with signs in it or right behind it. A common widget of zsh (`url-quote-magic`) puts a backslash
/// before such a sign as it is typed, also where it ends the command.
fn is_busy_address(word: &str) -> bool {
    let is_calm = |c: char| c.is_alphanumeric() || "/:._-%@+,".contains(c);
    is_address(word) && !word.chars().all(is_calm)
}

fn is_whole(shell: Shell, text: &str) -> bool {
    match shell {
        Shell::Sh | Shell::Bash | Shell::Zsh => {
            without_substitutions(shell, text).is_some_and(|text| is_plain(shell, &text))
        }
        Shell::Fish | Shell::Csh | Shell::Other => is_plain(shell, text),
    }
}

/// The text with a variable in place of each `$(…)` that holds a plain command without quotes; nothing where one holds more.
fn without_substitutions(shell: Shell, text: &str) -> Option<String> {
    let mut out = String::new();
    let mut quote = None;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if quote != Some('\'')
            && let Some(behind) = rest.strip_prefix("$(")
        {
            let (inner, after) = behind.split_once(')')?;
            let inner = inner.trim();
            // Behind another `$`, which is a variable's name then, a `(` begins something else.
            if out.ends_with('$') || inner.contains(['\'', '"']) || !is_plain(shell, inner) {
                return None;
            }
            out.push_str("$_");
            rest = after;
            continue;
        }
        match quote {
            None if matches!(c, '\'' | '"') => quote = Some(c),
            Some(open) if open == c => quote = None,
            None | Some(_) => {}
        }
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    Some(out)
}

/// The words of a line, as they are read.
#[derive(Default)]
struct Words {
    /// The one that is being read, with its quotes.
    word: String,
    /// It holds a bracket or `!` outside quotes.
    signs: bool,
    /// The one before it in the same command.
    before: String,
    /// The command has its name: what follows are arguments.
    begun: bool,
}

impl Words {
    /// A word ends, at a blank or at another sign; whether it may stand there.
    fn end(&mut self, shell: Shell, blank: bool) -> bool {
        let word = std::mem::take(&mut self.word);
        let signs = std::mem::take(&mut self.signs);
        if word.is_empty() {
            return true;
        }
        let fits = match word.as_str() {
            "[" | "]" => true,
            // Before a blank no shell recalls its history by it.
            "!" => blank && self.before == "[",
            word => !signs && (self.begun || !is_key_word(shell, word)),
        };
        // A key word counts behind all that is no name of a command, too.
        let number = word.bytes().all(|byte| byte.is_ascii_digit());
        let leads = number || word == "time" || word.starts_with('-') || word.contains(['=', '<', '>']);
        self.begun |= !leads && !self.before.ends_with(['<', '>']);
        self.before = word;
        fits
    }

    /// Another command begins.
    fn next_command(&mut self) {
        self.begun = false;
        self.before.clear();
    }
}

fn is_plain(shell: Shell, text: &str) -> bool {
    let mut quote = None;
    let mut words = Words::default();
    let mut before = None;
    for c in text.chars() {
        let fits = match (quote, c) {
            (_, c) if c.is_control() => false,
            (Some('\''), '\'') | (Some('"'), '"') => {
                quote = None;
                true
            }
            (Some('\''), c) => c != '\\',
            (Some(_), '(') => before != Some('$'),
            (Some(_), c) => !matches!(c, '\\' | '!' | '`'),
            (None, '\'' | '"') => {
                quote = Some(c);
                true
            }
            (None, '\\' | '#' | '`' | '(' | ')' | '{' | '}' | '^') => false,
            (None, '[' | ']' | '!') => {
                words.signs = true;
                true
            }
            // A here-document, and `;;`.
            (None, '<' | ';') => before != Some(c),
            (None, _) => true,
        };
        if !fits {
            return false;
        }
        match c {
            ' ' | ';' | '&' | '|' if quote.is_none() => {
                if !words.end(shell, c == ' ') {
                    return false;
                }
                if c != ' ' {
                    words.next_command();
                }
            }
            c => words.word.push(c),
        }
        before = Some(c);
    }
    let ends = |c: char| matches!(c, ';' | '&' | '|' | '<' | '>');
    quote.is_none() && words.end(shell, true) && !text.is_empty() && !text.starts_with(ends) && !text.ends_with(ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [Shell; 3] = [Shell::Bash, Shell::Zsh, Shell::Fish];

    #[test]
    fn one_whole_command_is_typed_as_it_is() {
        for plain in [
            "make",
            "a | b; c && d || e & f",
            "echo \"if $X\" 'for # !'\"x\"",
            "X=1 cmd -- ~/a,b@c:d%e+f",
            "iffy done-not",
            "make 2>&1 | tee log && echo done",
            "[ -f x ] || touch x",
            "[ ! -e go ] && [ \"$X\" = 'a b' ]; make",
            "ls [ ]",
        ] {
            for shell in KNOWN {
                assert_eq!(bare_command(shell, &plain.into()), Some(plain), "{shell:?} {plain}");
            }
        }
    }

    #[test]
    fn what_some_shell_could_read_otherwise_is_not() {
        for other in [
            "",
            "a;",
            "a &&",
            "a &",
            "&& a",
            "a; ; b;;c",
            "cat <<E",
            "a\nb",
            "a\tb",
            "echo 'a",
            "echo \"a",
            "echo \"a!\"",
            "echo !!",
            "! a",
            "[ !x ]",
            "[ !; a",
            "[[ -f x ]]",
            "ls [ab]",
            "echo $x[1]",
            "a # b",
            "(a)",
            "a `b`",
            "a \\",
            "if a",
            "a; then",
            "a && for x",
            "X=1 if",
            "time -p if a",
            "> f if a",
            "2>&1 if a",
            "^a^b",
            "{ a",
            "echo >",
            "a\u{9b}b",
        ] {
            for shell in KNOWN {
                assert_eq!(bare_command(shell, &other.into()), None, "{shell:?} {other}");
            }
        }
        for shell in KNOWN {
            assert_eq!(bare_command(shell, &"x".repeat(501).as_str().into()), None);
            let bound = ShellText { values: [("v".to_owned(), "1".to_owned())].into(), ..ShellText::from("a") };
            assert_eq!(bare_command(shell, &bound), None);
        }
    }

    #[test]
    fn a_key_word_of_another_shell_is_a_name_like_others() {
        let bare = |shell, text: &str| bare_command(shell, &text.into()).is_some();
        for (text, bash, zsh, fish) in [
            ("begin", true, true, false),
            ("switch x", true, true, false),
            ("not a && and b", true, true, false),
            ("X=1 or", true, true, false),
            ("end", true, false, false),
            ("a; foreach x", true, false, true),
            ("repeat 3", true, false, true),
            ("nocorrect a", true, false, true),
            ("time coproc a", false, false, true),
            ("function a", false, false, false),
        ] {
            let found = [Shell::Bash, Shell::Zsh, Shell::Fish].map(|shell| bare(shell, text));
            assert_eq!(found, [bash, zsh, fish], "{text}");
            // Which shell it is is not known there: any of them may be.
            assert!([Shell::Sh, Shell::Csh, Shell::Other].iter().all(|shell| !bare(*shell, text)), "{text}");
        }
    }

    #[test]
    fn what_a_command_prints_is_put_in_where_every_version_of_the_shell_does_so() {
        let bare = |shell, text: &str| bare_command(shell, &text.into()).is_some();
        for text in ["echo \"$(date)\"", "echo \"on $(date +%F | tail -n 1).\" x", "X=$(pwd) && cd \"$X\""] {
            assert_eq!([Shell::Sh, Shell::Bash, Shell::Zsh].map(|shell| bare(shell, text)), [true; 3], "{text}");
            assert!(!bare(Shell::Fish, text), "{text}");
        }
        // In single quotes it is a text for all of them.
        assert!(KNOWN.iter().all(|shell| bare(*shell, "echo '$(date'")));
        for text in [
            "echo \"$(date\"",
            "echo \"$(if a)\"",
            "echo \"$()\"",
            "echo $((1+1))",
            "echo $$(a)",
            "echo $(a)(b)",
            "echo \"$(echo 'x')\"",
            "echo \"$(a \"b)\"",
            "echo \"$(a # b)\"",
            "echo \"$(a\nb)\"",
        ] {
            assert!(KNOWN.iter().all(|shell| !bare(*shell, text)), "{text}");
        }
    }
}
