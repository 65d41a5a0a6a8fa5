//! Any text written where some of its characters would have a meaning.

/// Text for HTML elements and for attributes in double or single quotes.
#[must_use]
pub fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// Text for XML elements and attributes; characters that XML 1.0 forbids are left out.
#[must_use]
pub fn xml(text: &str) -> String {
    let forbidden =
        |c: char| matches!(c, '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    html(&text.chars().filter(|c| !forbidden(*c)).collect::<String>())
}

/// A part of a file's name, at most so many bytes: letters, digits, `-`, `_` and `.`, anything else as `_`; never hidden, and
/// never read as an option.
#[must_use]
pub fn file_name(text: &str, most: usize) -> String {
    let kept: String =
        text.chars().map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' }).collect();
    let end = (0..=kept.len().min(most)).rev().find(|end| kept.is_char_boundary(*end)).unwrap_or(0);
    kept[..end].trim_matches(['-', '.']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        assert_eq!(html("<a href=\"x\">'&"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
        assert_eq!(xml("a\u{0}\u{1b}\u{ffff}\t<b>"), "a\t&lt;b&gt;");
    }

    #[test]
    fn names_of_files_stay_in_their_folder() {
        assert_eq!(file_name("../etc/passwd", 40), "_etc_passwd");
        assert_eq!(file_name("-rf", 40), "rf");
        assert_eq!(file_name("部署完成", 7), "部署");
    }
}
