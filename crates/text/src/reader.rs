//! Who reads the keys of a pane, in words.

use super::{Lang, clean};
use tmuxagent_model::{Holds, PaneReader, Reads};

/// What the reader of a pane does, one or two words.
#[must_use]
pub const fn reads(lang: Lang, reads: &Reads) -> &'static str {
    match reads {
        Reads::Shell => lang.pick("prompt", "提示符"),
        Reads::Draft => lang.pick("draft", "草稿"),
        Reads::Command => lang.pick("command", "命令"),
        Reads::Line => lang.pick("asks", "等输入"),
        Reads::Key => lang.pick("keys?", "等按键"),
        Reads::Password => lang.pick("password", "密码"),
        Reads::Screen => lang.pick("screen", "全屏"),
        Reads::Agent => lang.pick("agent", "智能体"),
        Reads::AgentWorks => lang.pick("working", "工作中"),
        Reads::AgentAsks => lang.pick("asks", "在提问"),
        Reads::Nested => lang.pick("nested", "内层"),
        Reads::Mode => lang.pick("copy mode", "复制"),
        Reads::Dead => lang.pick("dead", "已结束"),
        Reads::Unknown => lang.pick("unknown", "未知"),
    }
}

/// The same with the program's name, for a column.
#[must_use]
pub fn reader_brief(lang: Lang, reader: &PaneReader) -> String {
    let name = clean(reader.name());
    let word = match (&reader.reads, reader.holds) {
        (Reads::Draft, Holds::Field) => lang.pick("field", "其他字段"),
        (Reads::Draft, Holds::Prompt) => lang.pick("prompt?", "提示符？"),
        (all, _) => reads(lang, all),
    };
    match reader.reads {
        Reads::Unknown | Reads::Dead | Reads::Mode => word.to_owned(),
        _ if name.is_empty() => word.to_owned(),
        _ => format!("{word} ({name})"),
    }
}

/// Who reads the keys, as a sentence.
#[must_use]
pub fn reader_sentence(lang: Lang, reader: &PaneReader) -> String {
    let name = clean(reader.name());
    match lang {
        Lang::En => reader.sentence(&name),
        Lang::Zh => chinese(reader, if name.is_empty() { "某个程序" } else { &name }),
    }
}

fn chinese(reader: &PaneReader, name: &str) -> String {
    match reader.reads {
        Reads::Shell => format!("{name} 停在空提示符"),
        Reads::Draft => match reader.holds {
            Holds::Draft => format!("{name} 的提示符后有未发送的内容"),
            Holds::Field => format!("{name} 打开了输入行之外的字段（例如搜索），按键会进入该字段"),
            Holds::Prompt => format!(
                "{name} 的提示符未知（可能为空），那里的内容可能尚未发送；`tmuxagent shell-init` 可让它可知，`tmuxagent send --insist` 可照样输入"
            ),
        },
        Reads::Command => format!("{name} 正在运行"),
        Reads::Line => format!("{name} 在等待输入一行"),
        Reads::Key => format!("{name} 在等待按键"),
        Reads::Password => format!("{name} 在等待密码"),
        Reads::Screen => format!("{name} 占用整个屏幕"),
        Reads::Agent => format!("前台是智能体 {name}"),
        Reads::AgentWorks => format!("智能体 {name} 正在工作"),
        Reads::AgentAsks => format!("智能体 {name} 在提问"),
        Reads::Nested => format!("前台是 {name}，无法得知其内层由谁读取按键"),
        Reads::Mode => "窗格处于复制模式".to_owned(),
        Reads::Dead => "窗格里的进程已结束".to_owned(),
        Reads::Unknown => "无法得知由谁读取按键".to_owned(),
    }
}
