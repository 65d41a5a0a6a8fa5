//! What is said of rules that answer agents' dialogs, and of leases.

pub(super) const ROWS: &[(&str, &str)] = &[
    // Why it is not certain what a command does.
    (
        "`$`, a backtick, `<(` or `>(`: what stands there is known only when it runs",
        "`$`、反引号、`<(` 或 `>(`：运行时才知道那里是什么",
    ),
    (
        "`*`, `?`, brackets or braces outside of quotes, which may become other words",
        "引号之外的 `*`、`?` 或括号，可能变成别的词",
    ),
    ("a sign that some shell takes for more than a letter", "有的 shell 会把其中某个符号当作特殊符号"),
    ("a text that is longer than anybody reads", "文字太长"),
    ("a sign that joins several commands", "连接多条命令的符号"),
    ("a command that has no beginning or no end", "命令没有开头或没有结尾"),
    ("a loop, a condition, a function or another word of the shell", "循环、条件、函数或其他 shell 关键字"),
    ("a variable that is set", "设置了变量"),
    ("input from a file or a text, or output into a file", "从文件或文字读入，或写入文件"),
    // Rules.
    ("a rule", "规则"),
    ("a rule of `auto_answers`", "`auto_answers` 的规则"),
    ("the rule `{}` is defined twice: here and at {}", "规则 `{0}` 定义了两次：此处和 {1}"),
    ("`{}` is no pattern of a command: {}", "`{0}` 不是命令模式：{1}"),
    (
        "write one command, word by word; every command of a pipeline or chain is an item of its own",
        "逐词写一条命令；管道或命令串中的每条命令各写一项",
    ),
    ("a rule for commands needs the key `commands`, or `deny`", "针对命令的规则需要 `commands` 或 `deny`"),
    ("a rule for edits has no `commands`; it has a `folder`", "针对修改的规则没有 `commands`，而有 `folder`"),
    (
        "a rule for edits needs the key `folder`: the files within it may be changed",
        "针对修改的规则需要 `folder`：其中的文件可以被修改",
    ),
    ("a limit is from 1 to 1000 answers", "次数上限为 1 到 1000"),
    (
        "a folder is written from `/` on, its first name without `*`, and without `..`",
        "文件夹须从 `/` 写起，第一级名称不含 `*`，且不含 `..`",
    ),
    (
        "write it as `/home/me/project`; all that lies below belongs to it",
        "请写成 `/home/me/project`；其下的一切都算在内",
    ),
    (
        "`{}` allows everything: whatever stands for its `*` or its input is run",
        "`{0}` 允许了一切：`*` 处或输入里的任何内容都会被运行",
    ),
    (
        "name the program and what it runs, as in `cargo test *` or `python -m pytest *`",
        "请写明程序及其运行的内容，如 `cargo test *` 或 `python -m pytest *`",
    ),
    (
        "`{}` runs another program, of whose options nothing is known here",
        "`{0}` 会运行另一个程序，而这里不了解那个程序的选项",
    ),
    (
        "allow the program by itself where you can; without `*` only these very words are allowed",
        "尽可能直接允许那个程序；不写 `*` 则只允许这些词本身",
    ),
    (
        "`{}` allows every subcommand of `{}`, also those that delete, send or run",
        "`{0}` 允许 `{1}` 的所有子命令，包括删除、发送或运行的",
    ),
    (
        "name each, as in `{} status`; without `*` only these very words are allowed",
        "请逐个写明，如 `{0} status`；不写 `*` 则只允许这些词本身",
    ),
    ("`{}` never matches: a `deny` takes away all of it", "`{0}` 永远不会匹配：`deny` 已全部禁止"),
    ("`{}` never decides: the rule `{}` answers all of it before", "`{0}` 永远不起作用：规则 `{1}` 已在它之前全部回答"),
    ("take one of them out", "请去掉其中之一"),
    // Classes of commands, and leases.
    ("the command is not certain: {}", "无法确定这条命令：{0}"),
    ("it {}, which is asked about each time", "它{0}，每次都要询问"),
    ("one of its options makes it run or write something else", "它的某个选项会让它运行或写入别的东西"),
    ("`{}` runs what it is told, so it has no class", "`{0}` 会运行交给它的内容，因此没有类别"),
    ("what `{}` does here is asked about each time", "`{0}` 在这里做的事每次都要询问"),
    ("the words behind `{}` do not say what it does", "`{0}` 之后的词没有说明它做什么"),
    (
        "a lease goes with an agent's question about a command, and this is none",
        "限时授权只随智能体关于命令的提问给出，而这不是",
    ),
    ("a lease is for commands that are shown whole", "限时授权只用于完整显示的命令"),
    ("the agent's process is not known, with which a lease would end", "不知道智能体的进程，而限时授权应随它结束"),
    ("the command takes several rows, so it is not certain where it goes on", "命令占了多行，无法确定各行如何相接"),
    ("a lease is given at this machine, from the screen or the command line", "限时授权只能在本机的界面或命令行给出"),
    ("a lease is for some time, at most twelve hours", "限时授权须有时长，最长十二小时"),
    ("no lease is given for this: {}", "不能为此给出限时授权：{0}"),
    ("approved, and for {} whatever is {}; lease {}", "已批准，并在 {0} 内允许 {1}；限时授权 {2}"),
    (
        "no lease is in force; `tmuxagent leases` lists those that are",
        "没有生效的限时授权；有的话 `tmuxagent leases` 会列出",
    ),
    ("`tmuxagent leases` lists those in force:", "`tmuxagent leases` 会列出生效的限时授权："),
    ("there is no lease {}", "没有限时授权 {0}"),
    ("1 lease ended", "结束了 1 个限时授权"),
    ("{} leases ended", "结束了 {0} 个限时授权"),
    (
        "no lease is in force: `tmuxagent approve ID --for 30m` gives one with a yes to a dialog",
        "没有生效中的限时授权：`tmuxagent approve ID --for 30m` 可在批准对话框时给出",
    ),
    // Rules out of the past.
    ("there is no database {}", "没有数据库 {0}"),
    (
        "a supervisor makes it when it first runs: `tmuxagent` starts one, `tmuxagent demo` shows it at work",
        "监督进程首次运行时会创建它：`tmuxagent` 启动监督进程，`tmuxagent demo` 演示其工作",
    ),
    ("the database can't be read: {}", "无法读取数据库：{0}"),
    ("the journal can't be read: {}", "无法读取日志：{0}"),
    ("there is no single approval {}", "没有唯一的审批 {0}"),
    ("`tmuxagent approvals --all` lists them", "`tmuxagent approvals --all` 会列出它们"),
    ("see `tmuxagent db check`", "请看 `tmuxagent db check`"),
    ("it was not asked by an agent's dialog", "它不是由智能体的对话框提出的"),
    ("rules answer dialogs of agents alone", "规则只回答智能体的对话框"),
    ("no rule is made of this: {}", "不能由此生成规则：{0}"),
    ("nothing is known of its command", "不知道它的命令"),
    ("write the rule by hand where it is safe", "若安全，请手写规则"),
];
