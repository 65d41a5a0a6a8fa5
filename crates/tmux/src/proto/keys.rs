//! Names of keys. tmux types an unknown name as text, so a misspelt key would type its own name.

/// Names of keys as tmux(1) lists them under KEY BINDINGS, lower case.
const NAMED: &[&str] = &[
    "bspace", "btab", "dc", "delete", "down", "end", "enter", "escape", "home", "ic", "insert", "left", "npage",
    "pagedown", "pageup", "pgdn", "pgup", "ppage", "right", "space", "tab", "up", "kp/", "kp*", "kp-", "kp7", "kp8",
    "kp9", "kp+", "kp4", "kp5", "kp6", "kp1", "kp2", "kp3", "kpenter", "kp0", "kp.",
];

/// Whether tmux knows a key of that name: `Enter`, `C-c`, `M-S-Up`, `F5`, `^C`, `0x1b` or a single character.
#[must_use]
pub fn is_key(name: &str) -> bool {
    let mut rest = name;
    while let Some(("C" | "c" | "M" | "m" | "S" | "s", key)) = rest.split_once('-').filter(|(_, key)| !key.is_empty()) {
        rest = key;
    }
    if let Some(key) = rest.strip_prefix('^').filter(|key| !key.is_empty()) {
        rest = key;
    }
    let mut chars = rest.chars();
    if chars.next().is_some_and(|c| !c.is_control()) && chars.next().is_none() {
        return true;
    }
    let lower = rest.to_ascii_lowercase();
    if NAMED.contains(&lower.as_str()) {
        return true;
    }
    if let Some(number) = lower.strip_prefix('f') {
        return number.parse::<u8>().is_ok_and(|n| (1..=12).contains(&n));
    }
    lower.strip_prefix("0x").is_some_and(|hex| u32::from_str_radix(hex, 16).is_ok_and(|code| code > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_from_words() {
        for key in ["Enter", "C-c", "M-S-Up", "F5", "^C", "a", "中", "BTab", "C-Space", "NPage", "KPEnter", "-", "C--"]
        {
            assert!(is_key(key), "{key}");
        }
        for word in ["", "Entr", "C-", "yes", "F13", "\n", "C-foo", "0x0"] {
            assert!(!is_key(word), "{word}");
        }
    }
}
