//! Reads a screen with a recogniser.

use super::composer::{self, Around, Composer};
use super::dialog;
use super::recogniser::{Recogniser, Region, StateRule, Turn};
use super::screen::{Look, Screen};
use tmuxagent_model::{AgentQuestion, AgentState};

/// What a screen says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The state; [`AgentState::Unsure`] where the screen does not tell.
    pub state: AgentState,
    /// The rule that tells; empty where none does.
    pub rule: String,
    /// The text that it rests on, untrusted.
    pub text: String,
    /// Whether it holds against other sources.
    pub sure: bool,
    /// What is asked.
    pub question: Option<AgentQuestion>,
    /// The input line; none where it is not shown.
    pub composer: Option<Composer>,
    /// Changes with what is shown, but not with spinners and counters alone.
    pub content: u64,
    /// How the last turn ended, where the screen shows that.
    pub turn: Option<Turn>,
    /// The end of the conversation, above the input line: where a turn left nothing behind it is what it was before.
    pub tail: Option<u64>,
}

/// Reads a screen. That this agent's process runs in the pane is for the caller to know.
#[must_use]
pub fn recognise(recogniser: &Recogniser, screen: &Screen) -> Seen {
    let around = composer::find(&recogniser.composer, screen);
    let mut seen = Seen {
        state: AgentState::Unsure,
        rule: String::new(),
        text: String::new(),
        sure: false,
        question: None,
        composer: around.as_ref().map(|around| around.composer.clone()),
        content: content(screen),
        turn: None,
        tail: around.as_ref().filter(|around| !around.ending.is_empty()).map(|around| tail(screen, around)),
    };
    // With the input line on the screen, whatever looks like a dialog was printed.
    if around.is_none()
        && let Some((rule, question)) = dialog::find(recogniser, screen)
    {
        seen.state = rule.state.clone();
        seen.rule.clone_from(&rule.name);
        seen.text = question.text.lines().next().unwrap_or_default().trim().to_owned();
        seen.sure = true;
        seen.question = Some(question);
        return seen;
    }
    for rule in &recogniser.rules {
        if let Some(text) = holds(rule, screen, around.as_ref()) {
            seen.state = state(rule, &text);
            seen.rule.clone_from(&rule.name);
            seen.text = text.trim().to_owned();
            seen.sure = rule.sure;
            break;
        }
    }
    let mut turns = recogniser.rules.iter().filter(|rule| rule.turn.is_some());
    seen.turn = turns.find(|rule| holds(rule, screen, around.as_ref()).is_some()).and_then(|rule| rule.turn);
    seen
}

/// The text of a rule's place, where the rule holds.
fn holds(rule: &StateRule, screen: &Screen, around: Option<&Around>) -> Option<String> {
    let rows = &screen.rows;
    let places: Vec<(String, Option<Look>)> = match (rule.region, around) {
        (Region::Ending, Some(around)) if !around.ending.is_empty() => {
            let paragraph = &rows[around.ending.clone()];
            let text = paragraph.iter().map(|row| row.text.as_str()).collect::<Vec<_>>().join(" ");
            let above = composer::paragraph(rows, around.ending.start);
            let above = rows[above].iter().map(|row| row.text.as_str()).collect::<Vec<_>>().join(" ");
            if !rule.behind.as_ref().is_none_or(|pattern| pattern.is_match(&above)) {
                return None;
            }
            vec![(text, paragraph.first().and_then(|row| row.look))]
        }
        (Region::Footer, Some(around)) => {
            rows[around.footer.clone()].iter().map(|row| (row.text.clone(), row.look)).collect()
        }
        (Region::Composer, Some(_)) => vec![(String::new(), None)],
        (Region::Bottom, None) => rows.last().map(|row| (row.text.clone(), row.look)).into_iter().collect(),
        _ => return None,
    };
    let fits = |(text, look): &(String, Option<Look>)| {
        rule.matches.as_ref().is_none_or(|pattern| pattern.is_match(text))
            && !rule.not.as_ref().is_some_and(|pattern| pattern.is_match(text))
            && looks_so(rule.dim, rule.colour, *look)
    };
    places.into_iter().find(fits).map(|(text, _)| text)
}

/// Whether a row looks as it should; one whose looks were not captured does.
pub(crate) fn looks_so(dim: Option<bool>, colour: Option<u8>, look: Option<Look>) -> bool {
    look.is_none_or(|look| dim.is_none_or(|dim| look.dim == dim) && (colour.is_none() || look.colour == colour))
}

fn state(rule: &StateRule, text: &str) -> AgentState {
    let until =
        rule.until.as_ref().and_then(|pattern| pattern.captures(text)?.get(1)).map(|found| found.as_str().to_owned());
    match &rule.state {
        AgentState::RateLimited { .. } => AgentState::RateLimited { until },
        state => state.clone(),
    }
}

/// Letters alone: spinners are signs, counters are digits.
fn content(screen: &Screen) -> u64 {
    let letters = screen.rows.iter().flat_map(|row| row.text.bytes().chain([b'\n']));
    fnv_1a(letters.filter(|byte| byte.is_ascii_alphabetic() || *byte == b'\n'))
}

/// So many rows with text are the end of a conversation. Whoever makes two of them alike is asked once more, no worse.
const TAIL: usize = 8;

fn tail(screen: &Screen, around: &Around) -> u64 {
    let rows = screen.rows[..around.ending.end].iter().rev().filter(|row| !row.text.is_empty()).take(TAIL);
    fnv_1a(rows.flat_map(|row| row.text.bytes().chain([b'\n'])))
}

fn fnv_1a(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
