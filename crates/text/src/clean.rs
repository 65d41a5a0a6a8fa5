//! Untrusted text made fit for where it goes. There is one function for each place:
//!
//! | Where it goes | Function |
//! |---|---|
//! | a row of the screen, a line of output | [`clean`], [`clean_block`] |
//! | what a person is about to approve or send | [`reveal`] |
//! | JSON for scripts | [`json`] |
//! | an excerpt of a file, in which columns count | [`marked`] |
//! | a message of several lines, or of one | [`harmless`](crate::plain::harmless), [`one_line`](crate::plain::one_line) |
//! | a page on which a person decides | [`named`](crate::plain::named), then [`html`](crate::escape::html) |
//! | the name of a file | [`file_name`](crate::escape::file_name) |
//! | HTML or XML | [`html`](crate::escape::html), [`xml`](crate::escape::xml) |
//! | the markup of a chat service | `Markup` of the crate `alerts` |
//! | a YAML file | `quoted` of the crate `yaml` |
//! | a shell | `shell` of the crate `model` |
//! | a command line of tmux | `proto::quote` of the crate `tmux` |
//!
//! A pane's title or output may hold escape sequences, line breaks, marks that turn the writing direction, characters
//! without width, and stacks of accents. [`clean`] is for reading, [`reveal`] for what a human is about to approve or
//! send: there nothing may be hidden, so every such character gets a visible name.

use std::fmt::Write as _;

/// The most combining marks that are kept on one base character.
const MAX_MARKS: u8 = 3;

/// One line: control characters become visible signs, hidden characters go, tabs become a space.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut marks = 0;
    for c in text.chars() {
        match c {
            '\t' => out.push(' '),
            _ if c.is_control() => out.push(control_sign(c)),
            _ if is_hidden(c) || is_modifier(c) => continue,
            _ if is_mark(c) => {
                marks += 1;
                if marks <= MAX_MARKS && !out.is_empty() {
                    out.push(c);
                }
                continue;
            }
            _ => out.push(c),
        }
        marks = 0;
    }
    out
}

/// Several lines, each as by [`clean`]; line breaks stay.
#[must_use]
pub fn clean_block(text: &str) -> Vec<String> {
    text.lines().map(clean).collect()
}

/// One line in which nothing is hidden: line breaks as `␊`, tabs as `␉`, other control characters as signs, hidden
/// characters as `<U+202E>`.
#[must_use]
pub fn reveal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            out.push(control_sign(c));
        } else if is_hidden(c) || is_modifier(c) || super::plain::passes_for_blank(c) {
            out.push_str(&format!("<U+{:04X}>", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

/// The character itself, or `�` for one that acts on a terminal or hides its neighbours. For excerpts of a file, in which
/// each character keeps its column.
#[must_use]
pub fn marked(c: char) -> char {
    if super::plain::is_harmless(c) { c } else { '\u{fffd}' }
}

/// A JSON document, in which every character that shows nothing of itself, acts on a terminal, or turns the writing
/// direction is an escape. It is the same data: such characters stand in its texts alone. Line breaks between values stay.
#[must_use]
pub fn json(document: &str) -> String {
    let acts = |c: char| c != '\n' && (c.is_control() || is_hidden(c) || is_format(c));
    let mut out = String::with_capacity(document.len());
    for c in document.chars() {
        if acts(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                // Writing to a string can't fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// The rest of Unicode's general category Cf: marks of single scripts, which show something or order what stands by them.
const fn is_format(c: char) -> bool {
    matches!(c,
        '\u{0600}'..='\u{0605}' | '\u{06dd}' | '\u{070f}' | '\u{0890}' | '\u{0891}' | '\u{08e2}' | '\u{110bd}'
        | '\u{110cd}' | '\u{13430}'..='\u{1343f}')
}

/// The sign of a control character: U+2400 and on for C0, `␡` for DEL, `�` for C1.
fn control_sign(c: char) -> char {
    match u32::from(c) {
        code @ 0..=0x1f => char::from_u32(0x2400 + code).unwrap_or('�'),
        0x7f => '␡',
        _ => '�',
    }
}

/// Whether a character shows nothing of itself, or turns the writing direction of others (Unicode general category Cf
/// as far as terminals disagree about it, fillers, variation selectors, tags, line and paragraph separators: all that Unicode
/// calls Default_Ignorable_Code_Point, and signs of single scripts that are drawn as nothing).
#[must_use]
pub const fn is_hidden(c: char) -> bool {
    is_deceptive(c)
        || matches!(c,
            '\u{034f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{13441}' | '\u{13442}' | '\u{16fe4}' | '\u{1d159}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Those of them that make a text read otherwise than it stands there; what only chooses the look of a sign, as behind
/// many an emoji, is none.
pub(crate) const fn is_deceptive(c: char) -> bool {
    matches!(c,
        '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether a character only changes the look of the emoji before it; terminals give the pair different widths.
const fn is_modifier(c: char) -> bool {
    matches!(c, '\u{1f3fb}'..='\u{1f3ff}')
}

/// Whether a character is drawn onto the one before it.
fn is_mark(c: char) -> bool {
    unicode_width::UnicodeWidthChar::width(c) == Some(0)
}
