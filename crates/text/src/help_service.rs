//! The help of `tmuxagent service` and of the coverage of policies' tests.

pub(super) const SERVICE: &[(&str, &str)] = &[
    (
        "Have the supervisor started by systemd, launchd or tmux: install, uninstall, status",
        "由 systemd、launchd 或 tmux 启动监督进程：install、uninstall、status",
    ),
    (
        "Have the supervisor start with the machine or the login, and again when it fails",
        "让监督进程随机器或登录启动，失败时重新启动",
    ),
    ("Tell whether it is installed, started by itself and running", "说明它是否已安装、会自动启动、正在运行"),
    (
        "Folders, looked into with all below, and files; the folder of the policies that would be used when left out",
        "文件夹（含其下全部）与文件；不写则用会采用的策略所在的文件夹",
    ),
    ("End it and take it away again", "结束并移除它"),
    (
        "Exit code 1: it is done as far as possible, and what is left is named",
        "退出码 1：已尽可能完成，并列出剩余的步骤",
    ),
    (
        "Exit code 1: it is not installed, not as `install` would do it now, or does not run",
        "退出码 1：未安装、与 `install` 现在会做的不同，或没有运行",
    ),
    (
        "In a session of your tmux, for a machine without systemd or launchd",
        "在您的 tmux 的一个会话中运行，用于没有 systemd 或 launchd 的机器",
    ),
    ("The one in a session of your tmux", "在您的 tmux 会话中的那一个"),
    (
        "Tell which stages, conditions and steps of `on_fail` the tests have reached",
        "说明测试到达了哪些阶段、条件和 `on_fail` 的步骤",
    ),
    (
        "The same; exit code 1 also where less than so many percent were reached",
        "同上；到达的少于这个百分比时退出码也为 1",
    ),
];
