//! Which supervisor types on this host. See [`super::proto::claim`] for how the server keeps it.
//!
//! **A server is claimed** before anything is told of its panes. Whoever finds it claimed by another one watches, and takes
//! over when that one is gone: it gave the server back, its process has ended (on this machine one can look), or its lease
//! was not renewed for [`LOST`] by our own clock, whatever the clocks of others say. A claim that was given back, or whose
//! process has ended while we watched, is left for [`GRACE`] to the one that had it, which may only be starting again.
//!
//! **Nobody types without the claim**, also if he does not know yet that he lost it: the guard of each send compares it.

use super::fork;
use super::host::{Arrival, Host, Purpose};
use super::link::{Link, random};
use super::probe::{self, ProbeError};
use super::proto::claim::{Words, ask, line, renew, take};
use super::proto::{Claimed, Nonce, Reply, RowReader, Token, Version};
use super::{HostMessage, Transport};
use std::collections::HashSet;
use std::time::Duration;
use tmuxagent_model::{HostName, HostState, Owner, ServerId};
use tmuxagent_text::{Lang, host_owner};
use tokio::time::Instant;

/// How often the holder renews its lease.
const RENEW: Duration = Duration::from_secs(8);
/// How often whoever watches looks at the claim.
const WATCH: Duration = Duration::from_secs(4);
/// A lease that was not renewed for so long is lost.
const LOST: Duration = Duration::from_secs(22);
/// How long a claim that nobody holds any more is left to the one that held it.
const GRACE: Duration = Duration::from_secs(10);
/// How long a host that has never been seen gives way to the supervisor's other ones, which may know the server.
const SHY: Duration = Duration::from_millis(500);
/// How often a host looks whether its server still is the one that is watched under another name.
const SAME: Duration = Duration::from_secs(10);

/// How we stand to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nobody has looked yet, or no server is there.
    Unknown,
    /// It is ours to type into.
    Ours(Token),
    /// Another supervisor types there.
    Others,
    /// It is ours under another name.
    Same,
}

/// What is known of the claim.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    us: Owner,
    standing: Standing,
    /// What the server said last.
    read: Claimed,
    /// Who was last read to have it.
    known: Owner,
    /// Since when the lease is as it is.
    unrenewed: Instant,
    /// Since when nobody lives who holds it.
    orphaned: Option<Instant>,
    /// Servers on which this host watched in an earlier life.
    homes: HashSet<ServerId>,
    /// Other hosts of this supervisor may be the same server.
    shy: bool,
}

/// What follows from what a server says.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Keep,
    Take,
    Be(Standing),
}

impl Claim {
    pub fn new(us: Owner, homes: HashSet<ServerId>, shy: bool) -> Self {
        let (standing, read, unrenewed) = (Standing::Unknown, Claimed::default(), Instant::now());
        Self { us, standing, read, known: Owner::default(), unrenewed, orphaned: None, homes, shy }
    }

    pub const fn standing(&self) -> &Standing {
        &self.standing
    }

    /// The token, while the server is ours.
    pub const fn token(&self) -> Option<&Token> {
        match &self.standing {
            Standing::Ours(token) => Some(token),
            Standing::Unknown | Standing::Others | Standing::Same => None,
        }
    }

    /// Who types there, if it is not this host.
    pub fn owner(&self) -> Option<Owner> {
        match self.standing {
            Standing::Unknown | Standing::Ours(_) => None,
            Standing::Others | Standing::Same => Some(self.known.clone()),
        }
    }

    /// The server is gone, and every claim on it.
    pub fn forget(&mut self) {
        self.standing = Standing::Unknown;
        self.orphaned = None;
    }

    /// The same for another server, of which nothing is known.
    pub fn elsewhere(mut self) -> Self {
        self.forget();
        self
    }

    /// What is asked regularly.
    fn words(&self, nonce: &Nonce, version: Version, lease: &str) -> Words {
        match self.token() {
            Some(token) => renew(nonce, version, token, lease),
            None => ask(nonce),
        }
    }

    /// Takes note of what the server says after `attempt`, and finds out what follows.
    fn says(&mut self, read: Claimed, attempt: Option<Token>, now: Instant, alive: fn(&Owner) -> bool) -> Next {
        if let Some(token) = attempt.filter(|token| token.as_str() == read.token) {
            self.read = read;
            self.orphaned = None;
            self.standing = Standing::Ours(token);
            return Next::Keep;
        }
        let next = self.judge(&read, now, alive);
        if let Some(owner) = &read.owner {
            self.known.clone_from(owner);
        }
        self.read = read;
        if let Next::Be(standing) = &next {
            self.standing = standing.clone();
        }
        next
    }

