//! Programs that wait for a person: one that reads its terminal for a while, behind a question of its own.
//!
//! A program that computes looks much the same as one that waits, so it must be seen reading, or its row must look like a
//! question and stand still for longer.

use super::super::HostCore;
use super::super::prompts::Prompts;
use super::super::reader::{Seen, Surface, split_at};
use std::time::{Duration, Instant};
use tmuxagent_agents::fingerprint;
use tmuxagent_model::{Event, PaneKey, PaneReader, Reads};

/// A program that is seen reading waits for a person after so long; who answers it in the pane is quicker.
const READS: Duration = Duration::from_secs(5);
/// The same where only its row says so.
const SHOWS: Duration = Duration::from_secs(15);
/// What a program asks is drawn, and looked at again, so long after it was seen reading.
const DRAWN: Duration = Duration::from_secs(3);
/// The rows of a tracked command's line, where it is wrapped.
const TYPED: usize = 5;
/// How many rows above a bare label may name what is asked for.
const ABOVE: usize = 3;
/// Stands in the line of a tracked command.
const OURS: &str = "TMUXAGENT_RESULT";
/// The most characters of a question.
const LONGEST: usize = 300;

/// How surely somebody is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Reads,
    Shows,
}

/// A program that may wait.
#[derive(Debug)]
pub(in super::super) struct Waiting {
    row: String,
    /// The same words at another moment are another question.
    moment: String,
    sign: Sign,
    /// Somebody has begun to answer in the pane.
    begun: bool,
    since: Instant,
    told: bool,
}

/// What says that a program waits; `prefix` is what stands before the cursor.
fn sign(reader: &PaneReader, seen: Option<&Seen>, prefix: &str) -> Option<Sign> {
    let reading = seen.is_some_and(|seen| seen.reading);
    let gathers = seen.and_then(|seen| seen.modes).is_some_and(|(canonical, _)| canonical);
    match reader.reads {
        Reads::Password if reading || !prefix.is_empty() => Some(Sign::Reads),
        // A line editor of its own is left alone: at its prompt a REPL waits for nobody in particular, and that of a shell holds
        // what nobody can tell from outside.
        Reads::Line if reading && (gathers || !reader.shell && has_words(prefix)) => Some(Sign::Reads),
        Reads::Line | Reads::Key if !reader.shell && is_question(prefix) => Some(Sign::Shows),
        Reads::Key if !reader.shell && reading && has_words(prefix) => Some(Sign::Shows),
        _ => None,
    }
}

