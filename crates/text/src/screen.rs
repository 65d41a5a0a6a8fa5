//! The fixed texts of the screen, one row each with both languages.

use super::Lang;

macro_rules! texts {
    ($($variant:ident: $en:literal, $zh:literal;)+) => {
        /// A fixed text of the screen.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Text {
            $(#[doc = $en] $variant,)+
        }

        impl Text {
            /// All texts of the screens, for tests of both languages.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The text in a language.
            #[must_use]
            pub const fn of(self, lang: Lang) -> &'static str {
                match self { $(Self::$variant => lang.pick($en, $zh),)+ }
            }
        }
    };
}

texts! {
    // Panels.
    Panes: "Panes", "窗格";
    Pipelines: "Pipelines", "流水线";
    Approvals: "Approvals", "审批";
    Tail: "Live", "实时";
    Events: "Events", "事件";
    Held: "Held back", "暂缓的输入";
    AgentAsks: "It asks", "它的提问";
    Answers: "Answers", "可选答案";
    Problems: "Problems", "故障";
    Principles: "Principles", "原则";
    About: "Hosts and supervisor", "主机与监督进程";
    Help: "Keys", "按键";
    Explain: "Why", "原因";
    Details: "Details", "详情";
    StartTitle: "Start by hand", "手动启动";
    // Nothing to show.
    NoPanes:
        "no panes are watched: `tmux new-session` opens one, `tmuxagent doctor` tells what is left out",
        "没有被监视的窗格：用 `tmux new-session` 打开一个，`tmuxagent doctor` 会说明哪些被排除";
    LookingForPanes: "a machine is just being reached: its panes are still to come", "正在连接主机：其窗格尚未列出";
    NoPipelines:
        "no pipeline applies to these panes: `tmuxagent policy init` in a project's folder writes one",
        "没有适用的流水线：在项目目录运行 `tmuxagent policy init` 可生成一个";
    NoApprovals: "nothing waits for you", "没有待您审批的请求";
    NoApprovalsYet:
        "nothing waits for you: `tmuxagent approvals --all` has the decided ones",
        "没有待您审批的请求：`tmuxagent approvals --all` 列出已决定的";
    AsksElsewhere:
        "another tmuxagent asks for this server: `tmuxagent approvals` shows its questions and decides them",
        "此服务器由另一个 tmuxagent 提问：`tmuxagent approvals` 会列出并可审批";
    RunsElsewhere:
        "another tmuxagent runs the pipelines of this server: `tmuxagent status` names it",
        "此服务器的流水线由另一个 tmuxagent 运行：`tmuxagent status` 会指明";
    NoTail:
        "no pane is selected: `tmux new-session` opens one",
        "未选择窗格：用 `tmux new-session` 打开一个";
    NoEvents:
        "nothing happened yet: `tmuxagent start PANE` begins a pipeline",
        "尚无事件：`tmuxagent start 窗格` 启动流水线";
    NoHeld: "nothing is held back", "没有被暂缓的输入";
    NoProblems: "everything works", "一切正常";
    NoPrinciples: "the policy has no principles", "策略没有写原则";
    NoMatch: "nothing fits the filter", "没有符合筛选的项";
    WaitingForScreen: "waiting for the pane's screen", "正在读取窗格画面";
    Loading: "asking the supervisor", "正在询问监督进程";
    // The connection.
    Connecting: "connecting to the supervisor", "正在连接监督进程";
    SupervisorGone: "supervisor gone, reconnecting", "监督进程已断开，正在重连";
    Reconnected: "connected again", "已重新连接";
    NotConnected: "not connected; nothing was done", "未连接，未执行任何操作";
    // Header.
    Frozen: "FROZEN: nothing is typed anywhere", "已冻结：不会向任何窗格输入";
    TooSmall: "too small for tmuxagent", "窗口太小";
    // Details.
    Question: "question", "问题";
    Effect: "if approved", "批准后";
    EffectTypes: "types", "输入";
    EffectNothing: "nothing is typed", "不输入任何内容";
    EffectWritten: "what you write is typed, and then Enter", "您写的内容会被输入，然后按回车";
    EffectChosen: "what stands for the answer that you choose is typed", "输入与所选答案对应的内容";
    EffectNo: "if rejected", "拒绝后";
    EffectBack: "if taken back", "撤回后";
    Evidence: "evidence", "依据";
    Options: "options", "选项";
    Place: "pane", "窗格";
    Stage: "stage", "阶段";
    Run: "run", "运行";
    Pipeline: "pipeline", "流水线";
    State: "state", "状态";
    Attempt: "attempt", "尝试";
    Round: "round", "轮次";
    Asked: "asked", "提出";
    Expires: "expires in", "过期倒计时";
    Undo: "taken back in", "可撤回";
    Reminders: "reminders", "提醒次数";
    Kind: "kind", "类型";
    Decided: "decided", "决定";
    Program: "program", "程序";
    Reader: "keys go to", "按键去向";
    Waiting: "waits", "等待中";
    Folder: "folder", "目录";
    Agent: "agent", "智能体";
    Role: "role", "角色";
    Title: "title", "标题";
    Size: "size", "大小";
    LastLine: "last line", "最后一行";
    LastOutput: "last output", "最近输出";
    Started: "started", "开始";
    Ended: "ended", "结束";
    Elapsed: "elapsed", "用时";
    Due: "due in", "剩余";
    Detail: "detail", "说明";
    CopyMode: "copy mode", "复制模式";
    AlternateScreen: "alternate screen", "备用屏幕";
    Version: "version", "版本";
    Supervisor: "supervisor", "监督进程";
    Config: "configuration", "配置";
    Policies: "policies", "策略";
    LinesRead: "lines read", "已读行数";
    BytesRead: "bytes read", "已读字节";
    Journaled: "events journaled", "已记录事件";
    KeysSent: "sends", "已发送";
    Messages: "agent messages", "智能体消息";
    Malformed: "unreadable messages", "无法解析的消息";
    Gaps: "gaps", "漏读";
    Since: "since", "自";
    WaitsFor: "waits for", "正在等待";
    StartedBy: "started by", "启动原因";
    EndedBy: "ended by", "结束原因";
    EarlierAttempts: "earlier attempts", "之前的尝试";
    NearMisses: "almost", "差一点";
    DefinedAt: "defined at", "定义于";
    // Confirmations.
    ApproveQ: "approve?", "批准？";
    RejectQ: "reject?", "拒绝？";
    TakeBackQ: "take it back?", "撤回此次批准？";
    AnswerQ: "answer?", "回答？";
    WillAnswer: "answer", "回答";
    GivesIt: "give this answer", "就这样回答";
    GoesBack: "back", "返回";
    ChooseFirst: "choose an option by its number first", "请先按编号选择选项";
    ScrollFirst: "scroll to the end first", "请先滚动到末尾";
    UnfreezeQ: "unfreeze? What is held goes out, one by one in each pane:", "解冻？暂缓的输入将在各窗格中依次发出：";
    AfterThat: "after that: ", "随后：";
    SendQ: "type this?", "发送以下内容？";
    DropQ: "give this up?", "放弃这一项？";
    QuitQ: "stages are running. Quit and end the supervisor?", "仍有阶段在运行。退出并结束监督进程？";
    RetryQ: "run again?", "重新运行？";
    CancelQ: "cancel this run?", "取消此次运行？";
    SkipQ: "count as done and go on?", "视为完成并继续？";
    StartQ: "start?", "启动？";
    Void: "nothing is decided here any more", "此处不能再作决定";
    EscCloses: "press Esc to close this", "按 Esc 关闭";
    // Input lines.
    FilterPrompt: "filter", "筛选";
    SendPrompt: "send text", "发送文字";
    SendKeysPrompt: "send keys", "发送按键";
    AnswerPrompt: "answer", "回答";
    LeasePrompt: "approve, and for this time what is of its kind", "批准，并在这段时间内批准同类请求";
    LeaseAllows: "for that time also", "这段时间内还允许";
    WillSend: "sends", "将发送";
    WithEnter: "with Enter", "并按回车";
    WithoutEnter: "without Enter", "不按回车";
    KeysExample: "names of keys, such as C-c Escape Up Enter", "按键名，例如 C-c Escape Up Enter";
    // Toasts.
    NothingToDecide: "nothing here waits for a decision", "此处没有待审批的请求";
    JustAppeared: "it only just appeared; look, then press again", "刚刚出现，请看清后再按一次";
    ChangedMeanwhile: "it changed meanwhile; nothing was decided", "内容已变化，未作任何决定";
    DecidedMeanwhile: "it was decided or closed meanwhile", "已被他人决定或已关闭";
    NoRun: "no run is selected", "未选择运行";
    NoStage: "no stage is selected", "未选择阶段";
    RunEnded: "this run has ended already", "此运行已经结束";
    NoPane: "no pane is selected", "未选择窗格";
    NothingToStart: "no pipeline applies to this pane", "没有适用于此窗格的流水线";
    NothingToSend: "nothing to send", "没有可发送的内容";
    NoOptions: "this question has no such option", "没有这个选项";
    NoPlainNo:
        "a no has nothing to type here: answer in words, or cancel the run",
        "“拒绝”在这里没有可输入的内容：请写下回答，或取消此次运行";
    NoAnswer: "this is answered with yes or no", "此请求只需批准或拒绝";
    NoLineHere: "nothing can be typed here", "此处不能输入文字";
    MouseOn: "mouse on; the terminal's own selection is off", "鼠标已启用，终端自身的选取暂停";
    MouseOff: "mouse off", "鼠标已关闭";
    CannotSuspend: "the supervisor runs in this window and must not stop", "监督进程在此窗口运行，不能挂起";
    Sent: "sent to the supervisor", "已交给监督进程";
    SupervisorBusy: "the supervisor is busy; that was not sent, try again", "监督进程繁忙，未发送，请重试";
    ClockSkew: "the clocks of this view and its supervisor differ", "本机与监督进程的时钟不一致";
}
