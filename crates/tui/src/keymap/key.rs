//! One key with its modifiers: read from the keymap file, compared with what the terminal sends, shown to people.

use crate::theme::Glyphs;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// A key. Shift is part of the character (`G`), never a modifier of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    modifiers: KeyModifiers,
}

/// A text that names no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a key")]
pub struct KeyError(pub String);

const NAMES: &[(&str, KeyCode, &str)] = &[
    ("enter", KeyCode::Enter, "Enter"),
    ("return", KeyCode::Enter, "Enter"),
    ("esc", KeyCode::Esc, "Esc"),
    ("escape", KeyCode::Esc, "Esc"),
    ("tab", KeyCode::Tab, "Tab"),
    ("backspace", KeyCode::Backspace, "Backspace"),
    ("delete", KeyCode::Delete, "Del"),
    ("del", KeyCode::Delete, "Del"),
    ("insert", KeyCode::Insert, "Ins"),
    ("home", KeyCode::Home, "Home"),
    ("end", KeyCode::End, "End"),
    ("pgup", KeyCode::PageUp, "PgUp"),
    ("pageup", KeyCode::PageUp, "PgUp"),
    ("pgdn", KeyCode::PageDown, "PgDn"),
    ("pagedown", KeyCode::PageDown, "PgDn"),
    ("up", KeyCode::Up, "Up"),
    ("down", KeyCode::Down, "Down"),
    ("left", KeyCode::Left, "Left"),
    ("right", KeyCode::Right, "Right"),
    ("space", KeyCode::Char(' '), "Space"),
];

impl Key {
    /// The Enter key.
    pub const ENTER: Self = Self::of(KeyCode::Enter);
    /// The Escape key.
    pub const ESC: Self = Self::of(KeyCode::Esc);
    /// The Tab key.
    pub const TAB: Self = Self::of(KeyCode::Tab);
    /// Shift and Tab.
    pub const BACK_TAB: Self = Self::of(KeyCode::BackTab);
    /// The Delete key.
    pub const DELETE: Self = Self::of(KeyCode::Delete);
    /// Arrow up.
    pub const UP: Self = Self::of(KeyCode::Up);
    /// Arrow down.
    pub const DOWN: Self = Self::of(KeyCode::Down);
    /// Arrow left.
    pub const LEFT: Self = Self::of(KeyCode::Left);
    /// Arrow right.
    pub const RIGHT: Self = Self::of(KeyCode::Right);
    /// Home.
    pub const HOME: Self = Self::of(KeyCode::Home);
    /// End.
    pub const END: Self = Self::of(KeyCode::End);
    /// Page up.
    pub const PAGE_UP: Self = Self::of(KeyCode::PageUp);
    /// Page down.
    pub const PAGE_DOWN: Self = Self::of(KeyCode::PageDown);
    /// F1.
    pub const F1: Self = Self::of(KeyCode::F(1));

    const fn of(code: KeyCode) -> Self {
        Self { code, modifiers: KeyModifiers::NONE }
    }

    /// A character.
    #[must_use]
    pub const fn char(c: char) -> Self {
        Self::of(KeyCode::Char(c))
    }

    /// Control and a character.
    #[must_use]
    pub const fn ctrl(c: char) -> Self {
        Self { code: KeyCode::Char(c), modifiers: KeyModifiers::CONTROL }
    }

    /// The key of a terminal's report.
    #[must_use]
    pub fn of_event(event: KeyEvent) -> Self {
        let mut modifiers = event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        let mut code = event.code;
        match code {
            KeyCode::Char(c) => {
                if modifiers.contains(KeyModifiers::CONTROL) {
                    code = KeyCode::Char(c.to_ascii_lowercase());
                } else if modifiers.contains(KeyModifiers::SHIFT) {
                    code = KeyCode::Char(c.to_ascii_uppercase());
                }
                modifiers.remove(KeyModifiers::SHIFT);
            }
            KeyCode::Tab if modifiers.contains(KeyModifiers::SHIFT) => {
                code = KeyCode::BackTab;
                modifiers.remove(KeyModifiers::SHIFT);
            }
            KeyCode::BackTab => modifiers.remove(KeyModifiers::SHIFT),
            _ => {}
        }
        Self { code, modifiers }
    }

    /// The key as the terminal would report it; for tests and pictures.
    #[must_use]
    pub const fn to_event(self) -> KeyEvent {
        KeyEvent::new(self.code, self.modifiers)
    }

