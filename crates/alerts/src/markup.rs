//! The markup of each service, and how text that is not ours is kept from being read as markup. Pure.
//!
//! Services document what they understand but rarely how to escape it, and they read more than they document. So
//! dangerous signs are not escaped but replaced by look-alikes of full width, which every service shows and none reads.
//!
//! **Invariant:** text that went through [`Markup::text`], [`Markup::shown`] or [`Markup::block`] can make no link, mention, colour,
//! heading, quotation or code of its own (property-tested).

use tmuxagent_text::escape::html;
use tmuxagent_text::plain::{harmless, one_line};

/// Invisible, forbids a line break; put into a name such as `example.com` it keeps a service from making it a link. Who
/// copies the name copies it too, so it stands only where nothing else helps: in titles, in a message without markup, and
/// before a sign that would begin a list. Elsewhere a name is code ([`Markup::shown`]).
const JOINER: char = '\u{2060}';

/// A service's markup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Markup {
    /// A terminal or a file: nothing is read as markup, nothing is replaced.
    Raw,
    /// No markup of ours, but links, tags and mentions are found in it (WeCom text, ntfy, Bark, desktops).
    Plain,
    /// WeCom `markdown`: headings, bold, links, one-line code, quotations, `<font color>`, `<@id>`.
    Wecom,
    /// CommonMark and its relatives (ServerChan, `markdown_v2`, the WeCom robot with a long connection).
    Markdown,
    /// The same where code blocks are not known (DingTalk).
    Quoted,
    /// Telegram's HTML mode.
    Telegram,
    /// Slack's own markup, which it calls mrkdwn.
    Slack,
}

/// The meaning of a coloured word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// For what went well; green where there are colours.
    Good,
    /// For what somebody should look at.
    Warn,
    /// Beside the point.
    Faint,
}

impl Markup {
    /// Untrusted text, one line, to stand among words.
    #[must_use]
    pub fn text(self, text: &str) -> String {
        let line = one_line(text);
        match self {
            Self::Raw => line,
            Self::Plain => break_links(&line.replace('<', "＜")),
            Self::Telegram => html(&break_links(&replace_mentions(&line))),
            Self::Slack => html(&break_links(&replace_signs(&line))),
            Self::Wecom | Self::Markdown | Self::Quoted => break_links(&replace_signs(&line)),
        }
    }

    /// The same where people copy from: what a service could take for an address stands there as code, letter by letter,
    /// in which no service looks for any. Slack is told not to look (`verbatim`).
    #[must_use]
    pub fn shown(self, text: &str) -> String {
        let line = one_line(text);
        match self {
            Self::Raw | Self::Plain => self.text(&line),
            Self::Slack => html(&break_schemes(&replace_signs(&line))),
            Self::Telegram | Self::Wecom | Self::Markdown | Self::Quoted => self.with_code(&line),
        }
    }

    fn with_code(self, line: &str) -> String {
        let mut out: Vec<String> = Vec::new();
        let mut words: Vec<&str> = Vec::new();
        for word in line.split(' ') {
            let broken = if self == Self::Telegram { replace_mentions(word) } else { String::new() };
            if broken.contains(JOINER) || break_links(word).contains(JOINER) {
                out.extend((!words.is_empty()).then(|| self.text(&words.join(" "))));
                words.clear();
                out.push(self.code_span(word));
            } else {
                words.push(word);
            }
        }
        out.extend((!words.is_empty()).then(|| self.text(&words.join(" "))));
        out.retain(|part| !part.is_empty());
        out.join(" ")
    }

    /// A word as code. What could end it, and what services look for even there, is a look-alike.
    fn code_span(self, word: &str) -> String {
        if self == Self::Telegram {
            return format!("<code>{}</code>", html(word));
        }
        format!("`{}`", break_schemes(&word.replace('`', "｀").replace('<', "＜").replace('@', "＠")))
    }

    /// Untrusted text of several lines, set apart.
    #[must_use]
    pub fn block(self, text: &str) -> String {
        let text = harmless(text);
        let text = text.trim_matches('\n');
        match self {
            Self::Raw => text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n"),
            Self::Plain => text.lines().map(|line| self.text(line)).collect::<Vec<_>>().join("\n"),
            Self::Telegram => format!("<pre>{}</pre>", html(text)),
            // Inside a fence only the fence itself is read, except by Slack, which goes on reading `<…>` and addresses.
            Self::Slack => format!("```\n{}\n```", html(&break_schemes(&text.replace('`', "｀")))),
            Self::Markdown => format!("```\n{}\n```", text.replace('`', "｀").replace('~', "～")),
            Self::Quoted => text.lines().map(|line| format!("> {}", self.shown(line))).collect::<Vec<_>>().join("  \n"),
            Self::Wecom => text.lines().map(|line| format!("> {}", self.shown(line))).collect::<Vec<_>>().join("\n"),
        }
    }

