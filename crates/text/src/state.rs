//! The names of states, kinds and surfaces.

use super::{Lang, clean, message, sentence, span};
use tmuxagent_model::{
    Approval, ApprovalKind, ApprovalState, Doubt, HostState, MessageType, Owner, PaneState, PaneView, RunState,
    SkipReason, StageState, StageView, Timestamp, Via,
};

/// That nobody can say yet whether it is done, and why.
#[must_use]
pub fn doubt(lang: Lang, doubt: &Doubt) -> String {
    match (lang, doubt) {
        (Lang::En, Doubt::NotSaved { error }) => {
            format!("not certain yet: it can't be saved ({}); it is kept and tried again", clean(error))
        }
        (Lang::Zh, Doubt::NotSaved { error }) => {
            format!("尚不确定：暂时无法保存（{}）；已保留，会再次尝试", clean(&message(lang, error)))
        }
        (_, Doubt::Slow) => lang
            .pick(
                "not certain: the supervisor did not answer in time; it may still happen",
                "不确定：监督进程没有及时答复，仍可能执行",
            )
            .to_owned(),
        (_, Doubt::Ended) => lang
            .pick(
                "not certain: the supervisor ended before it answered; it may be done or not",
                "不确定：监督进程在答复之前结束，可能已执行，也可能没有",
            )
            .to_owned(),
    }
}

/// A stage's state.
#[must_use]
pub const fn stage_state(lang: Lang, state: StageState) -> &'static str {
    match state {
        StageState::Waiting => lang.pick("waiting", "等待"),
        StageState::NeedsApproval => lang.pick("needs approval", "待审批"),
        StageState::Queued => lang.pick("queued", "排队"),
        StageState::Starting => lang.pick("starting", "启动中"),
        StageState::Running => lang.pick("running", "运行中"),
        StageState::Retrying => lang.pick("retrying", "重试中"),
        StageState::Asking => lang.pick("asking", "询问中"),
        StageState::Succeeded => lang.pick("done", "完成"),
        StageState::Failed => lang.pick("failed", "失败"),
        StageState::Escalated => lang.pick("escalated", "已上报"),
        StageState::Skipped => lang.pick("skipped", "已跳过"),
        StageState::Cancelled => lang.pick("cancelled", "已取消"),
        StageState::Rejected => lang.pick("rejected", "已拒绝"),
        StageState::Expired => lang.pick("expired", "已过期"),
    }
}

/// The same as a view shows it: that it waits says nothing of a stage to which nothing comes any more.
#[must_use]
pub fn stage_doing(lang: Lang, stage: &StageView) -> &'static str {
    match stage.state {
        _ if stage.asks => asks_you(lang),
        _ if stage.undo.is_some() => approval_state(lang, ApprovalState::Approved),
        _ if stage.is_not_reached() => not_reached(lang),
        state => stage_state(lang, state),
    }
}

/// What a stage waits for, or what ended it. Of a yes that can still be taken back, when it is done, and `how` that is prevented.
#[must_use]
pub fn stage_detail(lang: Lang, stage: &StageView, now: Timestamp, how: Option<&str>) -> String {
    let Some(undo) = &stage.undo else { return sentence(lang, &stage.detail) };
    let left = span(lang, undo.until.since(now));
    let told = match lang {
        Lang::En => format!("it is done in {left} {}", Approval::UNLESS),
        Lang::Zh => format!("若不撤回，{left} 后执行"),
    };
    how.map_or_else(|| told.clone(), |how| in_brackets(lang, &told, how))
}

/// The supervisor's answer to a command; where it tells that what was approved can still be taken back, with how that is done.
#[must_use]
pub fn answer_with_undo(lang: Lang, text: &str, how: &str) -> String {
    let told = message(lang, text);
    if text.ends_with(Approval::UNLESS) { in_brackets(lang, &told, how) } else { told }
}

