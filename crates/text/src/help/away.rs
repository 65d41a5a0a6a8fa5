//! What the help says of the panel and the audit trail.

pub(super) const TEXTS: &[(&str, &str)] = &[
    (
        "Tell whether the trail of what was typed, decided, told and configured is as it was written",
        "检查输入、决定、通知和配置的审计记录是否与写入时一致",
    ),
    (
        "Follow the trail through all its files. Exit code 1: it is not as it was written",
        "逐个文件核对审计记录。退出码 1：与写入时不一致",
    ),
    (
        "A head that an earlier `audit verify` printed, kept where nobody here could change it: it must be in the trail",
        "先前 `audit verify` 输出、保存在别处无人能改的末端值：它必须在记录中",
    ),
    ("Invite people to the panel, list them, take their access back", "邀请他人使用面板、列出成员、收回权限"),
    (
        "Print a link that signs somebody in to the panel: once, within a day",
        "打印让某人登录面板的链接：只能使用一次，一天内有效",
    ),
    (
        "Print a token for somebody's scripts, sent as `Authorization: Bearer TOKEN`",
        "打印供某人的脚本使用的令牌，以 `Authorization: Bearer TOKEN` 发送",
    ),
    ("List who may open the panel", "列出可以打开面板的人"),
    ("Take back all that lets somebody in", "收回某人的全部权限"),
    ("The name that decisions are recorded with", "记录决定时使用的姓名"),
    (
        "What they may do: view, decide, or admin, who also runs stages again and types into panes",
        "权限：view（查看）、decide（审批）或 admin（还可重跑阶段、在窗格中输入）",
    ),
    ("For how long", "有效时长"),
    ("The name", "姓名"),
];
