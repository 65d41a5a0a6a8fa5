//! Texts in HTTP headers, which hold ASCII only. Pure.
//!
//! A text with other letters becomes encoded words (RFC 2047), as `ntfy` and mail-like services read them; in a header of
//! parameters (`Content-Disposition`) it becomes an extended parameter (RFC 8187). Nothing that is filled in ends a header
//! or a parameter, or is itself read as an encoded word.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write as _;
use tmuxagent_text::plain::{cut_bytes, one_line};

/// The most bytes of a header's text; servers refuse heads of more than a few KiB.
const LIMIT: usize = 1000;
/// The bytes in one encoded word, which is at most 75 characters long with its marks (RFC 2047, section 2): 60 of base64.
const WORD: usize = 45;
/// The headers that are made of parameters.
const PARAMETERS: &[&str] = &["content-disposition", "content-type", "link"];

/// The value of the header `name`; `fill` fills a part of the template.
#[must_use]
pub fn value(name: &str, template: &str, fill: impl Fn(&str) -> String) -> String {
    if PARAMETERS.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        let parts = template.split(';').map(|part| parameter(part.trim(), &fill));
        return parts.collect::<Vec<_>>().join("; ");
    }
    words(template, &fill)
}

/// A text as it is, or as encoded words where it needs them.
fn words(template: &str, fill: impl Fn(&str) -> String) -> String {
    let text = filled(template, fill);
    // What was filled in must not be decoded to something that nobody saw; what the user wrote himself may.
    let foreign = text != template.trim() && text.contains("=?");
    if is_plain(&text) && !foreign {
        return text;
    }
    let mut out = String::new();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let end = (0..=WORD.min(rest.len())).rev().find(|&end| rest.is_char_boundary(end)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let gap = if out.is_empty() { "" } else { " " };
        // Blanks between encoded words are not part of the text.
        let _infallible = write!(out, "{gap}=?UTF-8?B?{}?=", STANDARD.encode(word));
        rest = after;
    }
    out
}

/// `name="value"` with the value filled, or as an extended parameter where it is not ASCII.
fn parameter(part: &str, fill: impl Fn(&str) -> String) -> String {
    let Some((name, value)) = part.split_once('=') else {
        return words(part, fill);
    };
    let value = value.trim();
    let template = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    let text = filled(template, fill);
    if text == template && is_plain(&text) {
        return part.to_owned();
    }
    if is_plain(&text) {
        return format!("{name}=\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    }
    let mut coded = String::new();
    for byte in text.bytes() {
        // `attr-char` of RFC 8187.
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            coded.push(char::from(byte));
        } else {
            let _infallible = write!(coded, "%{byte:02X}");
        }
    }
    format!("{name}*=UTF-8''{coded}")
}

fn filled(template: &str, fill: impl Fn(&str) -> String) -> String {
    cut_bytes(&one_line(&fill(template)), LIMIT)
}

/// Whether a header may hold it as it is.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a reader makes of encoded words.
    fn decoded(text: &str) -> String {
        let mut bytes = Vec::new();
        for word in text.split(' ') {
            let inner = word.strip_prefix("=?UTF-8?B?").and_then(|word| word.strip_suffix("?=")).unwrap();
            bytes.extend(STANDARD.decode(inner).unwrap());
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_title_keeps_its_letters() {
        let title = |text: &str| value("Title", "{{title}}", |_| text.to_owned());
        assert_eq!(title("build failed"), "build failed");
        assert_eq!(title("构建失败 ☕"), "=?UTF-8?B?5p6E5bu65aSx6LSlIOKYlQ==?=");
        assert_eq!(decoded(&title("a\r\nX-Evil: 1 é")), "a  X-Evil: 1 é");
        assert_eq!(decoded(&title("=?UTF-8?B?aGlkZGVu?=")), "=?UTF-8?B?aGlkZGVu?=", "foreign words are not decoded");
        let own = "=?UTF-8?B?5rWL6K+V?=";
        assert_eq!(value("Title", own, str::to_owned), own, "the user's own encoded word stays");
        assert_eq!(decoded(&value("Tags", "警告", str::to_owned)), "警告");
    }

    #[test]
    fn parameters_are_extended_and_none_is_added() {
        let name = |text: &str| {
            value("Content-Disposition", "attachment; filename=\"{{title}}.txt\"; size=3", |part| {
                part.replace("{{title}}", text)
            })
        };
        assert_eq!(name("log"), "attachment; filename=\"log.txt\"; size=3");
        assert_eq!(name("日志 1"), "attachment; filename*=UTF-8''%E6%97%A5%E5%BF%97%201.txt; size=3");
        assert_eq!(name("a\"; x=\"b"), "attachment; filename=\"a\\\"; x=\\\"b.txt\"; size=3");
    }

    proptest! {
        #[test]
        fn every_text_comes_back_and_no_word_is_too_long(text in "\\PC{0,60}") {
            let shown = one_line(&text);
            let coded = value("Title", "{{title}}", |_| text.clone());
            prop_assert!(coded.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
            if coded != shown {
                prop_assert!(coded.split(' ').all(|word| word.len() <= 75));
                prop_assert_eq!(decoded(&coded), shown);
            }
        }
    }
}
