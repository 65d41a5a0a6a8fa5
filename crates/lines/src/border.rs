//! Cutting text at a character border.

/// The longest start of `text` of at most `most` bytes that ends at a character border.
pub(super) fn head(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The longest end of `text` of at most `most` bytes that begins at a character border.
pub(super) fn tail(text: &str, most: usize) -> &str {
    let mut start = text.len().saturating_sub(most);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

/// How many bytes two texts have in common at their starts, up to a character border.
pub(super) fn shared(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(a, b)| a == b).map(|(c, _)| c.len_utf8()).sum()
}

/// How many bytes at the start, which are no whole character, tmux takes for one; `None` where more are to come.
pub(super) fn broken_character(bytes: &[u8]) -> Option<usize> {
    let size = match bytes.first() {
        None => return Some(0),
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        Some(_) => return Some(1),
    };
    let here = bytes.iter().take(size).take_while(|byte| !byte.is_ascii()).count();
    if here == size || here < bytes.len() { Some(here) } else { None }
}
