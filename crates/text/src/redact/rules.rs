//! The patterns: forms of known providers' keys, and places where a secret stands whatever its form.
//!
//! A key's form needs no border before it: `\nghp_…`, `%20ghp_…` and `a_ghp_…` hold a key as much as a line of its own. Where
//! a prefix is so short that words hold it (`task-…`), the key must stand alone or look random.

use super::is_reference;
use regex::{Captures, Regex, RegexSet};
use std::ops::Range;
use std::sync::LazyLock;
use tmuxagent_model::is_mark;

/// One pattern. What its group `s` finds is the secret; the whole match where it has no such group.
struct Rule {
    kind: &'static str,
    pattern: &'static str,
    check: Check,
}

/// What a match must be besides.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Check {
    /// Nothing: the form tells.
    None,
    /// Without a letter or digit right before it, or random.
    Alone,
    /// A password, not the group of `docker run --user name:group`.
    NoGroup,
}

const fn rule(kind: &'static str, pattern: &'static str) -> Rule {
    Rule { kind, pattern, check: Check::None }
}

const fn alone(kind: &'static str, pattern: &'static str) -> Rule {
    Rule { kind, pattern, check: Check::Alone }
}

const RULES: &[Rule] = &[
    rule(
        "private key",
        r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z)",
    ),
    rule(
        "authorization",
        r#"(?i)authorization["']?\s*[:=]\s*["']?(?:(?:bearer|basic|token|digest|apikey|negotiate)\s+)?(?<s>[^\s"',;]{4,})"#,
    ),
    rule("authorization", r"(?i)bearer\s+(?<s>[a-z0-9._~+/-]{16,}=*)"),
    rule("cookie", r#"(?i)cookie["']?\s*:\s*["']?(?<s>[^\s=;"']+=[^\s"']{8,}(?:;\s*[^\s=;"']+=[^\s;"']+)*)"#),
    rule("password", r#"[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/:@"']*:(?<s>[^\s/"']+)@"#),
    rule("webhook", r"(?i)qyapi\.weixin\.qq\.com/\S*?[?&]key=(?<s>[a-z0-9-]{8,})"),
    rule("webhook", r"hooks\.slack\.com/(?:services|workflows|triggers)/(?<s>[A-Za-z0-9/_-]{8,})"),
    rule("webhook", r"(?:feishu\.cn|larksuite\.com)/open-apis/bot/v2/hook/(?<s>[A-Za-z0-9-]{8,})"),
    rule("webhook", r"discord(?:app)?\.com/api/webhooks/\d+/(?<s>[A-Za-z0-9_-]{20,})"),
    rule("webhook", r"[a-z0-9-]+\.webhook\.office\.com/(?<s>\S{20,})"),
    rule(
        "URL parameter",
        r#"(?i)[?&](?:access_token|api_?key|apikey|auth|key|password|secret|sig|signature|token|x-amz-signature|x-amz-security-token|code|corpsecret|sendkey)=(?<s>[^\s&#"'<>]{6,})"#,
    ),
    rule("OpenAI or Anthropic key", r"sk-(?:ant-(?:api|admin|sid|oat)\d\d-|proj-|svcacct-|or-v1-)[A-Za-z0-9_-]{20,}"),
    alone("OpenAI or Anthropic key", r"sk-[A-Za-z0-9_-]{20,}"),
    rule("GitHub token", r"gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{40,}"),
    rule("GitLab token", r"gl(?:pat|ptt|cbt|soat)-[A-Za-z0-9_-]{20,}"),
    alone("GitLab token", r"gl(?:dt|rt|ft|agent|imt|oas)-[A-Za-z0-9_-]{20,}"),
    rule("AWS key id", r"A(?:KIA|SIA)[A-Z0-9]{16}"),
    alone("AWS key id", r"(?:ABIA|ACCA|AROA|AIDA)[A-Z0-9]{16}"),
    rule("Google key", r"AIza[A-Za-z0-9_-]{35}"),
    rule("Google token", r"ya29\.[A-Za-z0-9_-]{20,}"),
    rule("Google secret", r"GOCSPX-[A-Za-z0-9_-]{20,}"),
    rule("Slack token", r"xox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,}"),
    rule("Slack token", r"xapp-\d-[A-Za-z0-9-]{20,}"),
    rule("Stripe key", r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9]{16,}"),
    alone("Stripe key", r"[srp]k_[A-Za-z0-9]{16,}"),
    rule("npm token", r"npm_[A-Za-z0-9]{36}"),
    rule("PyPI token", r"pypi-AgE[A-Za-z0-9_-]{40,}"),
    alone("crates.io token", r"cio[A-Za-z0-9]{32}\b"),
    rule("Hugging Face token", r"hf_[A-Za-z0-9]{30,}"),
    rule("Docker token", r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}"),
    rule("DigitalOcean token", r"do[opr]_v1_[a-f0-9]{60,}"),
    alone("SendGrid key", r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    alone("Twilio key", r"(?:SK|AC)[a-f0-9]{32}\b"),
    rule("Telegram token", r"(?:bot)?\d{8,10}:AA[A-Za-z0-9_-]{32,}"),
    rule("ServerChan key", r"SCT\d+T[A-Za-z0-9]{16,}|sctp\d+t[A-Za-z0-9]{16,}|SCU\d+T[A-Za-z0-9]{32,}"),
    alone("Alibaba key id", r"LTAI[A-Za-z0-9]{12,24}\b"),
    rule("Tencent key id", r"AKID[A-Za-z0-9]{32}"),
    alone("Vault token", r"hv[sbr]\.[A-Za-z0-9_-]{20,}"),
    rule("age key", r"AGE-SECRET-KEY-1[A-Z0-9]{50,}"),
    rule("Tailscale key", r"tskey-[a-z]+-[A-Za-z0-9-]{16,}"),
    rule("JSON web token", r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"),
    rule("password hash", r"\$(?:2[aby]|argon2id?|6|y)\$[A-Za-z0-9./$=,+]{20,}"),
    rule(
        "secret",
        r#"(?i)(?:^|[^a-z0-9])["']?[a-z0-9_.-]*(?:secret|token|passwd|password|passphrase|api_?key|apikey|access_?key|private_?key|encryption_?key|signing_?key|auth_?key|send_?key|credentials?|_key|-key|_pwd|_pat)["']?\s*(?:=>|:=|[=:])[ \t]*(?:"(?<s>(?:[^"\\\n]|\\.){6,})(?:"|(?m:$))|'(?<s2>(?:[^'\\\n]|\\.){6,})(?:'|(?m:$))|(?<s3>[^\s"',;&|()<>{}\[\]$]{6,}))"#,
    ),
    // A password may be short where nothing but one can stand.
    rule("secret", r#"(?i)(?:password|passwd|passphrase|_pwd)=["']?(?<s>[^\s"',;&|()<>{}\[\]$%]{3,})"#),
    rule("secret", r#"(?i)\s--(?:[a-z]+-)?(?:password|passwd|pass)=["']?(?<s>[^\s"'$]+)"#),
    rule(
        "secret",
        r#"(?i)\s--?(?:password|passwd|token|secret|api-?key|access-?key|auth-?token)[= ]\s*["']?(?<s>[^\s"'$-][^\s"']{5,})"#,
    ),
    rule(
        "password",
        r#"curl(?:[^\n|;&]|&[^&\s])*?\s(?:-[a-zA-Z]*[uU]|--(?:proxy-)?user)[ =]?\s*["']?[^\s:"']*:(?<s>[^\s"'$]+)"#,
    ),
    Rule {
        kind: "password",
        pattern: r#"(?:^|\s)--(?:proxy-)?user[ =]\s*["']?[A-Za-z][^\s:"'/]*:(?<s>[^\s"'$:/]{2,})"#,
        check: Check::NoGroup,
    },
    rule("password", r#"(?:mysql|mariadb)(?:[^\n|;&]*?)\s-p["']?(?<s>[^\s"'$-][^\s"']*)"#),
    rule("password", r#"sshpass\s+-p\s*["']?(?<s>[^\s"'$-][^\s"']*)"#),
    rule(
        "password",
        r#"(?:docker|podman|helm|skopeo|buildah)\s[^\n|;&]*?login\s[^\n|;&]*?-p[ =]["']?(?<s>[^\s"'$-][^\s"']*)"#,
    ),
    rule("password", r#"redis-cli\s[^\n|;&]*?-a\s+["']?(?<s>[^\s"'$-][^\s"']*)"#),
    rule("password", r#"\s-pass(?:in|out|wd)?\s+["']?pass:(?<s>[^\s"'$]+)"#),
    // `set -gx NAME value` of fish, `setenv NAME value` of csh.
    rule(
        "secret",
        r#"(?i)(?:set\s+(?:-[a-z-]+\s+)+|setenv\s+)[a-z0-9_]*(?:secret|token|password|passwd|passphrase|key|credential|_pwd|_pat)[a-z0-9_]*\s+(?:"(?<s>[^"\n]+)"|'(?<s2>[^'\n]+)'|(?<s3>[^\s"'$;&|()]+))"#,
    ),
    rule(
        "secret",
        r#"(?:密码|密钥|密匙|私钥|令牌|口令)["'”」]?\s*(?:是|为)?\s*[:：=][ \t]*["'“「]?(?<s>[!#-&(-+.-:<-~]{4,})"#,
    ),
];

/// A pattern with ASCII word boundaries: a key right behind a Chinese word is a key, and Unicode's cost the fast path on
/// every line that is not ASCII.
fn written(pattern: &str) -> String {
    pattern.replace(r"\b", r"(?-u:\b)")
}

/// A pattern as it is used, with its kind and what a match must be besides.
pub(super) struct Pattern {
    pub(super) kind: &'static str,
    regex: Regex,
    check: Check,
}

static COMPILED: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    let compiled = RULES.iter().filter_map(|rule| {
        Some(Pattern { kind: rule.kind, regex: Regex::new(&written(rule.pattern)).ok()?, check: rule.check })
    });
    compiled.collect()
});

/// All patterns at once: most texts hold nothing, which one pass tells.
static ALL: LazyLock<Option<RegexSet>> =
    LazyLock::new(|| RegexSet::new(RULES.iter().map(|rule| written(rule.pattern))).ok());

/// Whether any pattern is in a text; what it finds may turn out to be none.
pub(super) fn suspects(text: &str) -> bool {
    ALL.as_ref().is_none_or(|all| all.is_match(text))
}

/// The patterns that are in a text.
pub(super) fn found_in(text: &str) -> impl Iterator<Item = &'static Pattern> {
    let hit = ALL.as_ref().filter(|_| COMPILED.len() == RULES.len()).map(|all| all.matches(text));
    COMPILED
        .iter()
        .enumerate()
        .filter(move |(at, _)| hit.as_ref().is_none_or(|hit| hit.matched(*at)))
        .map(|(_, one)| one)
}

impl Pattern {
    /// Where its secrets stand in a text.
    pub(super) fn places(&self, text: &str) -> impl Iterator<Item = Range<usize>> {
        self.regex.captures_iter(text).filter_map(move |found| self.secret(text, &found))
    }

    /// The place of a match's secret; `None` where that is the mark of one already taken out, a reference such as
    /// `${TOKEN}`, or an ordinary word.
    fn secret(&self, text: &str, found: &Captures<'_>) -> Option<Range<usize>> {
        let inner = ["s", "s2", "s3"].iter().find_map(|name| self.group(found, name));
        let place = inner.clone().or_else(|| found.get(0).map(|whole| whole.range()))?;
        let secret = text.get(place.clone())?;
        let is_one = match self.check {
            Check::None => true,
            Check::Alone => stands_alone(text, place.start) || is_random(secret),
            Check::NoGroup => !is_group(secret),
        };
        let told = inner.is_some() && (is_mark(secret) || is_reference(secret));
        (is_one && !told).then_some(place)
    }

    fn group(&self, found: &Captures<'_>, name: &str) -> Option<Range<usize>> {
        found.name(name).map(|group| group.range())
    }
}

/// Whether no letter or digit stands right before a place, but as the end of a sequence of a terminal.
fn stands_alone(text: &str, at: usize) -> bool {
    let before = &text.as_bytes()[..at];
    match before.last() {
        Some(b'm') => {
            let digits = before[..at - 1].iter().rev().take_while(|b| b.is_ascii_digit() || **b == b';').count();
            before[..at - 1 - digits].last() == Some(&b'[')
        }
        Some(byte) => !byte.is_ascii_alphanumeric(),
        None => true,
    }
}

/// The shortest run of letters and digits that can be random.
const RANDOM_RUN: usize = 16;

/// Whether a run of letters and digits is in it that no name has.
fn is_random(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(|run| {
        let has = |test: fn(&u8) -> bool| run.as_bytes().iter().any(test);
        run.len() >= RANDOM_RUN && has(u8::is_ascii_digit) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase)
    })
}

/// Whether it is a group of the system's, as in `--user node:node`.
fn is_group(text: &str) -> bool {
    const GROUPS: [&str; 14] = [
        "root", "staff", "wheel", "users", "nogroup", "nobody", "docker", "node", "www-data", "nginx", "admin",
        "daemon", "sudo", "app",
    ];
    text.bytes().all(|byte| byte.is_ascii_digit()) || GROUPS.contains(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(COMPILED.len(), RULES.len());
        assert!(ALL.is_some());
    }
}
