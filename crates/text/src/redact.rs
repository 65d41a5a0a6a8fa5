//! Secrets taken out of everything that leaves the machine or is stored as evidence. Pure.
//!
//! Two kinds of patterns: the forms of known providers' keys, and places where a secret stands whatever its form
//! (`Authorization` headers, URLs with a password, assignments to names such as `API_TOKEN`). What is found is replaced by
//! `[redacted: KIND]`; the words around it stay, so that a line still says what happened.

use regex::{Captures, Regex};
use std::sync::LazyLock;

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

static COMPILED: LazyLock<Vec<(&'static str, Regex)>> = LazyLock::new(|| {
    RULES.iter().filter_map(|rule| Regex::new(rule.pattern).ok().map(|regex| (rule.kind, regex))).collect()
});

/// Parts of names of variables whose values are secrets.
const SECRET_NAMES: [&str; 5] = ["KEY", "TOKEN", "SECRET", "PASSWORD", "WEBHOOK"];

/// Whether a variable of this name usually holds a secret.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    SECRET_NAMES.iter().any(|part| name.contains(part))
}

/// Takes secrets out, by the built-in patterns and by exact values.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    /// Values that are known secrets (from the environment or the configuration), longest first.
    known: Vec<String>,
}

impl Redactor {
    /// Also takes out these values wherever they stand; shorter than 6 bytes they are left, they would hit words.
    #[must_use]
    pub fn knowing(values: impl IntoIterator<Item = String>) -> Self {
        let mut known: Vec<String> = values.into_iter().filter(|value| value.len() >= 6).collect();
        known.sort_by_key(|value| std::cmp::Reverse(value.len()));
        known.dedup();
        Self { known }
    }

    /// `text` without secrets. Doing it twice changes nothing more.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for value in &self.known {
            if out.contains(value.as_str()) {
                out = out.replace(value.as_str(), &mark("known value"));
            }
        }
        for (kind, regex) in COMPILED.iter() {
            if regex.is_match(&out) {
                out = regex.replace_all(&out, |found: &Captures<'_>| replacement(kind, found)).into_owned();
            }
        }
        out
    }

    /// Lines that belong together, for example evidence; a private key over several lines is found.
    #[must_use]
    pub fn redact_lines(&self, lines: &[String]) -> Vec<String> {
        self.redact(&lines.join("\n")).split('\n').map(str::to_owned).collect()
    }
}

fn mark(kind: &str) -> String {
    format!("[redacted: {kind}]")
}

/// The match with its secret replaced; unchanged where that is no secret but the mark of one already taken out, or a
/// reference such as `${TOKEN}`.
fn replacement(kind: &str, found: &Captures<'_>) -> String {
    let whole = found.get(0).map_or("", |m| m.as_str());
    let start = found.get(0).map_or(0, |m| m.start());
    let secret = ["s", "s2", "s3"].iter().find_map(|name| found.name(name));
    let Some(secret) = secret else {
        return mark(kind);
    };
    if secret.as_str().starts_with("[redacted") || is_reference(secret.as_str()) {
        return whole.to_owned();
    }
    let (from, to) = (secret.start() - start, secret.end() - start);
    format!("{}{}{}", &whole[..from], mark(kind), &whole[to..])
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
