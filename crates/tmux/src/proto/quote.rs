//! Writing any text on a tmux command line.

use std::fmt::Write as _;

/// Writes `bytes` as one argument of a tmux command line (3.0 and later).
///
/// Printable ASCII stands in single quotes, where nothing has a meaning to tmux's parser: no leading `~`, no `#{…}`, `$`, `;`
/// or brace. All else is written as `\ooo` in double quotes; pieces that touch are one argument. tmux reads a command line
/// letter by letter, so short is fast. NUL can't be held by a tmux string and is left out.
#[must_use]
pub fn quote(bytes: impl AsRef<[u8]>) -> String {
    let bytes = bytes.as_ref();
    let mut out = String::with_capacity(bytes.len() + bytes.len() / 4 + 2);
    let mut open = None;
    for &byte in bytes.iter().filter(|&&byte| byte != 0) {
        let quotes = if stands_as_it_is(byte) { '\'' } else { '"' };
        if open != Some(quotes) {
            out.extend(open);
            out.push(quotes);
            open = Some(quotes);
        }
        if quotes == '\'' {
            out.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _ = write!(out, "\\{byte:03o}");
        }
    }
    match open {
        Some(quotes) => out.push(quotes),
        None => out.push_str("''"),
    }
    out
}

/// Whether a byte is taken for itself between single quotes. A backslash is, but for one before the end of a line.
const fn stands_as_it_is(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'\'' | b'\\')
}

/// Escapes a text that stands as an operand of a format operator, as in `#{==:#{pane_current_command},TEXT}`.
#[must_use]
pub fn escape_operand(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '#' | ',' | '}') {
            out.push('#');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printable_stands_as_it_is() {
        assert_eq!(quote("yes 1"), "'yes 1'");
        assert_eq!(quote("~;$#{x}\n"), r##"'~;$#{x}'"\012""##);
        assert_eq!(quote("it's \\"), r#"'it'"\047"'s '"\134""#);
        assert_eq!(quote([0xe4, 0, 0xb8]), r#""\344\270""#);
        assert_eq!(quote(""), "''");
        assert_eq!(escape_operand("a,b}#c"), "a#,b#}##c");
    }
}