/// The same for a remark that stands beside a row which counts down: it does not change, so it does not say how long that is.
#[must_use]
pub fn answer_beside_countdown(lang: Lang, text: &str, how: &str) -> String {
    let counts = text.starts_with("approved; it is done in ") && text.ends_with(Approval::UNLESS);
    answer_with_undo(lang, if counts { "approved; it is done unless it is taken back" } else { text }, how)
}

fn in_brackets(lang: Lang, told: &str, how: &str) -> String {
    match lang {
        Lang::En => format!("{told} ({how})"),
        Lang::Zh => format!("{told}（{how}）"),
    }
}

/// What a stage does about which a question is open that its state does not tell.
#[must_use]
pub const fn asks_you(lang: Lang) -> &'static str {
    lang.pick("asks you", "等您回答")
}

/// Which attempt a stage is at, of how many, and who allowed more of them than its policy does.
#[must_use]
pub fn stage_attempt(lang: Lang, stage: &StageView) -> Option<String> {
    let told = stage.told_attempt()?;
    let Some((more, who)) = &stage.more else { return Some(told) };
    let who = clean(who);
    Some(match lang {
        Lang::En => format!("{told}, {more} more allowed by {who}"),
        Lang::Zh => format!("{told}，{who} 另准 {more} 次"),
    })
}

/// The state of a stage in a run that is over.
#[must_use]
pub const fn stage_ended(lang: Lang, state: StageState) -> &'static str {
    match state {
        StageState::Waiting => not_reached(lang),
        state => stage_state(lang, state),
    }
}

const fn not_reached(lang: Lang) -> &'static str {
    lang.pick(StageView::NOT_REACHED, "未执行到")
}

/// A run's state; `None` before its first run.
#[must_use]
pub const fn run_state(lang: Lang, state: Option<RunState>) -> &'static str {
    match state {
        None => lang.pick("not run yet", "尚未运行"),
        Some(RunState::Open) => lang.pick("open", "进行中"),
        Some(RunState::Succeeded) => lang.pick("done", "完成"),
        Some(RunState::Failed) => lang.pick("failed", "失败"),
        Some(RunState::Cancelled) => lang.pick("cancelled", "已取消"),
        Some(RunState::Rejected) => lang.pick("rejected", "已拒绝"),
        Some(RunState::Expired) => lang.pick("not decided in time", "逾期未决"),
    }
}

/// A pane's state.
#[must_use]
pub const fn pane_state(lang: Lang, state: PaneState) -> &'static str {
    match state {
        PaneState::NeedsApproval => lang.pick("needs you", "需要您"),
        PaneState::Failed => lang.pick("failed", "失败"),
        PaneState::Retrying => lang.pick("retrying", "重试中"),
        PaneState::Running => lang.pick("running", "运行中"),
        PaneState::Done => lang.pick("done", "完成"),
        PaneState::Idle => lang.pick("idle", "空闲"),
        PaneState::Stale => lang.pick("stale", "失联"),
        PaneState::Dead => lang.pick("dead", "已结束"),
    }
}

/// What a pane is doing. A command that stands at a prompt of its own waits for whoever is at the pane, and asks nobody.
#[must_use]
pub fn pane_doing(lang: Lang, pane: &PaneView) -> &'static str {
    if pane.state == PaneState::Running && pane.reader.is_at_line_prompt() {
        return lang.pick("waits for a line", "等待输入一行");
    }
    pane_state(lang, pane.state)
}

/// A host's state.
#[must_use]
pub const fn host_state(lang: Lang, state: HostState) -> &'static str {
    match state {
        HostState::Connecting => lang.pick("connecting", "连接中"),
        HostState::Live => lang.pick("live", "在线"),
        HostState::Polling => lang.pick("polling", "轮询"),
        HostState::Watching => lang.pick("watched only", "仅观察"),
        HostState::Same => lang.pick("same server", "同一服务器"),
        HostState::NoServer => lang.pick("no tmux server", "无 tmux 服务"),
        HostState::Unreachable => lang.pick("unreachable", "无法连接"),
    }
}

