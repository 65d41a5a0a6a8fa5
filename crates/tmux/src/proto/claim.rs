//! The claim on a server: which supervisor types there, as the server itself keeps it.
//!
//! The claim is a [`Token`] in a server option. It changes with every taking, so it fences: whoever lost it without
//! noticing (suspended, cut off) still names the old one in the guard of each send, and nothing is typed. It is taken by
//! compare-and-set, which the single-threaded server executes without interruption. Beside it stand who took it, and a
//! lease that the holder renews.
//!
//! The lease is no option where that can be helped: setting any option makes tmux draw all clients anew, which takes a
//! selection from the user's terminal. A hidden variable of the server's environment (tmux 3.2) draws nothing and reaches
//! no process.

use super::{Nonce, Row, Version, escape_operand, quote, row_format};
use tmuxagent_model::{OpenQuestion, Owner, Timestamp};

/// The server option that holds the token.
const TOKEN: &str = "@tmuxagent_owner";
/// The server option that tells who took it.
const OWNER: &str = "@tmuxagent_owner_is";
/// The lease: a hidden variable, or a server option.
const LEASE: &str = "@tmuxagent_lease";

/// So many open questions stand in a lease,
const MOST_ASKED: usize = 16;
/// and so many bytes of them: a lease is read every second.
const MOST_BYTES: usize = 2_000;

/// A lease: anything that was not there before, and what the holder asks. What does not fit is left out.
#[must_use]
pub fn lease(now: Timestamp, asks: &[OpenQuestion]) -> String {
    let seconds = now.0 / 1000;
    let written = (1..=asks.len().min(MOST_ASKED)).rev().find_map(|most| {
        let json = serde_json::to_string(&asks[..most]).ok()?;
        (json.len() <= MOST_BYTES).then(|| format!("{seconds} {json}"))
    });
    written.unwrap_or_else(|| seconds.to_string())
}

/// What stands for one taking of a server. Without one nothing can be typed: see [`super::Expectation`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A token for a new taking, of 8 random bytes.
    #[must_use]
    pub fn new(instance: &str, random: [u8; 8]) -> Self {
        let number = u64::from_be_bytes(random);
        Self(format!("{instance}.{number:016x}"))
    }

    /// The text, as the server keeps it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A format that is 1 where this token holds the server.
    pub(super) fn holds(&self) -> String {
        holds(&self.0)
    }
}

/// The format of the field that the guard asks for to tell why it did not hold.
pub(super) const TOKEN_FIELD: &str = "#{@tmuxagent_owner}";

/// What a server says of its claim.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claimed {
    /// The token; empty where nobody has claimed it.
    pub token: String,
    /// Who; `None` where that can't be read.
    pub owner: Option<Owner>,
    /// The lease as it stood.
    pub lease: String,
}

impl Claimed {
    /// What whoever holds it had asked, as far as its lease says so.
    #[must_use]
    pub fn asks(&self) -> Vec<OpenQuestion> {
        let json = self.lease.split_once(' ').map(|(_, json)| json).filter(|json| json.len() <= MOST_BYTES);
        json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    }

    /// Reads the row that [`ask`] prints.
    #[must_use]
    pub fn read(row: &Row) -> Option<Self> {
        let text = |index: usize| row.get(index).map(|field| String::from_utf8_lossy(field).into_owned());
        Some(Self { token: text(0)?, owner: serde_json::from_slice(row.get(1)?).ok(), lease: text(2)? })
    }
}

/// Words of a tmux command, for a command line of its own ([`line()`]) or for the program's arguments.
pub type Words = Vec<String>;

/// Prints the claim.
#[must_use]
pub fn ask(nonce: &Nonce) -> Words {
    let row = row_format(nonce, &[TOKEN_FIELD, "#{@tmuxagent_owner_is}", "#{@tmuxagent_lease}"]);
    words(&["display-message", "-p", &row])
}

/// Takes the server if its claim still is what was read, and prints the claim.
#[must_use]
pub fn take(nonce: &Nonce, version: Version, from: &Claimed, token: &Token, owner: &Owner, lease: &str) -> Words {
    let unchanged = format!("#{{&&:{},#{{==:#{{{LEASE}}},{}}}}}", holds(&from.token), escape_operand(&from.lease));
    // Nothing in it can fail to be written as JSON.
    let who = serde_json::to_string(owner).unwrap_or_default();
    let commands = format!(
        "set-option -s {OWNER} {} ; set-option -s {TOKEN} {} ; {}",
        quote(who),
        quote(token.as_str()),
        set_lease(version, lease)
    );
    guarded(&unchanged, &commands, ask(nonce))
}

