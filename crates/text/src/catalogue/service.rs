//! The supervisor as a service.

pub(super) const ROWS: &[(&str, &str)] = &[
    ("{} would be written:", "将写入 {0}："),
    ("then these would be run:", "然后将运行："),
    ("{} would be removed", "将移除 {0}"),
    ("these would be run:", "将运行："),
    ("{} is removed", "{0} 已移除"),
    ("it runs as it was; this starts it anew:", "它仍按原样运行；用以下命令重新启动："),
    (
        "no init system of yours is reached from here; where you are logged in run:",
        "从这里无法访问您的 init 系统；请在登录后运行：",
    ),
    (
        "another supervisor runs (process {}); once `tmuxagent shutdown` ended it the service takes over within 15 s",
        "另一个监督进程正在运行（进程 {0}）；用 `tmuxagent shutdown` 结束它后，服务会在 15 秒内接手",
    ),
    (
        "`loginctl enable-linger` lets it start with the machine and go on after you log out",
        "`loginctl enable-linger` 让它随机器启动，并在您注销后继续运行",
    ),
    (
        "{} of this shell is not known to the service: write it into `.env` beside the configuration",
        "服务不知道此 shell 的 {0}：请把它写入配置旁的 `.env`",
    ),
    ("{} is not from `tmuxagent service install`", "{0} 不是由 `tmuxagent service install` 写入的"),
    ("nothing was changed; move it away if you do not need it", "没有修改任何内容；如不需要，请将它移走"),
    ("{} holds a control character, so no service can name it", "{0} 含有控制字符，服务无法使用它"),
    ("can't remove {}: {}", "无法移除 {0}：{1}"),
    ("it runs, and starts by itself from now on", "它正在运行，今后会自动启动"),
    ("this machine has no `{}`", "此机器上没有 `{0}`"),
    (
        "`tmuxagent service install --in-tmux` keeps it running in your tmux",
        "`tmuxagent service install --in-tmux` 让它在您的 tmux 中一直运行",
    ),
    ("by sudo the service would be that of root, not yours", "通过 sudo 安装的服务属于 root，而不是您"),
    ("repeat it without sudo", "请不用 sudo 重试"),
    (
        "nothing was changed; `tmuxagent service uninstall --in-tmux` ends the one in your tmux",
        "没有修改任何内容；`tmuxagent service uninstall --in-tmux` 结束您 tmux 里的那一个",
    ),
    (
        "your tmux has one in the session {}; `tmuxagent service uninstall --in-tmux` ends that",
        "您的 tmux 会话 {0} 里有一个；用 `tmuxagent service uninstall --in-tmux` 结束它",
    ),
    (
        "your tmux has one in the session {}; `tmuxagent service status --in-tmux` tells of that",
        "您的 tmux 会话 {0} 里有一个；详见 `tmuxagent service status --in-tmux`",
    ),
    ("`tmuxagent service install` installs it", "`tmuxagent service install` 会安装它"),
    ("`tmuxagent service install --in-tmux` opens it", "`tmuxagent service install --in-tmux` 会打开它"),
    ("set HOME and repeat", "请设置 HOME 后重试"),
    ("`{}` failed: {}", "`{0}` 失败：{1}"),
    (
        "`journalctl --user -u tmuxagent.service` tells more, where systemd keeps a journal",
        "若 systemd 保存日志，`journalctl --user -u tmuxagent.service` 会给出更多信息",
    ),
    (
        "the session {} of this tmux is not from `tmuxagent service install`",
        "此 tmux 的会话 {0} 不是由 `tmuxagent service install` 创建的",
    ),
    ("nothing was changed; rename it if you need it", "没有修改任何内容；如需要它，请将它改名"),
    (
        "for the machine's next start `crontab -e` takes this line:",
        "要在机器下次启动时恢复，请用 `crontab -e` 加入这一行：",
    ),
    ("the session {} would be opened", "将打开会话 {0}"),
    ("the session {} was opened with other flags or another environment", "会话 {0} 是以其他选项或环境打开的"),
    ("it runs as it was; this opens it as it would be now:", "它仍按原样运行；用以下命令按现在的方式重新打开："),
    ("the session {} is open; the supervisor runs in it", "会话 {0} 已打开，监督进程在其中运行"),
    ("the session {} would be closed", "将关闭会话 {0}"),
    ("where crontab has its line, `crontab -e` takes it out", "如果 crontab 里有对应的一行，请用 `crontab -e` 删除"),
    ("the session {} is closed, and its supervisor ends", "会话 {0} 已关闭，其中的监督进程随之结束"),
];
