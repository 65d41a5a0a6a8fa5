//! What the body of an answer is: its text, and whether that is a page for a browser. Pure.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// The text of a body; `None` where it can't be read: it is compressed, which we did not ask for, or no text at all.
///
/// UTF-16 is read where the type or a byte order mark names it, and where every other byte of the beginning is null, as
/// browsers guess it (WHATWG HTML, "determining the character encoding").
pub(super) fn text_of(bytes: &[u8], content_type: &str, encoding: &str) -> Option<String> {
    if bytes.is_empty() {
        return Some(String::new());
    }
    let is_plain = encoding.split(',').all(|coding| matches!(coding.trim(), "" | "identity"));
    // RFC 1952, 2.3.1: gzip, also where no header names it.
    if !is_plain || bytes.starts_with(&[0x1f, 0x8b]) {
        return None;
    }
    let nulls = |at: usize| bytes.iter().take(64).skip(at).step_by(2).all(|byte| *byte == 0) && bytes.len() > at;
    let text = if let Some(rest) = bytes.strip_prefix(&[0xef, 0xbb, 0xbf]) {
        String::from_utf8_lossy(rest).into_owned()
    } else if let Some(rest) = bytes.strip_prefix(&[0xff, 0xfe]) {
        utf_16(rest, u16::from_le_bytes)
    } else if let Some(rest) = bytes.strip_prefix(&[0xfe, 0xff]) {
        utf_16(rest, u16::from_be_bytes)
    } else if content_type.contains("utf-16be") || nulls(0) {
        utf_16(bytes, u16::from_be_bytes)
    } else if content_type.contains("utf-16") || nulls(1) {
        utf_16(bytes, u16::from_le_bytes)
    } else {
        String::from_utf8_lossy(bytes).into_owned()
    };
    // No text of any encoding that is read here has it.
    (!text.contains('\0')).then_some(text)
}

fn utf_16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units).map(|read| read.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// Elements with which a page or a part of one begins. What else begins with `<` may be a service's own XML.
const ELEMENTS: [&str; 42] = [
    "!doctype", "html", "head", "body", "script", "style", "title", "meta", "link", "base", "noscript", "template",
    "form", "input", "button", "div", "span", "p", "a", "b", "i", "br", "hr", "img", "svg", "center", "font", "table",
    "iframe", "frameset", "frame", "main", "section", "article", "header", "nav", "ul", "h1", "h2", "h3", "h4", "pre",
];

/// Whether a text is a page for a browser: a login, a proxy's words, an application's start page.
///
/// What is called HTML is one, but for a single word: small servers call all that they print so, and Slack its `ok`. What is
/// called otherwise is one where it begins as a page does.
pub(super) fn is_web_page(text: &str, content_type: &str) -> bool {
    let blank = |c: char| c.is_whitespace() || c == '\u{feff}' || c == '"';
    let text = text.trim_matches(blank);
    if content_type.contains("html") {
        let is_word = text.chars().count() <= 32 && !text.contains(|c: char| c.is_whitespace() || c == '<');
        return !text.is_empty() && !is_word;
    }
    let mut rest = text;
    // Comments and declarations before the first element.
    while let Some(after) = ["<!--", "<?"].iter().find_map(|open| rest.strip_prefix(open)) {
        let end = after.find("-->").map(|at| at + 3).or_else(|| after.find('>').map(|at| at + 1));
        rest = after.get(end.unwrap_or(after.len())..).unwrap_or_default().trim_start_matches(blank);
        if rest.is_empty() {
            // A page of which nothing but its beginning is seen.
            return true;
        }
    }
    let Some(tag) = rest.strip_prefix('<') else { return false };
    let name: String = tag.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '!').collect();
    ELEMENTS.contains(&name.to_ascii_lowercase().as_str())
}

/// Whether a text is JSON of which an object names something twice: what it says depends on who reads it (RFC 8259, section 4).
pub(super) fn names_twice(text: &str) -> bool {
    serde_json::from_str::<Once>(text).is_err_and(|error| error.is_data())
}

