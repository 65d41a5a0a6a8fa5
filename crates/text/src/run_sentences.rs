//! Sentences of the machine about the panes, loops, inputs and ends of runs. They are looked for before the general ones.

pub(super) const OF_RUNS: &[(&str, &str)] = &[
    (
        "{} can't be read by a pipe of ours, so its screen is read now and then",
        "{0} 无法通过本程序的管道读取，因此每隔一会儿读取它的屏幕",
    ),
    (
        "{} and {} more can't be read by pipes of ours, so their screens are read now and then",
        "{0} 等（另有 {1} 个）窗格无法通过本程序的管道读取，因此每隔一会儿读取它们的屏幕",
    ),
    // What ended a stage, with what led to it.
    ("{}; its output: `{}`", "{0}；其输出：`{1}`"),
    ("{}; its output: “{}”", "{0}；其输出：「{1}」"),
    ("{}; it printed nothing", "{0}；没有任何输出"),
    ("{}: it printed nothing", "{0}：没有任何输出"),
    ("it printed nothing", "没有任何输出"),
    ("{}; it failed: {}", "{0}；失败原因：{1}"),
    ("panel", "面板"),
    ("agent {}: {}: {} (seen by screen: {})", "agent {0}，{1}：{2}（依据屏幕：{3}）"),
    ("agent {}: {}: {} (seen by hook: {})", "agent {0}，{1}：{2}（依据钩子：{3}）"),
    ("agent {}: {}: {} (seen by {})", "agent {0}，{1}：{2}（依据 {3}）"),
    ("{}: {} (seen by screen: {})", "{0}：{1}（依据屏幕：{2}）"),
    ("{}: {} (seen by hook: {})", "{0}：{1}（依据钩子：{2}）"),
    // Who decided by a link whose owner is not known.
    ("somebody with the link (sent to {}, {})", "持有链接的人（发往 {0}，{1}）"),
    ("somebody with the link (sent to {})", "持有链接的人（发往 {0}）"),
    ("somebody with the link ({})", "持有链接的人（{0}）"),
    ("somebody with the link", "持有链接的人"),
    // Commands of which nobody knows whether they began.
    ("was typed, and whether its shell has begun it is not known any more", "已输入，但已无法得知 shell 是否开始执行"),
    (
        "was typed, but no shell has begun it: another program, an open quote or an editor's mode took it, or C-s stops the output",
        "已输入，但没有 shell 开始执行它：被别的程序、未闭合的引号或编辑模式接走了，或者 C-s 停住了输出",
    ),
    ("was not typed: what was typed before may have begun by now", "未输入：之前输入的命令可能已经开始"),
    // What another supervisor had asked.
    ("it is watched now by {}", "现由 {0} 监视"),
    ("{} had its server meanwhile", "其间 {0} 接管过它的服务器"),
    ("{}: a decision about {}/{} was open at {}, which is gone", "{0}：{3} 已不在，它那里还有关于 {1}/{2} 的决定待定"),
    ("a decision about {}/{} was open at {}, which is gone", "{2} 已不在，它那里还有关于 {0}/{1} 的决定待定"),
    ("{}'s tmuxagent on {} (process {})", "{1} 上 {0} 的 tmuxagent（进程 {2}）"),
    (
        "nothing of it is begun here; `{}` begins it, without what its trigger had captured there",
        "这里没有开始它的任何部分；`{0}` 会开始它，但没有其触发条件在那里捕获的内容",
    ),
    ("stage {} of {} failed at once, run {}: {}", "{1} 的阶段 {0} 立即失败，运行 {2}：{3}"),
    (
        "nothing of it is begun here, where no policy has it for this pane",
        "这里没有开始它的任何部分，也没有策略在这个窗格里有它",
    ),
    ("C-c was pressed while its command ran: {}", "命令运行时按下了 C-c：{0}"),
    (
        "exit code {} was printed while the command of stage {} was still in front: that is not its end",
        "阶段 {1} 的命令仍在前台时打印了退出码 {0}：这不是它的结束",
    ),
    (
        "The command of stage {} ended with exit code {} after C-c. Has it succeeded?",
        "阶段 {0} 的命令在 C-c 之后以退出码 {1} 结束。它成功了吗？",
    ),
    (
        "The command of stage {} was told to have ended with exit code {} and with {}; its program printed one of them itself. Has it succeeded?",
        "阶段 {0} 的命令被报告以退出码 {1} 结束，又被报告以 {2} 结束；其中之一是它的程序自己打印的。它成功了吗？",
    ),
    (
        "The command of stage {} ended with exit code {}, and what was to follow it was not done. Has it succeeded?",
        "阶段 {0} 的命令以退出码 {1} 结束，其后应做的事没有做。它成功了吗？",
    ),
    // Panes.
    ("Stage {} can't begin: {}. Look for its pane again?", "阶段 {0} 无法开始：{1}。再找一次它的窗格？"),
    ("nothing is typed before its pane is found", "找到它的窗格之前不输入任何内容"),
    (
        "the window {} is made with `{}`, unless it is there; nothing is typed before its pane is found",
        "没有窗口 {0} 时会新建，并在其中运行 `{1}`；找到它的窗格之前不输入任何内容",
    ),
    (
        "the window {} is made, unless it is there; nothing is typed before its pane is found",
        "没有窗口 {0} 时会新建；找到它的窗格之前不输入任何内容",
    ),
    (
        "no pane fits the name {} of pipeline {}; open one that does",
        "没有窗格符合流水线 {1} 的名字 {0}；请打开一个符合的",
    ),
    (
        "the name {} of pipeline {} fits several panes: {}; give the one that is meant a role or window of its own, and let the policy ask for that",
        "流水线 {1} 的名字 {0} 有几个窗格都符合：{2}；请给所指的那个单独的角色或窗口，并在策略里写明",
    ),
    // Who waits for a person in the pane of a stage.
    ("`{}` waits for a line", "`{0}` 在等待输入一行"),
    ("`{}` waits for a password", "`{0}` 在等待密码"),
    ("`{}` takes single keys", "`{0}` 在等待按键"),
    ("the agent `{}` asks something", "智能体 `{0}` 在提问"),
    ("a program in the pane waits for somebody", "窗格里的程序在等人处理"),
    // Panes that a run makes.
    ("its pane {} could not be made: {}", "无法新建它的窗格 {0}：{1}"),
    (
        "its pane {} is gone, and what begins with a new one waits for a yes",
        "它的窗格 {0} 已经不在，新建时启动的程序要等批准",
    ),
    ("its pane {} was made, and none is seen that fits that name", "它的窗格 {0} 已新建，但没有看到符合这个名字的窗格"),
    ("its pane {} is not there, and none is made for the end", "它的窗格 {0} 不存在，结束时不再新建"),
    ("run {} has made its pane {}: {}", "运行 {0} 新建了它的窗格 {1}：{2}"),
    ("the made pane {} of run {} is closed", "运行 {1} 的新建窗格 {0} 已关闭"),
    ("the made pane {} of run {} is left open: {}", "运行 {1} 的新建窗格 {0} 没有关闭：{2}"),
    ("tmux names no pane: `{}`", "tmux 没有说出窗格：`{0}`"),
    ("another tmux server answers there", "那里应答的是另一个 tmux 服务器"),
    ("there is no folder {}", "没有文件夹 {0}"),
    ("what was begun in it ended at once", "在里面启动的程序立即结束了"),
    ("another program was begun in it", "有人在里面启动了别的程序"),
    ("{} runs in it", "里面正在运行 {0}"),
    ("held by the freeze: its pane is to be made", "被冻结扣住：要新建它的窗格"),
    ("waits for its pane, which is being made", "等待正在新建的窗格"),
    ("waiting for its pane", "等待它的窗格"),
    ("make the window {}{}", "新建窗口 {0}{1}"),
    ("close the pane {}, which was made for {}", "关闭为 {1} 新建的窗格 {0}"),
    (
        "run {} of {} goes on: the pane that it began in is gone, and its stage acts here",
        "{1} 的运行 {0} 继续：开始它的窗格已经不在，它的阶段在这里进行",
    ),
    ("waits for its pane, where stage {} of run {} acts", "等待它的窗格，运行 {1} 的阶段 {0} 正在那里进行"),
    ("after stage {} of {} {}", "流水线 {1} 的阶段 {0} 结束后（{2}）"),
    ("several panes that it applies to are equally near", "它适用的窗格有几个同样近"),
    // What people did, in a replay.
    ("there is no run of {} that {} steered then", "没有 {1} 当时操作的 {0} 的运行"),
    ("nothing asks what {} answered by {} then: {}", "没有提出 {0} 当时以 {1} 回答的问题：{2}"),
    // Stages beside each other.
    ("waits for one of the {} stages that act beside it", "等待与它同时进行的 {0} 个阶段之一结束"),
    (
        "run {}: of the stages beside each other {} failed, and {} succeeded",
        "运行 {0}：并行的阶段中 {1} 失败，{2} 成功",
    ),
    ("several stages of run {} are under way: {}; name one", "运行 {0} 有几个阶段正在进行：{1}；请写明是哪个"),
    ("parallel: {}", "并行：{0}"),
    ("stage {} failed", "阶段 {0} 失败"),
    // Loops.
    (
        "Stage {} would begin round {} of the loop {}, and {} are allowed. Go on, for up to {} more? {}",
        "阶段 {0} 将开始循环 {2} 的第 {1} 轮，而只允许 {3} 轮。继续，最多再来 {4} 轮？{5}",
    ),
    (
        "Stage {} would begin round {} of the loop {}, and {} are allowed. Go on, for up to {} more?",
        "阶段 {0} 将开始循环 {2} 的第 {1} 轮，而只允许 {3} 轮。继续，最多再来 {4} 轮？",
    ),
    ("needs any of {}", "needs 其中任一：{0}"),
    // Gates.
    ("{} (a yes takes the word {}; for {} to decide)", "{0}（同意须输入 {1}；由 {2} 决定）"),
    ("{} (a yes takes the word {})", "{0}（同意须输入 {1}）"),
    ("{} (for {} to decide)", "{0}（由 {1} 决定）"),
    ("a yes takes this word here: {}", "此处同意须输入这个词：{0}"),
    ("`{}` is not the word that a yes takes here: {}", "`{0}` 不是此处同意须输入的词：{1}"),
    (
        "its command is suspended, and another one would begin beside it; end it first: `fg`, then C-c",
        "它的命令被挂起，另一个会在它旁边开始；请先结束它：`fg`，然后 C-c",
    ),
    ("{} may not decide this; it is for {}", "{0} 不能决定这件事；应由 {1} 决定"),
    (
        "a yes takes a word here: `tmuxagent approve {} --answer {}`",
        "这里同意须输入一个词：`tmuxagent approve {0} --answer {1}`",
    ),
    // Inputs.
    ("there is no input `{}`: the pipeline has none", "没有输入项 `{0}`：这条流水线没有输入项"),
    ("there is no input `{}`; did you mean `{}`?", "没有输入项 `{0}`；是不是 `{1}`？"),
    ("there is no input `{}`; its inputs are {}", "没有输入项 `{0}`；它的输入项有 {1}"),
    (
        "the input `{}` needs a value, and has no default: start it with `--set {}=…`",
        "输入项 `{0}` 需要一个值，而且没有默认值：启动时请写 `--set {1}=…`",
    ),
    ("the input `{}` can't be `{}`: {}", "输入项 `{0}` 不能是 `{1}`：{2}"),
    (
        "the input `{}` is not taken from a message: it has no `from: message`",
        "输入项 `{0}` 不从消息中取值：它没有写 `from: message`",
    ),
    ("it is a number", "它是数字"),
    ("it is one line without control characters", "它是一行不含控制字符的文字"),
    ("it holds nothing that can't be seen", "它不含看不见的字符"),
    ("it neither begins nor ends with a blank", "它的开头和结尾没有空格"),
    ("it is at most {} bytes long", "它最长 {0} 字节"),
    ("run {} is open already, and its inputs were given when it began", "运行 {0} 已经开始，它的输入在开始时就给定了"),
    // What waits for a person, and what may be taken back.
    ("already expired, at {}", "已过期（{0}）"),
    ("a decision on {}, open for another {}", "对 {0} 的决定，还有 {1} 过期"),
    ("the end of the time in which it can be taken back, in {}", "可撤回的时间结束，还有 {0}"),
    ("approved, and can still be taken back", "已批准，仍可撤回"),
    ("approved; it is done unless it is taken back", "已批准；若不撤回即执行"),
    (
        "stage {} of run {} waits for approval: `tmuxagent approvals`",
        "运行 {1} 的阶段 {0} 等待审批：`tmuxagent approvals`",
    ),
    (
        "stage {} of run {} asks what to do: `tmuxagent approvals`",
        "运行 {1} 的阶段 {0} 在询问如何处理：`tmuxagent approvals`",
    ),
    (
        "stage {} of run {} is approved; `tmuxagent reject {}` can still take it back",
        "运行 {1} 的阶段 {0} 已批准；仍可用 `tmuxagent reject {2}` 撤回",
    ),
    // Ends.
    ("stage {} begins when a run ends, and not before", "阶段 {0} 在运行结束时才开始"),
    ("stage {} may stand behind a gate, which only a person leaves out", "阶段 {0} 可能在关卡之后，只有人才能跳过关卡"),
    ("run {} ends first: its stage {} is under way", "运行 {0} 先要结束：它的阶段 {1} 正在进行"),
    ("the pane of the run is gone", "运行的窗格已经不在"),
    ("the run ends", "运行结束"),
    ("waits for the end of the run", "等待运行结束"),
    ("the end of the run", "运行结束"),
    ("finally: {}", "收尾：{0}"),
    ("{} does not begin: {}", "{0} 没有开始：{1}"),
    // Skipped stages, groups, files.
    ("another run of group {} is open", "组 {0} 还有另一个运行未结束"),
    ("run {} of group {} is open", "组 {1} 的运行 {0} 还未结束"),
    ("a newer run of group {} begins", "组 {0} 有更新的运行开始"),
    ("a newer run begins in this pane", "此窗格有更新的运行开始"),
    ("waits for the end of run {} of group {}", "等待组 {1} 的运行 {0} 结束"),
    ("looks for the files that its if names", "正在查看 if 所写的文件"),
    ("it is not there", "不存在"),
    ("it is there", "存在"),
    ("it has appeared", "已出现"),
    ("it has changed", "已变化"),
    ("it is as it was", "没有变化"),
    ("it has no value", "还没有值"),
    ("no exit code is known", "没有退出码"),
    ("nobody looked yet", "还没有查看"),
    ("its pane is gone", "它的窗格已消失"),
    ("whether {} is there can't be told: {}", "无法确定 {0} 是否存在：{1}"),
    ("exit_code of {} other than 0", "{0} 的退出码不为 0"),
    ("waiting for its group", "等待它的组"),
    ("looking for its files", "正在查看它的文件"),
    ("if {}: {}", "if {0} 不成立：{1}"),
    ("concurrency: {}", "并发：{0}"),
    // A command that may live.
    (
        "The command of stage {} was suspended by C-z and has not ended; `fg` goes on with it. Has it succeeded?",
        "阶段 {0} 的命令被 C-z 挂起，尚未结束；`fg` 可让它继续。它成功了吗？",
    ),
    (
        "The command of stage {} was suspended by C-z, and nobody saw whether it has ended since. Has it succeeded?",
        "阶段 {0} 的命令曾被 C-z 挂起，没有人看到它此后是否已结束。它成功了吗？",
    ),
];

