//! A text that somebody types into a pane by hand: now, or not at all.

use super::answer::{Outcome, outcome, refused};
use super::people::Role;
use super::picture::pane_of;
use super::routes::Panel;
use super::sight::nothing;
use super::wishes::{Opened, ask};
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use tmuxagent_ipc::hub::Hub;
use tmuxagent_ipc::wire::Reply;
use tmuxagent_model::{Command, IntentId, KeyStep, Note, Snapshot};
use tmuxagent_text::{Lang, effect_sentence, reader_sentence, skip_reason};

/// The longest text, characters.
const LONGEST: usize = 4000;
/// The most keys behind a text.
const KEYS: usize = 16;
/// How long it is looked whether it was typed.
const LOOK: Duration = Duration::from_secs(3);

/// What is to be typed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    /// Typed as it is; one line.
    #[serde(default)]
    text: String,
    /// Pressed behind it, by tmux's names.
    #[serde(default)]
    keys: Vec<String>,
    /// Whether Enter is pressed at the end; where it is left out, behind a text.
    enter: Option<bool>,
    #[serde(default)]
    pin: String,
}

impl Wish {
    /// What is typed, or why that can't be.
    fn steps(&self, lang: Lang) -> Result<Vec<KeyStep>, &'static str> {
        let refuse = |en, zh| Err(lang.pick(en, zh));
        if self.text.chars().count() > LONGEST || self.keys.len() > KEYS {
            return refuse("That is too long to be typed.", "内容过长，无法输入。");
        }
        if self.text.chars().any(char::is_control) {
            return refuse("The text must be one line without control characters.", "文本必须为一行，不含控制字符。");
        }
        if !self.keys.iter().all(|key| is_key(key)) {
            return refuse(
                "One of the keys is not known; a key is called as tmux does: C-c, Escape, Up.",
                "有未知按键；按键名与 tmux 相同：C-c、Escape、Up。",
            );
        }
        let enter = self.enter.unwrap_or(!self.text.is_empty());
        let text = Some(self.text.clone()).filter(|text| !text.is_empty()).map(KeyStep::Text);
        let keys = self.keys.iter().cloned().map(KeyStep::Key);
        let steps: Vec<KeyStep> =
            text.into_iter().chain(keys).chain(enter.then(|| KeyStep::Key("Enter".to_owned()))).collect();
        if steps.is_empty() {
            refuse("There is nothing to be typed.", "没有要输入的内容。")
        } else {
            Ok(steps)
        }
    }
}

/// Whether tmux has a key of this name, as far as people press them by hand.
fn is_key(name: &str) -> bool {
    const NAMED: [&str; 14] = [
        "Enter", "Escape", "Tab", "BTab", "Space", "BSpace", "DC", "Up", "Down", "Left", "Right", "Home", "End",
        "PPage",
    ];
    let chord = name.strip_prefix("C-").is_some_and(|key| matches!(key.as_bytes(), [b'a'..=b'z']));
    chord || NAMED.contains(&name) || name == "NPage"
}

/// Types into a pane.
pub(crate) async fn send(
    State(panel): State<Arc<Panel>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Response> {
    let Opened { visit, body } = panel.open::<Wish>(Role::Admin, request).await?;
    let lang = visit.caller.lang;
    let pane = pane_of(&panel.hub.snapshots.borrow(), &id).map(|pane| pane.info.key.clone());
    let pane = pane.ok_or_else(|| nothing(lang))?;
    let steps = body.steps(lang).map_err(|why| refused(StatusCode::UNPROCESSABLE_ENTITY, lang, why, why))?;
    panel.check_pin(&visit, &body.pin).await?;
    let told = ask(&panel, &visit, Command::Send { pane, steps, insist: false }).await;
    let intents = match told {
        Ok(Reply::Committed { intents, .. }) => intents,
        Ok(_) => Vec::new(),
        Err(refusal) => return Err(refusal),
    };
    let (end, text) = became(&panel.hub, &intents, lang).await;
    let status = match end {
        Outcome::Done => StatusCode::OK,
        Outcome::NotDone => StatusCode::CONFLICT,
        Outcome::Uncertain => StatusCode::ACCEPTED,
    };
    Ok(outcome(status, end, lang, &text, panel.web.redactor()))
}

/// What became of it, as soon as that is known.
async fn became(hub: &Hub, intents: &[IntentId], lang: Lang) -> (Outcome, String) {
    let mut snapshots = hub.snapshots.clone();
    let known = async {
        loop {
            if let Some(end) = end(&snapshots.borrow_and_update(), intents, lang) {
                return Some(end);
            }
            snapshots.changed().await.ok()?;
        }
    };
    if let Ok(Some(end)) = tokio::time::timeout(LOOK, known).await {
        return end;
    }
    let snapshot = Arc::clone(&hub.snapshots.borrow());
    let held = snapshot.held.iter().find(|held| intents.contains(&held.intent));
    let text = match held.and_then(|held| held.reader.as_deref()) {
        Some(reader) => {
            format!("{}: {}", lang.pick("held, and not typed yet", "暂缓，尚未输入"), reader_sentence(lang, reader))
        }
        None => lang.pick("Whether it was typed is not known yet.", "尚不知道是否已输入。").to_owned(),
    };
    (Outcome::Uncertain, text)
}

fn end(snapshot: &Snapshot, intents: &[IntentId], lang: Lang) -> Option<(Outcome, String)> {
    snapshot.events.iter().rev().find_map(|event| match &event.note {
        Note::Sent { intent, .. } | Note::Given { intent, .. } if intents.contains(intent) => {
            Some((Outcome::Done, lang.pick("Typed.", "已输入。").to_owned()))
        }
        Note::NotSent { intent, reason, .. } if intents.contains(intent) => {
            let told = lang.pick("Nothing was typed", "没有输入任何内容");
            Some((Outcome::NotDone, format!("{told}: {}", skip_reason(lang, reason))))
        }
        Note::EffectFailed { intent, error } if intents.contains(intent) => {
            Some((Outcome::Uncertain, effect_sentence(lang, error)))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn steps(wish: serde_json::Value) -> Result<Vec<KeyStep>, &'static str> {
        serde_json::from_value::<Wish>(wish).unwrap().steps(Lang::En)
    }

    #[test]
    fn a_text_is_one_line_and_enter_comes_behind_it() {
        let (text, key) = (|it: &str| KeyStep::Text(it.into()), |it: &str| KeyStep::Key(it.into()));
        assert_eq!(steps(json!({ "text": "npm test" })), Ok(vec![text("npm test"), key("Enter")]));
        assert_eq!(steps(json!({ "text": "y", "enter": false })), Ok(vec![text("y")]));
        assert_eq!(steps(json!({ "keys": ["C-c", "Up"] })), Ok(vec![key("C-c"), key("Up")]));
        for bad in [
            json!({}),
            json!({ "text": "a\nrm -rf /" }),
            json!({ "text": "\u{1b}[A" }),
            json!({ "text": "x".repeat(4001) }),
            json!({ "keys": ["C-c ; kill-server"] }),
            json!({ "keys": ["C-C"] }),
        ] {
            assert!(steps(bad.clone()).is_err(), "{bad}");
        }
    }
}
