//! The sentences of the machine in the reader's language.
//!
//! The engine, the collectors and the supervisor say what they do in English, once, and it is stored so: the journal and
//! replays need one wording, and two people who look at one supervisor may read two languages. What a view shows goes
//! through [`sentence`]. What the table does not know is words of a pane or of the policy's author, and stays as it is.

use super::Lang;
use super::catalogue::message;
use super::run_sentences::OF_RUNS;
use super::time::{TIMED, chinese_span};
use tmuxagent_model::{Approval, ApprovalKind};

/// What the machine says of a run, a stage or a question, in a language. Never for what is typed, nor for a pane's lines: those
/// stay verbatim. Refusals and answers to wishes come from any part of the program: `message` is for those.
#[must_use]
pub fn sentence(lang: Lang, text: &str) -> String {
    match lang {
        Lang::En => text.to_owned(),
        Lang::Zh => chinese(text, DEPTH),
    }
}

/// What an approval asks, in a language. An agent's own words stay as they are: what a person decides on is what was said.
#[must_use]
pub fn question(lang: Lang, approval: &Approval) -> String {
    match approval.kind {
        ApprovalKind::Agent => approval.question.clone(),
        ApprovalKind::Gate
        | ApprovalKind::Failed { .. }
        | ApprovalKind::Settle { .. }
        | ApprovalKind::Dialog { .. }
        | ApprovalKind::Asks
        | ApprovalKind::Gap
        | ApprovalKind::Unclear
        | ApprovalKind::Overdue => sentence(lang, &approval.question),
    }
}

/// What an effect does that types nothing, or more than keys, in a language; anything else is a command and stays verbatim.
#[must_use]
pub fn effect_sentence(lang: Lang, text: &str) -> String {
    let ours = ["nothing is typed", "C-c is pressed in the pane; "];
    if ours.iter().any(|form| text.starts_with(form)) { sentence(lang, text) } else { text.to_owned() }
}

/// How deep sentences stand in one another: `failed: run npm test: exit code 1`.
const DEPTH: u8 = 4;

fn chinese(text: &str, depth: u8) -> String {
    let Some(deeper) = depth.checked_sub(1) else { return text.to_owned() };
    for (en, zh) in OF_RUNS.iter().chain(SENTENCES) {
        if let Some(holes) = holes(en, text) {
            let reason = if REASONS.contains(en) { holes.last().copied() } else { None };
            return fill(zh, &holes, &|hole| match chinese_span(hole).filter(|_| TIMED.contains(en)) {
                Some(span) => span,
                None if reason == Some(hole) => message(Lang::Zh, hole),
                None => chinese(hole, deeper),
            });
        }
    }
    text.to_owned()
}

/// Forms of which the last hole is a reason in words of any part of the program: of who reads a pane, of a host, of a
/// service. It is never a line of a pane, so the whole catalogue knows it.
const REASONS: &[&str] = &[
    "the input `{}` can't be `{}`: {}",
    "Stage {} is {}, and its command was not told to stop: {}. Give it up?",
    "was not typed: the program that asked does not wait any more; {}",
    "was not typed: {}",
    "was not done: {}",
    "may have been done or not: {}",
    "actions_on_start: {}",
];