#[cfg(test)]
mod tests {
    use crate::{Lang, sentence};

    #[test]
    fn what_failed_stands_beside_who_let_it_stand_and_its_output_stays_verbatim() {
        for (en, zh) in [
            ("rejected: by li via panel", "已拒绝：li（面板）"),
            ("agent done: stand-in: done (seen by screen: prompt)", "agent 完成，stand-in：完成（依据屏幕：prompt）"),
            (
                "approved: by somebody with the link (sent to mine) via link",
                "已批准：持有链接的人（发往 mine）（链接）",
            ),
            ("exit code 1; its output: `timeout`", "退出码 1；其输出：`timeout`"),
            ("exit code 1; its output: “failed: `bt` and b”", "退出码 1；其输出：「failed: `bt` and b」"),
            ("run false: exit code 1; it printed nothing", "run false：退出码 1；没有任何输出"),
            ("exit_code 3: it printed nothing", "exit_code 3：没有任何输出"),
            (
                "Stage check failed (run false: exit code 1; it printed nothing). Run it again?",
                "阶段 check 失败（run false：退出码 1；没有任何输出）。重新运行？",
            ),
            (
                "rejected: by li via panel; it failed: exit code 1; its output: `timeout`",
                "已拒绝：li（面板）；失败原因：退出码 1；其输出：`timeout`",
            ),
        ] {
            assert_eq!(sentence(Lang::Zh, en), zh);
        }
    }
}
