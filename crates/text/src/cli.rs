//! Words of the command line's answers.

/// Makes `Word`, one for each row, and `word`, which gives its text in a language.
#[macro_export]
macro_rules! words {
    ($($name:ident: $en:literal, $zh:literal;)*) => {
        /// A word or short sentence.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Word {
            $(#[doc = $en] $name,)*
        }

        /// The text in a language.
        #[must_use]
        pub const fn word(lang: $crate::Lang, word: Word) -> &'static str {
            match word {
                $(Word::$name => lang.pick($en, $zh),)*
            }
        }
    };
}

words! {
    Process: "process", "进程";
    Round: "round", "轮次";
    For: "for", "已运行";
    Since: "SINCE", "起始";
    Configuration: "configuration", "配置";
    Frozen: "frozen: nothing is sent", "已冻结：不发送任何内容";
    Host: "HOST", "主机";
    State: "STATE", "状态";
    Panes: "panes", "窗格";
    OpenApprovals: "open approvals", "待审批";
    NoPanes:
        "no panes are watched: `tmux new-session` opens one, `tmuxagent doctor` tells what is left out",
        "没有被监视的窗格：用 `tmux new-session` 打开一个，`tmuxagent doctor` 会说明哪些被排除";
    LookingForPanes:
        "a machine is just being reached: its panes are still to come",
        "正在连接主机：其窗格尚未列出";
    NoRuns:
        "no pipeline applies to a watched pane: `tmuxagent policy init` in a project's folder writes one",
        "没有适用于被监视窗格的流水线：在项目目录运行 `tmuxagent policy init` 可生成一个";
    NoApprovals:
        "nothing waits for you: `tmuxagent panes --runs` shows what goes on, `tmuxagent start PANE` begins something",
        "没有等待您的事项：`tmuxagent panes --runs` 查看进展，`tmuxagent start 窗格` 启动流水线";
    NothingAsked:
        "nothing was asked yet: `tmuxagent start PANE` begins a pipeline, `tmuxagent policy init` writes one",
        "尚未提出过任何询问：`tmuxagent start 窗格` 启动流水线，`tmuxagent policy init` 写出一个";
    NoHosts:
        "no machine is watched: name one under `hosts` in the configuration (`tmuxagent config default` shows how)",
        "没有被监视的主机：在配置的 `hosts` 下写明（参见 `tmuxagent config default`）";
    Policies: "policies", "策略";
    PolicyIgnored:
        "--policy is ignored here: the running supervisor decides by its own policies, which are",
        "--policy 在此不起作用：正在运行的监督进程使用自己的策略，即";
    Pane: "PANE", "窗格";
    Place: "PLACE", "位置";
    Folder: "FOLDER", "目录";
    Program: "PROGRAM", "程序";
    Reader: "READER", "读取者";
    Held: "held", "暂缓";
    Pipelines: "PIPELINES", "流水线";
    LastOutput: "LAST OUTPUT", "最近输出";
    Stage: "STAGE", "阶段";
    Attempt: "ATTEMPT", "次数";
    Approval: "APPROVAL", "审批";
    Asked: "ASKED", "提出";
    Question: "QUESTION", "问题";
    WillDo: "IF APPROVED", "批准后执行";
    WillNot: "IF REJECTED", "拒绝后执行";
    Kind: "KIND", "类型";
    Run: "RUN", "运行";
    Expires: "EXPIRES IN", "剩余时间";
    Decided: "DECIDED BY", "决定者";
    ApprovedNow: "approved", "已批准";
    RejectedNow: "rejected", "已拒绝";
    AnsweredNow: "answered", "已回答";
    Reloaded: "configuration and policies are loaded again", "已重新加载配置和策略";
    Ended: "the supervisor has ended", "监督进程已结束";
    NothingApplies:
        "no pipeline applies there: `tmuxagent policy init` in the project's folder writes one",
        "那里没有适用的流水线：在项目目录运行 `tmuxagent policy init` 可生成一个";
    Checks: "CHECK", "检查项";
    Fix: "fix:", "修复：";
    Fixed: "fixed", "已修复";
    AllWell: "nothing is wrong", "一切正常";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Lang;

    #[test]
    fn both_languages_have_their_words() {
        assert_eq!(word(Lang::En, Word::Ended), "the supervisor has ended");
        assert_eq!(word(Lang::Zh, Word::Ended), "监督进程已结束");
    }
}
