//! The name that was probably meant.

/// The candidate that `word` was probably meant to be; `None` when none is near.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = fold(word);
    // A third of the letters may be wrong; a single letter is never guessed at.
    let limit = match wanted.len() {
        0 | 1 => return None,
        2 => 1,
        3..=5 => 2,
        n => n / 3 + 1,
    };
    candidates
        .into_iter()
        .map(|candidate| {
            let name = fold(candidate);
            // A name cut short is nearer than one that merely looks alike: `repo` means `repository`, not `ref`.
            let short = wanted.len() > 2 && name.starts_with(&wanted);
            (if short { 1 } else { distance(&wanted, &name) }, candidate)
        })
        .filter(|&(steps, candidate)| steps <= limit && steps < candidate.chars().count())
        .min_by_key(|&(steps, _)| steps)
        .map(|(_, candidate)| candidate)
}

/// Case, `-` and `_` are what people mistake most; they cost nothing.
fn fold(name: &str) -> Vec<char> {
    name.chars().take(80).filter(|c| !matches!(c, '-' | '_' | ' ')).flat_map(char::to_lowercase).collect()
}

/// Edit distance where swapping two neighbours is one step (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}