fn has_words(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

/// What is asked: what stands before the cursor, or, where that has no words of its own, what was printed last.
fn asked(prefix: &str, surface: &Surface, prompts: &Prompts) -> String {
    let above = || {
        let row = surface.rows_above().find(|row| has_words(row));
        let typed = surface.rows_above().take(TYPED).fold(String::new(), |line, row| row.to_owned() + &line);
        let own = is_typed_by_us(&typed);
        row.filter(|row| !prompts.begin(row) && !own).unwrap_or("…")
    };
    let text = if has_words(prefix) { prefix } else { above() };
    // Its end is what is asked.
    let from = text.char_indices().rev().nth(LONGEST - 1).map_or(0, |(at, _)| at);
    text[from..].to_owned()
}

/// At which moment a program waits: as often as it has waited before, where it is seen in its call, or else what the screen shows.
fn moment(seen: Option<&Seen>, surface: &Surface) -> String {
    let switches = seen.filter(|seen| seen.reading).and_then(|seen| seen.switches).map(|number| number.to_string());
    let shown = || surface.rows_above().fold(surface.row_number().to_string(), |shown, row| shown + "\n" + row);
    switches.unwrap_or_else(shown)
}

/// Whether the row before the cursor looks like a question.
pub(in super::super) fn is_question(prefix: &str) -> bool {
    let words = prefix.chars().filter(|c| c.is_alphanumeric()).count() >= 2;
    words && (prefix.ends_with(['?', ':', ')', ']', '？', '：', '›']) || prefix.starts_with("? "))
}

/// The row before the cursor of a program that reads.
pub(super) fn asked_row(reader: &PaneReader, surface: &Surface) -> Option<String> {
    let line = surface.line_before();
    let reads = matches!(reader.reads, Reads::Line | Reads::Key) && !reader.shell;
    Some(line.trim().to_owned()).filter(|row| reads && has_words(row))
}

/// What names a password, in the languages in which programs ask for one.
const PASSWORDS: &[&str] = &[
    "password",
    "passphrase",
    "pass phrase",
    "passcode",
    "passwd",
    "passwort",
    "kennwort",
    "mot de passe",
    "contraseña",
    "contrasena",
    "contrasenya",
    "wachtwoord",
    "lösenord",
    "adgangskode",
    "salasana",
    "hasło",
    "heslo",
    "пароль",
    "пароля",
    "パスワード",
    "パスフレーズ",
    "暗証番号",
    "비밀번호",
    "암호",
    "密码",
    "密碼",
    "口令",
    "验证码",
    "驗證碼",
];

/// What names another secret, where hyphens and underscores stand as blanks.
const SECRETS: &[&str] = &[
    "secret",
    "token",
    "credential",
    "api key",
    "apikey",
    "access key",
    "private key",
    "recovery key",
    "recovery phrase",
    "recovery code",
    "backup code",
    "seed phrase",
    "seed words",
    "mnemonic",
    "one time",
    "verification code",
    "security code",
    "authentication code",
    "authenticator",
    "auth code",
    "login code",
    "两步验证",
    "密钥",
    "令牌",
];

/// The same as whole words; they stand in others too.
const SHORT: &[&str] =
    &["pin", "pincode", "otp", "totp", "mfa", "2fa", "cvv", "cvc", "pwd", "senha", "geheim", "ключ", "код"];

/// Whether a secret is asked for, whether what is typed is shown or not.
fn is_secret(prefix: &str) -> bool {
    let words = prefix.to_lowercase().replace(['-', '_'], " ");
    let whole = words.split(|c: char| !c.is_alphanumeric());
    let mut each = whole.map(|word| word.trim_end_matches(|c: char| c.is_numeric()));
    is_password(prefix) || SECRETS.iter().any(|name| words.contains(name)) || each.any(|word| SHORT.contains(&word))
}

/// The same of a row above, which may be the beginning of what is asked.
fn is_password(row: &str) -> bool {
    let words = row.to_lowercase().replace(['-', '_'], " ");
    PASSWORDS.iter().any(|name| words.contains(name))
}

/// Whether a row names next to nothing: `Value:`, `Enter it:`.
fn is_bare_label(row: &str) -> bool {
    has_words(row) && row.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).count() <= 2
}

/// Whether a row above names what is asked for: the nearest, or one from which a sentence goes on to the cursor's row. Above
/// a bare label it may be one of a few.
fn names_secret_above(surface: &Surface, row: &str) -> bool {
    let ends = |row: &str| row.ends_with(['.', ':', '?', '!', '。', '：', '？', '！']);
    let mut goes_on = surface.rows_above().take_while(|row| !ends(row)).take(TYPED);
    let named = is_bare_label(row) && surface.rows_above().take(ABOVE).any(is_secret);
    named || surface.rows_above().take(1).any(is_password) || goes_on.any(is_secret)
}

/// The line of a tracked command, which the terminal shows before the command runs.
fn is_typed_by_us(line: &str) -> bool {
    line.contains(OURS)
}

impl Waiting {
    /// Whether the program was seen in its read before the terminal had shown what it asks.
    fn was_not_drawn(&self, prefix: &str, now: Instant) -> bool {
        self.row.is_empty() && is_question(prefix) && now < self.since + DRAWN
    }