    fn judge(&mut self, read: &Claimed, now: Instant, alive: fn(&Owner) -> bool) -> Next {
        if self.token().is_some_and(|token| token.as_str() == read.token) {
            return Next::Keep;
        }
        let watched = matches!(self.standing, Standing::Others | Standing::Same);
        let owner = read.owner.as_ref().filter(|_| !read.token.is_empty());
        if let Some(owner) = owner {
            let own = owner.instance == self.us.instance;
            if own && owner.host == self.us.host && self.standing == Standing::Unknown {
                return Next::Take;
            }
            if owner.is_same_process(&self.us) && owner.host != self.us.host {
                return Next::Be(Standing::Same);
            }
        }
        let orphan = read.token.is_empty() || owner.is_some_and(|owner| owner.is_beside(&self.us) && !alive(owner));
        if orphan {
            // An earlier life of this supervisor held it under another name, which may come back first.
            let reserved = owner.is_some_and(|owner| owner.instance == self.us.instance);
            let since = *self.orphaned.get_or_insert(now);
            let due = (!watched && !reserved) || now.duration_since(since) >= GRACE;
            return if due { Next::Take } else { Next::Be(Standing::Others) };
        }
        self.orphaned = None;
        let renewed = (&self.read.token, &self.read.lease) != (&read.token, &read.lease);
        if !watched || renewed {
            self.unrenewed = now;
        }
        let lost = now.duration_since(self.unrenewed) >= LOST;
        if lost { Next::Take } else { Next::Be(Standing::Others) }
    }
}

/// Claims a server by forked commands, as far as it is free; gives how we stand then.
pub(super) async fn settle(
    transport: &Transport,
    nonce: &Nonce,
    version: Version,
    server: &str,
    mut claim: Claim,
    lease: &str,
) -> Result<Claim, ProbeError> {
    let mut read = run(transport, nonce, &claim.words(nonce, version, lease)).await?;
    if read.token.is_empty() && claim.shy && !claim.homes.contains(&ServerId::new(server)) {
        tokio::time::sleep(SHY).await;
        read = run(transport, nonce, &ask(nonce)).await?;
    }
    let mut attempt = None;
    // Two who want it at once read what the other did.
    for _ in 0..3 {
        if claim.says(read.clone(), attempt.take(), Instant::now(), is_alive) != Next::Take {
            return Ok(claim);
        }
        let token = Token::new(&claim.us.instance, random());
        read = run(transport, nonce, &take(nonce, version, &read, &token, &claim.us, lease)).await?;
        attempt = Some(token);
    }
    claim.says(read, attempt, Instant::now(), is_alive);
    Ok(claim)
}

async fn run(transport: &Transport, nonce: &Nonce, words: &Words) -> Result<Claimed, ProbeError> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let printed = fork::run(&transport.command(&words)).await.map_err(ProbeError::Unreachable)?;
    let row = probe::rows(nonce, &printed.output).iter().find_map(Claimed::read);
    row.ok_or_else(|| ProbeError::Unreachable(format!("tmux does not tell who types there: {}", printed.error)))
}

/// This process as the owner of what it claims; `instance` as [`Owner::instance`].
#[must_use]
pub fn this_process(instance: impl Into<String>) -> Owner {
    let pid = std::process::id();
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let boot = read("/proc/sys/kernel/random/boot_id");
    let space = std::fs::read_link("/proc/self/ns/pid").map(|link| link.display().to_string()).unwrap_or_default();
    let place = if boot.is_empty() || space.is_empty() { String::new() } else { format!("{boot} {space}") };
    Owner {
        instance: instance.into(),
        machine: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        pid,
        started: started(pid).unwrap_or(0),
        place,
        ..Owner::default()
    }
}

/// Whether the process of an owner on this machine ([`Owner::is_beside`]) lives, and is the one that it was.
#[must_use]
pub fn is_alive(owner: &Owner) -> bool {
    let pid = i32::try_from(owner.pid).ok().and_then(rustix::process::Pid::from_raw);
    let there = pid.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH));
    there && started(owner.pid).is_none_or(|started| owner.started == 0 || started == owner.started)
}

/// When a process began, in ticks since the system did: field 22 of `/proc/PID/stat` (proc_pid_stat(5)), counted behind the
/// name, which may hold anything.
fn started(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, behind) = text.rsplit_once(')')?;
    let mut fields = behind.split_ascii_whitespace();
    // A process that ended and was not waited for lives no more.
    if fields.next()? == "Z" {
        return Some(u64::MAX);
    }
    fields.nth(18)?.parse().ok()
}

impl Host {
    /// What the lease is renewed with: anything that was not there before.
    pub fn lease(&self) -> String {
        (self.clock.now().0 / 1000).to_string()
    }

    /// Plans the first look at the claim of a server that is observed from now on.
    pub fn plan_claim(&mut self, now: Instant) {
        let at = now + if self.claim.token().is_some() { RENEW } else { WATCH };
        self.times.claim = Some(at);
        self.wake_at(at);
    }

