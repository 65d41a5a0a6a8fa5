//! Builtins in whose words nothing is calculated: `test`, `[[`, `printf`, `set`.

use super::variables::steers;
use super::words::Word;

/// `test` with one, two or three words, in which the operator is its author's and calculates nothing.
pub(super) fn is_plain_test(arguments: &[Word], is: &dyn Fn(&Word) -> bool) -> bool {
    let arguments = match arguments {
        [rest @ .., last] if last.text == "]" => rest,
        all => all,
    };
    let arguments = match arguments {
        [first, rest @ ..] if first.literal() == Some("!") && rest.len() > 1 => rest,
        all => all,
    };
    let unary = |word: &Word| word.literal().is_some_and(|text| UNARY.contains(&text));
    let binary = |word: &Word| word.literal().is_some_and(|text| BINARY.contains(&text));
    match arguments {
        // One word that is no list of words.
        [word] => word.quoted || word.inner.is_empty() && !word.expands(),
        [operator, word] => unary(operator) && is_one(word),
        [left, operator, right] => binary(operator) && is_one(left) && is_one(right),
        _ => !arguments.iter().any(is),
    }
}

/// Whether the shell makes one word of it: a value is, what the shell puts in itself only within quotes.
fn is_one(word: &Word) -> bool {
    word.quoted || !word.expands()
}

/// Operators of one word that calculate nothing.
const UNARY: &[&str] = &["-n", "-z", "-e", "-f", "-d", "-r", "-w", "-x", "-s", "-L", "-h", "-p", "-S", "-b", "-c"];
/// Operators between two words that calculate nothing.
const BINARY: &[&str] = &["=", "==", "!=", "<", ">", "=~", "-nt", "-ot", "-ef"];
/// What joins the parts of a condition; in a shell that has no `[[` a command may begin behind it.
const JOINTS: &[&str] = &["&&", "||", "(", ")", "!", "]]"];

/// `[[ … ]]` in which all operators calculate nothing.
pub(super) fn is_plain_condition(arguments: &[Word], is: &dyn Fn(&Word) -> bool) -> bool {
    let joint = |word: &Word| !word.quoted && JOINTS.contains(&word.text.as_str());
    let known = |word: &Word| UNARY.contains(&word.text.as_str()) || BINARY.contains(&word.text.as_str());
    let operator = |word: &Word| word.literal().is_some_and(|text| text.starts_with('-')) && !known(word);
    let mut begins = true;
    for (at, word) in arguments.iter().enumerate() {
        if is(word) && begins && at > 0 {
            return false;
        }
        begins = joint(word);
    }
    !arguments.iter().any(operator)
}

/// `printf` with a format of its author's, in which nothing is calculated.
pub(super) fn is_plain_printf(arguments: &[Word]) -> bool {
    let arguments = match arguments {
        [first, rest @ ..] if first.text == "--" => rest,
        all => all,
    };
    let Some(format) = arguments.first().and_then(Word::literal).filter(|format| !format.starts_with('-')) else {
        return false;
    };
    format
        .split('%')
        .skip(1)
        .fold((true, false), |(plain, doubled), piece| match piece {
            // `%%`: what follows is no conversion.
            _ if doubled => (plain, false),
            "" => (plain, true),
            piece => {
                let conversion = piece.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-' || c == '.');
                (plain && conversion.starts_with(['s', 'b', 'q', 'c']), false)
            }
        })
        .0
}

/// Whether `set` takes what follows these words for an argument.
pub(super) fn may_be_set(before: &[Word]) -> bool {
    let ends = |word: &Word| word.literal().is_some_and(|text| text == "--" || !text.starts_with(['-', '+']));
    let named = before.last().is_some_and(|word| matches!(word.text.as_str(), "-o" | "+o"));
    let steered = before.iter().any(|word| steers(&word.text));
    before.iter().any(ends) && !named && !steered
}
