//! The words of messages and pages, per language. Pure.

use crate::Lang;
use jiff::tz::TimeZone;
use tmuxagent_model::{AlertKind, Approval, ApprovalKind, ApprovalState, OnApprove, Timestamp, Via};

impl Lang {
    /// What a message of that kind is called at the beginning of its title.
    #[must_use]
    pub const fn kind(self, kind: AlertKind) -> &'static str {
        match kind {
            AlertKind::Approval => self.pick("Decide", "待审批"),
            AlertKind::Reminder => self.pick("Still waiting", "仍在等待"),
            AlertKind::Failure => self.pick("Failed", "失败"),
            AlertKind::Success => self.pick("Done", "完成"),
            AlertKind::Custom => self.pick("Note", "通知"),
            AlertKind::Agent => self.pick("Agent", "智能体"),
            AlertKind::Program => self.pick("A program", "程序"),
            AlertKind::System => self.pick("tmuxagent", "tmuxagent"),
        }
    }

    /// Why the human is asked, one phrase.
    #[must_use]
    pub const fn reason(self, kind: &ApprovalKind) -> &'static str {
        match kind {
            ApprovalKind::Gate => self.pick("a stage wants to start", "阶段请求开始"),
            ApprovalKind::Failed { on_approve: OnApprove::Rerun } => {
                self.pick("a stage failed; yes runs it again", "阶段失败；批准后重跑")
            }
            ApprovalKind::Failed { on_approve: OnApprove::Continue } => {
                self.pick("a stage failed; yes goes on as if it had succeeded", "阶段失败；批准后视为成功并继续")
            }
            ApprovalKind::Failed { on_approve: OnApprove::Skip } => {
                self.pick("a stage failed; yes leaves it out", "阶段失败；批准后跳过该阶段")
            }
            ApprovalKind::Settle { untouched: true, .. } => self.pick("this was not done", "此操作没有执行"),
            ApprovalKind::Settle { .. } => {
                self.pick("it is not known whether this was done", "无法确认此操作是否已执行")
            }
            ApprovalKind::Gap => self.pick("output may have been missed", "可能漏读了输出"),
            ApprovalKind::Unclear => self.pick("a command ended and nothing says how", "命令已结束，但无法判断结果"),
            ApprovalKind::Overdue => self.pick("a stage's time is over", "阶段已超时"),
            ApprovalKind::Asks => self.pick("a stage's command asks", "阶段的命令在提问"),
            ApprovalKind::Agent | ApprovalKind::Dialog { .. } => self.pick("an agent asks", "智能体提问"),
        }
    }

    /// A surface, as part of a sentence.
    #[must_use]
    pub const fn via(self, via: Via) -> &'static str {
        match via {
            Via::Key => self.pick("the main screen", "主界面"),
            Via::Popup => self.pick("the popup", "弹窗"),
            Via::Cli => self.pick("the command line", "命令行"),
            Via::File => self.pick("a file", "文件"),
            Via::Link => self.pick("a link", "链接"),
            Via::Panel => self.pick("the panel", "面板"),
            Via::Chat => self.pick("a chat", "聊天"),
            Via::Hook => self.pick("a hook", "钩子"),
            Via::Rule => self.pick("a rule of the policy", "策略规则"),
            Via::Lease => self.pick("a lease", "限时授权"),
            Via::Mcp => self.pick("an agent's tool", "智能体的工具"),
        }
    }

    /// How an approval stands.
    #[must_use]
    pub const fn state(self, state: ApprovalState) -> &'static str {
        match state {
            ApprovalState::Pending => self.pick("waiting", "等待中"),
            ApprovalState::Approved => self.pick("approved", "已批准"),
            ApprovalState::Rejected => self.pick("rejected", "已拒绝"),
            ApprovalState::Expired => self.pick("expired", "已过期"),
            ApprovalState::Superseded => self.pick("no longer needed", "已失效"),
        }
    }
}

/// So many of something: `1 pipeline`, `2 pipelines`. English, for texts that are told in Chinese elsewhere.
#[must_use]
pub fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// An instant as `2026-11-21 10:32 UTC`.
#[must_use]
pub fn utc(at: Timestamp) -> String {
    local(&TimeZone::UTC, at)
}

/// A text in which instants to the second are told in UTC (`2026-11-21 10:32:07 UTC`), with those of a zone.
#[must_use]
pub fn in_zone(text: &str, zone: &TimeZone) -> String {
    static INSTANT: std::sync::LazyLock<Option<regex::Regex>> =
        std::sync::LazyLock::new(|| regex::Regex::new(r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\b").ok());
    let Some(instant) = INSTANT.as_ref() else { return text.to_owned() };
    let told = |found: &regex::Captures<'_>| {
        let utc = found[0].trim_end_matches(" UTC");
        let time =
            jiff::civil::DateTime::strptime("%Y-%m-%d %H:%M:%S", utc).and_then(|time| time.to_zoned(TimeZone::UTC));
        time.map_or_else(
            |_| found[0].to_owned(),
            |time| {
                let time = time.with_time_zone(zone.clone());
                let form = if time.offset().is_zero() { "%Y-%m-%d %H:%M:%S UTC" } else { "%Y-%m-%d %H:%M:%S UTC%:z" };
                time.strftime(form).to_string()
            },
        )
    };
    instant.replace_all(text, told).into_owned()
}

/// An instant in a zone with its offset, so that nobody takes it for another's: `2026-11-21 18:32 UTC+08:00`.
#[must_use]
pub fn local(zone: &TimeZone, at: Timestamp) -> String {
    told(zone, at, "%H:%M")
}

/// Until when a question is open, the same way; with seconds where that is less than an hour.
#[must_use]
pub fn open_until(zone: &TimeZone, asked: &Approval) -> Option<String> {
    let clock = if asked.is_brief() { "%H:%M:%S" } else { "%H:%M" };
    asked.expires_at.map(|at| told(zone, at, clock))
}

fn told(zone: &TimeZone, at: Timestamp, clock: &str) -> String {
    let Ok(time) = jiff::Timestamp::from_millisecond(at.0) else { return "?".to_owned() };
    let time = time.to_zoned(zone.clone());
    let offset = if time.offset().is_zero() { "UTC" } else { "UTC%:z" };
    time.strftime(&format!("%Y-%m-%d {clock} {offset}")).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_read_like_a_person_writes_them() {
        let at = Timestamp(1_700_000_000_000);
        assert_eq!(utc(at), "2023-11-14 22:13 UTC");
        let zone = |hours| TimeZone::fixed(jiff::tz::offset(hours));
        assert_eq!(local(&zone(8), at), "2023-11-15 06:13 UTC+08:00");
        let ended = |at: &str| format!("already approved by mei at {at} via popup");
        assert_eq!(in_zone(&ended("2023-11-14 22:13:20 UTC"), &zone(8)), ended("2023-11-15 06:13:20 UTC+08:00"));
        assert_eq!(in_zone(&ended("2023-11-14 22:13:20 UTC"), &TimeZone::UTC), ended("2023-11-14 22:13:20 UTC"));
        assert_eq!(in_zone("2023-99-14 22:13:20 UTC", &zone(8)), "2023-99-14 22:13:20 UTC");
        assert_eq!(local(&zone(-5), at), "2023-11-14 17:13 UTC-05:00");
    }
}