/// Renews the lease while the token holds, and prints the claim.
#[must_use]
pub fn renew(nonce: &Nonce, version: Version, token: &Token, lease: &str) -> Words {
    guarded(&token.holds(), &set_lease(version, lease), ask(nonce))
}

/// Gives the server back while the token holds, and prints the claim.
#[must_use]
pub fn release(nonce: &Nonce, version: Version, token: &Token) -> Words {
    let lease = if version.is_full() { "set-environment -g -u" } else { "set-option -s -u" };
    let commands = format!("set-option -s -u {TOKEN} ; set-option -s -u {OWNER} ; {lease} {LEASE}");
    guarded(&token.holds(), &commands, ask(nonce))
}

/// Words as one line of a control client.
#[must_use]
pub fn line(words: &Words) -> String {
    let written = words.iter().map(|word| if word == ";" { word.clone() } else { quote(word) });
    written.collect::<Vec<_>>().join(" ")
}

fn holds(token: &str) -> String {
    format!("#{{==:{TOKEN_FIELD},{}}}", escape_operand(token))
}

fn set_lease(version: Version, lease: &str) -> String {
    let command = if version.is_full() { "set-environment -g -h" } else { "set-option -s" };
    format!("{command} {LEASE} {}", quote(lease))
}

fn guarded(condition: &str, commands: &str, then: Words) -> Words {
    let mut out = words(&["if-shell", "-F", condition, commands, ";"]);
    out.extend(then);
    out
}

fn words(words: &[&str]) -> Words {
    words.iter().map(|&word| word.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nonce() -> Nonce {
        Nonce::new([3; 16])
    }

    #[test]
    fn a_claim_is_taken_only_from_the_state_that_was_read() {
        let from = Claimed { token: "a.1,}#".to_owned(), lease: "17".to_owned(), owner: None };
        let owner = Owner { user: "ann\n\"".to_owned(), ..Owner::default() };
        let words = take(&nonce(), Version::NEWEST, &from, &Token::new("b", [0; 8]), &owner, "18");
        assert_eq!(words[2], "#{&&:#{==:#{@tmuxagent_owner},a.1#,#}##},#{==:#{@tmuxagent_lease},17}}");
        assert!(words[3].contains("set-option -s @tmuxagent_owner \"b\\0560000000000000000\""), "{}", words[3]);
        assert!(words[3].ends_with("set-environment -g -h @tmuxagent_lease \"18\""));
        assert!(!line(&words).contains('\n'));
        let old = renew(&nonce(), Version::SENDS, &Token::new("b", [0; 8]), "19");
        assert_eq!(old[3], "set-option -s @tmuxagent_lease \"19\"");
    }

    #[test]
    fn a_lease_tells_what_is_open_as_far_as_it_fits() {
        let question = |n: usize, stage: &str| OpenQuestion {
            pane: "%3".parse().unwrap(),
            pipeline: format!("ci-{n}"),
            stage: stage.to_owned(),
        };
        let read = |asks: &[OpenQuestion]| {
            let lease = lease(Timestamp(17_000), asks);
            assert!(lease.starts_with("17") && lease.len() < 2_100, "{lease}");
            Claimed { lease, ..Claimed::default() }.asks()
        };
        assert_eq!(lease(Timestamp(17_000), &[]), "17");
        assert_eq!(read(&[]), []);
        assert_eq!(read(&[question(1, "部署,#}\"")]), [question(1, "部署,#}\"")]);
        let many: Vec<OpenQuestion> = (0..99).map(|n| question(n, "deploy")).collect();
        assert_eq!(read(&many), many[..MOST_ASKED]);
        assert_eq!(read(&[question(1, &"x".repeat(3_000))]), []);
        let long: Vec<OpenQuestion> = (0..9).map(|n| question(n, &"x".repeat(400))).collect();
        assert_eq!(read(&long), long[..4]);
        assert_eq!(Claimed { lease: "17 [".to_owned(), ..Claimed::default() }.asks(), []);
    }

    #[test]
    fn who_it_is_survives_the_way_and_what_is_no_owner_is_nobody_known() {
        let owner = Owner { user: "安".to_owned(), pid: 7, ..Owner::default() };
        let json = serde_json::to_vec(&owner).unwrap();
        let read = |who: &[u8]| Claimed::read(&vec![b"t".to_vec(), who.to_vec(), b"1".to_vec()]).map(|c| c.owner);
        assert_eq!(read(&json), Some(Some(owner)));
        assert_eq!(read(b"]"), Some(None));
        assert_eq!(Claimed::read(&vec![b"t".to_vec()]), None);
    }
}
