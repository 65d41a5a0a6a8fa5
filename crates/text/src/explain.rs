//! Why a stage is in its state, in lines for people: the one form of the screen and the command line.
//!
//! The supervisor's answer is JSON whose form belongs to the engine; its known parts are read leniently.

use super::{Lang, Text, approval_state, asks_you, clean, clock_seconds, sentence, stage_state};
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value;
use tmuxagent_model::{ApprovalState, GAP, StageState, Timestamp, Undo, fitting};

/// A stage, explained.
#[derive(Debug, Clone, Deserialize)]
pub struct Stage {
    /// The name of its pipeline.
    pub pipeline: String,
    /// Its own name.
    pub stage: String,
    /// Its pane as `session:window.pane`.
    #[serde(default)]
    pub place: String,
    /// The run, once there is one.
    pub run: Option<u64>,
    /// The open question about it.
    pub approval: Option<String>,
    state: StageState,
    /// Whether a question about it is open that its state does not tell.
    #[serde(default)]
    asks: bool,
    /// The yes to what it asked, as long as that can be taken back.
    pub undo: Option<Undo>,
    #[serde(default)]
    attempt: u32,
    #[serde(default)]
    summary: String,
    #[serde(default)]
    waits_for: Vec<String>,
    started_by: Option<Cause>,
    opened_by: Option<Cause>,
    answered: Option<Answered>,
    #[serde(default)]
    evidence: Vec<String>,
    ended_by: Option<Cause>,
    #[serde(default)]
    round: u32,
    #[serde(default)]
    rounds: Vec<Round>,
    #[serde(default)]
    earlier: Vec<Attempt>,
    #[serde(default)]
    conditions: Vec<Condition>,
    #[serde(default)]
    near_misses: Vec<Miss>,
    #[serde(default)]
    defined_at: String,
}

/// What made something hold.
#[derive(Debug, Clone, Deserialize)]
struct Cause {
    at: Timestamp,
    #[serde(default)]
    rule: String,
    #[serde(default)]
    text: String,
}

/// A question about it that a person has answered.
#[derive(Debug, Clone, Deserialize)]
struct Answered {
    question: String,
    #[serde(default)]
    evidence: Vec<String>,
    decision: Cause,
}

/// An attempt that failed.
#[derive(Debug, Clone, Deserialize)]
struct Attempt {
    attempt: u32,
    cause: Cause,
    #[serde(default)]
    said: String,
}

/// A round of its loop that is over.
#[derive(Debug, Clone, Deserialize)]
struct Round {
    round: u32,
    state: StageState,
    cause: Cause,
}

/// A condition of the stage.
#[derive(Debug, Clone, Deserialize)]
struct Condition {
    role: String,
    #[serde(default)]
    active: bool,
    #[serde(default)]
    over: bool,
    as_of: Option<Timestamp>,
    part: Part,
}

/// A condition or a part of one.
#[derive(Debug, Clone, Deserialize)]
struct Part {
    text: String,
    holds: bool,
    cause: Option<Cause>,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    parts: Vec<Self>,
}

/// What almost counted.
#[derive(Debug, Clone, Deserialize)]
struct Miss {
    at: Timestamp,
    text: String,
    #[serde(default)]
    why: String,
}

/// What a line is, for its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Words without weight.
    Plain,
    /// What the lines below belong to.
    Strong,
    /// What is seldom read.
    Dim,
    /// A condition that holds.
    Good,
    /// Somebody waits for it, or it went past.
    Warn,
    /// The stage's name, in the colour of its state.
    Stage(StageState),
}

/// What stands before a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// The stage's state.
    Stage(StageState),
    /// Before a condition that holds.
    Holds,
    /// It does not hold.
    Open,
    /// It comes next.
    Next,
}

/// A line of the explanation, to be coloured by who shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// How far it is indented, in steps of two columns.
    pub depth: usize,
    /// What stands before it.
    pub sign: Option<Sign>,
    /// Its text, clean.
    pub text: String,
    /// What it is.
    pub tone: Tone,
}

/// Lines of a decided question that are shown.
const SHOWN_OF_DECIDED: usize = 3;

/// Lines of an open question that are shown, those that tell a cause first.
const SHOWN: usize = 6;

/// The deepest nesting of conditions that is shown.
const DEEPEST: usize = 16;

/// Reads the supervisor's answer; `None` where it has another form.
#[must_use]
pub fn read(values: &[Value]) -> Option<Vec<Stage>> {
    values.iter().map(|value| Stage::deserialize(value).ok()).collect()
}

/// A condition, as explanations and the coverage of tests tell it.
#[must_use]
pub fn condition(lang: Lang, text: &str) -> String {
    clean(&sentence(lang, text))
}

