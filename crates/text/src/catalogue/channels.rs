//! Channels of alerts and their links. `{}` is a hole, `{0}` names the first one.

pub(super) const ROWS: &[(&str, &str)] = &[
    (
        "`{}` must be a list of a program and its arguments; no shell reads it",
        "`{0}` 必须是由程序及其参数组成的列表；不会经过 shell",
    ),
    (
        "`{}` must name its program by the whole path or by a name on PATH; no shell reads it",
        "`{0}` 必须用完整路径或 PATH 中的名称指明程序；不会经过 shell",
    ),
    ("write `/home/…` in place of `~` in `{}`", "请把 `{0}` 中的 `~` 写成 `/home/…`"),
    ("write `command: [{}]`", "请写 `command: [{0}]`"),
    ("write `command: [sh, -c, '{}']`", "请写 `command: [sh, -c, '{0}']`"),
    ("no pane of the tmux server {} is named `{}`", "tmux 服务器 {0} 中没有名为 `{1}` 的窗格"),
    (
        "`tmux -S {} list-panes -a` lists all; --socket names another server",
        "`tmux -S {0} list-panes -a` 列出全部；--socket 指定另一个服务器",
    ),
    (
        "more requests to the web server were refused: {}, of them from {}: {}",
        "另有发往网页服务器的请求被拒绝：{0} 个，其中来自 {1} 的：{2} 个",
    ),
    // What channels of this machine answer; it is kept in the language of the supervisor.
    ("written", "已写出"),
    ("shown", "已显示"),
    ("toast shown", "已弹出通知"),
    (
        "standard output is the screen's terminal; use `terminal` or `desktop`, or run it with `--headless` and standard output in a file",
        "标准输出是主界面所在的终端；请改用 `terminal` 或 `desktop`，或以 `--headless` 运行并把标准输出写入文件",
    ),
    // What was written into a request's file and not understood.
    ("not understood: `{}`; write `approve` or `reject`", "无法识别：`{0}`；请写入 approve 或 reject"),
    ("not understood: `{}`; write `answer: TEXT`", "无法识别：`{0}`；请写入 answer: 文本"),
    (
        "not understood: `{}`; write `approve`, `reject` or one of the answers",
        "无法识别：`{0}`；请写入 approve、reject 或任一可选答案",
    ),
    ("not understood: `{}` ({}?); write `approve` or `reject`", "无法识别：`{0}`（{1}？）；请写入 approve 或 reject"),
    ("not understood: `{}` ({}?); write `answer: TEXT`", "无法识别：`{0}`（{1}？）；请写入 answer: 文本"),
    (
        "not understood: `{}` ({}?); write `approve`, `reject` or one of the answers",
        "无法识别：`{0}`（{1}？）；请写入 approve、reject 或任一可选答案",
    ),
    (
        "not understood: the request was changed; write `answer: TEXT` behind it, or instead of it",
        "无法识别：请求内容被改动；请在其后写入 answer: 文本，或用它替换全部内容",
    ),
    (
        "not understood: the request was changed; write `approve` or `reject` behind it, or instead of it",
        "无法识别：请求内容被改动；请在其后写入 approve 或 reject，或用它替换全部内容",
    ),
    // What a restoration takes back.
    ("decided questions that are open again: {}", "重新打开的已决定问题：{0} 个"),
    (
        "nothing is typed before you say so: start `tmuxagent`, look at what is open and held, then `tmuxagent unfreeze`",
        "在您同意之前不会输入任何内容：启动 `tmuxagent`，查看待决定和被暂缓的内容，然后执行 `tmuxagent unfreeze`",
    ),
    (
        "what happened after {} was made can't be told: the present database can't be read",
        "无法得知 {0} 生成之后发生了什么：现有数据库无法读取",
    ),
    ("{} is of {} ({}); events since: {}", "{0} 的时间是 {1}（{2}）；其后的事件：{3} 个"),
    (
        "texts and commands typed since, which may be asked for again: {}",
        "其后输入过、可能会再次被询问的文字和命令：{0} 段",
    ),
    (
        "questions that were closed since, are open in it, and are asked again: {}",
        "其后已关闭、在该备份中仍打开、将再次询问的问题：{0} 个",
    ),
];
