//! Secrets taken out of everything that leaves the machine or is stored as evidence. Pure.
//!
//! Two kinds of patterns: the forms of known providers' keys, and places where a secret stands whatever its form
//! (`Authorization` headers, URLs with a password, assignments to names such as `API_TOKEN`). What is found is replaced by
//! `[redacted: KIND]`; the words around it stay, so that a line still says what happened.

use regex::{Captures, Regex, RegexSet};
use std::ops::Range;
use std::sync::LazyLock;
use tmuxagent_model::{SecretMark, is_mark};

/// One pattern. What its group `s` finds is the secret; the whole match where it has no such group.
struct Rule {
    kind: &'static str,
    pattern: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        kind: "private key",
        pattern: r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z)",
    },
    Rule {
        kind: "authorization",
        pattern: r#"(?i)\b(?:proxy-)?authorization["']?\s*[:=]\s*["']?(?:(?:bearer|basic|token|digest|apikey|negotiate)\s+)?(?<s>[^\s"',;]{4,})"#,
    },
    Rule { kind: "authorization", pattern: r"(?i)\bbearer\s+(?<s>[a-z0-9._~+/-]{16,}=*)" },
    Rule {
        kind: "cookie",
        pattern: r#"(?i)\b(?:set-)?cookie["']?\s*:\s*["']?(?<s>[^\s=;"']+=[^\s"']{8,}(?:;\s*[^\s=;"']+=[^\s;"']+)*)"#,
    },
    Rule { kind: "password", pattern: r#"\b[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/:@"']*:(?<s>[^\s/@"']+)@"# },
    Rule { kind: "webhook", pattern: r"(?i)qyapi\.weixin\.qq\.com/\S*?[?&]key=(?<s>[a-z0-9-]{8,})" },
    Rule { kind: "webhook", pattern: r"hooks\.slack\.com/(?:services|workflows|triggers)/(?<s>[A-Za-z0-9/_-]{8,})" },
    Rule { kind: "webhook", pattern: r"(?:feishu\.cn|larksuite\.com)/open-apis/bot/v2/hook/(?<s>[A-Za-z0-9-]{8,})" },
    Rule { kind: "webhook", pattern: r"discord(?:app)?\.com/api/webhooks/\d+/(?<s>[A-Za-z0-9_-]{20,})" },
    Rule { kind: "webhook", pattern: r"[a-z0-9-]+\.webhook\.office\.com/(?<s>\S{20,})" },
    Rule {
        kind: "URL parameter",
        pattern: r#"(?i)[?&](?:access_token|api_?key|apikey|auth|key|password|secret|sig|signature|token|x-amz-signature|x-amz-security-token|code|corpsecret|sendkey)=(?<s>[^\s&#"'<>]{6,})"#,
    },
    Rule { kind: "OpenAI or Anthropic key", pattern: r"\bsk-(?:ant-|proj-|svcacct-|admin-|or-v1-)?[A-Za-z0-9_-]{20,}" },
    Rule { kind: "GitHub token", pattern: r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{40,})" },
    Rule { kind: "GitLab token", pattern: r"\bgl(?:pat|ptt|dt|rt|cbt|ft|soat|agent|imt|oas)-[A-Za-z0-9_-]{20,}" },
    Rule { kind: "AWS key id", pattern: r"\b(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z0-9]{16}\b" },
    Rule { kind: "Google key", pattern: r"\bAIza[A-Za-z0-9_-]{35}" },
    Rule { kind: "Google token", pattern: r"\bya29\.[A-Za-z0-9_-]{20,}" },
    Rule { kind: "Google secret", pattern: r"\bGOCSPX-[A-Za-z0-9_-]{20,}" },
    Rule { kind: "Slack token", pattern: r"\bxox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,}" },
    Rule { kind: "Slack token", pattern: r"\bxapp-\d-[A-Za-z0-9-]{20,}" },
    Rule { kind: "Stripe key", pattern: r"\b(?:sk|rk|pk|whsec)_(?:live_|test_)?[A-Za-z0-9]{16,}" },
    Rule { kind: "npm token", pattern: r"\bnpm_[A-Za-z0-9]{36}" },
    Rule { kind: "PyPI token", pattern: r"\bpypi-AgE[A-Za-z0-9_-]{40,}" },
    Rule { kind: "crates.io token", pattern: r"\bcio[A-Za-z0-9]{32}\b" },
    Rule { kind: "Hugging Face token", pattern: r"\bhf_[A-Za-z0-9]{30,}" },
    Rule { kind: "Docker token", pattern: r"\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}" },
    Rule { kind: "DigitalOcean token", pattern: r"\bdo[opr]_v1_[a-f0-9]{60,}" },
    Rule { kind: "SendGrid key", pattern: r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}" },
    Rule { kind: "Twilio key", pattern: r"\b(?:SK|AC)[a-f0-9]{32}\b" },
    Rule { kind: "Telegram token", pattern: r"\b(?:bot)?\d{8,10}:AA[A-Za-z0-9_-]{32,}" },
    Rule {
        kind: "ServerChan key",
        pattern: r"\b(?:SCT\d+T[A-Za-z0-9]{16,}|sctp\d+t[A-Za-z0-9]{16,}|SCU\d+T[A-Za-z0-9]{32,})",
    },
    Rule { kind: "Alibaba key id", pattern: r"\bLTAI[A-Za-z0-9]{12,24}\b" },
    Rule { kind: "Tencent key id", pattern: r"\bAKID[A-Za-z0-9]{32}\b" },
    Rule { kind: "Vault token", pattern: r"\bhv[sbr]\.[A-Za-z0-9_-]{20,}" },
    Rule { kind: "age key", pattern: r"\bAGE-SECRET-KEY-1[A-Z0-9]{50,}" },
    Rule { kind: "Tailscale key", pattern: r"\btskey-[a-z]+-[A-Za-z0-9-]{16,}" },
    Rule { kind: "JSON web token", pattern: r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*" },
    Rule { kind: "password hash", pattern: r"\$(?:2[aby]|argon2id?|6|y)\$[A-Za-z0-9./$=,+]{20,}" },
    Rule {
        kind: "secret",
        pattern: r#"(?i)(?:^|[^a-z0-9])["']?[a-z0-9_.-]*(?:secret|token|passwd|password|passphrase|api_?key|apikey|access_?key|private_?key|encryption_?key|signing_?key|auth_?key|send_?key|credentials?|_key|-key|_pwd|_pat)["']?\s*(?:=>|:=|[=:])\s*(?:"(?<s>[^"\n]{6,})"|'(?<s2>[^'\n]{6,})'|(?<s3>[^\s"',;&|()<>{}\[\]$]{6,}))"#,
    },
    Rule {
        kind: "secret",
        pattern: r#"(?i)\s--?(?:password|passwd|token|secret|api-?key|access-?key|auth-?token)[= ]\s*["']?(?<s>[^\s"'$-][^\s"']{5,})"#,
    },
];

/// A pattern with ASCII word boundaries: a key right behind a Chinese word is a key, and Unicode's cost the fast path on
/// every line that is not ASCII.
fn written(pattern: &str) -> String {
    pattern.replace(r"\b", r"(?-u:\b)")
}

static COMPILED: LazyLock<Vec<(&'static str, Regex)>> = LazyLock::new(|| {
    RULES.iter().filter_map(|rule| Regex::new(&written(rule.pattern)).ok().map(|regex| (rule.kind, regex))).collect()
});

