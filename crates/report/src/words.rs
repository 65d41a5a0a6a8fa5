//! The report's words.

use super::PipelineReport;
use tmuxagent_model::RunState;
use tmuxagent_text::{Lang, run_state};

tmuxagent_text::words! {
    Title: "Report", "复盘";
    Nothing:
        "nothing happened in this time: `tmuxagent report --since 90d` looks further back, `tmuxagent start PANE` begins \
         a pipeline",
        "这段时间内没有任何活动：`tmuxagent report --since 90d` 查看更早的活动，`tmuxagent start 窗格` 启动流水线";
    Pipelines: "Pipelines", "流水线";
    Pipeline: "PIPELINE", "流水线";
    Runs: "RUNS", "运行";
    Went: "WENT WELL", "成功率";
    Ended: "ENDED", "结局";
    Half: "HALF WITHIN", "半数耗时";
    Most: "90% WITHIN", "九成耗时";
    Stages: "Stages", "阶段";
    Stage: "STAGE", "阶段";
    Attempts: "ATTEMPTS", "尝试";
    Retries: "RETRIES", "重试";
    Waits: "Waiting for you", "等待您的决定";
    Asked: "asked", "提问";
    Approved: "approved", "批准";
    Rejected: "rejected", "拒绝";
    Expired: "expired", "过期";
    Superseded: "no longer needed", "已失效";
    Open: "open", "待决";
    Surface: "DECIDED BY", "决定途径";
    Decisions: "DECISIONS", "决定";
    Longest: "LONGEST", "最长";
    Failures: "Failures", "失败原因";
    Times: "TIMES", "次数";
    Last: "LAST", "最近";
    Cause: "CAUSE", "原因";
    Agents: "Agents", "智能体";
    Agent: "AGENT", "智能体";
    Place: "PLACE", "位置";
    Worked: "WORKED", "工作";
    WaitedForYou: "WAITED FOR YOU", "等待您";
    Idle: "IDLE", "空闲";
    Stuck: "STUCK", "受阻";
    Saved: "Done for you", "替您完成";
    Typed: "commands and keys typed, also on your word", "次输入命令和按键（含您批准或启动的）";
    TypedOnce: "command or key typed, also on your word", "次输入命令和按键（含您批准或启动的）";
    Retried: "attempts begun again", "次自动重试";
    RetriedOnce: "attempt begun again", "次自动重试";
    WentOn: "stages begun after another one", "个自动接续的阶段";
    WentOnOnce: "stage begun after another one", "个自动接续的阶段";
    Answered: "dialogs answered by a rule or a lease", "个由规则或授权回答的对话框";
    AnsweredOnce: "dialog answered by a rule or a lease", "个由规则或授权回答的对话框";
}

/// How many of all went well, `7/9 (77%)`; `-` where there are none.
pub(crate) fn rate(well: u32, all: u32) -> String {
    if all == 0 {
        return "-".to_owned();
    }
    format!("{well}/{all} ({}%)", u64::from(well) * 100 / u64::from(all))
}

/// How runs ended, `succeeded 3, failed 1`.
pub(crate) fn ends(lang: Lang, pipeline: &PipelineReport) -> String {
    let each = pipeline.ended.iter().map(|ended| format!("{} {}", run_state(lang, Some(ended.state)), ended.runs));
    each.collect::<Vec<_>>().join(lang.pick(", ", "，"))
}

/// The runs of a pipeline that went well.
pub(crate) fn went_well(pipeline: &PipelineReport) -> String {
    rate(pipeline.ended_as(RunState::Succeeded), pipeline.all_ended())
}
