//! Markdown of a script's own, in the markup of each service. Pure.
//!
//! Only what every service can show is read: headings, lists, quotations, code, bold words and links to web addresses. All
//! other text is text: it goes through the same look-alikes as words of a pane.

use super::markup::Markup;

impl Markup {
    /// A Markdown text of the user's own in this markup.
    #[must_use]
    pub fn markdown(self, text: &str) -> String {
        let mut parts: Vec<String> = Vec::new();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let trimmed = line.trim_start();
            if let Some(fence) = ["```", "~~~"].into_iter().find(|fence| trimmed.starts_with(fence)) {
                let code: Vec<&str> = lines.by_ref().take_while(|line| !line.trim_start().starts_with(fence)).collect();
                parts.push(self.block(&code.join("\n")));
            } else {
                parts.push(self.markdown_line(trimmed));
            }
        }
        parts.join(self.line_break())
    }

    fn markdown_line(self, line: &str) -> String {
        let heading = line.trim_start_matches('#');
        let depth = line.len() - heading.len();
        if (1..=6).contains(&depth) && heading.starts_with(' ') {
            return self.heading(&heading.replace("**", ""));
        }
        if let Some(quoted) = line.strip_prefix('>') {
            let mark = match self {
                Self::Telegram | Self::Slack => "&gt;",
                Self::Raw | Self::Plain | Self::Wecom | Self::Markdown | Self::Quoted => ">",
            };
            return format!("{mark} {}", self.words(quoted.trim_start()));
        }
        if let Some(item) = ["- ", "* ", "+ "].into_iter().find_map(|mark| line.strip_prefix(mark)) {
            return format!("• {}", self.words(item));
        }
        self.words(line)
    }

    /// Words with what stands among them.
    fn words(self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, part, after)) = next_part(rest) {
            out.push_str(&self.spaced(before));
            out.push_str(&match part {
                Inline::Bold(words) => self.bold(words),
                Inline::Code(words) => self.code(words),
                Inline::Link(label, url) => {
                    let label = label.replace(['[', ']', '(', ')', '<', '>', '|'], " ");
                    self.link(tmuxagent_text::plain::one_line(&label).as_str(), url)
                }
                Inline::Address(url) => self.address(url),
            });
            rest = after;
        }
        out.push_str(&self.spaced(rest));
        out
    }

    /// Text with the blanks at its ends, which part it from what stands beside it.
    fn spaced(self, text: &str) -> String {
        let ends = |blank: bool| if blank { " " } else { "" };
        let inner = self.text(text);
        if inner.is_empty() {
            return ends(!text.is_empty()).to_owned();
        }
        format!("{}{inner}{}", ends(text.starts_with(' ')), ends(text.ends_with(' ')))
    }

    fn code(self, words: &str) -> String {
        let inner = self.text(words);
        match self {
            Self::Raw | Self::Plain => inner,
            Self::Wecom | Self::Markdown | Self::Quoted | Self::Slack => format!("`{inner}`"),
            Self::Telegram => format!("<code>{inner}</code>"),
        }
    }

    fn address(self, url: &str) -> String {
        match self {
            Self::Raw | Self::Plain => url.to_owned(),
            Self::Wecom | Self::Markdown | Self::Quoted | Self::Telegram | Self::Slack => self.link(url, url),
        }
    }
}

/// What stands among words.
enum Inline<'t> {
    Bold(&'t str),
    Code(&'t str),
    Link(&'t str, &'t str),
    Address(&'t str),
}

/// The first thing in a text that is more than words, with what stands before and after it.
fn next_part(text: &str) -> Option<(&str, Inline<'_>, &str)> {
    text.char_indices().find_map(|(at, _)| {
        let (before, rest) = text.split_at(at);
        let (part, len) = part_at(rest, before)?;
        Some((before, part, &rest[len..]))
    })
}

fn part_at<'t>(rest: &'t str, before: &str) -> Option<(Inline<'t>, usize)> {
    let until = |open: &str, close: &str| {
        let inner = rest.strip_prefix(open)?.split_once(close)?.0;
        (!inner.trim().is_empty()).then_some((inner, open.len() + inner.len() + close.len()))
    };
    if let Some((words, len)) = until("**", "**") {
        return Some((Inline::Bold(words), len));
    }
    if let Some((words, len)) = until("`", "`") {
        return Some((Inline::Code(words), len));
    }
    if let Some((label, len)) = until("[", "](") {
        let url = rest[len..].split_once(')')?.0;
        return is_address(url).then_some((Inline::Link(label, url), len + url.len() + 1));
    }
    if before.ends_with(|c: char| c.is_alphanumeric()) || !(rest.starts_with("http://") || rest.starts_with("https://"))
    {
        return None;
    }
    let url = rest.split(|c: char| c.is_whitespace() || "<>\"'`|)]".contains(c)).next().unwrap_or_default();
    let url = url.trim_end_matches(['.', ',', ';', ':', '!', '?', '。', '，']);
    is_address(url).then_some((Inline::Address(url), url.len()))
}

/// A web address without signs that could end a link of any markup.
fn is_address(url: &str) -> bool {
    let web = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    web.is_some_and(|rest| !rest.is_empty())
        && url.chars().all(|c| c.is_ascii_graphic() && !"<>\"'`|()[]\\".contains(c))
}

/// A line of Markdown as a title, which has no markup.
pub fn title(line: &str) -> String {
    line.trim_start_matches(['#', ' ']).replace("**", "").replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Deploy **done**\n- [log](https://ci.example/7?a=b_c) of `main`\n> by <@mei>, see https://x.example/a.\n\
                        ```\nnpm run *all*\n```\nnot [this](javascript:alert(1)) nor **";

    #[test]
    fn each_service_gets_its_own() {
        insta::assert_snapshot!(Markup::Wecom.markdown(TEXT), @r"
        ### Deploy done
        • [log](https://ci.example/7?a=b_c) of `main`
        > by ＜＠mei>, see [https://x.example/a](https://x.example/a).
        > npm run ＊all＊
        not ［this］(javascript：alert(1)) nor ＊＊
        ");
        insta::assert_snapshot!(Markup::Slack.markdown(TEXT), @r"
        *Deploy done*
        • <https://ci.example/7?a=b_c|log> of `main`
        &gt; by ＜＠mei&gt;, see <https://x.example/a|https://x.example/a>.
        ```
        npm run *all*
        ```
        not ［this］(javascript：alert(1)) nor ＊＊
        ");
        insta::assert_snapshot!(Markup::Raw.markdown(TEXT), @r"
        Deploy done
        • log: https://ci.example/7?a=b_c of main
        > by <@mei>, see https://x.example/a.
          npm run *all*
        not [this](javascript:alert(1)) nor **
        ");
    }
}