/// The supervisor that types into a server.
#[must_use]
pub fn owner_name(lang: Lang, owner: &Owner) -> String {
    let named = |text: &str| if text.is_empty() { "?".to_owned() } else { clean(text) };
    let (user, machine, pid) = (named(&owner.user), named(&owner.machine), owner.pid);
    match lang {
        Lang::En => owner.named(clean),
        Lang::Zh => format!("{machine} 上 {user} 的 tmuxagent（进程 {pid}）"),
    }
}

/// What the state of a host means where another supervisor, or this one under another name, types there.
#[must_use]
pub fn host_owner(lang: Lang, state: HostState, owner: &Owner) -> String {
    if state == HostState::Same {
        let name = clean(owner.host.as_str());
        return match lang {
            Lang::En => format!("it is the same server as `{name}`, under which it is watched"),
            Lang::Zh => format!("与 `{name}` 是同一个服务器，已在该名称下观察"),
        };
    }
    let who = owner_name(lang, owner);
    if owner.gone.is_some() {
        return match lang {
            Lang::En => format!("{who} is gone; this one takes over"),
            Lang::Zh => format!("{who} 已不在；由本进程接手"),
        };
    }
    match (lang, owner.asks.len()) {
        (Lang::En, 0) => format!("{who} types there and asks; this one takes over when that one is gone"),
        (Lang::Zh, 0) => format!("由 {who} 负责输入和提问；它结束后由本进程接手"),
        (Lang::En, open) => {
            format!("{who} types there and has {open} open; this one takes over when that one is gone")
        }
        (Lang::Zh, open) => format!("由 {who} 负责输入和提问，有 {open} 项待定；它结束后由本进程接手"),
    }
}

/// An approval's state.
#[must_use]
pub const fn approval_state(lang: Lang, state: ApprovalState) -> &'static str {
    match state {
        ApprovalState::Pending => lang.pick("open", "待定"),
        ApprovalState::Approved => lang.pick("approved", "已批准"),
        ApprovalState::Rejected => lang.pick("rejected", "已拒绝"),
        ApprovalState::Expired => lang.pick("expired", "已过期"),
        ApprovalState::Superseded => lang.pick("no longer needed", "已失效"),
    }
}

/// Why a human is asked.
#[must_use]
pub const fn approval_kind(lang: Lang, kind: &ApprovalKind) -> &'static str {
    use tmuxagent_model::OnApprove;
    match kind {
        ApprovalKind::Gate => lang.pick("gate", "关卡"),
        ApprovalKind::Failed { on_approve: OnApprove::Rerun } => {
            lang.pick("failed: yes runs it again", "失败：批准则重跑")
        }
        ApprovalKind::Failed { on_approve: OnApprove::Continue } => {
            lang.pick("failed: yes counts it as done", "失败：批准则视为完成")
        }
        ApprovalKind::Failed { on_approve: OnApprove::Skip } => lang.pick("failed: yes skips it", "失败：批准则跳过"),
        ApprovalKind::Settle { untouched: true, .. } => lang.pick("not done", "未执行"),
        ApprovalKind::Settle { .. } => lang.pick("outcome unknown", "结果未知"),
        ApprovalKind::Gap => lang.pick("lines may be missing", "可能漏读输出"),
        ApprovalKind::Unclear => lang.pick("ended without a verdict", "已结束但结果不明"),
        ApprovalKind::Overdue => lang.pick("its time is over", "已超时"),
        ApprovalKind::Asks => lang.pick("its command asks", "命令在提问"),
        ApprovalKind::Agent | ApprovalKind::Dialog { .. } => lang.pick("an agent asks", "智能体提问"),
    }
}