    /// Renews the lease, or looks whether somebody else still does.
    pub fn look_at_claim(&mut self) {
        self.plan_claim(Instant::now());
        let Some(version) = self.server.as_ref().map(|server| server.version).filter(|it| it.has_control()) else {
            return;
        };
        let words = self.claim.words(&self.nonce, version, &self.lease());
        self.ask_claim(words, None);
    }

    fn ask_claim(&mut self, words: Words, attempt: Option<Token>) {
        match self.link {
            Link::Control => {
                let ready = self.clients.iter().find(|(_, client)| client.session.is_some() && !client.leaving);
                if let Some(client) = ready.map(|(&client, _)| client) {
                    self.request(client, &line(&words), Purpose::Claim(attempt));
                }
            }
            Link::Polling if !self.asks_claim => {
                self.asks_claim = true;
                let (transport, nonce, arrivals) =
                    (self.spec.transport.clone(), self.nonce.clone(), self.arrivals.clone());
                tokio::spawn(async move {
                    let read = run(&transport, &nonce, &words).await.ok();
                    let _ = arrivals.send(Arrival::Claimed(read.map(Box::new), attempt)).await;
                });
            }
            Link::Polling | Link::Down => {}
        }
    }

    /// A forked look at the claim came back.
    pub fn claim_arrived(&mut self, read: Option<Claimed>, attempt: Option<Token>) {
        self.asks_claim = false;
        if let Some(read) = read.filter(|_| self.link == Link::Polling) {
            self.claim_says(read, attempt);
        }
    }

    /// The reply to a look at the claim arrived.
    pub fn claim_replied(&mut self, reply: &Reply, attempt: Option<Token>) {
        let mut rows = RowReader::new(self.nonce.clone());
        let read = reply.rows().find_map(|line| rows.push(line)).as_ref().and_then(Claimed::read);
        if let Some(read) = read {
            self.claim_says(read, attempt);
        }
    }

    fn claim_says(&mut self, read: Claimed, attempt: Option<Token>) {
        let Some(version) = self.server.as_ref().map(|server| server.version) else { return };
        let first = attempt.is_none();
        let next = self.claim.says(read.clone(), attempt, Instant::now(), is_alive);
        if next == Next::Take && first {
            let token = Token::new(&self.claim.us.instance, random());
            let words = take(&self.nonce, version, &read, &token, &self.claim.us, &self.lease());
            self.ask_claim(words, Some(token));
        }
        self.tell_claim();
    }

    /// A send was held back because the server is not ours any more: we look whose it is.
    pub fn claim_is_doubtful(&mut self) {
        self.times.claim = Some(Instant::now());
        self.wake_at(Instant::now());
    }

    /// Tells who types there, when that changed, and what follows from it.
    pub fn tell_claim(&mut self) {
        let owner = self.claim.owner();
        if self.told_owner == owner {
            return;
        }
        tracing::debug!(host = %self.spec.name, standing = ?self.claim.standing(), "the claim changed");
        let same = self.claim.standing == Standing::Same;
        if same {
            self.stand_back();
        }
        self.told_owner.clone_from(&owner);
        self.outlet.put(HostMessage::Claim(owner.map(Box::new)));
        if same {
            self.say(HostState::Same, "");
            return;
        }
        let (state, detail) = self.stands.clone();
        self.say(state, &detail);
        self.pump_all();
    }

    /// The server is watched under another name: it is left alone under this one.
    fn stand_back(&mut self) {
        self.link = Link::Down;
        let claim = self.claim.clone();
        self.forget_server();
        self.claim = claim;
        for attached in self.clients.values_mut() {
            attached.leaving = true;
            attached.client.kill();
        }
        self.look_again();
    }

    /// Looks after a while whether the server still is the one that is watched under another name.
    pub fn look_again(&mut self) {
        let at = Instant::now() + SAME;
        self.times.probe = Some(at);
        self.wake_at(at);
    }

    /// How a state of the host is told, which is another one where somebody else types there.
    pub fn as_told(&self, state: HostState, detail: &str) -> (HostState, String) {
        let state = match (self.claim.standing(), state) {
            (Standing::Others, HostState::Live | HostState::Polling) => HostState::Watching,
            (_, state) => state,
        };
        let owner = self.told_owner.as_ref().filter(|_| matches!(state, HostState::Watching | HostState::Same));
        (state, owner.map_or_else(|| detail.to_owned(), |owner| host_owner(Lang::En, state, owner)))
    }
}

/// The owner of what a host claims.
pub(super) fn owner_of(us: &Owner, host: &HostName) -> Owner {
    Owner { host: host.clone(), ..us.clone() }
}

#[cfg(test)]
mod tests;
