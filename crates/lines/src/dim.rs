//! Which text is dim: in that shells and agents show what they only suggest.

/// Of colours only counts what is dim: faint (2), or one of the greys in which shells show what they suggest.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Colours {
    faint: bool,
    grey: bool,
}

impl Colours {
    /// Whether what is written is dim.
    pub(super) const fn are_dim(self) -> bool {
        self.faint || self.grey
    }

    /// Sets what a sequence of these parameters says.
    pub(super) fn set(&mut self, parameters: &[u16]) {
        let Self { faint, grey } = self;
        let mut rest = if parameters.is_empty() { &[0][..] } else { parameters };
        while let [first, more @ ..] = rest {
            rest = more;
            match first {
                0 => (*faint, *grey) = (false, false),
                2 => *faint = true,
                22 => *faint = false,
                90 => *grey = true,
                30..=37 | 39 | 91..=97 => *grey = false,
                38 | 48 => {
                    let (is_grey, after) = match more {
                        [5, n, after @ ..] => (*n == 8 || (236..=246).contains(n), after),
                        [2, r, g, b, after @ ..] => {
                            let (least, most) = (r.min(g).min(b), r.max(g).max(b));
                            (most - least <= 24 && (64..=160).contains(most), after)
                        }
                        _ => (*grey, more),
                    };
                    if *first == 38 {
                        *grey = is_grey;
                    }
                    rest = after;
                }
                _ => {}
            }
        }
    }
}
