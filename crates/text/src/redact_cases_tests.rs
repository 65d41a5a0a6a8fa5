//! Where a secret may stand: behind escapes and words, in the arguments of programs, in what others escaped. And what is none.

use super::tests::{hex, noise};
use super::*;

/// The forms of keys that are found wherever they stand.
fn tokens() -> Vec<String> {
    let forms = [
        ("sk-ant-api03-", 90),
        ("sk-proj-", 60),
        ("ghp_", 36),
        ("github_pat_", 60),
        ("glpat-", 20),
        ("xoxb-", 40),
        ("AIza", 35),
        ("npm_", 36),
        ("hf_", 34),
        ("tskey-auth-", 30),
        ("sk_live_", 24),
    ];
    let mut all: Vec<String> = forms.iter().map(|(prefix, length)| format!("{prefix}{}", noise(*length))).collect();
    all.push(format!("AKIA{}", noise(16).to_uppercase()));
    all.push(format!("eyJ{}.eyJ{}.{}", noise(20), noise(40), noise(43)));
    // Of the forms that words may hold, those that begin behind an escape.
    all.push(format!("sk-{}", noise(48)));
    all.push(format!("sk-{}", hex(32)));
    all.push(format!("SG.{}.{}", noise(22), noise(43)));
    all
}

const BEFORE: [&str; 18] = [
    "",
    "a ",
    r"\n",
    r"\t",
    r"\r\n",
    r"\\n",
    "%20",
    "%0A",
    r"\040",
    r"\x20",
    r"\u0020",
    r"\u001b[31m",
    "\u{1b}[0m",
    "a_",
    "&#32;",
    "&quot;",
    "密钥",
    "=",
];

#[test]
fn a_key_is_found_wherever_it_stands() {
    let redactor = Redactor::default();
    for token in tokens() {
        for before in BEFORE {
            for after in ["", " end", r"\n", "%20", "_", "\\\"}"] {
                let line = format!("{before}{token}{after}");
                let shown = redactor.redact(&line);
                assert!(!shown.contains(&token) && shown.contains("[redacted: "), "{line}: {shown}");
                assert_eq!(redactor.redact(&shown), shown);
            }
        }
    }
}

#[test]
fn an_unmistakable_key_is_found_within_a_word() {
    for token in tokens().iter().filter(|token| !token.contains(&hex(32)) && !token.starts_with("SG.")) {
        for before in ["a", "x9", "Z"] {
            let line = format!("{before}{token}");
            assert!(!Redactor::default().redact(&line).contains(token.as_str()), "{line}");
        }
    }
}

/// A value as it stands between the quotes of JSON.
fn in_json(value: &str) -> String {
    let quoted = serde_json::to_string(value).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}

/// Every sign of a value in one way.
fn each(value: &str, write: impl Fn(char) -> String) -> String {
    value.chars().map(write).collect()
}

#[test]
fn a_known_value_is_found_however_it_is_escaped() {
    for value in ["tok en/ä+\"q'&<\\x%41z", "plain-river-77", "new\tline&co=1", "Sésame-中-42"] {
        let json = in_json(value);
        let bytes = |form: fn(u8) -> String| value.bytes().map(form).collect::<String>();
        let special = |c: char| !c.is_ascii_alphanumeric();
        let written = [
            value.to_owned(),
            json.clone(),
            in_json(&json),
            json.replace('/', "\\/"),
            bytes(|byte| format!("%{byte:02X}")),
            bytes(|byte| format!("%{byte:02x}")),
            bytes(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).into() } else { format!("%{byte:02X}") }),
            bytes(|byte| match byte {
                b' ' => "+".into(),
                _ if byte.is_ascii_alphanumeric() => char::from(byte).into(),
                _ => format!("%{byte:02X}"),
            }),
            crate::escape::html(value),
            each(value, |c| format!("&#{};", u32::from(c))),
            each(value, |c| format!("&#x{:X};", u32::from(c))),
            each(value, |c| format!("\\u{:04x}", u32::from(c))),
            each(value, |c| if c.is_ascii() { format!("\\x{:02x}", u32::from(c)) } else { c.to_string() }),
            each(value, |c| if c.is_ascii() && special(c) { format!("\\{:03o}", u32::from(c)) } else { c.to_string() }),
            each(value, |c| if c.is_ascii() && special(c) && c != '\t' { format!("\\{c}") } else { c.to_string() }),
            each(value, |c| if c.is_ascii_graphic() || c == ' ' { format!("\\{c}") } else { c.to_string() }),
        ];
        let by_byte = |form: fn(u8) -> String| {
            value
                .bytes()
                .map(|b| if b.is_ascii_alphanumeric() { char::from(b).into() } else { form(b) })
                .collect::<String>()
        };
        let wide = |form: fn(u8) -> String| {
            value.bytes().map(|b| if b < 0x80 { char::from(b).into() } else { form(b) }).collect::<String>()
        };
        let written = written.into_iter().chain([
            bytes(|b| format!("\\{b:03o}")),
            bytes(|b| format!("\\x{b:02x}")),
            bytes(|b| format!("\\0{b:03o}")),
            bytes(|b| format!("={b:02X}")),
            by_byte(|b| format!("\\{b:03o}")),
            by_byte(|b| format!("\\x{b:02x}")),
            by_byte(|b| format!("={b:02X}")),
            wide(cat_v),
            each(value, |c| format!("&#{}", u32::from(c))),
            each(value, |c| format!("\\x{{{:x}}}", u32::from(c))),
            each(value, |c| format!("\\N{{U+{:04X}}}", u32::from(c))),
            each(value, |c| format!("\\{:06x}", u32::from(c))),
            each(value, |c| format!("\\{:x} ", u32::from(c))),
            each(value, |c| format!("%u{:04X}", u32::from(c))),
            each(value, |c| {
                if c == '/' {
                    "&sol;".into()
                } else if c == '-' {
                    "&#45".into()
                } else {
                    format!("&#{};", u32::from(c))
                }
            }),
            value.replace('\'', "'\\''"),
            value.replace('\'', "''"),
            value.replace('"', "\"\""),
        ]);
        let redactor = Redactor::knowing([value.to_owned()]);
        for form in written {
            let line = format!("say [{form}] now");
            assert_eq!(redactor.redact(&line), "say [[redacted: known value]] now", "{line}");
            assert!(redactor.suspects(&line));
        }
    }
}

