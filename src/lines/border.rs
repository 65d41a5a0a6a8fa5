//! Cutting text at a character border.

/// The longest start of `text` of at most `most` bytes that ends at a character border.
pub(super) fn head(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
