//! Writing any text on a tmux command line.

use std::fmt::Write as _;

/// Writes `bytes` as one argument of a tmux command line (3.0 and later).
///
/// Every byte that is not an ASCII letter or digit is written as `\ooo` inside double quotes. Nothing else survives
/// every version: a leading `~`, `#{…}`, `$`, `;` and newlines all have a meaning to tmux's parser somewhere. NUL can't
/// be held by a tmux string and is left out.
#[must_use]
pub fn quote(bytes: impl AsRef<[u8]>) -> String {
    let bytes = bytes.as_ref();
    let mut out = String::with_capacity(bytes.len() * 2 + 2);
    out.push('"');
    for &byte in bytes.iter().filter(|&&byte| byte != 0) {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _ = write!(out, "\\{byte:03o}");
        }
    }
    out.push('"');
    out
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
    fn only_letters_and_digits_stand_as_they_are() {
        assert_eq!(quote("yes 1"), r#""yes\0401""#);
        assert_eq!(quote("~;$#{x}\n"), r#""\176\073\044\043\173x\175\012""#);
        assert_eq!(quote([0xe4, 0, 0xb8]), r#""\344\270""#);
        assert_eq!(quote(""), r#""""#);
        assert_eq!(escape_operand("a,b}#c"), "a#,b#}##c");
    }
}
