//! The sentence of each [`Note`].

use super::state::skip_reason;
use super::{
    Lang, approval_state, clean, counted, host_state, malformed, message, message_type, reveal, run_state, sentence,
    span, via,
};
use tmuxagent_model::{ConfigPart, Decider, HowChanged, LeftToPerson, Note, PartChange};

/// The sentence, one line without control characters.
#[must_use]
pub fn note_text(lang: Lang, note: &Note) -> String {
    match lang {
        Lang::En => english(note),
        Lang::Zh => chinese(note),
    }
}

/// The name of whoever decided. Names are nobody's to translate, but for the words that stand where none is known.
#[must_use]
pub fn decider(lang: Lang, name: &str) -> String {
    if name.starts_with("somebody with the link") { sentence(lang, name) } else { name.to_owned() }
}

fn who(lang: Lang, by: &Decider) -> String {
    let name = clean(&decider(lang, &by.who));
    let via = via(lang, by.via);
    match lang {
        Lang::En => format!("{name} ({via})"),
        Lang::Zh => format!("{name}（{via}）"),
    }
}

/// Why a person is asked although a rule or a lease fits.
const fn left(lang: Lang, why: LeftToPerson) -> &'static str {
    match why {
        LeftToPerson::Limit => lang.pick("it has answered as often as it may", "已达到回答次数上限"),
        LeftToPerson::StillThere => lang.pick("the dialog that it answered is still there", "它回答过的对话框仍在"),
        LeftToPerson::NoPlainYes => {
            lang.pick("the dialog offers no plain yes for this once", "对话框没有提供“仅此一次”的肯定回答")
        }
    }
}

/// The end of an approval's identity, enough to tell two apart on one screen.
fn short(id: &tmuxagent_model::ApprovalId) -> String {
    let text = clean(id.as_str());
    let skip = text.chars().count().saturating_sub(6);
    text.chars().skip(skip).collect()
}

fn english(note: &Note) -> String {
    let en = Lang::En;
    match note {
        Note::RunStarted { run, pipeline } => format!("{} {run} began", clean(pipeline)),
        Note::RunEnded { run, pipeline, state } => {
            format!("{} {run} ended: {}", clean(pipeline), run_state(en, Some(*state)))
        }
        Note::StageTriggered { run, stage, by } => {
            // What was started by hand says so itself.
            format!("{run} {} triggered by {}", clean(stage), clean(by.strip_prefix("by ").unwrap_or(by)))
        }
        Note::StageNeedsApproval { run, stage, .. } => format!("{run} {} needs approval", clean(stage)),
        Note::StageStarted { run, stage, attempt } => match attempt {
            0 | 1 => format!("{run} {} started", clean(stage)),
            n => format!("{run} {} started, attempt {n}", clean(stage)),
        },
        Note::StageSucceeded { run, stage, by, took } => {
            format!("{run} {} done in {}{}", clean(stage), span(en, *took), because(": ", by))
        }
        Note::StageFailed { run, stage, by, attempt, .. } => {
            let number = if *attempt > 1 { format!(" (attempt {attempt})") } else { String::new() };
            format!("{run} {} failed{number}{}", clean(stage), because(": ", by))
        }
        Note::StageRetrying { run, stage, attempt, max, after } => {
            format!("{run} {} tries again in {} ({attempt}/{})", clean(stage), span(en, *after), max.saturating_add(1))
        }
        Note::StageEscalated { run, stage, code } => format!("{run} {} escalated: {}", clean(stage), clean(code)),
        Note::StageSkipped { run, stage, why } => format!("{run} {} skipped{}", clean(stage), because(": ", why)),
        Note::ActionSkipped { run, stage, action, why } => {
            format!("{run} {}: `{}` skipped{}", clean(stage), clean(action), because(": ", why))
        }
        Note::StageCancelled { run, stage, why } => format!("{run} {} cancelled{}", clean(stage), because(": ", why)),
        Note::StageNotStarted { run, stage, why } => {
            format!("{run} {} is not started{}", clean(stage), because(": ", why))
        }
        Note::ApprovalAsked { question, .. } => format!("asked: {}", clean(question)),
        Note::ApprovalDecided { approval, approve, by } => {
            let verdict = if *approve { "approved" } else { "rejected" };
            format!("{verdict} by {} (…{})", who(en, by), short(approval))
        }
        Note::AutoAnswered { approval, question, by } => {
            format!("answered by {}: {} (…{})", who(en, by), clean(question), short(approval))
        }
        Note::NotAutoAnswered { by, why } => format!("{} does not answer: {}", who(en, by), left(en, *why)),
        Note::LeaseGranted { lease, class, span: time, by } => {
            format!("lease {} of {} for {}: {}", clean(lease), who(en, by), span(en, *time), clean(&class.join(", ")))
        }
        Note::LeaseEnded { lease, by: Some(by) } => format!("lease {} ended by {}", clean(lease), who(en, by)),
        Note::LeaseEnded { lease, by: None } => format!("lease {} ended with its agent", clean(lease)),
        Note::ApprovalClosed { approval, state } => {
            format!("approval …{} closed: {}", short(approval), approval_state(en, *state))
        }
        Note::DecisionRefused { why, by, .. } => format!("decision of {} refused: {}", who(en, by), clean(why)),
        Note::Sent { text, .. } => format!("typed {}", reveal(text)),
        Note::Given { text, .. } => format!("given to the agent without a key: {}", reveal(text)),
        Note::NotSent { text, reason, .. } => format!("not typed {}: {}", reveal(text), skip_reason(en, reason)),
        Note::EffectFailed { error, .. } => format!("an effect failed: {}", clean(error)),
        Note::Held { text, .. } => format!("held by the freeze: {}", reveal(text)),
        Note::Frozen { by } => format!("frozen by {}", who(en, by)),
        Note::Unfrozen { by } => format!("unfrozen by {}", who(en, by)),
        Note::AgentSaid { kind, stage, summary } => {
            format!("agent {}{}: {}", message_type(en, *kind), stage_of(stage.as_deref()), clean(summary))
        }
        Note::MalformedMessage { error } => format!("unreadable SENTRY message: {}", clean(&malformed(en, error))),
        Note::Gap { pane } => format!("output of {} was lost", clean(pane)),
        Note::PaneSeen { pane } => format!("pane {} appeared", clean(pane)),
        Note::PaneGone { pane } => format!("pane {} is gone", clean(pane)),
        Note::PaneLeft { pane } => format!("pane {} is not watched any more", clean(pane)),
        Note::Refused { why } => format!("refused: {}", clean(why)),
        Note::Reloaded { changes } => format!("configuration loaded: {}", changes_text(en, changes)),
        Note::PolicyLoaded { pipelines } => format!("policy loaded, {}", counted(*pipelines, "pipeline")),
        Note::PolicyBroken { error } => format!("bad policy or configuration, the old one goes on: {}", clean(error)),
        Note::Host { host, state, detail } => {
            format!("host {} {}{}", clean(host), host_state(en, *state), because(": ", detail))
        }
        Note::Text { text } => clean(text),
    }
}

