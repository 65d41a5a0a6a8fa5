//! Whether a long typed text holds a piece of it that a line shows, asked for each line of a screenful that an editor draws
//! again and again: the work for a line goes by its own length, not by the text's.

/// As many bytes are looked up at once; a shorter piece is none.
pub(super) const SHORTEST: usize = 8;
/// At so many places a piece is compared at most before the whole text is searched, as where a text repeats itself.
const MOST_PLACES: usize = 64;

/// Where each [`SHORTEST`] bytes of a text stand, in the order of these bytes.
#[derive(Debug)]
pub(super) struct Pieces {
    places: Vec<(u64, usize)>,
}

impl Pieces {
    pub(super) fn of(text: &str) -> Self {
        let windows = text.as_bytes().windows(SHORTEST).enumerate();
        let mut places: Vec<(u64, usize)> = windows.map(|(at, window)| (number(window), at)).collect();
        places.sort_unstable();
        Self { places }
    }

    /// Whether the text, the same that this was made of, holds the piece.
    pub(super) fn hold(&self, text: &str, piece: &str) -> bool {
        match self.places_to_compare(piece) {
            Some((offset, places)) if places.len() <= MOST_PLACES => stands(text, piece, offset, places),
            // Most often it stands at the first of them.
            Some((offset, places)) => stands(text, piece, offset, &places[..MOST_PLACES]) || text.contains(piece),
            None => piece.len() < SHORTEST && text.contains(piece),
        }
    }

    /// The fewest places at which the piece can stand by some bytes of it, and how far into it these are; nothing where some
    /// stand nowhere.
    fn places_to_compare(&self, piece: &str) -> Option<(usize, &[(u64, usize)])> {
        let last = piece.len().checked_sub(SHORTEST)?;
        let offsets = (0..last).step_by(SHORTEST).chain([last]);
        let mut fewest: Option<(usize, &[(u64, usize)])> = None;
        for offset in offsets {
            let wanted = number(&piece.as_bytes()[offset..offset + SHORTEST]);
            let start = self.places.partition_point(|(known, _)| *known < wanted);
            let count = self.places[start..].partition_point(|(known, _)| *known == wanted);
            if count == 0 {
                return None;
            }
            if fewest.is_none_or(|(_, places)| count < places.len()) {
                fewest = Some((offset, &self.places[start..start + count]));
            }
        }
        fewest
    }
}

/// Whether the piece stands at one of the places, which are those of bytes so far into it.
fn stands(text: &str, piece: &str, offset: usize, places: &[(u64, usize)]) -> bool {
    let begins = |at: usize| text.as_bytes().get(at..).is_some_and(|rest| rest.starts_with(piece.as_bytes()));
    places.iter().filter_map(|(_, at)| at.checked_sub(offset)).any(begins)
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_piece_is_compared_at_few_places_of_a_long_text() {
        let text: String = (0..20_000).map(|n| format!("word{n} ")).collect();
        let pieces = Pieces::of(&text);
        let compared = |piece: &str| pieces.places_to_compare(piece).map_or(0, |(_, places)| places.len());
        for piece in ["word12345 word12346 word12347", "ord7 word8 wor", " word19999 "] {
            assert!(pieces.hold(&text, piece) && compared(piece) <= MOST_PLACES, "{piece}: {}", compared(piece));
        }
        // What a program prints is nowhere in it, and compared with nothing.
        for other in ["test result: ok. 12 passed", "word12345 word12346 other", "word12 wo-"] {
            assert_eq!((pieces.hold(&text, other), compared(other)), (false, 0), "{other}");
        }
    }

    #[test]
    fn a_text_that_repeats_itself_holds_what_stands_in_it_once() {
        let text = format!("{}end{}", "x".repeat(50_000), "x".repeat(50_000));
        let pieces = Pieces::of(&text);
        for piece in ["xxxxxxxxxxxxxxxx", "xxxxxxxxendxxxxxxxx", "xxxxxxxxxend"] {
            assert!(pieces.hold(&text, piece), "{piece}");
        }
        assert!(!pieces.hold(&text, "xxxxxxxxendx end"));
    }

    proptest! {
        #[test]
        fn it_says_what_a_search_says(text in "[abé ]{0,80}", piece in "[abé ]{0,14}") {
            prop_assert_eq!(Pieces::of(&text).hold(&text, &piece), text.contains(&piece));
        }

        #[test]
        fn every_part_of_it_is_held(text in "[abcdé]{1,60}", from in 0_usize..60, length in 0_usize..60) {
            let piece: String = text.chars().skip(from).take(length).collect();
            prop_assert!(Pieces::of(&text).hold(&text, &piece));
        }
    }
}
