//! Every sentence that the program says to people exists in both languages: read out of the sources, so that a new one
//! can't be forgotten.
//!
//! A sentence is a text of at least two English words. It has its Chinese beside it (`pick`, `said!`, the tables), in the
//! catalogue of `text`, or in a type whose words an exhaustive `match` gives; what is not for people (shell scripts, SQL,
//! other programs' output, what is typed or written into files) stands in `tests/fixtures/not-for-people.txt`.

use regex::Regex;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Files whose texts have both languages by their form: an exhaustive `match` or rows with two columns.
const BOTH: &[&str] = &["crates/text/", "crates/tui/src/keymap/action.rs", "crates/model/src/trouble.rs"];

/// Crates that say nothing to people.
const SILENT: &[&str] = &["crates/testkit/", "crates/failpoints/", "crates/clock/", "src/cli/fake_agent.rs"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        let name = path.strip_prefix(root()).expect("below the root").display().to_string();
        let is_test = name.contains("tests") || name.contains("/sample") || name.contains("/benches");
        if path.is_dir() && !is_test && !name.contains("target") {
            sources(&path, found);
        } else if name.ends_with(".rs") && !is_test && !BOTH.iter().chain(SILENT).any(|it| name.starts_with(it)) {
            found.push((name, std::fs::read_to_string(&path).expect("readable")));
        }
    }
}

/// A text of a source, and where it stands.
struct Literal {
    from: usize,
    to: usize,
    text: String,
}

/// The texts of a source without its tests and comments.
fn literals(code: &str) -> Vec<Literal> {
    let token = Regex::new(
        r##"(?s)//[^\n]*|/\*.*?\*/|r#"(?P<hashed>.*?)"#|\br"(?P<raw>[^"]*)"|\bb?"(?P<plain>(?:[^"\\]|\\.)*)"|"(?P<bare>(?:[^"\\]|\\.)*)"|'(?:[^'\\]|\\.[^']*)'"##,
    )
    .expect("a pattern");
    let fold = Regex::new(r"\\\n\s*").expect("a pattern");
    let mut found = Vec::new();
    for all in token.captures_iter(code) {
        let whole = all.get(0).expect("the whole");
        if whole.as_str().starts_with('b') {
            continue;
        }
        let verbatim = all.name("hashed").or_else(|| all.name("raw")).map(|text| text.as_str().to_owned());
        let plain = all.name("plain").or_else(|| all.name("bare")).map(|text| {
            let folded = fold.replace_all(text.as_str(), "").into_owned();
            folded.replace("\\\"", "\"").replace("\\n", "\n").replace("\\t", "\t").replace("\\\\", "\\")
        });
        let Some(text) = verbatim.or(plain) else { continue };
        found.push(Literal { from: whole.start(), to: whole.end(), text });
    }
    found
}

/// What a `format!` template says, its holes empty: `{{` is a brace, and `{…}` a hole.
fn form(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, sign) = rest.split_at(at);
        out.push_str(before);
        let double = sign.starts_with("{{") || sign.starts_with("}}");
        let hole = sign.find('}').filter(|_| sign.starts_with('{') && !double);
        match hole {
            Some(end) => {
                out.push_str("{}");
                rest = &sign[end + 1..];
            }
            None => {
                out.push_str(&sign[..1]);
                rest = &sign[if double { 2 } else { 1 }..];
            }
        }
    }
    out + rest
}

fn is_chinese(text: &str) -> bool {
    text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
}

/// Whether a text has at least two words of a sentence. What stands in backticks is a name.
fn is_sentence(form: &str, word: &Regex, quoted: &Regex) -> bool {
    let plain = quoted.replace_all(form, "X");
    plain.trim().contains(' ') && word.find_iter(&plain).count() >= 2
}

/// The end of `code`, at most so many bytes.
fn tail(code: &str, most: usize) -> &str {
    let mut from = code.len().saturating_sub(most);
    while !code.is_char_boundary(from) {
        from += 1;
    }
    &code[from..]
}

