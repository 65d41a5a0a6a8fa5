//! The fakes are put together at run time, so that nothing in these files looks like a secret.

use super::*;
use proptest::prelude::*;

/// `length` letters and digits that repeat nothing obvious.
pub(super) fn noise(length: usize) -> String {
    const SIGNS: &[u8] = b"Zq7RkT2mWc9LxB4nVy8HsD3fGj6PaE5u";
    (0..length).map(|i| char::from(SIGNS[(i * 7 + i / 5) % SIGNS.len()])).collect()
}

pub(super) fn hex(length: usize) -> String {
    noise(length).bytes().map(|b| char::from(b"0123456789abcdef"[usize::from(b % 16)])).collect()
}

/// Lines with a fake secret in them, and the secret.
fn corpus() -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut add = |before: &str, secret: String, after: &str| all.push((format!("{before}{secret}{after}"), secret));
    for (prefix, length) in [
        ("sk-", 48),
        ("sk-ant-", 90),
        ("sk-proj-", 60),
        ("ghp_", 36),
        ("gho_", 36),
        ("ghs_", 36),
        ("github_pat_", 82),
        ("glpat-", 20),
        ("AIza", 35),
        ("ya29.", 60),
        ("GOCSPX-", 28),
        ("xoxb-", 50),
        ("xapp-1-", 60),
        ("npm_", 36),
        ("pypi-AgE", 120),
        ("cio", 32),
        ("hf_", 34),
        ("dckr_pat_", 27),
        ("SCT123T", 24),
        ("sctp123t", 26),
        ("LTAI", 20),
        ("AKID", 32),
        ("hvs.", 90),
        ("sk_live_", 24),
        ("rk_test_", 24),
        ("whsec_", 32),
        ("tskey-auth-", 30),
    ] {
        add("using ", format!("{prefix}{}", noise(length)), " now");
    }
    add("", format!("AKIA{}", noise(16).to_uppercase()), "");
    add("x ", format!("dop_v1_{}", hex(64)), "");
    add("key AC: ", format!("AC{}", hex(32)), "");
    add("", format!("SG.{}.{}", noise(22), noise(43)), "");
    add("bot ", format!("123456789:AA{}", noise(33)), " started");
    add("", format!("AGE-SECRET-KEY-1{}", noise(58).to_uppercase()), "");
    add("jwt ", format!("eyJ{}.eyJ{}.{}", noise(20), noise(40), noise(43)), "");
    add("hash ", format!("$2b$12${}", noise(53)), "");
    for scheme in ["Bearer ", "Basic ", "token ", ""] {
        add(&format!("> Authorization: {scheme}"), noise(30), "\r");
    }
    add("curl -H 'authorization: bearer ", noise(24), "' https://x");
    add("\"Proxy-Authorization\": \"Basic ", noise(24), "\"");
    add("Cookie: ", format!("session={}", noise(30)), "");
    add("postgres://app:", noise(12), "@db.internal:5432/app");
    add("cloning https://x-token:", noise(20), "@git.example/a/b");
    add("redis://:", noise(12), "@cache:6379");
    add("POST https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=", hex(36), "");
    add("https://hooks.slack.com/services/", format!("T{}/B{}/{}", noise(8), noise(8), noise(24)), "");
    add("https://open.feishu.cn/open-apis/bot/v2/hook/", hex(36), "");
    add("https://discord.com/api/webhooks/123456789012345678/", noise(60), "");
    add("GET /x?page=2&access_token=", noise(30), "&a=1");
    for name in [
        "SECRET",
        "MY_SECRET",
        "API_KEY",
        "apiKey",
        "OPENAI_API_KEY",
        "aws_secret_access_key",
        "GITHUB_TOKEN",
        "DB_PASSWORD",
        "client_secret",
        "auth-token",
        "WECOM_APP_SECRET",
        "private_key",
        "APPROVAL_SECRET",
        "SENTRY_SERVERCHAN_KEY",
    ] {
        add(&format!("export {name}="), noise(20), "");
        add(&format!("{name}: "), noise(20), " # comment");
        add(&format!("{{\"{name}\": \""), noise(20), "\", \"a\": 1}");
        add(&format!("{name} = '"), format!("{} {}", noise(10), noise(10)), "'");
    }
    add("mysql --password=", noise(12), " -h db");
    add("deploy --token ", noise(22), " --env staging");
    for kind in ["RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "PRIVATE KEY", "PGP PRIVATE KEY BLOCK", "EC PRIVATE KEY"] {
        let body = format!("{}\n{}", noise(64), noise(40));
        add(&format!("-----BEGIN {kind}-----\n"), body.clone(), &format!("\n-----END {kind}-----\n"));
        add(&format!("cut off -----BEGIN {kind}-----\n"), body, "");
    }
    all
}

#[test]
fn every_fake_is_taken_out() {
    let redactor = Redactor::default();
    let missed: Vec<String> = corpus()
        .into_iter()
        .filter(|(line, secret)| redactor.redact(line).contains(secret.as_str()))
        .map(|(l, _)| l)
        .collect();
    assert_eq!(missed, Vec::<String>::new());
}

#[test]
fn twice_is_once() {
    let redactor = Redactor::default();
    for (line, _) in corpus() {
        let once = redactor.redact(&line);
        assert_eq!(redactor.redact(&once), once, "{line}");
    }
}

#[test]
fn the_words_around_stay() {
    let redactor = Redactor::default();
    let shown = |text: String| redactor.redact(&text);
    assert_eq!(
        shown(format!("DB_PASSWORD={} npm run deploy", noise(12))),
        "DB_PASSWORD=[redacted: secret] npm run deploy"
    );
    assert_eq!(
        shown(format!("fatal: https://me:{}@git.example/x.git not found", noise(12))),
        "fatal: https://me:[redacted: password]@git.example/x.git not found"
    );
}

#[test]
fn ordinary_output_is_left_alone() {
    let redactor = Redactor::default();
    for line in [
        "✓ 42 tests passed (3.2s)",
        "error TS2304: Cannot find name 'token'.",
        "src/token.rs:12:5: expected `;`",
        "Compiling tokio v1.54.1",
        "commit 3f2a9c1b7d5e8f0a1b2c3d4e5f60718293a4b5c6",
        "key: value",
        "GITHUB_TOKEN is missing",
        "token=${GITHUB_TOKEN}",
        "const token = process.env.GITHUB_TOKEN",
        "https://example.com/docs/a?page=2#install",
        "keyboard: us",
        "Press any key to continue",
        "user@host:~/projects/storyapp$ npm run lint",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "审批通过，开始部署",
    ] {
        assert_eq!(redactor.redact(line), line);
    }
}

#[test]
fn a_known_value_is_taken_out_wherever_it_stands() {
    let value = noise(14);
    let redactor = Redactor::knowing([value.clone(), "ab".to_owned()]);
    assert_eq!(redactor.redact(&format!("say {value}, ab!")), "say [redacted: known value], ab!");
}

#[test]
fn a_key_over_several_lines_of_evidence_is_found() {
    let lines = ["a".to_owned(), format!("-----BEGIN {} KEY-----", "PRIVATE"), noise(60), noise(20)];
    assert_eq!(Redactor::default().redact_lines(&lines), ["a", "[redacted: private key]"]);
}

proptest! {
    #[test]
    fn any_text_is_survived(text in "(?s).{0,200}") {
        let redactor = Redactor::default();
        let once = redactor.redact(&text);
        prop_assert_eq!(redactor.redact(&once), once);
    }
}
