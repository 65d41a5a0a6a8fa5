//! One table of all measures.

use serde_json::{Value, json};
use std::time::Duration;

/// One measure of one agent.
#[derive(Debug, Default)]
pub struct Row {
    pub what: String,
    /// How often it was tried.
    pub rounds: u32,
    /// How often it was as it must be.
    pub right: u32,
    /// Right, but after more time than it may take.
    pub late: u32,
    /// What must never be: a wrong state, a key for somebody else, a command that ran by itself.
    pub wrong: u32,
    pub times: Vec<Duration>,
    /// How long it may take.
    pub limit: Option<Duration>,
}

impl Row {
    pub fn new(what: &str, limit: Option<Duration>) -> Self {
        Self { what: what.to_owned(), limit, ..Self::default() }
    }

    /// It came after that time, or never.
    pub fn came(&mut self, after: Option<Duration>) {
        self.rounds += 1;
        let Some(after) = after else { return self.wrong += 1 };
        self.times.push(after);
        if self.limit.is_some_and(|limit| after > limit) {
            self.late += 1;
        } else {
            self.right += 1;
        }
    }

    /// It was as it must be, or not.
    pub fn was(&mut self, right: bool) {
        self.rounds += 1;
        self.right += u32::from(right);
        self.wrong += u32::from(!right);
    }

    /// The time that a share of the rounds did not exceed, milliseconds.
    fn at(&self, share: f64) -> Option<u128> {
        let mut times = self.times.clone();
        times.sort();
        let last = times.len().checked_sub(1)?;
        let at = (share * f64::from(u32::try_from(last).ok()?)).round();
        times.iter().zip(0u32..).find(|(_, number)| f64::from(*number) >= at).map(|(time, _)| time.as_millis())
    }
}

#[derive(Debug, Default)]
pub struct Table {
    agent: String,
    rows: Vec<(String, Row)>,
}

impl Table {
    /// What comes from now on is about this agent.
    pub fn about(&mut self, agent: &str, version: &str) {
        self.agent = format!("{agent} {version}");
    }

    pub fn add(&mut self, row: Row) {
        eprintln!("  {}: {} of {} right, {} late, {} wrong", row.what, row.right, row.rounds, row.late, row.wrong);
        self.rows.push((self.agent.clone(), row));
    }

    pub fn is_wrong(&self) -> bool {
        self.rows.iter().any(|(_, row)| row.wrong > 0)
    }

    pub fn text(&self) -> String {
        let mut text = format!(
            "{:<15} {:<40} {:>6} {:>6} {:>5} {:>6} {:>8} {:>7} {:>7}\n",
            "agent", "measure", "rounds", "right", "late", "wrong", "median", "max", "limit"
        );
        let time = |time: Option<u128>| time.map_or_else(|| "-".to_owned(), |time| format!("{time}"));
        for (agent, row) in &self.rows {
            let limit = time(row.limit.map(|limit| limit.as_millis()));
            text += &format!(
                "{agent:<15} {:<40} {:>6} {:>6} {:>5} {:>6} {:>8} {:>7} {limit:>7}\n",
                row.what,
                row.rounds,
                row.right,
                row.late,
                row.wrong,
                time(row.at(0.5)),
                time(row.at(1.0)),
            );
        }
        text + "times in milliseconds"
    }

    pub fn json(&self) -> String {
        let row = |(agent, row): &(String, Row)| {
            json!({
                "agent": agent, "measure": row.what, "rounds": row.rounds, "right": row.right, "late": row.late,
                "wrong": row.wrong, "median_ms": row.at(0.5), "max_ms": row.at(1.0),
                "limit_ms": row.limit.map(|limit| limit.as_millis()),
            })
        };
        Value::Array(self.rows.iter().map(row).collect()).to_string()
    }
}