/// A stage in lines.
#[must_use]
pub fn lines(lang: Lang, zone: &TimeZone, stage: &Stage) -> Vec<Line> {
    let mut page = Page { lang, zone, lines: Vec::new() };
    page.stage(stage);
    page.lines
}

impl Stage {
    /// Whether the answer to its last question is what ended it.
    fn ended_by_answer(&self) -> bool {
        let answer = self.answered.as_ref().map(|answered| &answered.decision);
        let end = self.ended_by.as_ref();
        answer.zip(end).is_some_and(|(answer, end)| (&answer.rule, &answer.text) == (&end.rule, &end.text))
    }

    /// Whether its summary says nothing but that.
    fn summary_is_answer(&self) -> bool {
        let end = self.ended_by.as_ref().filter(|_| self.ended_by_answer());
        end.is_some_and(|end| self.summary == format!("{}: {}", end.rule, end.text))
    }

    /// Whether a line stands elsewhere in its explanation.
    fn tells(&self, line: &str) -> bool {
        let line = line.trim();
        line.is_empty()
            || self.summary.contains(line)
            || self.evidence.iter().any(|shown| shown.trim() == line)
            || self.earlier.iter().any(|attempt| attempt.said.contains(line) || attempt.cause.text.contains(line))
    }
}

struct Page<'a> {
    lang: Lang,
    zone: &'a TimeZone,
    lines: Vec<Line>,
}