/// `sentence` knows what is said of runs and questions, beside an author's own words, which stay. Refusals and answers to wishes
/// come from any part of the program, and only `message` knows all of those.
#[test]
fn what_is_not_said_of_a_run_is_translated_by_the_whole_catalogue() {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    sources(&root().join("crates"), &mut files);
    let call =
        Regex::new(r"(?:tmuxagent_text::|[^:\w.])sentence\(\s*(?:[\w.]*lang(?:\(\))?|Lang::\w+),\s*(?P<of>[^\n]*)")
            .expect("a pattern");
    let of_run = Regex::new(r"^&?[\w.]*(?:detail|cause|title|line)\b").expect("a pattern");
    let mut wrong = Vec::new();
    for (name, text) in &files {
        let found = call.captures_iter(text).filter(|found| !of_run.is_match(&found["of"]));
        wrong.extend(found.map(|found| format!("{name}: {}", &found[0])));
    }
    assert!(wrong.is_empty(), "use `message`, or `question` for an approval's: {wrong:#?}");
}

#[test]
fn every_sentence_has_its_chinese() {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    sources(&root().join("crates"), &mut files);
    assert!(files.len() > 100, "the sources are found");
    let known: BTreeSet<String> = tmuxagent_text::catalogue::forms().map(str::to_owned).collect();
    let list = std::fs::read_to_string(root().join("tests/fixtures/not-for-people.txt")).expect("the list");
    let unescaped = |line: &str| line.replace("\\n", "\n");
    let excused: BTreeSet<String> =
        list.lines().filter(|line| !line.is_empty() && !line.starts_with("## ")).map(unescaped).collect();
    let word = Regex::new(r"(?:^|[^\w$#/@.'-])[A-Za-z][a-z']+\b").expect("a pattern");
    let quoted = Regex::new(r"`[^`]*`|\{\}").expect("a pattern");
    // Words for those who mend the program, and of the command line's help, which has a test of its own.
    let for_makers = Regex::new(
        r"(?:tracing::\w+!|debug!|info!|trace!|warn!|reason =|doc =|about =|help =|\.expect|\bexpect|unreachable!|panic!|assert\w*!)\s*\(?[^;{}]*$",
    )
    .expect("a pattern");
    let code_like = Regex::new(
        r#"SELECT|INSERT|CREATE|DELETE|UPDATE|PRAGMA|BEGIN|COMMIT|printf|display-message|set-option|list-panes|send-keys|#\{|</|="|2>/dev/null|\$\(|WHERE|refresh-client"#,
    )
    .expect("a pattern");
    let mut missing = Vec::new();
    let mut used = BTreeSet::new();
    for (name, text) in &files {
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let all = literals(code);
        for (n, literal) in all.iter().enumerate() {
            let form = form(&literal.text);
            let before = &code[..literal.from];
            let beside = all.get(n + 1).is_some_and(|next| {
                let between = &code[literal.to..next.from];
                is_chinese(&next.text) && between.chars().all(|c| c.is_whitespace() || ",(".contains(c))
            });
            let for_makers = for_makers.is_match(tail(before, 90))
                && !tail(before, 40).contains("#[error(")
                && !tail(before, 12).contains("out.warn(");
            let settled = is_chinese(&literal.text)
                || beside
                || for_makers
                || tail(before, 70).contains("Lang::En")
                || code_like.is_match(&literal.text)
                || known.contains(&form)
                || known.contains(&literal.text);
            if settled || !is_sentence(&form, &word, &quoted) {
                continue;
            }
            if excused.contains(&form) {
                used.insert(form);
            } else {
                missing.push(format!("{name}:{}: {form}", before.matches('\n').count() + 1));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "sentences without Chinese; give them a row in crates/text/src/catalogue, or one in \
         tests/fixtures/not-for-people.txt where nobody reads them:\n  {}",
        missing.join("\n  ")
    );
    let idle: Vec<&String> = excused.difference(&used).collect();
    assert!(idle.is_empty(), "not-for-people.txt names texts that are none (any more): {idle:#?}");
}
