//! What the readers of configuration, workspaces and key maps find. `{}` is a hole, `{0}` names the first one.

pub(super) const ROWS: &[(&str, &str)] = &[
    ("a time such as {}", "时长，例如 {0}"),
    ("a size such as {}", "大小，例如 {0}"),
    ("the tag `{}` has no meaning here", "标签 `{0}` 在此没有意义"),
    (
        "one file holds one document: put the others into files of their own",
        "一个文件只放一个文档：请把其余的放进各自的文件",
    ),
    ("the file needs a key `{}`", "文件缺少键 `{0}`"),
    ("`{}` needs a key `{}`", "`{0}` 缺少键 `{1}`"),
    ("`${` without its `}`", "`${` 缺少对应的 `}`"),
    ("`${{}}` is not the name of a variable", "`${{0}}` 不是变量名"),
    (
        "set it in the shell, or in a file `.env` (mode 600) beside the configuration",
        "请在 shell 里设置，或写入配置旁的 `.env` 文件（权限 600）",
    ),
    (
        "the address begins with http://, https://, socks5:// or socks5h://",
        "地址以 http://、https://、socks5:// 或 socks5h:// 开头",
    ),
    ("`{}` must be an address with {} or {}", "`{0}` 必须是以 {1} 或 {2} 开头的地址"),
    ("for example {}", "例如 {0}"),
    ("configured: {}", "已配置：{0}"),
    ("keep a copy that is yours, or: {}", "请另存一份属于自己的副本，或：{0}"),
];