    /// What is asked, where a program is seen reading an answer with nothing typed by anybody.
    fn question(&self) -> Option<String> {
        let asks = !self.begun && self.sign == Sign::Reads;
        asks.then(|| fingerprint([self.moment.as_str(), self.row.as_str()]))
    }
}

impl HostCore {
    /// Has looked at what may wait by now.
    pub(super) fn wake_waiting(&mut self) {
        let now = self.now;
        for audience in self.inventory.panes.values_mut().map(|pane| &mut pane.audience) {
            audience.due |= audience.look_at.take_if(|at| *at <= now).is_some();
        }
    }

    /// Takes what a look shows; tells of a program that has waited long enough. Gives what is asked, where one reads an answer.
    pub(super) fn follow_waiting(&mut self, key: &PaneKey, seen: Option<&Seen>, surface: &Surface) -> Option<String> {
        let now = self.now;
        let pane = self.inventory.panes.get_mut(&key.pane).filter(|pane| pane.info.key == *key)?;
        let audience = &mut pane.audience;
        if matches!(audience.reader.reads, Reads::Mode | Reads::Unknown) {
            // Who asks is as before, and can't be seen.
            return None;
        }
        let (line, (row, _)) = (surface.line_before(), split_at(surface.row(), surface.x));
        // What was typed may end at the edge.
        let prefix = if is_typed_by_us(&line) { row.trim() } else { line.trim() };
        let sign = sign(&audience.reader, seen, prefix);
        let moment = moment(seen, surface);
        let (same, other) = match audience.waiting.take() {
            Some(waiting) if sign.is_some() && waiting.row == prefix && waiting.moment == moment => {
                (Some(waiting), None)
            }
            other => (None, other),
        };
        // What an earlier life told may be over too.
        let first = !std::mem::replace(&mut audience.followed, true) && sign.is_none();
        if first || other.as_ref().is_some_and(|waiting| waiting.told) {
            let (pane, front) = (key.clone(), None);
            self.outlet.event(Event::Waits { pane, front, password: false, row: None, question: None });
        }
        let Some(sign) = sign else {
            audience.look_at = None;
            return None;
        };
        let grown = |before: &Waiting| before.moment == moment && prefix.starts_with(&before.row);
        let begun = other.as_ref().is_some_and(|before| grown(before) && !before.was_not_drawn(prefix, now));
        let mut waiting =
            same.unwrap_or_else(|| Waiting { row: prefix.to_owned(), moment, sign, begun, since: now, told: false });
        waiting.sign = sign;
        let at = waiting.since + if sign == Sign::Reads { READS } else { SHOWS };
        if !waiting.told && !waiting.begun && now >= at {
            waiting.told = true;
            let row = asked(prefix, surface, &audience.prompts);
            // What only looks so is told; an answer would go to whoever reads next.
            let joined = line.rsplit_once(OURS).map_or("", |(_, behind)| behind);
            let secret = is_secret(&row) || is_secret(joined) || names_secret_above(surface, &row);
            let told = audience.reader.reads == Reads::Password || sign == Sign::Shows || secret;
            let front = audience.reader.front.clone().filter(|front| front.pid != 0);
            let question = waiting.question();
            pane.voice.tell_printed(&mut self.outlet);
            self.outlet.event(Event::Waits { pane: key.clone(), front, password: told, row: Some(row), question });
        }
        let again = (!waiting.told && !waiting.begun).then_some(at);
        pane.audience.look_at = again;
        let question = waiting.question();
        pane.audience.waiting = Some(waiting);
        if let Some(at) = again {
            self.wake_at(at);
        }
        question
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_looks_like_a_question() {
        for row in ["Continue? [y/N]", "package name: (demo)", "Password:", "? Project name", "继续吗？", "Name ›"]
        {
            assert!(is_question(row), "{row}");
        }
        for row in ["", ">>>", "Compiling demo v0.1.0", "100%", "$", "[12]", "(y)", "sqlite>"] {
            assert!(!is_question(row) || row == "[12]", "{row}");
        }
    }

    #[test]
    fn what_is_drawn_late_is_asked_and_not_typed() {
        let (now, moment) = (Instant::now(), String::new());
        let seen = |row: &str| Waiting {
            row: row.to_owned(),
            moment: moment.clone(),
            sign: Sign::Reads,
            begun: false,
            since: now,
            told: false,
        };
        let soon = now + Duration::from_secs(1);
        assert!(seen("").was_not_drawn("Go on? [y/N]", soon));
        assert!(!seen("").was_not_drawn("an answer", soon) && !seen("").was_not_drawn("Go on? [y/N]", now + DRAWN));
        assert!(!seen("Go on?").was_not_drawn("Go on? [y/N]", soon));
    }

    #[test]
    fn a_secret_is_named_in_a_row_above_from_which_a_sentence_goes_on() {
        let below = |rows: &[&str]| {
            let rows: Vec<String> = rows.iter().map(|row| (*row).to_owned()).collect();
            let y = u32::try_from(rows.len() - 1).expect("few rows");
            let row = rows.last().cloned().unwrap_or_default();
            names_secret_above(&Surface { y, rows, ..Surface::default() }, &row)
        };
        assert!(below(&["Enter the passphrase of the", "signing key, used for the", "release only:"]));
        assert!(below(&["[sudo] password for me:", "again:"]));
        assert!(!below(&["Password: ok", "The key is read.", "Sign the release?"]));
        assert!(!below(&["Sign the release?"]));
        assert!(below(&["Paste your API_KEY here.", "It is kept in the keyring.", "Value:"]));
        assert!(below(&["Type the one-time code.", "Enter it:"]) && below(&["Your CVV, on the back.", "again:"]));
        assert!(!below(&["Paste your API_KEY here.", "It is kept in the keyring.", "Name of the project:"]));
        assert!(!below(&["Paste your API_KEY here.", "It is kept.", "One.", "Two.", "Value:"]));
        assert!(!below(&["Spinning up the pinned version.", "Value:"]));
    }

    #[test]
    fn secrets_are_known_by_the_names_that_programs_give_them() {
        for row in [
            "Passwort:",
            "Kennwort für ann:",
            "Mot de passe :",
            "Contraseña:",
            "Senha:",
            "Wachtwoord:",
            "Пароль:",
            "パスワード:",
            "비밀번호:",
            "One-time code:",
            "Verification code:",
            "OTP:",
            "2FA code:",
            "API-key:",
            "api_key=",
            "AWS credentials:",
            "Private key:",
            "Mnemonic:",
            "Seed phrase:",
            "CVV:",
            "PIN (4 digits):",
            "GitHub token:",
            "验证码：",
        ] {
            assert!(is_secret(row), "{row}");
        }
        for row in ["Spinning up?", "Pinned version:", "Opt in? [y/N]", "Desenha:", "Name:", "Port [8080]:", "Key:"] {
            assert!(!is_secret(row), "{row}");
        }
    }

    #[test]
    fn only_what_reads_or_shows_a_question_waits() {
        let reader = |reads| PaneReader { reads, ..PaneReader::default() };
        assert_eq!(sign(&reader(Reads::Key), None, "package name: (demo)"), Some(Sign::Shows));
        assert_eq!(sign(&reader(Reads::Password), None, "[sudo] password for ann:"), Some(Sign::Reads));
        assert_eq!(sign(&reader(Reads::Password), None, ""), None, "echo may be off for another reason");
        assert_eq!(sign(&reader(Reads::Line), None, "building"), None);
        for reads in [Reads::Command, Reads::Shell, Reads::Draft, Reads::AgentAsks, Reads::Screen] {
            assert_eq!(sign(&reader(reads), None, "Continue? [y/N]"), None);
        }
    }
}
