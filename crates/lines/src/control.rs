//! Control bytes: whether a text holds any, and where.

pub(super) const DEL: u8 = 0x7f;

/// Whether a byte is a C0 control or DEL.
pub(super) const fn is_control(byte: u8) -> bool {
    byte < 0x20 || byte == DEL
}

/// How many bytes stand before the first control, looked for in words of eight.
pub(super) fn before_control(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    // Of the bytes of a word the lowest that is below `ONES * n`, or zero, has its highest bit set; those above may have it
    // by mistake.
    let below = |word: u64, least: u64| word.wrapping_sub(ONES * least) & !word & (ONES * 0x80);
    for (at, eight) in bytes.chunks_exact(8).enumerate() {
        let word = eight.try_into().map_or(0, u64::from_le_bytes);
        let found = below(word, 0x20) | below(word ^ (ONES * u64::from(DEL)), 1);
        if found != 0 {
            return at * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let rest = bytes.len() / 8 * 8;
    rest + bytes[rest..].iter().position(|&byte| is_control(byte)).unwrap_or(bytes.len() - rest)
}

/// Whether a plain line holds a control; without early exit, which the compiler turns into vector code.
pub(super) fn has_control(bytes: &[u8]) -> bool {
    bytes.iter().fold(false, |found, &byte| found | is_control(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_control_is_found_wherever_it_stands() {
        for control in [0, b'\n', 0x1b, 0x1f, DEL] {
            for (length, at) in (0..20).flat_map(|length| (0..=length).map(move |at| (length, at))) {
                for fill in [b' ', b'~', 0x80, 0xff, 0x9f] {
                    let mut bytes = vec![fill; length];
                    bytes.splice(at.., [control, fill, control, fill, fill, fill, fill, fill, fill]);
                    assert_eq!(before_control(&bytes), at);
                    assert_eq!(before_control(&bytes[..at]), at);
                }
            }
        }
    }
}