/// All patterns at once: most texts hold nothing, which one pass tells.
static ALL: LazyLock<Option<RegexSet>> =
    LazyLock::new(|| RegexSet::new(RULES.iter().map(|rule| written(rule.pattern))).ok());

/// The kind of a secret that is known by its value.
pub(super) const KNOWN: &str = "known value";

/// Parts of names of variables whose values are secrets.
const SECRET_NAMES: [&str; 14] = [
    "KEY",
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "WEBHOOK",
    "PASSWD",
    "PASSPHRASE",
    "_PASS",
    "_PWD",
    "_PIN",
    "CREDENTIAL",
    "COOKIE",
    "_DSN",
    "_PAT",
];

/// Whether a variable of this name usually holds a secret.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    SECRET_NAMES.iter().any(|part| name.contains(part))
}

/// Shorter values are left where they stand: they would hit words and numbers everywhere.
pub const SHORTEST: usize = 6;

/// Takes secrets out, by the built-in patterns and by exact values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redactor {
    /// Values that are known secrets (from the environment or the configuration), longest first. Those of many lines stand
    /// here line by line, since texts are kept so.
    pub(super) known: Vec<String>,
}

impl Redactor {
    /// Also takes out these values wherever they stand; shorter than [`SHORTEST`] bytes they are left.
    #[must_use]
    pub fn knowing(values: impl IntoIterator<Item = String>) -> Self {
        let mut known: Vec<String> = Vec::new();
        for value in values {
            let value = value.trim();
            // A line break as it is written in many `.env` files.
            let lines = value.split('\n').flat_map(|line| line.split("\\n")).map(str::trim);
            // `-----BEGIN …` and the like are no secrets, and stand in other texts too.
            known.extend(lines.filter(|line| !line.starts_with("-----")).map(str::to_owned));
        }
        known.retain(|value| value.len() >= SHORTEST);
        known.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        known.dedup();
        Self { known }
    }