/// A byte beyond ASCII as `cat -v` writes it.
fn cat_v(byte: u8) -> String {
    match byte & 0x7f {
        low @ (0..0x20 | 0x7f) => format!("M-^{}", char::from(low ^ 0x40)),
        low => format!("M-{}", char::from(low)),
    }
}

#[test]
fn a_known_value_is_found_where_a_line_goes_on_below() {
    let redactor = Redactor::knowing(["plain-river-77".to_owned()]);
    for text in ["x plain-\\\nriver-77 y", "x plain-riv\\\r\ner-77 y", "x plain-=\nriver-77 y"] {
        assert_eq!(redactor.redact(text), "x [redacted: known value] y", "{text}");
    }
}

/// Lines whose `@` is a secret: what is shown of them, without it.
const PLACES: &[&str] = &[
    r#"{"password":"@@@@@@@@"}"#,
    r#"{\"password\":\"@@@@@@@@\"}"#,
    r#"{\\\"password\\\":\\\"@@@@@@@@\\\"}"#,
    r#"{\"api_key\": \"@@@@@@@@\"}"#,
    r#"{\"note\":\"\\nPASSWORD=@@@@@@@@\"}"#,
    r#"{&quot;password&quot;:&quot;@@@@@@@@&quot;}"#,
    "%7B%22password%22%3A%22@@@@@@@@%22%7D",
    "GET /x?a=1%26access_token%3D@@@@@@@@",
    "curl -u me:@@ https://x.example",
    "curl -sSu me:@@@@ https://x.example",
    "curl -ume:@@@@ https://x.example",
    "curl https://x.example -u 'me:@@@@'",
    "curl --user me:@@ https://x.example",
    "curl --user=me:@@@@ https://x.example",
    "curl --proxy-user \"me:@@@@\" https://x.example",
    "http --user me:@@@@@ GET",
    "mysql -u root -p@@ db",
    "mysql -uroot -p'@@@@' db",
    "mysqldump --password=@@ db",
    "mariadb -h h -p@@@@@@@@",
    "tool --password=@@",
    "wget --http-password=@@ https://x.example",
    "tool --password @@@@@@@@",
    "tool --api-key @@@@@@@@",
    "sshpass -p @@@@ ssh host",
    "sshpass -p@@@@ ssh host",
    "docker login -u me -p @@@@ registry.example",
    "redis-cli -h h -a @@@@ ping",
    "openssl rsa -passin pass:@@@@ -in k",
    "set -gx GITHUB_TOKEN @@@@",
    "set -x GITHUB_TOKEN '@@@@@@@@'",
    "set --export --global API_KEY \"@@@@@@@@\"",
    "set -Ux DB_PASSWORD @@@@@@@@",
    "setenv GITHUB_TOKEN @@@@@@@@",
    "export TOKEN='@@@@@@@@'",
    "export TOKEN=\"@@@@@@@@\"",
    "export DB_PASSWORD=@@@@",
    r"\nexport MY_SECRET=@@@@@@@@",
    "$env:API_TOKEN = \"@@@@@@@@\"",
    "MYSQL_PWD=@@@@ mysql",
    "密码：@@@@",
    "密码: @@@@@@@@",
    "密钥：@@@@@@@@",
    "令牌：@@@@@@@@",
    "口令：@@@@@@@@",
    "口令=@@@@@@@@",
    "您的密码是：@@@@@@@@，请保存",
    "{\"密码\":\"@@@@@@@@\"}",
    "Authorization: Basic @@@@@@@@",
    r"\nAuthorization: Basic @@@@@@@@",
    r"\r\nAuthorization: Bearer @@@@@@@@",
    "Authorization%3A%20Basic%20@@@@@@@@",
    "xAuthorization: Basic @@@@@@@@",
    r"\nSet-Cookie: [sid=@@@@@@@@@@]",
    "postgres://me:@@@@@@@@@h/db",
    r"postgres:\/\/me:@@@@@@@@@h\/db",
    "postgres%3A%2F%2Fme%3A@@@@@@@@%40h%2Fdb",
    r"\nhttps://me:@@@@@@@@@h/x",
    "redis://:@@@@@@@@@h:6379",
    "amqp://me:@@@@@@@@@h",
    "_mongodb+srv://me:@@@@@@@@@h",
    "db_password: @@@@@@@@",
    "client_secret = '@@@@@@@@'",
    "DB-PASSWORD := @@@@@@@@",
    "private_key => \"@@@@@@@@\"",
    "PASSPHRASE=\"@@@@@@@@ and more\"",
    "password: \"@@@@@@@@",
    "npm config set //r/:_authToken=@@@@@@@@",
    "https://x.example/?sig=@@@@@@@@&a=1",
    "Proxy-Authorization: Digest @@@@@@@@",
    "bearer @@@@@@@@@@@@@@@@",
    r"\nbearer @@@@@@@@@@@@@@@@",
    "AUTH_TOKEN: @@@@@@@@",
    "auth.token=@@@@@@@@",
    "\"access-key\": '@@@@@@@@'",
    "_password=@@@@@@@@",
    "x=1&password=@@@@@@@@&y=2",
    "aws_secret_access_key = @@@@@@@@",
    "--token=@@@@@@@@",
    "run --secret @@@@@@@@ now",
    "curl -d 'a=1&b=2' --user me:@@@@ https://x.example",
    "curl -U me:@@@@ https://x.example",
];

