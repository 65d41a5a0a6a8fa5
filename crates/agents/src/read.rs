//! A YAML file → a recogniser, or everything that is wrong with it.

use super::recogniser::{
    AnswerKeys, AnswerStyle, ComposerShape, Detail, DialogRule, Frame, Recogniser, Region, StateRule, Turn,
};
use regex::{Regex, RegexBuilder};
use tmuxagent_model::{AgentQuestionKind, AgentState, AnswerRole};
use tmuxagent_yaml::{Diagnostics, Fields, Node, Reader, Source};

/// The recognisers that come along: the agent's name and the text of its file.
pub const BUNDLED: &[(&str, &str)] = &[
    ("aider", include_str!("../../../assets/agents/aider.yaml")),
    ("claude", include_str!("../../../assets/agents/claude.yaml")),
    ("codex", include_str!("../../../assets/agents/codex.yaml")),
    ("gemini", include_str!("../../../assets/agents/gemini.yaml")),
    ("opencode", include_str!("../../../assets/agents/opencode.yaml")),
    ("stand-in", include_str!("../../../assets/agents/stand-in.yaml")),
];

/// The recognisers that come along. A test reads them all, so that none is missing.
#[must_use]
pub fn bundled() -> Vec<Recogniser> {
    BUNDLED.iter().filter_map(|(name, text)| read(&Source::new(format!("<{name}.yaml>"), *text)).ok()).collect()
}

/// A recogniser, and the name of the file that it comes from.
#[derive(Debug, Clone)]
pub struct Known {
    /// What it knows.
    pub recogniser: Recogniser,
    /// Its file; `<bundled>/NAME.yaml` where it came along.
    pub file: String,
}

/// All recognisers: those that come along, and the user's own in their place or beside them.
///
/// # Errors
/// Everything that is wrong with the first of the user's files that can't be used.
pub fn known(own: &[Source]) -> Result<Vec<Known>, Diagnostics> {
    let bundled = BUNDLED.iter().map(|(name, text)| Source::new(format!("<bundled>/{name}.yaml"), *text));
    let mut all: Vec<Known> = Vec::new();
    for source in bundled.chain(own.iter().cloned()) {
        let recogniser = read(&source)?;
        all.retain(|other| other.recogniser.agent != recogniser.agent);
        all.push(Known { recogniser, file: source.name });
    }
    all.sort_by(|a, b| a.recogniser.agent.cmp(&b.recogniser.agent));
    Ok(all)
}

/// Reads one recogniser.
///
/// # Errors
/// All problems at once, in the order of the text.
pub fn read(source: &Source) -> Result<Recogniser, Diagnostics> {
    Reader::read(source, |top| recogniser(&top).inspect(|_| top.finish())).and_then(|found| {
        // Whatever is missing was noted, so a reader without findings has read it.
        found.ok_or_else(|| Diagnostics { problems: Vec::new() })
    })
}

pub(super) const STATES: &[(&str, AgentState)] = &[
    ("working", AgentState::Working),
    ("needs_approval", AgentState::NeedsApproval),
    ("needs_answer", AgentState::NeedsAnswer),
    ("idle", AgentState::Idle),
    ("error", AgentState::Error),
    ("rate_limited", AgentState::RateLimited { until: None }),
    ("starting", AgentState::Starting),
];
const KINDS: &[(&str, AgentQuestionKind)] = &[
    ("command", AgentQuestionKind::Command),
    ("edit", AgentQuestionKind::Edit),
    ("question", AgentQuestionKind::Question),
    ("trust", AgentQuestionKind::Trust),
    ("login", AgentQuestionKind::Login),
    ("other", AgentQuestionKind::Other),
];
const FRAMES: &[(&str, Frame)] = &[
    ("rule", Frame::Rule),
    ("indented", Frame::Indented),
    ("box", Frame::Boxed),
    ("bar", Frame::Bar),
    ("line", Frame::Line),
];
const STYLES: &[(&str, AnswerStyle)] = &[
    ("numbered", AnswerStyle::Numbered),
    ("marked", AnswerStyle::Marked),
    ("inline", AnswerStyle::Inline),
    ("letters", AnswerStyle::Letters),
];
const KEYS: &[(&str, AnswerKeys)] = &[
    ("own", AnswerKeys::Own),
    ("own_then_enter", AnswerKeys::OwnThenEnter),
    ("enter", AnswerKeys::Enter),
    ("none", AnswerKeys::None),
];
const REGIONS: &[(&str, Region)] = &[
    ("ending", Region::Ending),
    ("footer", Region::Footer),
    ("composer", Region::Composer),
    ("bottom", Region::Bottom),
];
const TURNS: &[(&str, Turn)] = &[("finished", Turn::Finished), ("stopped", Turn::Stopped), ("upkeep", Turn::Upkeep)];
const ROLES: [(&str, AnswerRole); 4] = [
    ("once", AnswerRole::Once),
    ("lasting", AnswerRole::Lasting),
    // "No" may mean either; what means the end is told first.
    ("cancel", AnswerRole::Cancel),
    ("decline", AnswerRole::Decline),
];

