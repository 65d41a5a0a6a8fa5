//! Agents: their states, where evidence comes from, what they ask.

use super::{Lang, clean};
use tmuxagent_model::{AgentQuestionKind, AgentState, AnswerRole, EvidenceSource};

/// What an agent is doing.
#[must_use]
pub fn agent_state(lang: Lang, state: &AgentState) -> String {
    let fixed = match state {
        AgentState::Working => lang.pick("working", "工作中"),
        AgentState::NeedsApproval => lang.pick("needs approval", "待审批"),
        AgentState::NeedsAnswer => lang.pick("needs an answer", "待回答"),
        AgentState::Idle => lang.pick("idle", "空闲"),
        AgentState::Done => lang.pick("done", "已完成"),
        AgentState::Error => lang.pick("error", "出错"),
        AgentState::RateLimited { until: None } => lang.pick("rate limited", "被限流"),
        AgentState::RateLimited { until: Some(until) } => {
            let until = clean(until);
            return match lang {
                Lang::En => format!("rate limited until {until}"),
                Lang::Zh => format!("被限流，至 {until}"),
            };
        }
        AgentState::Stalled => lang.pick("stalled", "无动静"),
        AgentState::Starting => lang.pick("starting", "启动中"),
        AgentState::Exited => lang.pick("exited", "已退出"),
        AgentState::Unsure => lang.pick("unsure", "不确定"),
    };
    fixed.to_owned()
}

/// Where a piece of evidence comes from.
#[must_use]
pub const fn evidence_source(lang: Lang, source: EvidenceSource) -> &'static str {
    match source {
        EvidenceSource::Process => lang.pick("process", "进程"),
        EvidenceSource::Vendor => lang.pick("its own file", "自身文件"),
        EvidenceSource::Hook => lang.pick("hook", "钩子"),
        EvidenceSource::Report => lang.pick("report", "报告"),
        EvidenceSource::Screen => lang.pick("screen", "屏幕"),
        EvidenceSource::Output => lang.pick("output", "输出"),
    }
}

/// What kind of thing an agent asks.
#[must_use]
pub const fn agent_question_kind(lang: Lang, kind: AgentQuestionKind) -> &'static str {
    match kind {
        AgentQuestionKind::Command => lang.pick("whether a command may run", "能否运行命令"),
        AgentQuestionKind::Edit => lang.pick("whether a file may be changed", "能否修改文件"),
        AgentQuestionKind::Question => lang.pick("a question", "一个问题"),
        AgentQuestionKind::Trust => lang.pick("whether this folder is trusted", "是否信任该文件夹"),
        AgentQuestionKind::Login => lang.pick("how to log in", "如何登录"),
        AgentQuestionKind::Other => lang.pick("to choose", "请选择"),
    }
}

/// What choosing an answer means.
#[must_use]
pub const fn answer_role(lang: Lang, role: AnswerRole) -> &'static str {
    match role {
        AnswerRole::Once => lang.pick("yes, once", "同意一次"),
        AnswerRole::Lasting => lang.pick("yes, and more than once", "长期同意"),
        AnswerRole::Decline => lang.pick("no", "拒绝"),
        AnswerRole::Cancel => lang.pick("no, and stop", "拒绝并停止"),
        AnswerRole::Other => lang.pick("an answer", "一个回答"),
    }
}