#[test]
fn a_secret_is_known_by_its_place() {
    assert!(PLACES.len() >= 80);
    let redactor = Redactor::default();
    for place in PLACES {
        let run = place.split(|c| c != '@').map(str::len).max().unwrap_or(0);
        // The last sign before a URL's host is its own.
        let length = if place.contains("@h") { run - 1 } else { run };
        let secret: String = noise(length).to_lowercase();
        let line = place.replacen(&"@".repeat(length), &secret, 1);
        let shown = redactor.redact(&line);
        assert!(!shown.contains(&secret) && shown.contains("[redacted: "), "{line}: {shown}");
        assert_eq!(redactor.redact(&shown), shown, "{line}");
    }
}

#[test]
fn what_is_no_secret_stays() {
    let redactor = Redactor::knowing(["correct-horse-battery".to_owned()]);
    for line in [
        "task-management-system-overview-page",
        "disk-encryption-with-luks-and-keys",
        "task-3f2a9c1b7d5e8f0a1b2c3d4e5f607182",
        r"C:\Users\me\src\new\task-runner-with-a-long-name\x",
        r"C:\node_modules\desk-lamp-with-a-very-long-name",
        "commit 3f2a9c1b7d5e8f0a1b2c3d4e5f60718293a4b5c6",
        "1f3870be274f6c49b3e31a0c6728957f  a.tar.gz",
        "/home/me/projects/password-store/src/token.rs:12:5",
        "password: ",
        "Password:",
        "密码：",
        "密码：请输入",
        "请输入口令：",
        "密码：********",
        "PASSWORD_MIN_LENGTH=8",
        "max_tokens=4096",
        "tokens: 123456",
        "ls -p",
        "mkdir -p a/b",
        "docker run -p 3306:3306 --name mysql image",
        "docker run mysql -p3306:3306",
        "docker run -u 1000:1000 image",
        "docker run --user node:node image",
        "docker run --user 1000:1000 image",
        "chown --user me file",
        "curl https://example.com:8080/a",
        "curl -o out https://example.com",
        "set -e",
        "set -x",
        "set the token to something new",
        "Progress: 50% done, 100%",
        "a && b & c",
        "GET /search?q=a%20b&page=2",
        r#"printf "a\tb\n""#,
        r#"{"level":"info","msg":"a \"quoted\" word"}"#,
        "the password is wrong",
        "password=${DB_PASSWORD}",
        "password=$DB_PASSWORD",
        "--password=$PW",
        "token: null",
        "https://example.com/a@b",
        "git@github.com:me/x.git",
        "Authorization header is missing",
        "task_processing_completed",
        "MSG.some_long_method_name_here.another_long_name",
        "sha512-9f86d081884c7d659a2feaa0c55ad015",
        "npm_config_registry=https://r.example",
        "审批通过，开始部署",
    ] {
        assert_eq!(redactor.redact(line), line);
    }
}
