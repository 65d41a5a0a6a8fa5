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
use serde::{Deserialize, Serialize};
use tmuxagent_model::{HostName, OpenQuestion, Owner, Timestamp};

/// The server option that holds the token.
pub(super) const TOKEN: &str = "@tmuxagent_owner";
/// The server option that tells who took it.
const OWNER: &str = "@tmuxagent_owner_is";
/// The lease: a hidden variable, or a server option.
const LEASE: &str = "@tmuxagent_lease";

/// So much of each is read, in columns: anybody may write anything there.
const MOST_READ: usize = 4_000;
/// So long may a word be that names somebody.
const LONGEST_NAME: usize = 64;

/// So many open questions stand in a lease,
const MOST_ASKED: usize = 16;
/// those of so many that are gone,
const MOST_LEFT: usize = 4;
/// and so many bytes of all: a lease is read every second.
const MOST_BYTES: usize = 3_000;

/// What stands in a lease for whoever has the server next.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Estate {
    /// What the holder asks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<OpenQuestion>,
    /// Those before the holder with what they had asked, as long as the holder has told nobody of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<Owner>,
    /// Who had the server last. It stays there once that one has given it back: an earlier one that comes back after it goes on
    /// with nothing that it had begun. The holder keeps it until that is written down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Box<Owner>>,
}

impl Estate {
    /// A lease with it: anything that was not there before, and as much of this as fits, what was left first.
    #[must_use]
    pub fn lease(&self, now: Timestamp) -> String {
        let seconds = now.0 / 1000;
        let left = self.left.len().min(MOST_LEFT);
        let sizes = (0..=self.asks.len().min(MOST_ASKED)).rev().map(|asks| (left, asks));
        let smaller = (0..left).rev().map(|left| (left, 0));
        let all = sizes.chain(smaller).chain([(0, 0)]);
        let some = all.take_while(|size| *size != (0, 0) || self.last.is_some());
        let fits = some.take(MOST_ASKED + MOST_LEFT + 2).find_map(|(left, asks)| {
            let (asks, left) = (self.asks[..asks].to_vec(), self.left[..left].to_vec());
            let part = Self { asks, left, last: self.last.clone() };
            // Within a string of JSON it may be written so; in tmux it would begin something.
            let json = serde_json::to_string(&part).ok()?.replace('#', "\\u0023");
            (json.len() <= MOST_BYTES).then(|| format!("{seconds} {json}"))
        });
        fits.unwrap_or_else(|| seconds.to_string())
    }
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
    fn holds(&self) -> String {
        holds(&self.0)
    }
}

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
    /// What its lease holds for whoever has the server next.
    #[must_use]
    pub fn estate(&self) -> Estate {
        let json = self.lease.split_once(' ').map(|(_, json)| json).filter(|json| json.len() <= MOST_BYTES);
        let read: Option<Estate> = json.and_then(|json| serde_json::from_str(json).ok());
        let Estate { mut asks, left, last } = read.unwrap_or_default();
        asks.truncate(MOST_ASKED);
        let left = left.into_iter().take(MOST_LEFT).map(known_shortly);
        let left = left.map(|mut owner| {
            owner.asks.truncate(MOST_ASKED);
            owner
        });
        Estate { asks, left: left.collect(), last: last.map(|last| Box::new(known_shortly(*last))) }
    }

    /// Who had it last, as far as that counts: a holder that has written down nothing yet has done nothing.
    #[must_use]
    pub fn last(&self) -> Option<Owner> {
        let holds = self.owner.clone().filter(|_| !self.token.is_empty());
        self.estate().last.map(|last| *last).or(holds)
    }

    /// Reads the row that [`ask`] prints.
    #[must_use]
    pub fn read(row: &Row) -> Option<Self> {
        let text = |index: usize| row.get(index).map(|field| String::from_utf8_lossy(field).into_owned());
        let owner: Option<Owner> = serde_json::from_slice(row.get(1)?).ok();
        Some(Self { token: text(0)?, owner: owner.map(known_shortly), lease: text(2)? })
    }

    /// Whether it can be compared with what stands there; we wrote nothing else.
    fn is_sound(&self) -> bool {
        [&self.token, &self.lease].iter().all(|text| text.len() < MOST_READ && !text.contains('\u{fffd}'))
    }
}

/// Somebody by names that can be told.
fn known_shortly(owner: Owner) -> Owner {
    let short = |name: &str| name.chars().take(LONGEST_NAME).collect::<String>();
    let (user, machine, host) = (short(&owner.user), short(&owner.machine), HostName::new(short(owner.host.as_str())));
    Owner { user, machine, host, ..owner }
}

/// Words of a tmux command, for a command line of its own ([`line()`]) or for the program's arguments.
pub type Words = Vec<String>;

/// Prints the claim.
#[must_use]
pub fn ask(nonce: &Nonce) -> Words {
    let fields = [TOKEN, OWNER, LEASE].map(read_format);
    let row = row_format(nonce, &fields.each_ref().map(String::as_str));
    words(&["display-message", "-p", &row])
}