    /// `text` without secrets. Doing it twice changes nothing more.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        self.marked(text, SecretMark::Shown).unwrap_or_else(|| text.to_owned())
    }

    /// `text` with marks in place of its secrets; `None` where it holds none.
    #[must_use]
    pub fn marked(&self, text: &str, mark: SecretMark) -> Option<String> {
        let found = self.spans(text);
        (!found.is_empty()).then(|| marked(text, &found, mark))
    }

    /// Whether a text may hold a secret.
    #[must_use]
    pub fn suspects(&self, text: &str) -> bool {
        self.known.iter().any(|value| text.contains(value.as_str()))
            || ALL.as_ref().is_none_or(|all| all.is_match(text))
    }

    /// Where the secrets of a text stand and what they are, in order, none within another.
    pub(super) fn spans(&self, text: &str) -> Vec<Span> {
        if !self.suspects(text) {
            return Vec::new();
        }
        let mut found: Vec<Span> = Vec::new();
        for value in &self.known {
            found.extend(text.match_indices(value.as_str()).map(|(at, _)| (at..at + value.len(), KNOWN)));
        }
        for (kind, regex) in COMPILED.iter() {
            found.extend(regex.captures_iter(text).filter_map(|captures| Some((secret(&captures)?, *kind))));
        }
        joined(found)
    }

    /// Lines that belong together, for example evidence; a private key over several lines is found.
    #[must_use]
    pub fn redact_lines(&self, lines: &[String]) -> Vec<String> {
        self.redact(&lines.join("\n")).split('\n').map(str::to_owned).collect()
    }
}

/// A secret's place and kind.
pub(super) type Span = (Range<usize>, &'static str);

/// Places in order, those that overlap as one, of the kind that was found first.
pub(super) fn joined(mut found: Vec<Span>) -> Vec<Span> {
    // The sort is stable, so the first finder names what begins at the same place.
    found.sort_by_key(|(place, _)| place.start);
    let mut all: Vec<Span> = Vec::new();
    for (place, kind) in found {
        match all.last_mut() {
            Some((last, _)) if place.start < last.end => last.end = last.end.max(place.end),
            _ => all.push((place, kind)),
        }
    }
    all
}

/// A text with marks at these places.
pub(super) fn marked(text: &str, places: &[Span], mark: SecretMark) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (place, kind) in places {
        out.push_str(text.get(from..place.start).unwrap_or_default());
        out.push_str(&mark.of(kind));
        from = place.end;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

/// The place of a match's secret; `None` where that is the mark of one already taken out, or a reference such as
/// `${TOKEN}`.
fn secret(found: &Captures<'_>) -> Option<Range<usize>> {
    let secret = ["s", "s2", "s3"].iter().find_map(|name| found.name(name));
    match secret {
        Some(secret) if is_mark(secret.as_str()) || is_reference(secret.as_str()) => None,
        Some(secret) => Some(secret.range()),
        None => found.get(0).map(|whole| whole.range()),
    }
}

/// Names and stand-ins, not secrets.
fn is_reference(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    text.starts_with("${")
        || text.starts_with("$(")
        || text.starts_with("{{")
        || text.starts_with('<')
        || text.starts_with("process.env")
        || text.starts_with("os.environ")
        || text.chars().all(|c| matches!(c, '*' | 'x' | 'X' | '.' | '•' | '…'))
        || ["missing", "undefined", "required", "invalid", "expired", "string", "unset"].contains(&lower.as_str())
}

#[cfg(test)]
#[path = "redact_tests.rs"]
mod tests;