fn recogniser(top: &Fields<'_, '_>) -> Option<Recogniser> {
    let reader = top.reader();
    // There is one version of the form so far; the number's own message says so.
    let _ = top.number("version", 1..=1);
    let agent = required(top, "agent");
    let title = top.text("title").map(str::to_owned);
    let revision = top.number("revision", 0..=999_999).unwrap_or(0);
    let seen = top.texts("seen").unwrap_or_default();
    let (names, paths, scripts, commands, servers) = match top.map("process") {
        Some(process) => {
            let list = |key| process.texts(key).unwrap_or_default();
            let found = (list("names"), list("paths"), list("scripts"), list("commands"), list("servers"));
            process.finish();
            found
        }
        None => Default::default(),
    };
    if [&names, &paths, &scripts, &commands].iter().all(|list| list.is_empty()) {
        reader.error("missing-key", top.at(), "`process` must say how the agent's process is known");
    }
    let reports = top.texts("reports").unwrap_or_default();
    let hooks_wait = top.bool("hooks_wait").unwrap_or(false);
    let composer = top.require("composer").and_then(|node| composer(reader, node));
    let dialog = top.map("dialog");
    let frame = dialog.as_ref().and_then(|dialog| dialog.word("frame", FRAMES));
    let mark = dialog.as_ref().and_then(|dialog| dialog.text("mark")).unwrap_or_default().to_owned();
    let clipped = dialog.as_ref().and_then(|dialog| pattern(dialog, "clipped"));
    if let Some(dialog) = dialog {
        dialog.finish();
    }
    let list = |key| top.get(key).map(|node| reader.list(node)).unwrap_or_default();
    let dialogs = list("dialogs").iter().enumerate();
    let dialogs = dialogs.filter_map(|(n, node)| dialog_rule(reader, node, &format!("dialogs[{n}]"), &mark)).collect();
    let rules = list("rules").iter().enumerate();
    let rules = rules.filter_map(|(n, node)| state_rule(reader, node, &format!("rules[{n}]"))).collect();
    let agent = agent?;
    Some(Recogniser {
        title: title.unwrap_or_else(|| agent.clone()),
        agent,
        revision,
        seen,
        names,
        paths,
        scripts,
        commands,
        servers,
        reports,
        hooks_wait,
        composer: composer?,
        frame: frame.unwrap_or(Frame::Indented),
        clipped,
        dialogs,
        rules,
    })
}

fn composer(reader: &Reader<'_>, node: &Node) -> Option<ComposerShape> {
    let fields = reader.map(node, "composer")?;
    let prompt = pattern(&fields, "prompt");
    if prompt.is_none() {
        let _ = fields.require("prompt");
    }
    let count = |key, otherwise| {
        let number = fields.number(key, 0..=20).unwrap_or(otherwise);
        usize::try_from(number).unwrap_or_default()
    };
    let shape = ComposerShape {
        not_prompt: pattern(&fields, "not_prompt"),
        row: pattern(&fields, "row"),
        above: pattern(&fields, "above"),
        below: pattern(&fields, "below"),
        footer_row: pattern(&fields, "footer_row"),
        looks_back: pattern(&fields, "looks_back"),
        cursor: fields.bool("cursor").unwrap_or(false),
        footer: count("footer", 4),
        notices: count("notices", 0),
        tail: count("tail", 0),
        placeholder: patterns(&fields, "placeholder"),
        prompt: prompt?,
    };
    fields.finish();
    Some(shape)
}