fn chinese(note: &Note) -> String {
    let zh = Lang::Zh;
    match note {
        Note::RunStarted { run, pipeline } => format!("{} {run} 开始", clean(pipeline)),
        Note::RunEnded { run, pipeline, state } => {
            format!("{} {run} 结束：{}", clean(pipeline), run_state(zh, Some(*state)))
        }
        Note::StageTriggered { run, stage, by } => {
            format!("{run} {} 已触发：{}", clean(stage), clean(&sentence(zh, by)))
        }
        Note::StageNeedsApproval { run, stage, .. } => format!("{run} {} 等待审批", clean(stage)),
        Note::StageStarted { run, stage, attempt } => match attempt {
            0 | 1 => format!("{run} {} 已启动", clean(stage)),
            n => format!("{run} {} 已启动，第 {n} 次", clean(stage)),
        },
        Note::StageSucceeded { run, stage, by, took } => {
            format!("{run} {} 完成，用时 {}{}", clean(stage), span(zh, *took), because("：", &sentence(zh, by)))
        }
        Note::StageFailed { run, stage, by, attempt, .. } => {
            let number = if *attempt > 1 { format!("第 {attempt} 次") } else { String::new() };
            format!("{run} {} {number}失败{}", clean(stage), because("：", &sentence(zh, by)))
        }
        Note::StageRetrying { run, stage, attempt, max, after } => {
            format!("{run} {} 将在 {} 后重试（{attempt}/{}）", clean(stage), span(zh, *after), max.saturating_add(1))
        }
        Note::StageEscalated { run, stage, code } => format!("{run} {} 已上报：{}", clean(stage), clean(code)),
        Note::StageSkipped { run, stage, why } => {
            format!("{run} {} 已跳过{}", clean(stage), because("：", &sentence(zh, why)))
        }
        Note::ActionSkipped { run, stage, action, why } => {
            format!("{run} {}：`{}` 已跳过{}", clean(stage), clean(action), because("：", &sentence(zh, why)))
        }
        Note::StageCancelled { run, stage, why } => {
            format!("{run} {} 已取消{}", clean(stage), because("：", &sentence(zh, why)))
        }
        Note::StageNotStarted { run, stage, why } => {
            format!("{run} {} 未开始{}", clean(stage), because("：", &sentence(zh, why)))
        }
        Note::ApprovalAsked { question, .. } => format!("请求审批：{}", clean(&sentence(zh, question))),
        Note::ApprovalDecided { approval, approve, by } => {
            let verdict = if *approve { "批准" } else { "拒绝" };
            format!("{}{verdict}（…{}）", who(zh, by), short(approval))
        }
        Note::AutoAnswered { approval, question, by } => {
            format!("{}已回答：{}（…{}）", who(zh, by), clean(&sentence(zh, question)), short(approval))
        }
        Note::NotAutoAnswered { by, why } => format!("{}没有回答：{}", who(zh, by), left(zh, *why)),
        Note::LeaseGranted { lease, class, span: time, by } => {
            format!("{}的限时授权 {}，{}：{}", who(zh, by), clean(lease), span(zh, *time), clean(&class.join("，")))
        }
        Note::LeaseEnded { lease, by: Some(by) } => format!("{}结束了限时授权 {}", who(zh, by), clean(lease)),
        Note::LeaseEnded { lease, by: None } => format!("限时授权 {} 随其智能体结束", clean(lease)),
        Note::ApprovalClosed { approval, state } => {
            format!("审批 …{} 关闭：{}", short(approval), approval_state(zh, *state))
        }
        Note::DecisionRefused { why, by, .. } => {
            format!("{}的决定未被接受：{}", who(zh, by), clean(&message(zh, why)))
        }
        Note::Sent { text, .. } => format!("已输入 {}", reveal(text)),
        Note::Given { text, .. } => format!("未按键，直接答复了智能体：{}", reveal(text)),
        Note::NotSent { text, reason, .. } => format!("未输入 {}：{}", reveal(text), skip_reason(zh, reason)),
        Note::EffectFailed { error, .. } => format!("执行失败：{}", clean(&message(zh, error))),
        Note::Held { text, .. } => format!("因冻结暂缓：{}", reveal(text)),
        Note::Frozen { by } => format!("{}已冻结", who(zh, by)),
        Note::Unfrozen { by } => format!("{}已解冻", who(zh, by)),
        Note::AgentSaid { kind, stage, summary } => {
            format!("智能体{}{}：{}", message_type(zh, *kind), stage_of(stage.as_deref()), clean(summary))
        }
        Note::MalformedMessage { error } => format!("无法解析的 SENTRY 消息：{}", clean(&malformed(zh, error))),
        Note::Gap { pane } => format!("{} 的部分输出已丢失", clean(pane)),
        Note::PaneSeen { pane } => format!("出现窗格 {}", clean(pane)),
        Note::PaneGone { pane } => format!("窗格 {} 已消失", clean(pane)),
        Note::PaneLeft { pane } => format!("窗格 {} 不再受到监视", clean(pane)),
        Note::Refused { why } => format!("已拒绝执行：{}", clean(&message(zh, why))),
        Note::Reloaded { changes } => format!("配置已加载：{}", changes_text(zh, changes)),
        Note::PolicyLoaded { pipelines } => format!("策略已加载，{pipelines} 条流水线"),
        Note::PolicyBroken { error } => format!("策略或配置有误，继续使用旧的：{}", clean(&message(zh, error))),
        Note::Host { host, state, detail } => {
            format!("主机 {} {}{}", clean(host), host_state(zh, *state), because("：", &message(zh, detail)))
        }
        Note::Text { text } => clean(&message(zh, text)),
    }
}