/// JSON of which each object names each of its members once.
struct Once;

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Once {
    type Value = Self;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if !names.insert(name) {
                return Err(serde::de::Error::custom("named twice"));
            }
            members.next_value::<Self>()?;
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_that_says_two_things_is_found_wherever_it_does() {
        for twice in [r#"{"ok":true,"ok":false}"#, r#"[{"a":{"b":1,"c":[],"b":1}}]"#, r#" {"a":1,"\u0061":2}"#] {
            assert!(names_twice(twice), "{twice}");
        }
        for once in [r#"{"a":{"a":[1,2.5,-3,null,true,"a","a"]},"b":{"a":1e400}}"#, "", "ok", "{", "[1,1]", "7"] {
            assert!(!names_twice(once), "{once}");
        }
    }

    fn utf_16_of(text: &str, big: bool) -> Vec<u8> {
        let bytes = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn a_page_is_one_whatever_it_begins_with_and_however_it_is_written() {
        let pages = [
            "<!DOCTYPE html><p>",
            "  \n<HTML>",
            "<script>location='/login'</script>",
            "<Script src=x>",
            "<!-- saved from url --><html>",
            "<!-- a --> <!-- b -->\n<head>",
            "<!-- never ends",
            "<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC \"x\">",
            "<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'>",
            "<meta http-equiv=refresh content='0;url=/login'>",
            "<form action=/login>",
            "\"<html>\"",
        ];
        for page in pages {
            let written = [
                (page.as_bytes().to_vec(), "text/plain"),
                (page.as_bytes().to_vec(), ""),
                (format!("\u{feff}{page}").into_bytes(), "application/octet-stream"),
                (utf_16_of(page, false), "text/plain; charset=utf-16"),
                (utf_16_of(page, false), "text/plain"),
                (utf_16_of(page, true), ""),
                (utf_16_of(page, true), "text/plain; charset=utf-16be"),
                (utf_16_of(&format!("\u{feff}{page}"), false), ""),
                (utf_16_of(&format!("\u{feff}{page}"), true), ""),
            ];
            for (bytes, content_type) in written {
                let text = text_of(&bytes, content_type, "").unwrap();
                assert!(is_web_page(&text, content_type), "{page} as {content_type}: {text:?}");
            }
        }
        for called in ["text/html", "application/xhtml+xml", "text/html; charset=utf-8"] {
            assert!(is_web_page("Please sign in", called) && is_web_page("<x>", called), "{called}");
            for word in ["ok", "OK\n", "\"1\"", "", " \n"] {
                assert!(!is_web_page(word, called), "{word:?} as {called}");
            }
        }
    }

    #[test]
    fn what_services_answer_is_no_page() {
        for text in ["", "ok", "queued <7>", "{\"a\":\"<html>\"}", "<response>ok</response>", "<?xml?><ok/>", "a < b"] {
            assert!(!is_web_page(text, "text/plain"), "{text}");
        }
        assert!(!is_web_page("<Response/>", "text/xml"));
    }

    #[test]
    fn what_was_not_asked_for_is_not_read() {
        let gzip = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b, 0xcb, 0xcf, 7, 0, 0x21, 0x65, 0x73, 0x8c, 3, 0, 0, 0];
        for (bytes, encoding) in [
            (&gzip[..], "gzip"),
            (&gzip[..], ""),
            (b"x".as_slice(), "deflate"),
            (b"x".as_slice(), "identity, br"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), ""),
        ] {
            assert_eq!(text_of(bytes, "text/plain", encoding), None, "{encoding} {bytes:?}");
        }
        assert_eq!(text_of(b"", "", "gzip"), Some(String::new()), "nothing is nothing");
        assert_eq!(text_of(b"ok", "", "identity").as_deref(), Some("ok"));
        assert_eq!(text_of("好".as_bytes(), "", "").as_deref(), Some("好"));
    }
}