    /// Untrusted text as emphasised words.
    #[must_use]
    pub fn bold(self, text: &str) -> String {
        let inner = self.text(text);
        match self {
            _ if inner.is_empty() => inner,
            Self::Raw | Self::Plain => inner,
            Self::Wecom | Self::Markdown | Self::Quoted => format!("**{inner}**"),
            Self::Telegram => format!("<b>{inner}</b>"),
            Self::Slack => format!("*{inner}*"),
        }
    }

    /// Untrusted text as the heading of the message.
    #[must_use]
    pub fn heading(self, text: &str) -> String {
        match self {
            Self::Wecom | Self::Markdown | Self::Quoted => format!("### {}", self.text(text)),
            Self::Raw | Self::Plain | Self::Telegram | Self::Slack => self.bold(text),
        }
    }

    /// Untrusted text in a colour, where the service has colours.
    #[must_use]
    pub fn tone(self, tone: Tone, text: &str) -> String {
        let inner = self.text(text);
        match (self, tone) {
            (Self::Wecom, Tone::Good) => format!("<font color=\"info\">{inner}</font>"),
            (Self::Wecom, Tone::Warn) => format!("<font color=\"warning\">{inner}</font>"),
            (Self::Wecom, Tone::Faint) => format!("<font color=\"comment\">{inner}</font>"),
            (Self::Raw | Self::Plain | Self::Markdown | Self::Quoted | Self::Telegram | Self::Slack, _) => inner,
        }
    }

    /// A link of ours; `label` and `url` must come from this program or its configuration.
    #[must_use]
    pub fn link(self, label: &str, url: &str) -> String {
        match self {
            Self::Raw | Self::Plain => format!("{label}: {url}"),
            Self::Wecom | Self::Markdown | Self::Quoted => format!("[{label}]({url})"),
            Self::Telegram => format!("<a href=\"{}\">{}</a>", html(url), html(label)),
            Self::Slack => format!("<{}|{}>", html(url).replace('|', "%7C"), html(label)),
        }
    }
}

/// Every sign that some flavour of Markdown reads, by its look-alike.
fn replace_signs(line: &str) -> String {
    let chars: Vec<char> = line.chars().collect();
    let word = |index: Option<usize>| index.and_then(|i| chars.get(i)).is_some_and(|c| c.is_alphanumeric());
    let mut out: String = chars
        .iter()
        .enumerate()
        .map(|(i, &c)| match c {
            '<' => '＜',
            '[' => '［',
            ']' => '］',
            '`' => '｀',
            '*' => '＊',
            '~' => '～',
            '|' => '｜',
            '\\' => '＼',
            '@' => '＠',
            // `snake_case` stays readable: between letters no flavour in use reads it.
            '_' if !(word(i.checked_sub(1)) && word(Some(i + 1))) => '＿',
            other => other,
        })
        .collect();
    // What is read only at the beginning of a line: headings, quotations, lists, rules and underlines of headings.
    let first = out.chars().next();
    match first {
        Some('#') => out = format!("＃{}", &out[1..]),
        Some('>') => out = format!("＞{}", &out[1..]),
        Some('-' | '=' | '+') => out.insert(0, JOINER),
        _ => {}
    }
    out
}

/// What Telegram finds in text: `@name`, `#tag`, `$TAG`, `/command`.
fn replace_mentions(line: &str) -> String {
    let mut previous = ' ';
    let mut out = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            '@' => out.push('＠'),
            '#' => out.push('＃'),
            '$' => out.push('＄'),
            '/' if !previous.is_alphanumeric() => {
                out.push('/');
                out.push(JOINER);
            }
            other => out.push(other),
        }
        previous = c;
    }
    out
}

/// Makes addresses unrecognisable as such for programs, and leaves them readable: `://` gets a colon of full width, a dot
/// before a letter an invisible joiner.
fn break_links(line: &str) -> String {
    broken(line, true)
}

/// Only addresses with a scheme.
fn break_schemes(line: &str) -> String {
    broken(line, false)
}

fn broken(line: &str, names: bool) -> String {
    let chars: Vec<char> = line.chars().collect();
    let mut out = String::with_capacity(line.len());
    for (i, &c) in chars.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|i| chars.get(i)).is_some_and(|c| c.is_alphanumeric());
        let after = chars.get(i + 1);
        match c {
            ':' if matches!(after, Some('/' | '\\')) => out.push('：'),
            ':' if after.is_some_and(|c| !c.is_whitespace()) && ends_in_scheme(&chars[..i]) => out.push('：'),
            '.' | '。' | '．' if names && before && after.is_some_and(|c| c.is_alphabetic()) => {
                out.push(c);
                out.push(JOINER);
            }
            other => out.push(other),
        }
    }
    out
}

/// Whether a colon here would end a scheme that needs no slashes.
fn ends_in_scheme(before: &[char]) -> bool {
    ["mailto", "tel", "sms", "javascript", "data", "tg", "weixin"].iter().any(|scheme| {
        let mut tail = before.iter().rev();
        scheme.chars().rev().all(|c| tail.next().is_some_and(|t| t.eq_ignore_ascii_case(&c)))
    })
}

#[cfg(test)]
#[path = "markup_tests.rs"]
mod tests;
