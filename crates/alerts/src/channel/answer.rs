//! What services answer and what that means for a message: tables of data, one for each call, and the one place that reads
//! them.
//!
//! **Invariant:** only a word that a table calls a yes counts as delivered, and only with a 2xx status. A login page, a
//! proxy's greeting or an empty answer is none. The same code means different things in different calls, so each call has
//! a table of its own, beside its channel.

use super::says_no::says_no;
use super::{SendError, joined};
use crate::http::Answer;
use serde_json::Value;
use tmuxagent_clock as clock;
use tmuxagent_model::{Millis, Timestamp};
use tmuxagent_text::Lang;
use tmuxagent_text::plain::{cut_bytes, one_line};

/// The documented answers of one call of a service.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// The service's name.
    pub service: Both,
    /// RFC 6901 pointers to the service's code, a number; of several the first that is not 0 counts.
    pub code: &'static [&'static str],
    /// Pointers to what the service says of it; all that are there are shown.
    pub words: &'static [&'static str],
    /// Pointer to the seconds to wait, empty where the body names none; `Retry-After` is read as well.
    pub after: &'static str,
    /// Groups of rows; the first row that fits counts.
    pub rows: &'static [&'static [Row]],
    /// What a web page with a 2xx status means.
    pub page: Then,
    /// What a 2xx status with anything else means that fits no row.
    pub otherwise: Then,
}

/// A table to begin with: it takes nothing for a yes.
pub const BASE: Table = Table {
    service: Both("the service", "该服务"),
    code: &[],
    words: &[],
    after: "",
    rows: &[],
    // The service itself never answers so, so nothing arrives twice by trying again, and hotspots pass.
    page: Then::Later {
        seconds: 0,
        why: Both(
            "a login page (hotspot, VPN, single sign-on) or a proxy may stand in between, or the address is wrong",
            "中间可能有登录页（热点、VPN、单点登录）或代理，也可能是地址有误",
        ),
    },
    otherwise: Then::Later {
        seconds: 0,
        why: Both("something else may answer at this address; check it", "在该地址应答的可能不是此服务，请检查地址"),
    },
};

/// A text in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Both(pub &'static str, pub &'static str);

impl Both {
    /// The text of that language.
    #[must_use]
    pub const fn pick(self, lang: Lang) -> &'static str {
        lang.pick(self.0, self.1)
    }
}

/// One documented answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// How it looks.
    pub when: When,
    /// What it means.
    pub then: Then,
}