fn dialog_rule(reader: &Reader<'_>, node: &Node, path: &str, mark: &str) -> Option<DialogRule> {
    let fields = reader.map_of(node, path, "a map with `name` and `state`")?;
    let name = required(&fields, "name");
    let state = state(&fields);
    let roles = fields.map("answers").map(|map| {
        let roles = ROLES.into_iter().filter_map(|(key, role)| Some((pattern(&map, key)?, role))).collect();
        map.finish();
        roles
    });
    let rule = DialogRule {
        kind: fields.word("kind", KINDS).unwrap_or(AgentQuestionKind::Other),
        title: pattern(&fields, "title"),
        ask: pattern(&fields, "ask"),
        hint: pattern(&fields, "hint"),
        style: fields.word("style", STYLES).unwrap_or(AnswerStyle::Numbered),
        mark: fields.text("mark").unwrap_or(mark).to_owned(),
        described: fields.bool("described").unwrap_or(false),
        keys: fields.word("keys", KEYS).unwrap_or(AnswerKeys::Own),
        detail: fields.get("detail").and_then(|node| detail(reader, node, &fields.path("detail"))),
        again: pattern(&fields, "again"),
        reason: pattern(&fields, "reason"),
        place: pattern(&fields, "place"),
        roles: roles.unwrap_or_default(),
        cancel: fields.text("cancel").map(str::to_owned),
        colour: colour(&fields),
        name: name.clone().unwrap_or_default(),
        state: state.clone().unwrap_or(AgentState::Unsure),
    };
    if rule.title.is_none() && rule.ask.is_none() && rule.hint.is_none() {
        let text = format!("`{path}` needs one of `title`, `ask` and `hint`");
        reader.error("missing-key", fields.at(), text);
    }
    fields.finish();
    name.and(state).map(|_| rule)
}

fn detail(reader: &Reader<'_>, node: &Node, path: &str) -> Option<Detail> {
    let fields = reader.map_of(node, path, "a map with `from` or `after`")?;
    let (from, after) = (pattern(&fields, "from"), pattern(&fields, "after"));
    let found = Detail {
        inclusive: from.is_some(),
        until: pattern(&fields, "until"),
        strip: pattern(&fields, "strip"),
        from: match from.or(after) {
            Some(pattern) => pattern,
            None => {
                let _ = fields.require("from");
                return None;
            }
        },
    };
    fields.finish();
    Some(found)
}

fn state_rule(reader: &Reader<'_>, node: &Node, path: &str) -> Option<StateRule> {
    let fields = reader.map_of(node, path, "a map with `name` and `state`")?;
    let (name, state) = (required(&fields, "name"), state(&fields));
    let _ = fields.require("region");
    let region = fields.word("region", REGIONS);
    let (matches, not) = (pattern(&fields, "match"), pattern(&fields, "not"));
    let behind = pattern(&fields, "behind");
    let until = pattern(&fields, "until");
    let dim = fields.bool("dim");
    let sure = fields.bool("sure").unwrap_or(true);
    let colour = colour(&fields);
    // Files of before this key say it by the rule's name.
    let turn = fields.word("turn", TURNS).or((name.as_deref() == Some("interrupted")).then_some(Turn::Stopped));
    fields.finish();
    Some(StateRule {
        behind,
        turn,
        name: name?,
        state: state?,
        region: region?,
        matches,
        not,
        until,
        dim,
        colour,
        sure,
    })
}

fn required(fields: &Fields<'_, '_>, key: &'static str) -> Option<String> {
    fields.require(key).and_then(|node| fields.reader().text(node, &fields.path(key))).map(str::to_owned)
}

fn state(fields: &Fields<'_, '_>) -> Option<AgentState> {
    fields.require("state")?;
    let words: Vec<(&'static str, usize)> = STATES.iter().enumerate().map(|(n, (word, _))| (*word, n)).collect();
    fields.word("state", &words).map(|n| STATES[n].1.clone())
}

fn colour(fields: &Fields<'_, '_>) -> Option<u8> {
    fields.number("colour", 0..=255).and_then(|number| u8::try_from(number).ok())
}

/// A regular expression; what is wrong with it is noted at its place.
fn pattern(fields: &Fields<'_, '_>, key: &'static str) -> Option<Regex> {
    let node = fields.get(key)?;
    compiled(fields, node, &fields.path(key))
}

fn patterns(fields: &Fields<'_, '_>, key: &'static str) -> Vec<Regex> {
    let Some(node) = fields.get(key) else { return Vec::new() };
    let items = fields.reader().list(node).iter().enumerate();
    items.filter_map(|(n, item)| compiled(fields, item, &format!("{}[{n}]", fields.path(key)))).collect()
}

fn compiled(fields: &Fields<'_, '_>, node: &Node, path: &str) -> Option<Regex> {
    let text = fields.reader().text(node, path)?;
    match RegexBuilder::new(text).size_limit(1 << 20).build() {
        Ok(regex) => Some(regex),
        Err(error) => {
            let why = error.to_string();
            let why = why.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned();
            fields.reader().error("bad-pattern", node.at, format!("`{path}` is no regular expression: {why}"));
            None
        }
    }
}
