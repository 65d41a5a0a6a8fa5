use super::*;
use proptest::prelude::*;
use regex::Regex;
use std::sync::LazyLock;

static DOMAIN: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"[\p{L}\p{N}][.。．]\p{L}").unwrap());
static SCHEME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?i)(mailto|javascript):\S").unwrap());

const ALL: [Markup; 6] =
    [Markup::Plain, Markup::Wecom, Markup::Markdown, Markup::Quoted, Markup::Telegram, Markup::Slack];

/// Signs, words and whole constructions that services read.
fn hostile() -> impl Strategy<Value = String> {
    let bits = prop::sample::select(vec![
        "<@all>",
        "<@U123>",
        "@all",
        "@everyone",
        "<!channel>",
        "<font color=\"warning\">",
        "</font>",
        "# ",
        "## x",
        "> ",
        "**",
        "*",
        "_",
        "__",
        "~~",
        "~~~",
        "`",
        "```",
        "\n```\n",
        "[x](http://evil.example)",
        "![i](https://e.vil/p.png)",
        "<a href=\"https://evil.example\">",
        "</a>",
        "</pre>",
        "<https://evil.example|ok>",
        "https://evil.example/a?b=1",
        "www.evil.example",
        "evil.example",
        "mailto:a@b.co",
        "javascript:alert(1)",
        "tg://resolve",
        "\n---\n",
        "\n===\n",
        "- a",
        "1. b",
        "|",
        "\\",
        "\\[",
        "&lt;",
        "&#60;",
        "\u{202e}",
        "\u{200b}",
        "\u{2060}",
        "\u{1b}]8;;http://e.vil\u{7}",
        "\n",
        "\r\n# ",
        "\t",
        " ",
        "a",
        "中文",
        "/start",
        "#tag",
        "$",
        "<at user_id=\"all\">",
        "<b>",
        "。com",
        "．com",
    ]);
    prop::collection::vec(prop_oneof![bits.prop_map(str::to_owned), ".{0,6}"], 0..12).prop_map(|parts| parts.concat())
}

/// Whether a program would find something of its markup in `out`, a piece made only of untrusted text.
fn finding(markup: Markup, out: &str) -> Option<&'static str> {
    let has = |needle: &str| out.contains(needle);
    if has("://") || has("www.e") || DOMAIN.is_match(out) || SCHEME.is_match(out) {
        return Some("link");
    }
    if has("<") {
        return Some("tag");
    }
    let line_start = out.lines().any(|l| l.starts_with(['#', '>', '-', '=', '+']));
    match markup {
        Markup::Raw | Markup::Plain => None,
        Markup::Telegram => (has("@") || out.replace("&#39;", "").contains('#')).then_some("mention"),
        Markup::Wecom | Markup::Markdown | Markup::Quoted | Markup::Slack => {
            (has("@") || out.contains(['[', ']', '`', '*', '~', '\\']) || (line_start)).then_some("sign")
        }
    }
}