/// How an answer looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The service's code is this number.
    Code(i64),
    /// The code is this number and the service's words contain this; only where one code stands for several things.
    CodeSaying(i64, &'static str),
    /// Any code that no row before this one names.
    OtherCode,
    /// The service's words contain this.
    Says(&'static str),
    /// This truth value stands at the pointer.
    Flag(&'static str, bool),
    /// This number stands at the pointer.
    Number(&'static str, i64),
    /// This text stands at the pointer.
    Text(&'static str, &'static str),
    /// A number, or a text that is not empty, stands at the pointer.
    Has(&'static str),
    /// This word is the whole body.
    Word(&'static str),
    /// The HTTP status is this.
    Status(u16),
    /// It says no in words that many services share.
    SaysNo,
}

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// The service took the message.
    Delivered,
    /// Not now; again after so many seconds, where the answer names no time, or after the usual pause (0).
    Later {
        /// The pause in seconds; 0 means the usual one.
        seconds: u64,
        /// Why, and what helps.
        why: Both,
    },
    /// The credential that was fetched for this call (a token, a subscription) is no longer good: fetch it anew, and try
    /// once more.
    Renew {
        /// What to do when that does not help.
        why: Both,
    },
    /// The service takes nothing more today.
    Spent {
        /// Hours east of UTC at which the service's day begins.
        east: i64,
        /// What the service said, in both languages.
        why: Both,
    },
    /// Never like this.
    Never {
        /// What the user can do.
        fix: Both,
    },
}

impl When {
    /// The row of an answer that means success.
    #[must_use]
    pub const fn delivered(self) -> Row {
        Row { when: self, then: Then::Delivered }
    }

    /// The row of an answer after which the message is sent again, after so many seconds.
    #[must_use]
    pub const fn later(self, seconds: u64, en: &'static str, zh: &'static str) -> Row {
        Row { when: self, then: Then::Later { seconds, why: Both(en, zh) } }
    }

    /// The row of an answer that asks for fresh credentials.
    #[must_use]
    pub const fn renew(self, en: &'static str, zh: &'static str) -> Row {
        Row { when: self, then: Then::Renew { why: Both(en, zh) } }
    }

    /// The row of an answer that ends the service's day.
    #[must_use]
    pub(crate) const fn spent(self, east: i64, en: &'static str, zh: &'static str) -> Row {
        Row { when: self, then: Then::Spent { east, why: Both(en, zh) } }
    }

    /// The row of an answer that only the user can mend. `{address}` in the text is the address that the service names.
    #[must_use]
    pub const fn never(self, en: &'static str, zh: &'static str) -> Row {
        Row { when: self, then: Then::Never { fix: Both(en, zh) } }
    }
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The service took it.
    Delivered,
    /// Fresh credentials are needed; the error to tell when they did not help.
    Renew(SendError),
    /// It did not take it.
    Failed(SendError),
}

impl Verdict {
    /// As a result, for calls whose credentials can't be fetched anew.
    ///
    /// # Errors
    /// Everything but a delivery.
    pub fn result(self) -> Result<(), SendError> {
        match self {
            Self::Delivered => Ok(()),
            Self::Renew(error) | Self::Failed(error) => Err(error),
        }
    }
}

impl Table {
    /// What an answer means, in words of that language.
    #[must_use]
    pub fn judge(&self, answer: &Answer, lang: Lang) -> Verdict {
        let json = answer.json();
        let good = answer.is_good();
        let mut rows = self.rows.iter().copied().flatten();
        if let Some(row) = rows.find(|row| (good || row.then != Then::Delivered) && self.fits(row.when, answer, &json))
        {
            return self.verdict(row.then, self.told(answer, &json, lang), answer, &json, lang);
        }
        if !good {
            return Verdict::Failed(by_status(answer, lang));
        }
        let (then, what) = if answer.is_web_page() {
            (self.page, lang.pick("answered with a web page, not SERVICE's answer", "返回的是网页，不是SERVICE的应答"))
        } else if answer.unreadable {
            let packed = lang.pick(
                "answered with something that says nothing certain (no plain text, too long, or a name stands twice in it)",
                "返回的内容不能确定其含义（不是纯文本、过长，或同一个名称出现两次）",
            );
            (self.page, packed)
        } else {
            (self.otherwise, lang.pick("not SERVICE's answer", "不是SERVICE的应答"))
        };
        let what = format!("{}: {}", what.replace("SERVICE", self.service.pick(lang)), answer.sentence());
        self.verdict(then, what, answer, &json, lang)
    }

    /// Whether the service took it.
    ///
    /// # Errors
    /// What the answer means and what to do.
    pub fn check(&self, answer: &Answer, lang: Lang) -> Result<(), SendError> {
        self.judge(answer, lang).result()
    }

    fn code(&self, json: &Value) -> Option<i64> {
        let codes = || self.code.iter().filter_map(|pointer| json.pointer(pointer)?.as_i64());
        // Of two that contradict each other neither is a yes.
        codes().find(|code| *code != 0).or_else(|| codes().next())
    }

    fn said(&self, json: &Value) -> String {
        let words = self.words.iter().filter_map(|pointer| match json.pointer(pointer)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        });
        words.collect::<Vec<_>>().join(" ")
    }

    fn fits(&self, when: When, answer: &Answer, json: &Value) -> bool {
        match when {
            When::Code(code) => self.code(json) == Some(code),
            When::CodeSaying(code, words) => self.code(json) == Some(code) && self.said(json).contains(words),
            When::OtherCode => self.code(json).is_some(),
            When::Says(words) => self.said(json).contains(words),
            When::Flag(pointer, value) => json.pointer(pointer) == Some(&Value::Bool(value)),
            When::Number(pointer, value) => json.pointer(pointer).and_then(Value::as_i64) == Some(value),
            When::Text(pointer, value) => json.pointer(pointer).and_then(Value::as_str) == Some(value),
            When::Has(pointer) => match json.pointer(pointer) {
                Some(Value::String(text)) => !text.is_empty(),
                other => other.is_some_and(Value::is_number),
            },
            When::Word(word) => answer.text.trim().trim_matches('"') == word,
            When::Status(status) => answer.status == status,
            When::SaysNo => answer.is_good() && says_no(&answer.text, json),
        }
    }

    /// The answer for people: the service's code and words, or else status and body.
    fn told(&self, answer: &Answer, json: &Value, lang: Lang) -> String {
        let Some(code) = self.code(json) else {
            return answer.sentence();
        };
        let service = self.service.pick(lang);
        let told = match lang {
            Lang::En => format!("{service} code {code}"),
            Lang::Zh => format!("{service}返回 {code}"),
        };
        let said = cut_bytes(&one_line(&self.said(json)), 160);
        if said.is_empty() { told } else { format!("{told}: {said}") }
    }

    fn verdict(&self, then: Then, what: String, answer: &Answer, json: &Value, lang: Lang) -> Verdict {
        let with = |why: Both| joined(&what, why.pick(lang));
        Verdict::Failed(match then {
            Then::Delivered => return Verdict::Delivered,
            Then::Renew { why } => return Verdict::Renew(SendError::retry(with(why))),
            Then::Later { seconds, why } => {
                let named = json.pointer(self.after).and_then(Value::as_u64).or(answer.retry_after);
                SendError::retry_after(with(why), named.or((seconds > 0).then_some(seconds)))
            }
            Then::Spent { east, why } => SendError::exhausted(&with(why), until_tomorrow(clock::wall(), east), lang),
            Then::Never { fix } => {
                let said = self.said(json);
                let address = address_in(&said).map_or_else(String::new, |ip| format!(" ({ip})"));
                SendError::refused(what, fix.pick(lang).replace("{address}", &address))
            }
        })
    }
}

/// What a status that is not 2xx means by itself.
#[must_use]
pub(crate) fn by_status(answer: &Answer, lang: Lang) -> SendError {
    let fix = match answer.status {
        408 | 425 | 429 | 500..=599 => return SendError::retry_after(answer.sentence(), answer.retry_after),
        300..=399 => Both("the address redirects; configure the final address", "该地址被重定向；请直接配置最终地址"),
        401 | 403 => Both("check the channel's key or token", "请检查该通道的密钥或令牌"),
        404 | 410 => Both("check the channel's address", "请检查该通道的地址"),
        407 => Both("the proxy asks for a login; check the channel's `proxy`", "代理要求登录；请检查该通道的 `proxy`"),
        413 => Both("the message is too long for this service", "消息超过了该服务的长度上限"),
        _ => Both("check the channel's configuration", "请检查该通道的配置"),
    };
    SendError::refused(answer.sentence(), fix.pick(lang))
}

/// The first IPv4 or IPv6 address in a service's words (`… from ip: 203.0.113.9`).
fn address_in(text: &str) -> Option<std::net::IpAddr> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')' | '[' | ']'))
        .find_map(|word| word.trim_end_matches('.').parse().ok())
}

/// The time until the next day begins, `east` hours east of UTC.
#[must_use]
pub(crate) fn until_tomorrow(now: Timestamp, east: i64) -> Millis {
    const DAY: i64 = 86_400_000;
    Millis(u64::try_from(DAY - (now.0 + east * 3_600_000).rem_euclid(DAY)).unwrap_or(0))
}
