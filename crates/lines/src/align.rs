//! The longest common subsequence of two screens' rows.

/// A row of the old screen that is a row of the new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    /// Its place on the old screen.
    pub(super) old: usize,
    /// Its place on the new screen.
    pub(super) new: usize,
}

/// Finds the rows that two screens share in the same order. Rows are given by keys; 0 is a blank row and no match.
///
/// Takes time and memory in proportion to the product of the changed parts, at most [`LARGEST`] entries of two bytes;
/// beyond that only what the screens share at their start and end is found.
pub(super) fn aligned(old: &[u64], new: &[u64]) -> Vec<Pair> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    let mut pairs: Vec<Pair> = (0..head).map(|at| Pair { old: at, new: at }).collect();
    middle(&old[head..old.len() - tail], &new[head..new.len() - tail], head, &mut pairs);
    pairs.extend((0..tail).rev().map(|back| Pair { old: old.len() - 1 - back, new: new.len() - 1 - back }));
    pairs.retain(|pair| old[pair.old] != 0);
    pairs
}

const LARGEST: usize = 1_000_000;

fn middle(old: &[u64], new: &[u64], offset: usize, pairs: &mut Vec<Pair>) {
    let filled =
        |keys: &[u64]| -> Vec<(usize, u64)> { keys.iter().copied().enumerate().filter(|(_, key)| *key != 0).collect() };
    let (old, new) = (filled(old), filled(new));
    let width = new.len() + 1;
    if old.is_empty() || new.is_empty() || (old.len() + 1) * width > LARGEST {
        return;
    }
    // lengths[i][j]: the longest common subsequence of old[i..] and new[j..].
    let mut lengths = vec![0_u16; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            lengths[i * width + j] = if old[i].1 == new[j].1 {
                lengths[(i + 1) * width + j + 1] + 1
            } else {
                lengths[(i + 1) * width + j].max(lengths[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < old.len() && j < new.len() {
        if old[i].1 == new[j].1 {
            pairs.push(Pair { old: offset + old[i].0, new: offset + new[j].0 });
            i += 1;
            j += 1;
        } else if lengths[(i + 1) * width + j] >= lengths[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(old: &[u64], new: &[u64]) -> Vec<(usize, usize)> {
        aligned(old, new).into_iter().map(|pair| (pair.old, pair.new)).collect()
    }

    #[test]
    fn rows_that_stayed_are_found() {
        assert_eq!(pairs(&[1, 2, 3], &[1, 2, 3]), [(0, 0), (1, 1), (2, 2)]);
        assert_eq!(pairs(&[1, 2, 3, 9], &[2, 3, 4, 9]), [(1, 0), (2, 1), (3, 3)]);
        assert_eq!(pairs(&[1, 0, 2, 0], &[1, 7, 0, 2]), [(0, 0), (2, 3)]);
        assert_eq!(pairs(&[], &[1]), []);
        assert_eq!(pairs(&[5, 5], &[5, 5, 5]), [(0, 0), (1, 1)]);
    }
}
