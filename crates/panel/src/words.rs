//! What the page itself says. What it shows of the supervisor comes in the reader's language from the interface.

use tmuxagent_text::Lang;

/// What a phone calls the installed panel: what it is, and its short way.
#[must_use]
pub(crate) const fn app_words(lang: Lang) -> [&'static str; 2] {
    [
        lang.pick("Agents and pipelines in tmux: what needs you", "tmux 中的 agent 与流水线：需要您处理的事项"),
        lang.pick("Approvals", "审批"),
    ]
}

/// The words of the page by the names that its script calls them.
#[must_use]
pub(crate) fn words(lang: Lang) -> Vec<(&'static str, &'static str)> {
    let pick = |en, zh| lang.pick(en, zh);
    vec![
        ("overview", pick("Overview", "总览")),
        ("approvals", pick("Approvals", "审批")),
        ("pipelines", pick("Pipelines", "流水线")),
        ("panes", pick("Panes", "窗格")),
        ("history", pick("History", "历史")),
        ("report", pick("Report", "复盘")),
        ("day", pick("d", "天")),
        ("hour", pick("h", "时")),
        ("minute", pick("m", "分")),
        ("second", pick("s", "秒")),
        ("within", pick("in", "还有")),
        ("needs_you", pick("Needs you", "需要您")),
        ("nothing_needed", pick("Nothing needs you.", "没有需要处理的事项。")),
        ("running", pick("Running", "运行中")),
        ("nothing_runs", pick("Nothing runs.", "没有运行中的流水线。")),
        ("failed", pick("Runs failed", "失败的运行")),
        ("nothing_failed", pick("No run failed.", "没有失败的运行。")),
        ("problems", pick("Problems", "问题")),
        ("no_problems", pick("All is well.", "一切正常。")),
        ("frozen", pick("Frozen: nothing is typed", "已冻结：不会输入任何内容")),
        ("open", pick("Open", "待定")),
        ("decided", pick("Decided", "已处理")),
        ("nothing_decided", pick("Nothing was decided yet.", "尚无已处理的事项。")),
        ("folder", pick("Folder", "目录")),
        ("until", pick("Expires", "截止")),
        ("code_is", pick("Code", "校验码")),
        ("code", pick("The same code stands in the message", "与消息中的校验码相同")),
        ("types", pick("A yes types exactly this:", "批准后将原样输入：")),
        ("types_nothing", pick("A yes types nothing.", "批准后不会输入任何内容。")),
        ("types_no", pick("A no types exactly this:", "拒绝后将原样输入：")),
        (
            "takes_text",
            pick(
                "The command waits for a text: what you write is typed, and then Enter.",
                "命令在等待文本：所写内容会原样输入，然后按回车。",
            ),
        ),
        ("evidence", pick("Last lines:", "最近输出：")),
        ("lines", pick("Show the last lines", "显示最近输出")),
        ("approve", pick("Approve", "批准")),
        ("reject", pick("Reject", "拒绝")),
        ("send_answer", pick("Send an answer", "发送回答")),
        ("your_answer", pick("Your answer", "您的回答")),
        ("word", pick("A yes takes the word", "同意须输入")),
        ("confirm", pick("Confirm", "确认")),
        ("back", pick("Back", "返回")),
        ("only_view", pick("You may look and not decide.", "您只能查看，不能审批。")),
        ("not_yours", pick("This is for", "此项由以下人员处理：")),
        ("uncertain", pick("Not certain: look whether it was done.", "尚不确定：请查看是否已执行。")),
        ("no_pipelines", pick("No pipeline is on a pane.", "没有窗格上的流水线。")),
        ("again", pick("Run again", "重跑")),
        ("round", pick("round", "轮次")),
        ("no_panes", pick("No pane is watched.", "没有被观察的窗格。")),
        ("waits", pick("Waiting for the screen…", "正在等待屏幕内容…")),
        ("offline", pick("Not connected; trying again…", "未连接，正在重试…")),
        ("signed_out", pick("You are not signed in.", "您尚未登录。")),
        (
            "sign_in",
            pick(
                "Open your invitation's link in this browser. `tmuxagent serve invite NAME --role decide` makes one.",
                "请在此浏览器中打开您的邀请链接。`tmuxagent serve invite NAME --role decide` 可生成邀请。",
            ),
        ),
        ("sign_out", pick("Sign out", "退出")),
        ("view", pick("view", "查看")),
        ("decide", pick("decide", "审批")),
        ("admin", pick("admin", "管理")),
        ("keys", pick("Keys: 1–6, j k, a, x, u, s, Esc", "按键：1–6、j k、a、x、u、s、Esc")),
        ("sending", pick("Being sent…", "正在发送…")),
        ("missing", pick("The question is not there any more.", "该问题已不存在。")),
        ("take_back", pick("Take it back", "撤回")),
        ("elsewhere", pick("Handled elsewhere", "已在别处处理")),
        ("no_history", pick("No run has ended yet.", "尚无结束的运行。")),
        ("no_report", pick("Nothing happened in these days.", "这些天没有发生任何事。")),
        ("type_here", pick("Type into this pane", "在此窗格中输入")),
        ("type_then", pick("Send", "发送")),
        ("types_then", pick("This is typed, and then Enter:", "将输入以下内容，然后按回车：")),
        ("key_pressed", pick("This key is pressed:", "将按下此键：")),
        ("start", pick("Start", "启动")),
        ("start_at", pick("Begins at", "起始阶段")),
        ("start_first", pick("its first stage", "第一个阶段")),
        ("choose", pick("choose…", "请选择…")),
        ("notify", pick("Tell this browser of questions", "在此浏览器接收提问通知")),
        ("notify_end", pick("No messages to this browser", "停止向此浏览器发送通知")),
        ("notify_no", pick("The browser does not allow messages.", "浏览器不允许通知。")),
    ]
}
