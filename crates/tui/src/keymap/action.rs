//! What keys can do, each with its name, place, words and default keys: one row per action.

use super::Key;
use tmuxagent_text::Lang;

/// Where a key is pressed; a key means one thing per context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    /// The panels.
    Screen,
    /// A box over the panels with text or a list.
    Overlay,
    /// A question to be answered with yes or no.
    Confirm,
    /// An input line.
    Input,
}

impl Context {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Screen, Self::Overlay, Self::Confirm, Self::Input];

    /// Its name in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Screen => "the screen",
            Self::Overlay => "an overlay",
            Self::Confirm => "a confirmation",
            Self::Input => "an input line",
        }
    }
}

/// A group of the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// Getting about.
    Move,
    /// Yes and no.
    Decide,
    /// Making something happen.
    Act,
    /// Reading.
    Look,
    /// The program itself.
    Program,
    /// In an input line or a confirmation.
    Answer,
}

impl Section {
    /// All of them, in the order of the help.
    pub const ALL: [Self; 6] = [Self::Decide, Self::Act, Self::Look, Self::Move, Self::Answer, Self::Program];

    /// Its heading.
    #[must_use]
    pub const fn title(self, lang: Lang) -> &'static str {
        match self {
            Self::Move => lang.pick("Move", "移动"),
            Self::Decide => lang.pick("Decide", "审批"),
            Self::Act => lang.pick("Act", "操作"),
            Self::Look => lang.pick("Look", "查看"),
            Self::Program => lang.pick("Program", "程序"),
            Self::Answer => lang.pick("Answering", "回答"),
        }
    }
}

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $section:ident, [$($context:ident),+], [$($key:expr),*],
        $en:literal / $en_short:literal, $zh:literal / $zh_short:literal;)+) => {
        /// What a key does.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum KeyAction {
            $($(#[$doc])* $variant,)+
        }

        impl KeyAction {
            /// All of them, in the order of the help.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in `keymap.yaml`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The group of the help.
            #[must_use]
            pub const fn section(self) -> Section {
                match self { $(Self::$variant => Section::$section,)+ }
            }

            /// Where it applies.
            #[must_use]
            pub const fn contexts(self) -> &'static [Context] {
                match self { $(Self::$variant => &[$(Context::$context,)+],)+ }
            }

            /// Its keys when the user says nothing, the one to show first.
            #[must_use]
            pub const fn default_keys(self) -> &'static [Key] {
                match self { $(Self::$variant => const { &[$($key,)*] },)+ }
            }

            /// The sentence of the help.
            #[must_use]
            pub const fn description(self, lang: Lang) -> &'static str {
                match self { $(Self::$variant => lang.pick($en, $zh),)+ }
            }

            /// The word of the footer.
            #[must_use]
            pub const fn short(self, lang: Lang) -> &'static str {
                match self { $(Self::$variant => lang.pick($en_short, $zh_short),)+ }
            }
        }
    };
}