/// Takes the server if its claim still is what was read, and prints the claim. One that can't be compared is taken as it
/// stands: of two who do so the later one has it, and the other one's token holds no more.
#[must_use]
pub fn take(nonce: &Nonce, version: Version, from: &Claimed, token: &Token, owner: &Owner, lease: &str) -> Words {
    let unchanged = if from.is_sound() {
        let same = |name, text: &str| format!("#{{==:{},{}}}", read_format(name), escape_operand(text));
        format!("#{{&&:{},{}}}", same(TOKEN, &from.token), same(LEASE, &from.lease))
    } else {
        "1".to_owned()
    };
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

/// Gives the server back while the token holds, and prints the claim. The lease goes too, unless `bequest` is to stay in its place
/// for whoever has the server next. A tmux without hidden variables keeps none: nothing of ours stays among the user's options.
#[must_use]
pub fn release(nonce: &Nonce, version: Version, token: &Token, bequest: Option<&str>) -> Words {
    let unset = if version.is_full() { "set-environment -g -u" } else { "set-option -s -u" };
    let bequest = bequest.filter(|_| version.is_full());
    let lease = bequest.map_or_else(|| format!("{unset} {LEASE}"), |lease| set_lease(version, lease));
    let commands = format!("set-option -s -u {TOKEN} ; set-option -s -u {OWNER} ; {lease}");
    guarded(&token.holds(), &commands, ask(nonce))
}

/// Words as one line of a control client.
#[must_use]
pub fn line(words: &Words) -> String {
    let written = words.iter().map(|word| if word == ";" { word.clone() } else { quote(word) });
    written.collect::<Vec<_>>().join(" ")
}

/// The format by which an option or variable is read, and compared with what was read: tmux leaves out what is too much, and
/// what is no text (`format_trim_left` in its format-draw.c).
fn read_format(name: &str) -> String {
    format!("#{{={MOST_READ}:{name}}}")
}

fn holds(token: &str) -> String {
    format!("#{{==:#{{{TOKEN}}},{}}}", escape_operand(token))
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
        let wanted = "#{&&:#{==:#{=4000:@tmuxagent_owner},a.1#,#}##},#{==:#{=4000:@tmuxagent_lease},17}}";
        assert_eq!(words[2], wanted);
        assert!(words[3].contains("set-option -s @tmuxagent_owner 'b.0000000000000000'"), "{}", words[3]);
        assert!(words[3].ends_with("set-environment -g -h @tmuxagent_lease '18'"));
        assert!(!line(&words).contains('\n'));
        let old = renew(&nonce(), Version::SENDS, &Token::new("b", [0; 8]), "19");
        assert_eq!(old[3], "set-option -s @tmuxagent_lease '19'");
    }

    /// Anybody who reaches the server may write there.
    #[test]
    fn what_somebody_else_wrote_is_read_in_part_and_keeps_nobody_out() {
        let long = Owner { user: "u".repeat(900), machine: "m".repeat(900), ..Owner::default() };
        let row = |token: &[u8], lease: &[u8]| vec![token.to_vec(), serde_json::to_vec(&long).unwrap(), lease.to_vec()];
        let read = Claimed::read(&row(b"a.1", b"17")).unwrap();
        let owner = read.owner.clone().unwrap();
        assert_eq!((owner.user.len(), owner.machine.len()), (64, 64));
        let condition = |from: &Claimed| {
            take(&nonce(), Version::NEWEST, from, &Token::new("b", [0; 8]), &Owner::default(), "18")[2].clone()
        };
        assert!(condition(&read).contains("a.1"));
        let (long, broken) = ("x".repeat(MOST_READ), b"17\xff\xfe".to_vec());
        for (token, lease) in [(&b"a.1"[..], &broken[..]), (&broken[..], b"17"), (b"a.1", long.as_bytes())] {
            let from = Claimed::read(&row(token, lease)).unwrap();
            assert_eq!(condition(&from), "1", "{from:?}");
            assert_eq!(from.estate(), Estate::default());
        }
    }

    #[test]
    fn a_lease_tells_what_is_open_as_far_as_it_fits() {
        let question = |n: usize, stage: &str| OpenQuestion {
            pane: "%3".parse().unwrap(),
            pipeline: format!("ci-{n}"),
            stage: stage.to_owned(),
            asked: Timestamp(1_772_438_400_000),
        };
        let read = |asks: &[OpenQuestion], left: &[Owner]| {
            let lease = Estate { asks: asks.to_vec(), left: left.to_vec(), last: None }.lease(Timestamp(17_000));
            assert!(lease.starts_with("17") && lease.len() < MOST_BYTES + 9 && !lease.contains('#'), "{lease}");
            Claimed { lease, ..Claimed::default() }.estate()
        };
        let asks = |asks: &[OpenQuestion]| read(asks, &[]).asks;
        assert_eq!(Estate::default().lease(Timestamp(17_000)), "17");
        assert_eq!(asks(&[question(1, "部署,#}\"")]), [question(1, "部署,#}\"")]);
        let many: Vec<OpenQuestion> = (0..99).map(|n| question(n, "deploy")).collect();
        assert_eq!(asks(&many), many[..MOST_ASKED]);
        assert_eq!(asks(&[question(1, &"x".repeat(4_000))]), []);
        let long: Vec<OpenQuestion> = (0..9).map(|n| question(n, &"x".repeat(420))).collect();
        assert_eq!(asks(&long), long[..6]);
        // What is left stays longest.
        let owner =
            |n: usize| Owner { instance: format!("i{n}"), asks: vec![question(n, "deploy")], ..Owner::default() };
        let both = read(&long, &[owner(1), owner(2)]);
        assert_eq!((both.left, both.asks.len()), (vec![owner(1), owner(2)], 5));
        let huge = Owner { asks: long.clone(), ..Owner::default() };
        assert_eq!(read(&many, &[owner(1), huge]).left, [owner(1)]);
        assert_eq!(Claimed { lease: "17 {".to_owned(), ..Claimed::default() }.estate(), Estate::default());
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