/// Through what a decision came, in words.
#[must_use]
pub const fn via(lang: Lang, via: Via) -> &'static str {
    match via {
        Via::Key => lang.pick("key", "按键"),
        Via::Popup => lang.pick("popup", "弹窗"),
        Via::Cli => lang.pick("command line", "命令行"),
        Via::File => lang.pick("file", "文件"),
        Via::Link => lang.pick("link", "链接"),
        Via::Panel => lang.pick("panel", "面板"),
        Via::Chat => lang.pick("chat", "聊天"),
        Via::Hook => lang.pick("hook", "钩子"),
        Via::Rule => lang.pick("rule of the policy", "策略规则"),
        Via::Lease => lang.pick("lease", "限时授权"),
        Via::Mcp => lang.pick("an agent's tool", "智能体的工具"),
    }
}

/// A type of the agents' protocol.
#[must_use]
pub const fn message_type(lang: Lang, kind: MessageType) -> &'static str {
    match kind {
        MessageType::Status => lang.pick("status", "状态"),
        MessageType::Ask => lang.pick("question", "提问"),
        MessageType::Error => lang.pick("error", "错误"),
        MessageType::Action => lang.pick("action", "动作"),
        MessageType::Log => lang.pick("log", "日志"),
    }
}

/// Why keys were not typed.
#[must_use]
pub fn skip_reason(lang: Lang, reason: &SkipReason) -> String {
    let fixed = match reason {
        SkipReason::OtherServer => lang.pick("its tmux server is gone", "它的 tmux 服务器已不在"),
        SkipReason::OtherSupervisor => lang.pick("another tmuxagent types there", "那里由另一个 tmuxagent 负责输入"),
        SkipReason::OtherProcess => lang.pick("the pane is gone or runs another process", "窗格已关闭或已换成别的进程"),
        SkipReason::Dead => lang.pick("the pane's process has ended", "窗格里的进程已结束"),
        SkipReason::InMode => lang.pick("the pane is in copy mode", "窗格处于复制模式"),
        SkipReason::InputOff => lang.pick("the pane's input is switched off", "窗格输入已关闭"),
        SkipReason::Synchronized => {
            lang.pick("synchronize-panes would type into other panes too", "同步输入会同时打进其他窗格")
        }
        SkipReason::OtherCommand(command) => {
            let command = clean(command);
            return match lang {
                Lang::En => format!("`{command}` is in the foreground"),
                Lang::Zh => format!("前台程序是 {command}"),
            };
        }
        SkipReason::Question => {
            lang.pick("the program asks something, which Enter would answer", "程序正在提问，回车会变成对它的回答")
        }
        SkipReason::ScreenChanged => lang.pick("the expected text is not on the screen", "屏幕上没有预期的文字"),
        SkipReason::Begun => lang.pick("what was typed before may have begun by now", "之前输入的命令可能已经开始执行"),
        SkipReason::Reader(reader) => return super::reader_sentence(lang, reader),
        SkipReason::OtherShell(shell) => {
            let shell = clean(shell);
            return match lang {
                Lang::En => {
                    format!("`{shell}` reads the keys, and the text was quoted for another shell; it is quoted anew")
                }
                Lang::Zh => format!("读取按键的是 {shell}，而文字是按另一种 shell 加的引号；将重新加引号"),
            };
        }
        SkipReason::Asker(reader) => {
            let reader = super::reader_sentence(lang, reader);
            return match lang {
                Lang::En => format!("the program that asked does not wait any more: {reader}"),
                Lang::Zh => format!("提问的程序已不在等待：{reader}"),
            };
        }
        SkipReason::Withdrawn => lang.pick("overtaken: its stage or approval has ended", "所属阶段或审批已结束"),
        SkipReason::Unreachable(why) => {
            let why = clean(&message(lang, why));
            return match lang {
                Lang::En => format!("unreachable: {why}"),
                Lang::Zh => format!("无法送达：{why}"),
            };
        }
    };
    fixed.to_owned()
}