/// A template with its holes `{0}`, `{1}`, … filled. What stands in quotes, backticks or braces is a name and stays.
pub(super) fn fill(template: &str, holes: &[&str], words: &dyn Fn(&str) -> String) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        let (before, hole) = rest.split_at(at);
        out.push_str(before);
        let number =
            hole.get(1..2).filter(|_| hole.get(2..3) == Some("}")).and_then(|digit| digit.parse::<usize>().ok());
        match number {
            Some(number) => {
                let hole = holes.get(number).copied().unwrap_or("");
                if out.ends_with(['`', '\'', '{', '「']) {
                    out.push_str(hole)
                } else {
                    out.push_str(&words(hole))
                }
                rest = &rest[at + 3..];
            }
            None => {
                out.push('{');
                rest = &rest[at + 1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// What stands in the holes of a template, where a text has its form. A hole is never empty.
pub(super) fn holes<'t>(template: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let mut pieces = template.split("{}");
    let mut rest = text.strip_prefix(pieces.next()?)?;
    let mut found = Vec::new();
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        let at = match (piece, pieces.peek()) {
            ("", None) => rest.len(),
            (piece, None) => rest.strip_suffix(piece)?.len(),
            (piece, Some(_)) => rest.find(piece)?,
        };
        if at == 0 {
            return None;
        }
        found.push(&rest[..at]);
        rest = &rest[at + piece.len()..];
    }
    rest.is_empty().then_some(found)
}

/// The machine's sentences, special ones before general ones. `{}` is a hole; `{0}` names the first one.
pub(super) const SENTENCES: &[(&str, &str)] = &[
    // Questions.
    ("Start stage {} of {}?", "启动 {1} 的阶段 {0}？"),
    ("The command of stage {} waits for an answer: {}", "阶段 {0} 的命令在等待回答：{1}"),
    ("The command of stage {} waits for somebody; answer it in its pane", "阶段 {0} 的命令在等人；请在其窗格里回答"),
    ("a plain yes answers nothing here; say what is answered", "单纯的“是”在这里不是回答；请说明回答什么"),
    (
        "a no has nothing to type here; say what is answered, or end the stage",
        "“拒绝”在这里没有可输入的内容；请说明回答什么，或结束该阶段",
    ),
    (
        "The command of stage {} ended with exit code {}, and output was lost while it ran. Has it succeeded?",
        "阶段 {0} 的命令以退出码 {1} 结束，而运行期间丢失了输出。它成功了吗？",
    ),
    ("{} wants to run `{}`", "{0} 要运行 `{1}`"),
    ("{} wants to change `{}`", "{0} 要改动 `{1}`"),
    ("{} asks whether `{}` is trusted", "{0} 询问是否信任 `{1}`"),
    ("`{}` is not offered; choose one of: {}", "没有选项 `{0}`；请选择：{1}"),
    ("a plain yes or no does not tell which answer; choose one of: {}", "单纯的“是”或“否”看不出选哪一项；请选择：{0}"),
    (
        "`{}` is no refusal; approve with it, or reject with another answer",
        "`{0}` 不是拒绝；请用它来批准，或用另一个选项拒绝",
    ),
    ("Stage {} failed ({}). Run it again?", "阶段 {0} 失败（{1}）。重新运行？"),
    ("Stage {} failed ({}). Count it as done and go on?", "阶段 {0} 失败（{1}）。视为完成并继续？"),
    ("Stage {} failed ({}). Leave it out and go on?", "阶段 {0} 失败（{1}）。跳过并继续？"),
    (
        "Output of the pane was lost while stage {} ran; it may have missed its line. Has it succeeded?",
        "阶段 {0} 运行时窗格的部分输出丢失，可能漏读了关键行。它成功了吗？",
    ),
    (
        "The command of stage {} ended with exit code {}, and nothing that it printed says how it went. Has it succeeded?",
        "阶段 {0} 的命令已结束，退出码 {1}，但它的输出没有说明结果如何。它成功了吗？",
    ),
    (
        "The command of stage {} ended, and nothing that it printed says how it went. Has it succeeded?",
        "阶段 {0} 的命令已结束，但它的输出没有说明结果如何。它成功了吗？",
    ),
    ("Stage {} is {}, and its command still runs. Stop it?", "阶段 {0} {1}，它的命令仍在运行。停止它吗？"),
    (
        "Stage {} is {}, and its command was not told to stop: {}. Give it up?",
        "阶段 {0} {1}，没有让它的命令停止：{2}。放弃它吗？",
    ),
    (
        "Stage {} is {}; its command was told to stop and still runs. Try again?",
        "阶段 {0} {1}；已要求它的命令停止，但仍在运行。再试一次？",
    ),
    ("Stage {} is {}. Give it up?", "阶段 {0} {1}。放弃它吗？"),
    (
        "C-c is pressed in the pane; a command that goes on is sent SIGTERM",
        "在窗格里按下 C-c；命令若仍继续，则向它发送 SIGTERM",
    ),
    ("nothing is typed; the attempt counts as failed", "不输入任何内容；这次尝试视为失败"),
    ("`{}` {}. Try again?", "`{0}` {1}。再试一次？"),
    ("nothing is typed; the stage counts as succeeded", "不输入任何内容；该阶段视为成功"),
    ("nothing is typed; the stage is left out", "不输入任何内容；跳过该阶段"),
    ("was not typed: its tmux server is gone", "未输入：它的 tmux 服务器已不在"),
    ("was not typed: another tmuxagent types there", "未输入：那里由另一个 tmuxagent 负责输入"),
    ("was not typed: another process runs in the pane", "未输入：窗格里已换成别的进程"),
    ("was not typed: the pane's process ended", "未输入：窗格里的进程已结束"),
    ("was not typed: the pane is in copy mode", "未输入：窗格处于复制模式"),
    ("was not typed: the pane's input is off", "未输入：窗格输入已关闭"),
    ("was not typed: synchronize-panes would type it into other panes too", "未输入：同步输入会同时打进其他窗格"),
    ("was not typed: {} is in the foreground", "未输入：前台程序是 {0}"),
    ("was not typed in {}: {} is in the foreground", "在 {0} 内未输入：前台程序是 {1}"),
    ("was not typed: the expected text is not on the screen", "未输入：屏幕上没有预期的文字"),
    (
        "was not typed: the program asks something, which Enter would answer",
        "未输入：程序正在提问，回车会变成对它的回答",
    ),
    (
        "was not typed: `{}` reads the keys, and the text was quoted for another shell",
        "未输入：读取按键的是 `{0}`，而文字是按另一种 shell 加的引号",
    ),
    ("was not typed: the program that asked does not wait any more; {}", "未输入：提问的程序已不在等待；{0}"),
    ("was not typed: {}", "未输入：{0}"),
    ("was taken back", "已撤回"),
    ("was not done: {}", "未执行：{0}"),
    ("may have been done or not: {}", "可能已执行，也可能没有：{0}"),
    // Why a stage is in its state.
    ("waits for a human", "等待人工处理"),
    ("waits for its lock", "等待它的锁"),
    ("waits for lock {}, held by stage {} of run {}", "等待锁 {0}，由运行 {2} 的阶段 {1} 持有"),
    ("waits for its command to end", "等待命令结束"),
    ("waits for you: {}", "等待您：{0}"),
    ("waits for {}", "等待 {0}"),
    ("not reached", "未执行到"),
    ("held by the freeze: {}", "因冻结暂缓：{0}"),
    ("failed: {}", "失败：{0}"),
    ("the end of the freeze", "解冻"),
    ("the end of its command", "命令结束"),
    ("the end of stage {}", "阶段 {0} 结束"),
    ("the outcome of {}", "{0} 的结果"),
    ("a decision on {}", "对 {0} 的决定"),
    ("its cool-down, another {}", "冷却时间，还有 {0}"),
    ("cool-down for another {}", "冷却中，还有 {0}"),
    ("the pause before the next attempt, in {}", "下次尝试前的间隔，还有 {0}"),
    ("its time limit, in {}", "时限，还有 {0}"),
    ("silent for {}", "已静默 {0}"),
    ("next at {}", "下一次：{0}"),
    ("start it by hand", "需手动启动"),
    ("it is gone", "已消失"),
    ("it is {}", "当前：{0}"),
    ("no answer yet", "尚无回答"),
    ("not yet: {}", "尚未：{0}"),
    ("yes: {}", "是：{0}"),
    ("it can't become so any more: {}", "已不可能成立：{0}"),
    ("asking failed {} times: {}", "查询失败 {0} 次：{1}"),
    ("not so by its deadline; last: {}", "到期仍未成立；最近：{0}"),
    ("no run has been created yet", "尚未创建运行"),
    ("exit_code other than 0", "exit_code 非 0"),
    ("exit code {}", "退出码 {0}"),
    ("not done after {}", "{0} 后仍未完成"),
    ("its keys were not typed, or not taken, in {}", "它的按键在 {0} 内没有输入或未被接收"),
    ("killed (time limit or signal)", "被终止（时限或信号）"),
    ("nobody decided in time", "无人及时决定"),
    ("interrupted: {}", "被中断：{0}"),
    ("its command was stopped by C-c", "它的命令被 C-c 停止"),
    ("its command was suspended by C-z", "它的命令被 C-z 挂起"),
    (
        "stage {} has seen its success ({}), which counts when its command has ended",
        "阶段 {0} 已出现成功标志（{1}），命令结束时才算数",
    ),
    ("stage {} has seen its failure ({}); its command still runs", "阶段 {0} 已出现失败标志（{1}）；它的命令仍在运行"),
    ("stage {} is cancelled; its command is told to stop", "阶段 {0} 已取消；正要求它的命令停止"),
    (
        "stage {} is cancelled; its command was told to stop and still runs",
        "阶段 {0} 已取消；已要求它的命令停止，但仍在运行",
    ),
    ("stage {} is cancelled, and its command was not told to stop: {}", "阶段 {0} 已取消，但没有要求它的命令停止：{1}"),
    ("run {} is cancelled; its commands are told to stop", "运行 {0} 已取消；正要求它的命令停止"),
    ("its actions are skipped", "它的动作都已跳过"),
    ("stage {} is over its time; its command is told to stop", "阶段 {0} 已超时；正要求它的命令停止"),
    (
        "{}: no pane of the window has a shell in front; it begins in this one, and its commands run beside an agent",
        "{0}：此窗口里没有前台是 shell 的窗格；它在本窗格开始，命令在智能体之外运行",
    ),
    (
        "{}: run {} is through: stage {} failed, and {} made up for it",
        "{0}：运行 {1} 已完成：阶段 {2} 失败，{3} 已补救",
    ),
    ("{}: stage {} is not started", "{0}：阶段 {1} 未开始"),
    ("is the prompt back", "提示符是否已返回"),
    ("SIGTERM to the command in front", "向前台命令发送 SIGTERM"),
    ("not approved in time", "未及时获批"),
    ("stage {} is not started", "阶段 {0} 未开始"),
    ("{} when seen", "{0}（出现即算数）"),
    ("its process ended", "进程已结束"),
    ("nobody watches it any more", "不再受到监视"),
    ("the pane is gone", "窗格已消失"),
    ("the pane's process ended", "窗格里的进程已结束"),
    ("it no longer has this pipeline", "策略里已没有这条流水线"),
    ("it no longer has this stage", "策略里已没有这个阶段"),
    ("its keys were given up", "它的按键已放弃"),
    ("by hand: {} via {}", "手动：{0}（{1}）"),
    ("by hand", "手动"),
    ("approved: by {} via {}", "已批准：{0}（{1}）"),
    ("rejected: by {} via {}", "已拒绝：{0}（{1}）"),
    ("by stage {}", "由阶段 {0} 触发"),
    ("by {} via {}", "{0}（{1}）"),
    ("timeout: {}", "超时：{0}"),
    ("timeout", "超时"),
    ("expiry: {}", "过期：{0}"),
    ("expiry", "过期"),
    ("pane: {}", "窗格：{0}"),
    ("policy: {}", "策略：{0}"),
    ("taken back: {}", "撤回：{0}"),
    ("actions_on_start: done", "actions_on_start：完成"),
    ("actions_on_start: {}", "actions_on_start：{0}"),
    // Agents.
    (
        "Stage {} waits for its agent to be done, and {}. Has it succeeded?",
        "阶段 {0} 在等它的智能体做完，但{1}。它成功了吗？",
    ),
    ("a person has stopped it", "有人中止了它"),
    ("it was not seen to work since", "之后没有看到它工作"),
    ("it came to rest without a sign that it finished", "它停了下来，但没有迹象表明已完成"),
    ("no agent is known in its pane", "其窗格里没有已知的智能体"),
    ("it has exited", "它已经退出"),
    ("agent: {} has exited", "智能体：{0} 已退出"),
    ("{} has exited", "{0} 已退出"),
    ("no agent is known in the pane", "窗格里没有已知的智能体"),
    ("what {} does is not certain", "{0} 在做什么尚不确定"),
    ("{}: {} (seen by {})", "{0}：{1}（依据 {2}）"),
    ("{}: {} (seen by {}) since {}", "{0}：{1}（依据 {2}），自 {3} 起"),
    ("{}: {} (seen by {}) since {}, before the stage typed", "{0}：{1}（依据 {2}），自 {3} 起，早于该阶段的输入"),
    ("its time limit stands still while its agent asks, with {} left", "智能体在提问，时限暂停计时，还剩 {0}"),
    // What did not count.
    ("the line ended the run", "这一行结束了运行"),
    ("the line ended a later stage of this run", "这一行结束了本次运行的后续阶段"),
    ("stage {} of run {} was {}", "运行 {1} 的阶段 {0} 当时{2}"),
    ("the stage was {}; only output while it runs counts", "阶段当时{0}；只有运行期间的输出才算"),
    ("it speaks of stage {}, not of {}", "它说的是阶段 {0}，不是 {1}"),
    ("it names no stage; {} is expected", "它没有写阶段；应为 {0}"),
    ("its ok is {}, {} is expected", "它的 ok 是 {0}，应为 {1}"),
    ("it has no ok; {} is expected", "它没有 ok；应为 {0}"),
    ("waiting for approval", "等待审批"),
    ("waiting for its lock", "等待锁"),
    ("about to be tried again", "即将重试"),
    ("asking what to do", "正在询问如何处理"),
    ("left out", "已跳过"),
    ("waiting", "等待"),
    ("starting", "启动中"),
    ("running", "运行中"),
    ("done", "完成"),
    ("failed", "失败"),
    ("escalated", "已上报"),
    ("cancelled", "已取消"),
    ("key", "按键"),
    ("popup", "弹窗"),
    ("command line", "命令行"),
    ("file", "文件"),
    ("link", "链接"),
    ("chat", "聊天"),
    ("hook", "钩子"),
    // Answers.
    ("approved", "已批准"),
    ("rejected", "已拒绝"),
    ("approved; it is done in {} unless it is taken back", "已批准；若不撤回，{0} 后执行"),
    ("taken back; nothing is done", "已撤回，不执行任何操作"),
    ("already {} by {} at {} via {}", "由 {1} 于 {2} {0}（{3}）"),
    (
        "already superseded: what it asked about is over, gone or not watched any more, at {}",
        "已失效：所问之事已结束、不存在或不再受到监视（{0}）",
    ),
    ("already {}, at {}", "已{0}（{1}）"),
    (
        "what {} asks has changed since you saw it (revision {}, now {}); look at it again",
        "{0} 的内容已变化（您看到的是第 {1} 版，现在是第 {2} 版），请重新查看",
    ),
    ("{} has changed since you saw it; look at it again", "{0} 已变化，请重新查看"),
    ("stage {} of {} is {}, run {}", "{1} 的阶段 {0}：{2}，运行 {3}"),
    ("stage {} of run {} is {}", "运行 {1} 的阶段 {0}：{2}"),
    ("stage {} of run {} is left out", "已跳过运行 {1} 的阶段 {0}"),
    ("run {} is cancelled", "已取消运行 {0}"),
    ("nothing is sent until you unfreeze", "解冻之前不发送任何内容"),
    ("it is not frozen", "并未冻结"),
    ("sending goes on; {} held back until now", "恢复发送；此前暂缓 {0} 项"),
    ("{} is given up", "已放弃 {0}"),
    ("already frozen by {} since {}", "已被 {0} 冻结，自 {1}"),
    ("there is nothing to type", "没有可输入的内容"),
    ("there is no run {}", "没有运行 {0}"),
    ("there is no approval {}", "没有审批 {0}"),
    ("there is no pane {}", "没有窗格 {0}"),
    ("the policy has no pipeline `{}`", "策略里没有流水线 `{0}`"),
    (
        "pipeline `{}` does not apply to {}: its `match` does not hold there",
        "流水线 `{0}` 不适用于 {1}：那里不满足它的 `match`",
    ),
    ("pipeline `{}` has no stage `{}`", "流水线 `{0}` 没有阶段 `{1}`"),
    ("run {} has no stage `{}`", "运行 {0} 没有阶段 `{1}`"),
    ("run {} has ended already", "运行 {0} 已经结束"),
    ("run {} of {} is open on that pane", "该窗格上 {1} 的运行 {0} 尚未结束"),
    ("stage {} of run {} is under way", "运行 {1} 的阶段 {0} 正在进行"),
    ("another stage of run {} is under way", "运行 {0} 的另一阶段正在进行"),
    ("stage {} has not run yet; start it instead", "阶段 {0} 尚未运行，请改为启动它"),
    ("stage {} asks you; answer it, or cancel the run first", "阶段 {0} 在等您回答；请先回答，或取消运行"),
    ("stage {} is {}; cancel the run first", "阶段 {0} {1}；请先取消运行"),
    ("stage {} is {}; there is nothing to leave out", "阶段 {0} {1}；没有可跳过的内容"),
    ("the process of {} has ended", "{0} 的进程已结束"),
    ("the pane of run {} is gone", "运行 {0} 的窗格已消失"),
    ("{} pipelines loaded", "已加载 {0} 条流水线"),
    ("not done yet: {}", "尚未完成：{0}"),
    ("{}; nothing is sent until the state can be saved", "{0}；状态能保存之前不发送任何内容"),
    ("held in {}: {}", "已暂缓，位于 {0}：{1}"),
    ("to be typed in {}: {}", "将输入到 {0}：{1}"),
    ("nothing is held under {}", "没有以 {0} 暂缓的内容"),
    ("the policy no longer has this stage", "策略里已没有这个阶段"),
    ("the policy no longer has this action", "策略里已没有这个动作"),
    ("the pipeline has no such stage", "流水线没有这个阶段"),
    ("`{}` is no answer to {}; it takes a plain yes or no", "`{0}` 不是 {1} 的答案；它只接受是或否"),
    ("`{}` is no answer to {}; choose one of: {}", "`{0}` 不是 {1} 的答案；请从中选择：{2}"),
    (
        "{} can't report a command's exit code; use send_keys instead of run",
        "{0} 不能报告命令的退出码；请用 send_keys 代替 run",
    ),
    // Alerts and events.
    ("{}: stage {} failed", "{0}：阶段 {1} 失败"),
    ("{}: {}: stage {} is escalated", "{0}：{1}：阶段 {2} 已上报"),
    ("{}: run {} is through", "{0}：运行 {1} 已完成"),
    ("{} waits for you: {}", "{0} 等待您：{1}"),
    ("{} reports an error", "{0} 报告了错误"),
    ("approval {} is overdue and stays open", "审批 {0} 已超期，仍待处理"),
    ("{}: it may have happened or not: {}", "{0}：可能已发生，也可能没有：{1}"),
    ("stage {}: an action is left out: {}", "阶段 {0}：略去一个动作：{1}"),
    ("{}: the schedule of stage {} is {} late and left out", "{0}：阶段 {1} 的定时晚了 {2}，已略去"),
    ("{}: there is no pipeline {}", "{0}：没有流水线 {1}"),
    ("{} is done", "{0} 已完成"),
    ("{}: its poll is not asked: {}", "{0}：没有进行轮询：{1}"),
    ("{}: pipelines start each other without end; {} is not started", "{0}：流水线无休止地互相启动；没有启动 {1}"),
    ("{} was a secret, which is not kept when the supervisor ends", "{0} 是机密，监督进程结束后不保留"),
    (
        "{} has a value from before the policy was changed, which no pattern of it takes",
        "{0} 的值来自策略修改之前，策略里没有模式会取出它",
    ),
    ("as the replay assumes", "按重放的假设"),
    ("there is no open question of that name ({})", "没有这个名字的待定问题（{0}）"),
    ("{} has no value in this run", "{0} 在本次运行中没有值"),
    ("a decision by file for {} was not taken: {}", "未接受文件对 {0} 的决定：{1}"),
    ("the approval file {} is refused: {}", "审批文件 {0} 被拒绝：{1}"),
    ("there is no open question of that name", "没有这个名字的待定问题"),
    ("its screen was closed", "它的界面已关闭"),
    // Hosts.
    ("retries in {}", "{0} 后重试"),
    ("looking for tmux", "正在查找 tmux"),
    ("no tmux server runs there; it is looked for again", "那里没有运行 tmux 服务；会继续查找"),
    (
        "tmux before 3.2 tells less by itself: changes among the panes are looked for every two seconds",
        "3.2 之前的 tmux 通知较少：每两秒检查一次窗格变化",
    ),
    (
        "tmux 3.7 or later is advised: earlier versions can crash when a client attaches",
        "建议使用 tmux 3.7 或更高版本：旧版本在客户端连接时可能崩溃",
    ),
    (
        "tmux before 3.8 can crash when a pane there is respawned while it prints; on another machine that can't be avoided",
        "3.8 之前的 tmux 在重启正在输出的窗格（respawn-pane）时可能崩溃；在其他机器上无法避免",
    ),
    (
        "{} has a pipe that is not ours, so its screen is read now and then",
        "{0} 的管道不属于本程序，因此每隔一会儿读取它的屏幕",
    ),
    (
        "{} and {} more have pipes that are not ours, so their screens are read now and then",
        "{0} 等（另有 {1} 个）窗格的管道不属于本程序，因此每隔一会儿读取它们的屏幕",
    ),
    ("the connection was lost; it is made again", "连接已断开，正在重连"),
    (
        "sessions keep changing; tmux before 3.7 is attached to in a quiet moment only, panes are polled until then",
        "会话不断变化；3.7 之前的 tmux 只在安静时连接，此前轮询窗格",
    ),
    ("control mode failed there; panes are polled, and can't be typed into", "控制模式失败；改为轮询窗格，不能输入"),
    (
        "tmux {} there is older than 3.0; panes are polled, and can't be typed into",
        "那里的 tmux {0} 早于 3.0；只能轮询窗格，不能输入",
    ),
    ("the tmux server ended before it answered", "tmux 服务在回答之前已结束"),
    // General forms last.
    ("shell: {}; {}", "shell: {0}；{1}"),
    ("run {}: exit code {}", "run {0}：退出码 {1}"),
    ("{}: exit code {}; {}", "{0}：退出码 {1}；{2}"),
    ("{}: exit code {}", "{0}：退出码 {1}"),
    ("{}: silent for {}", "{0}：已静默 {1}"),
    ("{} via {}", "{0}（{1}）"),
    ("does {}", "执行 {0}"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_stand_in_one_another_and_words_of_others_stay() {
        for (en, zh) in [
            ("waits for log_regex /passed/", "等待 log_regex /passed/"),
            ("failed: run npm test: exit code 1", "失败：run npm test：退出码 1"),
            (
                "Stage lint failed (timeout: not done after 30m). Run it again?",
                "阶段 lint 失败（超时：30m 后仍未完成）。重新运行？",
            ),
            ("Start stage build of storyapp-ci?", "启动 storyapp-ci 的阶段 build？"),
            ("by hand: wu via command line", "手动：wu（命令行）"),
            ("Deploy the shop now?", "Deploy the shop now?"),
            ("waits for ", "waits for "),
        ] {
            assert_eq!(sentence(Lang::Zh, en), zh);
            assert_eq!(sentence(Lang::En, en), en);
        }
        assert_eq!(effect_sentence(Lang::Zh, "shell: echo: exit code 3"), "shell: echo: exit code 3");
        let stops = "C-c is pressed in the pane; a command that goes on is sent SIGTERM";
        assert_eq!(effect_sentence(Lang::Zh, stops), "在窗格里按下 C-c；命令若仍继续，则向它发送 SIGTERM");
    }
}
