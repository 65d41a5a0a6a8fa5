//! The words of what is wrong.

use super::{Lang, message};
use tmuxagent_model::{Malformed, Trouble};

/// Why a `SENTRY` message can't be read, a fragment.
#[must_use]
pub fn malformed(lang: Lang, why: &Malformed) -> String {
    match (lang, why) {
        (Lang::En, why) => why.to_string(),
        (Lang::Zh, Malformed::CutOff) => "在智能体的屏幕上被截断".to_owned(),
        (Lang::Zh, Malformed::NotClosed) => "JSON 没有闭合".to_owned(),
        (Lang::Zh, Malformed::NotJson(error)) => format!("不是有效的 JSON：{error}"),
        (Lang::Zh, Malformed::NotAnObject) => "不是 JSON 对象".to_owned(),
        (Lang::Zh, Malformed::NoType) => "没有 `type`".to_owned(),
        (Lang::Zh, Malformed::UnknownType(name)) => format!("未知的类型 `{name}`"),
        (Lang::Zh, Malformed::NotText(field)) => format!("`{field}` 不是文字"),
        (Lang::Zh, Malformed::NotTruth(field)) => format!("`{field}` 既不是 true 也不是 false"),
        (Lang::Zh, Malformed::NotTexts(field)) => format!("`{field}` 不是文字的列表"),
        (Lang::Zh, Malformed::NotExitCode(field)) => format!("`{field}` 不是退出码"),
        (Lang::Zh, Malformed::NotValues(field)) => format!("`{field}` 不是由单行值组成的映射"),
        (Lang::Zh, Malformed::Told(text)) => message(lang, text),
    }
}

/// Why a part fails now, a sentence.
#[must_use]
pub fn trouble(lang: Lang, why: &Trouble) -> String {
    match (lang, why) {
        (Lang::En, why) => why.to_string(),
        (Lang::Zh, Trouble::Listen { address, error }) => {
            format!("无法监听 {address}：{}；请在配置里改用空闲的地址", message(lang, error))
        }
        (Lang::Zh, Trouble::NoLinkKey { error }) => format!("没有签名链接的密钥：{}", message(lang, error)),
        (Lang::Zh, Trouble::CollectorFailed) => "它的采集器出错，正在重启".to_owned(),
        (Lang::Zh, Trouble::CollectorNotStarted { error }) => {
            format!("无法启动它的采集器：{}；会重试", message(lang, error))
        }
        (Lang::Zh, Trouble::NotSaved { error }) => {
            format!("{}；状态能保存之前不发送任何内容", message(lang, error))
        }
        (Lang::Zh, Trouble::Told(text)) => message(lang, text),
    }
}

/// What a failing part is called.
#[must_use]
pub fn part(lang: Lang, part: &str) -> String {
    if lang == Lang::En {
        return part.to_owned();
    }
    match part {
        "configuration" => "配置".to_owned(),
        "policy" => "策略".to_owned(),
        "state" => "状态".to_owned(),
        "recordings" => "记录".to_owned(),
        "backup" => "备份".to_owned(),
        "metrics" => "监控指标".to_owned(),
        "web server" => "网页服务".to_owned(),
        "signed links" => "签名链接".to_owned(),
        "approval files" => "审批文件".to_owned(),
        "the server of Codex" => "Codex 的服务".to_owned(),
        "secrets of workspaces" => "工作区的机密".to_owned(),
        named => match named.split_once(' ') {
            Some(("host", name)) => format!("主机 {name}"),
            Some(("channel", name)) => format!("通道 {name}"),
            _ => named.to_owned(),
        },
    }
}