/// What stands outside of code, which holds nothing that a service reads there.
fn without_code(markup: Markup, out: &str) -> String {
    let spans = match markup {
        Markup::Telegram => Regex::new(r"<code>[^<>]*</code>").unwrap(),
        Markup::Wecom | Markup::Markdown | Markup::Quoted => Regex::new(r"`[^`<@\n]+`").unwrap(),
        Markup::Raw | Markup::Plain | Markup::Slack => return out.to_owned(),
    };
    let schemes = spans.find_iter(out).any(|span| span.as_str().contains("://"));
    assert!(markup == Markup::Telegram || !schemes, "{out}");
    spans.replace_all(out, " ").into_owned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn hostile_words_are_only_words(text in hostile()) {
        for markup in ALL {
            let out = markup.text(&text);
            prop_assert_eq!(finding(markup, &out), None, "{:?}: {}", markup, out);
            prop_assert!(!out.contains('\n'));
        }
    }

    #[test]
    fn hostile_words_to_be_copied_are_words_or_code(text in hostile()) {
        for markup in ALL {
            let out = markup.shown(&text);
            let rest = without_code(markup, &out);
            // Slack is told to leave names alone.
            let found = finding(markup, &rest).filter(|kind| markup != Markup::Slack || *kind != "link" || rest.contains("://"));
            prop_assert_eq!(found, None, "{:?}: {}", markup, out);
            prop_assert!(!out.contains('\n'));
        }
    }

    #[test]
    fn hostile_blocks_never_leave_their_block(text in hostile()) {
        for markup in ALL {
            let out = markup.block(&text);
            let inner = match markup {
                Markup::Markdown | Markup::Slack => {
                    let inner = out.strip_prefix("```\n").and_then(|o| o.strip_suffix("\n```"));
                    let inner = inner.expect("fenced");
                    prop_assert!(!inner.contains('`'));
                    if markup == Markup::Slack {
                        prop_assert!(!inner.contains(['<', '>']) && !inner.contains("://"), "{}", inner);
                    }
                    continue;
                }
                Markup::Telegram => {
                    let inner = out.strip_prefix("<pre>").and_then(|o| o.strip_suffix("</pre>")).expect("pre");
                    prop_assert!(!inner.contains(['<', '>']));
                    continue;
                }
                Markup::Wecom | Markup::Quoted => {
                    prop_assert!(out.lines().all(|l| l.starts_with("> ")));
                    let bare = |line: &str| without_code(markup, line.trim_start_matches("> "));
                    out.lines().map(bare).collect::<Vec<_>>().join("\n")
                }
                Markup::Plain | Markup::Raw => out,
            };
            prop_assert_eq!(finding(markup, &inner), None, "{:?}: {}", markup, inner);
        }
    }

    #[test]
    fn a_terminal_gets_no_control_character(text in hostile()) {
        prop_assert!(Markup::Raw.text(&text).chars().all(|c| !c.is_control()));
        prop_assert!(Markup::Raw.block(&text).chars().all(|c| c == '\n' || !c.is_control()));
    }
}

#[test]
fn ordinary_words_stay_as_they_are() {
    for markup in ALL {
        for text in ["npm run build", "proj:storyapp", "42 passed, 0 failed (3m05s)", "部署完成", "snake_case", "a - b"]
        {
            assert_eq!(markup.text(text), text, "{markup:?}");
        }
    }
}

#[test]
fn what_is_copied_is_what_was_said() {
    let said = "open src/main.rs:12, run /usr/bin/python3 ./tools/run.sh --config=app.toml";
    let marked = [Markup::Wecom, Markup::Markdown, Markup::Quoted, Markup::Telegram, Markup::Slack];
    for markup in marked {
        for out in [markup.shown(said), markup.block(said)] {
            let seen = ["<code>", "</code>", "<pre>", "</pre>", "```\n", "\n```", "`", "> "];
            let seen = seen.iter().fold(out.clone(), |seen, mark| seen.replace(mark, ""));
            assert_eq!(seen, said, "{markup:?}: {out}");
        }
    }
    // Without a markup there is no code: a name that could be an address is kept from being one, and a path otherwise is
    // what it was.
    assert!(Markup::Plain.shown("evil.example").contains(JOINER));
    assert_eq!(Markup::Raw.shown(said), said);
}

#[test]
fn what_is_ours_is_marked_up() {
    let shown: Vec<String> = [Markup::Raw, Markup::Wecom, Markup::Telegram, Markup::Slack]
        .iter()
        .map(|m| format!("{} {} {}", m.bold("a*b"), m.tone(Tone::Warn, "<x>"), m.link("Open", "https://a.b/c?d&e")))
        .collect();
    assert_eq!(
        shown,
        [
            "a*b <x> Open: https://a.b/c?d&e",
            "**a＊b** <font color=\"warning\">＜x></font> [Open](https://a.b/c?d&e)",
            "<b>a*b</b> &lt;x&gt; <a href=\"https://a.b/c?d&amp;e\">Open</a>",
            "*a＊b* ＜x&gt; <https://a.b/c?d&amp;e|Open>",
        ]
    );
}