/// What a reload came to: what is not as it was, and how many pipelines there are.
#[must_use]
pub fn reload_text(lang: Lang, pipelines: usize, changes: &[PartChange]) -> String {
    let what = if changes.is_empty() {
        lang.pick("nothing has changed", "没有变化").to_owned()
    } else {
        changes_text(lang, changes)
    };
    match lang {
        Lang::En => format!("{what}; {}", counted(pipelines, "pipeline")),
        Lang::Zh => format!("{what}；流水线 {pipelines} 条"),
    }
}

fn changes_text(lang: Lang, changes: &[PartChange]) -> String {
    let one = |change: &PartChange| {
        let part = match change.part {
            ConfigPart::Host => lang.pick("host", "主机"),
            ConfigPart::Channel => lang.pick("channel", "通道"),
            ConfigPart::Policy => lang.pick("policy", "策略"),
            ConfigPart::Recogniser => lang.pick("recogniser", "识别文件"),
            ConfigPart::Settings => return lang.pick("other settings changed", "其他设置变更").to_owned(),
        };
        let how = match change.how {
            HowChanged::Added => lang.pick("added", "新增"),
            HowChanged::Changed => lang.pick("changed", "变更"),
            HowChanged::Removed => lang.pick("removed", "移除"),
        };
        match lang {
            Lang::En => format!("{part} {} {how}", clean(&change.name)),
            Lang::Zh => format!("{how}{part} {}", clean(&change.name)),
        }
    };
    changes.iter().map(one).collect::<Vec<_>>().join(lang.pick(", ", "，"))
}

/// The reason with its separator, or nothing.
fn because(separator: &str, why: &str) -> String {
    let why = clean(why);
    if why.is_empty() { why } else { format!("{separator}{why}") }
}

fn stage_of(stage: Option<&str>) -> String {
    stage.map_or_else(String::new, |stage| format!(" [{}]", clean(stage)))
}