impl Page<'_> {
    fn stage(&mut self, stage: &Stage) {
        let lang = self.lang;
        let attempt = match (lang, stage.attempt) {
            // A first attempt needs no number: "1" reads as if something had gone wrong.
            (_, 0 | 1) => String::new(),
            (Lang::En, n) => format!(", attempt {n}"),
            (Lang::Zh, n) => format!("，第 {n} 次"),
        };
        let round = match (lang, stage.round) {
            (_, 0 | 1) => String::new(),
            (Lang::En, n) => format!(", round {n}"),
            (Lang::Zh, n) => format!("，第 {n} 轮"),
        };
        let (state, doing) = match (stage.asks, &stage.undo) {
            (true, _) => (StageState::Asking, asks_you(lang)),
            (false, Some(_)) => (StageState::Queued, approval_state(lang, ApprovalState::Approved)),
            (false, None) => (stage.state, stage_state(lang, stage.state)),
        };
        let heading = format!("{}  {doing}{attempt}{round}", clean(&stage.stage));
        self.put(0, Some(Sign::Stage(state)), heading, Tone::Stage(state));
        if !stage.summary.is_empty() && !stage.summary_is_answer() {
            self.put(1, None, clean(&sentence(lang, &stage.summary)), Tone::Plain);
        }
        if !stage.waits_for.is_empty() {
            self.heading(Text::WaitsFor);
            for text in &stage.waits_for {
                self.put(2, Some(Sign::Next), clean(&sentence(lang, text)), Tone::Warn);
            }
        }
        if !stage.evidence.is_empty() {
            self.heading(Text::Evidence);
            self.evidence(&stage.evidence, SHOWN);
        }
        // An end by the answer to its last question is told there, with the question.
        let ended_by = stage.ended_by.as_ref().filter(|_| !stage.ended_by_answer());
        let causes = [
            (Text::StartedBy.of(lang), stage.started_by.as_ref()),
            (lang.pick("its gate", "审批"), stage.opened_by.as_ref()),
            (Text::EndedBy.of(lang), ended_by),
        ];
        for (name, cause) in causes {
            if let Some(cause) = cause {
                self.put(1, None, name.to_owned(), Tone::Strong);
                self.cause(2, cause);
            }
        }
        if let Some(Answered { question, evidence, decision }) = &stage.answered {
            self.put(1, None, lang.pick("its last question", "最近的提问").to_owned(), Tone::Strong);
            self.put(2, None, clean(&sentence(lang, question)), Tone::Plain);
            // What the summary or an attempt tells is not told once more.
            let lines: Vec<String> = evidence.iter().filter(|line| !stage.tells(line)).cloned().collect();
            self.cause(2, decision);
            self.evidence(&lines, SHOWN_OF_DECIDED);
        }
        if !stage.rounds.is_empty() {
            self.put(1, None, lang.pick("earlier rounds", "此前各轮").to_owned(), Tone::Strong);
            for Round { round, state, cause } in &stage.rounds {
                let state = stage_state(lang, *state);
                let number = match lang {
                    Lang::En => format!("round {round}: {state}"),
                    Lang::Zh => format!("第 {round} 轮：{state}"),
                };
                self.put(2, None, number, Tone::Plain);
                self.cause(3, cause);
            }
        }
        if !stage.earlier.is_empty() {
            self.heading(Text::EarlierAttempts);
            for Attempt { attempt, cause, said } in &stage.earlier {
                let number = match lang {
                    Lang::En => format!("attempt {attempt} failed"),
                    Lang::Zh => format!("第 {attempt} 次失败"),
                };
                self.put(2, None, number, Tone::Plain);
                self.cause(3, cause);
                if !said.is_empty() {
                    self.put(4, None, clean(said), Tone::Plain);
                }
            }
        }
        for condition in &stage.conditions {
            self.condition(condition);
        }
        if !stage.near_misses.is_empty() {
            self.heading(Text::NearMisses);
            // The newest is the nearest.
            for miss in stage.near_misses.iter().rev() {
                self.put(2, None, format!("{}  {}", self.time(miss.at), clean(&miss.text)), Tone::Plain);
                self.put(4, None, clean(&sentence(lang, &miss.why)), Tone::Warn);
            }
        }
        if !stage.defined_at.is_empty() {
            self.put(1, None, format!("{} {}", Text::DefinedAt.of(lang), clean(&stage.defined_at)), Tone::Dim);
        }
    }

    /// Lines of a question, at most so many.
    fn evidence(&mut self, lines: &[String], most: usize) {
        let (shown, left_out) = fitting(lines, most);
        shown.iter().for_each(|line| self.put(2, None, clean(line), Tone::Plain));
        if left_out > 0 {
            let more = match self.lang {
                Lang::En => format!("{GAP} {left_out} more"),
                Lang::Zh => format!("{GAP} 还有 {left_out} 行"),
            };
            self.put(2, None, more, Tone::Dim);
        }
    }

    fn condition(&mut self, condition: &Condition) {
        let lang = self.lang;
        let role = match condition.role.as_str() {
            "triggers" => lang.pick("starts when", "启动条件").to_owned(),
            "if" => lang.pick("is run if", "运行的前提").to_owned(),
            "success_when" => lang.pick("succeeds when", "成功条件").to_owned(),
            "fail_when" => lang.pick("fails when", "失败条件").to_owned(),
            other => clean(other).replace('_', " "),
        };
        let when = match (condition.as_of, lang) {
            (Some(at), Lang::En) => format!(" (as of {})", self.time(at)),
            (Some(at), Lang::Zh) => format!("（{} 时的情况）", self.time(at)),
            (None, _) if condition.over && condition.active => {
                lang.pick(" (watched now, for another run)", "（正在观察，用于下一次运行）").to_owned()
            }
            (None, _) if condition.over => lang.pick(" (its run is over)", "（所属运行已结束）").to_owned(),
            (None, _) if condition.active => lang.pick(" (watched now)", "（正在观察）").to_owned(),
            (None, _) => String::new(),
        };
        self.put(1, None, format!("{role}{when}"), Tone::Strong);
        self.part(2, &condition.part);
    }

    fn part(&mut self, depth: usize, part: &Part) {
        if depth > DEEPEST {
            return;
        }
        let (sign, tone) = if part.holds { (Sign::Holds, Tone::Good) } else { (Sign::Open, Tone::Plain) };
        self.put(depth, Some(sign), condition(self.lang, &part.text), tone);
        if let Some(cause) = &part.cause {
            self.cause(depth + 2, cause);
        }
        if !part.detail.is_empty() {
            self.put(depth + 2, None, clean(&sentence(self.lang, &part.detail)), Tone::Dim);
        }
        for inner in &part.parts {
            self.part(depth + 1, inner);
        }
    }

    fn cause(&mut self, depth: usize, cause: &Cause) {
        let rule = clean(&sentence(self.lang, &cause.rule));
        self.put(depth, None, format!("{}  {rule}", self.time(cause.at)), Tone::Dim);
        if !cause.text.is_empty() {
            // The lines of a pane stay verbatim.
            let verbatim = ["log_regex", "message"].iter().any(|word| cause.rule.starts_with(word));
            let text = if verbatim { cause.text.clone() } else { sentence(self.lang, &cause.text) };
            self.put(depth + 1, None, clean(&text), Tone::Plain);
        }
    }

    fn time(&self, at: Timestamp) -> String {
        clock_seconds(self.zone, at)
    }

    fn heading(&mut self, text: Text) {
        self.put(1, None, text.of(self.lang).to_owned(), Tone::Strong);
    }

    fn put(&mut self, depth: usize, sign: Option<Sign>, text: String, tone: Tone) {
        self.lines.push(Line { depth, sign, text, tone });
    }
}