actions! {
    /// Say yes.
    Approve = "approve", Decide, [Screen, Overlay], [Key::char('a')],
        "approve what is asked here, after showing its exact effect" / "approve", "批准此处的请求（先显示确切效果）" / "批准";
    /// Say no.
    Reject = "reject", Decide, [Screen, Overlay], [Key::char('x')],
        "reject what is asked here" / "reject", "拒绝此处的请求" / "拒绝";
    /// Choose an option by its number; the keys are fixed.
    Choose = "choose", Decide, [Screen, Overlay, Confirm],
        [Key::char('1'), Key::char('2'), Key::char('3'), Key::char('4'), Key::char('5'), Key::char('6'),
         Key::char('7'), Key::char('8'), Key::char('9')],
        "choose an option of the question by its number" / "option", "按编号选择选项" / "选项";
    /// Type an answer of one's own.
    Answer = "answer", Decide, [Screen, Overlay, Confirm], [Key::char('w')],
        "write an answer of your own to a question" / "answer", "自己写回答" / "回答";
    /// Approve, and what the agent asks of that kind for a time.
    Lease = "lease", Decide, [Screen, Overlay], [Key::char('t')],
        "approve, and for a time what the agent asks of that kind" / "for a time", "批准，并在一段时间内批准智能体的同类请求" / "限时授权";
    /// Run a stage again.
    Retry = "retry", Act, [Screen], [Key::char('r')],
        "run the failed or finished stage again" / "retry", "重新运行失败或已完成的阶段" / "重试";
    /// End a run.
    Cancel = "cancel", Act, [Screen], [Key::char('c')],
        "cancel the run; nothing more is typed for it" / "cancel", "取消运行，不再为它输入任何内容" / "取消";
    /// Count a stage as done.
    Skip = "skip", Act, [Screen], [Key::char('S')],
        "count the stage as done and go on" / "skip", "把阶段视为完成并继续" / "跳过";
    /// Start a stage or pipeline by hand.
    Start = "start", Act, [Screen], [Key::char('n')],
        "start a pipeline or one stage by hand" / "start", "手动启动流水线或某个阶段" / "启动";
    /// Type into the pane.
    Send = "send", Act, [Screen], [Key::char('s')],
        "send text or keys to the pane" / "send", "向窗格发送文字或按键" / "发送";
    /// Stop or resume all sending.
    Freeze = "freeze", Act, [Screen], [Key::char('f')],
        "freeze: nothing is typed anywhere; again to unfreeze" / "freeze", "冻结：停止一切输入；再按解冻" / "冻结";
    /// Give up a held effect.
    Drop = "drop", Act, [Overlay], [Key::char('D'), Key::DELETE],
        "give up what the freeze holds back" / "drop", "放弃被冻结暂缓的一项" / "放弃";
    /// Go to the pane in tmux.
    Jump = "jump", Act, [Screen, Overlay], [Key::char('o')],
        "jump to the pane in tmux" / "jump", "跳到 tmux 中的窗格" / "跳转";
    /// Open what is selected: the whole text of an approval, else the pane itself.
    Open = "open", Act, [Screen, Overlay], [Key::ENTER],
        "jump to the pane; on an approval: all of it" / "open", "跳到窗格；在审批上则显示全文" / "打开";
    /// Everything about what is selected.
    Details = "details", Look, [Screen], [Key::char('d')],
        "everything about what is selected" / "details", "所选项的全部内容" / "详情";
    /// Why a stage is in its state.
    Explain = "explain", Look, [Screen, Overlay], [Key::char('e')],
        "explain why the stage is in its state" / "explain", "解释阶段为何处于此状态" / "解释";
    /// The list of events.
    Events = "events", Look, [Screen], [Key::char('v')],
        "the events so far" / "events", "事件历史" / "事件";
    /// What the freeze holds back.
    Held = "held", Look, [Screen], [Key::char('H')],
        "what the freeze holds back" / "held", "被冻结暂缓的输入" / "暂缓";
    /// The policy's principles.
    Principles = "principles", Look, [Screen], [Key::char('P')],
        "the principles of the policy" / "principles", "策略的原则" / "原则";
    /// What fails now.
    Problems = "problems", Look, [Screen], [Key::char('!')],
        "parts that fail now, and what to do" / "problems", "当前故障与处理办法" / "故障";
    /// Hosts and counts.
    About = "about", Look, [Screen], [Key::char('i')],
        "hosts, supervisor and counts" / "about", "主机、监督进程与计数" / "概况";
    /// Show only what fits a text.
    Filter = "filter", Look, [Screen], [Key::char('/')],
        "show only what holds these words" / "filter", "只显示包含这些词的项" / "筛选";
    /// The panel over the whole screen.
    Zoom = "zoom", Look, [Screen], [Key::char('z')],
        "this panel over the whole screen, and back" / "zoom", "放大或还原此面板" / "放大";
    /// To the next question.
    NextWaiting = "next_waiting", Move, [Screen], [Key::char(' ')],
        "to the next pane that waits for you" / "who waits", "到下一个等您决定的窗格" / "谁在等";
    /// One up.
    Up = "up", Move, [Screen, Overlay, Confirm], [Key::char('k'), Key::UP],
        "up" / "up", "上移" / "上";
    /// One down.
    Down = "down", Move, [Screen, Overlay, Confirm], [Key::char('j'), Key::DOWN],
        "down" / "down", "下移" / "下";
    /// One page up.
    PageUp = "page_up", Move, [Screen, Overlay, Confirm, Input], [Key::PAGE_UP, Key::ctrl('b')],
        "one page up" / "page up", "上翻一页" / "上页";
    /// One page down.
    PageDown = "page_down", Move, [Screen, Overlay, Confirm, Input], [Key::PAGE_DOWN, Key::ctrl('f')],
        "one page down" / "page down", "下翻一页" / "下页";
    /// To the first.
    First = "first", Move, [Screen, Overlay, Confirm], [Key::char('g'), Key::HOME],
        "to the first" / "first", "到开头" / "开头";
    /// To the last.
    Last = "last", Move, [Screen, Overlay, Confirm], [Key::char('G'), Key::END],
        "to the last" / "last", "到末尾" / "末尾";
    /// To the next panel.
    NextPanel = "next_panel", Move, [Screen], [Key::TAB, Key::char('l'), Key::RIGHT],
        "next panel" / "panel", "下一个面板" / "面板";
    /// To the panel before.
    PreviousPanel = "previous_panel", Move, [Screen], [Key::BACK_TAB, Key::char('h'), Key::LEFT],
        "previous panel" / "back", "上一个面板" / "上一面板";
    /// Yes, do it.
    Yes = "yes", Answer, [Confirm], [Key::char('y'), Key::ENTER],
        "yes, do it" / "yes", "是，执行" / "是";
    /// No, don't.
    No = "no", Answer, [Confirm], [Key::char('n')],
        "no, leave it" / "no", "否，不执行" / "否";
    /// The input line is complete.
    Submit = "submit", Answer, [Input], [Key::ENTER],
        "done typing" / "done", "输入完毕" / "完成";
    /// Whether Enter is pressed after the text.
    WithEnter = "with_enter", Answer, [Input], [Key::TAB],
        "when sending: press Enter after the text, or not" / "with Enter", "发送时：末尾是否按回车" / "加回车";
    /// Text or names of keys.
    AsKeys = "as_keys", Answer, [Input], [Key::ctrl('t')],
        "when sending: text, or names of keys such as C-c" / "keys", "发送时：文字，或按键名（如 C-c）" / "按键";
    /// Close what is open.
    Close = "close", Program, [Screen, Overlay, Confirm, Input], [Key::ESC],
        "close what is open; clear the filter" / "close", "关闭弹出内容；清除筛选" / "关闭";
    /// The keys.
    Help = "help", Program, [Screen, Overlay], [Key::char('?'), Key::F1],
        "these keys" / "help", "按键帮助" / "帮助";
    /// The other language.
    Language = "language", Program, [Screen, Overlay], [Key::char('L')],
        "English or Chinese" / "language", "切换中文或英文" / "语言";
    /// Whether the mouse works here (then the terminal's own selection does not).
    Mouse = "mouse", Program, [Screen], [Key::char('m')],
        "mouse on or off; off leaves selecting to the terminal" / "mouse", "鼠标开关；关闭时由终端选取文字" / "鼠标";
    /// Draw everything again.
    Redraw = "redraw", Program, [Screen, Overlay, Confirm, Input], [Key::ctrl('l')],
        "draw everything again" / "redraw", "重画屏幕" / "重画";
    /// Stop this program, as shells do.
    Suspend = "suspend", Program, [Screen, Overlay, Confirm, Input], [Key::ctrl('z')],
        "suspend this view" / "suspend", "挂起此视图" / "挂起";
    /// End.
    Quit = "quit", Program, [Screen, Overlay], [Key::char('q'), Key::ctrl('c')],
        "quit; in an overlay: close it" / "quit", "退出；在弹出内容中则关闭" / "退出";
}

impl KeyAction {
    /// The action of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.name() == name)
    }

    /// Whether it opens a line into which one types.
    #[must_use]
    pub const fn opens_line(self) -> bool {
        matches!(self, Self::Answer | Self::Lease | Self::Filter | Self::Send)
    }

    /// Whether its keys can be changed.
    #[must_use]
    pub const fn is_fixed(self) -> bool {
        matches!(self, Self::Choose)
    }
}
