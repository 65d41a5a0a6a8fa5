//! Who reads the keys of a pane, and what was not typed for that.

pub(super) const ROWS: &[(&str, &str)] = &[
    ("{} is at an empty prompt", "{0} 停在空提示符"),
    ("something unsent stands behind the prompt of {}", "{0} 的提示符后有未发送的内容"),
    (
        "another field of {} than its input line is open, such as a search, and takes the keys",
        "{0} 打开了输入行之外的字段（例如搜索），按键会进入该字段",
    ),
    (
        "the prompt of {} is not known (an empty one?), so that what stands there may be unsent; \
         `tmuxagent shell-init` makes it known, and `tmuxagent send --insist` types all the same",
        "{0} 的提示符未知（可能为空），那里的内容可能尚未发送；`tmuxagent shell-init` 可让它可知，`tmuxagent send --insist` 可照样输入",
    ),
    ("{} is running", "{0} 正在运行"),
    ("{} waits for a line", "{0} 在等待输入一行"),
    ("{} takes single keys", "{0} 在等待按键"),
    ("{} waits for a password", "{0} 在等待密码"),
    ("{} owns the screen", "{0} 占用整个屏幕"),
    ("the agent {} is in front", "前台是智能体 {0}"),
    ("the agent {} works", "智能体 {0} 正在工作"),
    ("the agent {} asks something", "智能体 {0} 在提问"),
    ("{} is in front, and who reads behind it is not known", "前台是 {0}，无法得知其内层由谁读取按键"),
    ("the pane is in copy mode", "窗格处于复制模式"),
    ("the pane's process has ended", "窗格里的进程已结束"),
    ("who reads the keys can't be told", "无法得知由谁读取按键"),
    ("nothing was typed: {}; --insist types it all the same", "没有输入：{0}；加 --insist 可照样输入"),
    ("nothing was typed: {}", "没有输入：{0}"),
    ("nothing is named to be given up", "没有指出要放弃哪一项"),
    ("nothing is held", "没有暂缓的内容"),
    ("its identity is needed; these are held:", "需要它的标识；暂缓的有："),
    ("a program", "某个程序"),
    ("{} is given up, where nothing of it was typed yet", "{0} 已放弃（若尚未输入任何内容）"),
];
