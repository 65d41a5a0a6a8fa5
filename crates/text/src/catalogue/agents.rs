//! What is said of agents and their recognisers.

pub(super) const ROWS: &[(&str, &str)] = &[
    ("`process` must say how the agent's process is known", "`process` 必须说明如何识别该代理的进程"),
    ("`{}` needs one of `title`, `ask` and `hint`", "`{0}` 需要 `title`、`ask`、`hint` 之一"),
    ("`{}` is no regular expression: {}", "`{0}` 不是正则表达式：{1}"),
    ("a map with `from` or `after`", "含 `from` 或 `after` 的映射"),
    ("a map with `name` and `state`", "含 `name` 和 `state` 的映射"),
    ("the file of the agent `{}` must be named {}.yaml", "代理 `{0}` 的文件必须命名为 {1}.yaml"),
    ("the recogniser {} can't be read: {}", "无法读取识别文件 {0}：{1}"),
    ("`tmuxagent agent list` shows which files are used", "`tmuxagent agent list` 显示使用了哪些文件"),
    ("no agent is named `{}`", "没有叫 `{0}` 的代理"),
    ("name a folder of saved screens", "请指明存放屏幕的文件夹"),
    ("{} holds no screens (NAME.txt or NAME.ansi)", "{0} 里没有屏幕（NAME.txt 或 NAME.ansi）"),
    ("save some with `tmuxagent agent record PANE NAME`", "用 `tmuxagent agent record 窗格 名字` 保存"),
    ("nothing says which state {} shows", "没有说明 {0} 显示的是哪个状态"),
    (
        "list it in screens.yaml, or begin its name with a state, such as needs_approval-2",
        "请在 screens.yaml 中列出，或让名字以状态开头，例如 needs_approval-2",
    ),
    ("nothing says which agent's screens lie in {}", "没有说明 {0} 里是哪个代理的屏幕"),
    ("give --agent NAME, or `agent:` in screens.yaml", "请给出 --agent 名字，或在 screens.yaml 中写 `agent:`"),
    ("`tmux list-panes -a` lists all", "`tmux list-panes -a` 会全部列出"),
    ("no host of the configuration is this machine", "配置里没有本机"),
    ("the pane went away meanwhile", "窗格在此期间消失了"),
    ("{} exists", "{0} 已存在"),
    ("`{}` can't be the name of a file", "`{0}` 不能用作文件名"),
    ("use letters, digits, `-` and `_`", "请使用字母、数字、`-` 和 `_`"),
];