    /// The character, where the key is a plain one.
    #[must_use]
    pub fn plain_char(self) -> Option<char> {
        match (self.code, self.modifiers) {
            (KeyCode::Char(c), KeyModifiers::NONE) => Some(c),
            _ => None,
        }
    }

    /// The key without its Alt, where it has one.
    #[must_use]
    pub fn without_alt(self) -> Option<Self> {
        let rest = self.modifiers - KeyModifiers::ALT;
        (rest != self.modifiers).then_some(Self { modifiers: rest, ..self })
    }

    /// The key code and modifiers.
    #[must_use]
    pub const fn parts(self) -> (KeyCode, KeyModifiers) {
        (self.code, self.modifiers)
    }

    /// The ASCII key of a full-width character, as input methods produce it (U+FF01 to U+FF5E, U+3000).
    #[must_use]
    pub fn narrowed(self) -> Option<Self> {
        let KeyCode::Char(c) = self.code else { return None };
        let narrow = match u32::from(c) {
            0x3000 => ' ',
            code @ 0xff01..=0xff5e => char::from_u32(code - 0xff01 + 0x21)?,
            _ => return None,
        };
        Some(Self { code: KeyCode::Char(narrow), ..self })
    }

    /// What people read: `a`, `Ctrl-L`, `Enter`, `↑`.
    #[must_use]
    pub fn label(self, glyphs: Glyphs) -> String {
        let arrow = match (glyphs, self.code) {
            (Glyphs::Unicode, KeyCode::Up) => Some("↑"),
            (Glyphs::Unicode, KeyCode::Down) => Some("↓"),
            (Glyphs::Unicode, KeyCode::Left) => Some("←"),
            (Glyphs::Unicode, KeyCode::Right) => Some("→"),
            _ => None,
        };
        match arrow {
            Some(arrow) if self.modifiers.is_empty() => arrow.to_owned(),
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (modifier, name) in
            [(KeyModifiers::CONTROL, "Ctrl-"), (KeyModifiers::ALT, "Alt-"), (KeyModifiers::SHIFT, "Shift-")]
        {
            if self.modifiers.contains(modifier) {
                f.write_str(name)?;
            }
        }
        match self.code {
            KeyCode::BackTab => f.write_str("Shift-Tab"),
            KeyCode::F(n) => write!(f, "F{n}"),
            code => match (NAMES.iter().find(|(_, named, _)| *named == code), code) {
                (Some((_, _, label)), _) => f.write_str(label),
                (None, KeyCode::Char(c)) if self.modifiers.contains(KeyModifiers::CONTROL) => {
                    write!(f, "{}", c.to_ascii_uppercase())
                }
                (None, KeyCode::Char(c)) => write!(f, "{c}"),
                (None, other) => write!(f, "{other:?}"),
            },
        }
    }
}

impl FromStr for Key {
    type Err = KeyError;

    /// Reads `a`, `G`, `ctrl-l`, `C-l`, `alt-x`, `M-x`, `shift-tab`, `enter`, `f5`, `-`.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let error = || KeyError(text.to_owned());
        let mut modifiers = KeyModifiers::NONE;
        let mut rest = text.trim();
        while let Some((head, tail)) = rest.split_once('-').filter(|(head, tail)| !head.is_empty() && !tail.is_empty())
        {
            modifiers |= match head.to_ascii_lowercase().as_str() {
                "c" | "ctrl" | "control" => KeyModifiers::CONTROL,
                "m" | "a" | "alt" | "meta" => KeyModifiers::ALT,
                "s" | "shift" => KeyModifiers::SHIFT,
                _ => return Err(error()),
            };
            rest = tail;
        }
        let mut chars = rest.chars();
        let code = match (chars.next(), chars.next()) {
            (Some(c), None) => KeyCode::Char(c),
            _ => named_code(rest).ok_or_else(error)?,
        };
        Ok(Self::of_event(KeyEvent::new(code, modifiers)))
    }
}

fn named_code(name: &str) -> Option<KeyCode> {
    let name = name.to_ascii_lowercase();
    if let Some(number) = name.strip_prefix('f').and_then(|digits| digits.parse::<u8>().ok()) {
        return (1..=24).contains(&number).then_some(KeyCode::F(number));
    }
    NAMES.iter().find(|(known, _, _)| *known == name).map(|(_, code, _)| *code)
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        self.code
            .partial_cmp(&other.code)
            .unwrap_or(Ordering::Equal)
            .then(self.modifiers.bits().cmp(&other.modifiers.bits()))
    }
}
