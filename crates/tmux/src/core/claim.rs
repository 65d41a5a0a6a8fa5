//! Which supervisor types on this host. See [`crate::proto::claim`] for how the server keeps it.
//!
//! **A server is claimed** before anything is told of its panes. Whoever finds it claimed by another one watches, and takes
//! over when that one is gone: it gave the server back, its process has ended (on this machine one can look), or its lease
//! was not renewed for [`LOST`] by our own clock, whatever the clocks of others say. A claim that was given back, or whose
//! process has ended while we watched, is left for [`GRACE`] to the one that had it, which may only be starting again and
//! goes on then with what it asked and ran; that it is gone is told at once ([`Owner::gone`]), so that what is printed from
//! then on is kept for whoever has the server next. What this very process had under a name that is configured no more is
//! taken at once.
//!
//! **Who had the server last stands there**, also once it was given back: one that comes back when another one had it meanwhile
//! goes on with nothing that it had begun there.
//!
//! **Nobody types without the claim**, also if he does not know yet that he lost it: the guard of each send compares it.

use super::link::Link;
use super::{HostCore, Job, Output, Purpose};
use crate::HostMessage;
use crate::proto::claim::{Estate, Words, ask, line, renew, take};
use crate::proto::{Claimed, Nonce, Reply, RowReader, Token, Version};
use std::collections::{BTreeSet, HashSet};
use std::time::Duration;
use std::time::Instant;
use tmuxagent_model::{HostName, HostState, Millis, OpenQuestion, Owner, ServerId, Timestamp};
use tmuxagent_text::{Lang, host_owner};

/// How often the holder renews its lease, and whoever watches looks at the claim,
const RENEW: Duration = Duration::from_secs(8);
const WATCH: Duration = Duration::from_secs(1);
/// how often while nobody holds it: the one that had it may come back,
const WATCH_ORPHAN: Duration = Duration::from_millis(200);
/// and how often where each look is a process.
const WATCH_BY_FORK: Duration = Duration::from_secs(4);
/// A lease that was not renewed for so long is lost.
const LOST: Duration = Duration::from_secs(22);
/// How long a claim that nobody holds any more is left to the one that held it: as long as a program takes that ends and is
/// started again.
const GRACE: Duration = Duration::from_secs(3);
/// So long before it gives the server back a supervisor that ends in order may have acted on nothing any more.
const ENDING: Duration = Duration::from_secs(3);
/// How often a host looks whether its server still is the one that is watched under another name.
const SAME: Duration = Duration::from_secs(10);

/// How we stand to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
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
pub(crate) struct Claim {
    us: Owner,
    standing: Standing,
    /// What the server said last.
    read: Claimed,
    /// Who was last read to have it.
    known: Owner,
    /// Since when the lease is as it is.
    unrenewed: Instant,
    /// When it was seen last that somebody holds it.
    seen: Instant,
    /// Since when nobody lives who holds it.
    orphaned: Option<Orphaned>,
    /// Servers on which this host watched in an earlier life.
    homes: HashSet<ServerId>,
    /// Other hosts of this supervisor may be the same server.
    shy: bool,
    /// Names under which this process watches nothing any more.
    gone: BTreeSet<HostName>,
    /// What stands in our lease: what this supervisor asks about stages there, and what those before it had asked, until that is
    /// told.
    estate: Estate,
    /// What is left was handed over to be told.
    handed: bool,
}

/// Nobody lives who holds it.
#[derive(Debug, Clone, Copy)]
struct Orphaned {
    /// When that was found.
    since: Instant,
    /// How long nobody had seen who holds it by then.
    unseen: Duration,
}

/// What follows from what a server says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Keep,
    Take,
    Be(Standing),
}

impl Claim {
    pub fn new(us: Owner, homes: HashSet<ServerId>, shy: bool, now: Instant) -> Self {
        let (standing, read, unrenewed) = (Standing::Unknown, Claimed::default(), now);
        let (seen, gone, estate) = (now, BTreeSet::new(), Estate::default());
        let (known, orphaned, handed) = (Owner::default(), None, false);
        Self { us, standing, read, known, unrenewed, seen, orphaned, homes, shy, gone, estate, handed }
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
            Standing::Same => Some(Owner { gone: None, asks: Vec::new(), ..self.known.clone() }),
            Standing::Others => Some(Owner { gone: self.orphaned.map(Orphaned::told), ..self.known.clone() }),
        }
    }

    /// The server is gone, and every claim on it.
    pub fn forget(&mut self) {
        self.standing = Standing::Unknown;
        self.orphaned = None;
        self.leave_nothing();
        self.known.asks.clear();
    }

    fn leave_nothing(&mut self) {
        (self.estate.left, self.estate.last) = (Vec::new(), None);
    }

    /// A lease that stays where we end: that we had it last.
    pub fn trace(&self, now: Timestamp) -> String {
        Estate { last: self.last(), ..Estate::default() }.lease(now)
    }

    /// Who had the server last, once we end.
    fn last(&self) -> Option<Box<Owner>> {
        self.estate.last.clone().or_else(|| Some(Box::new(self.us.clone())))
    }

    /// The same where others watch: with what we ask, and what those before us had asked. `None` where nothing is open.
    pub fn bequest(&self, now: Timestamp) -> Option<String> {
        let mut left = self.estate.left.clone();
        if !self.estate.asks.is_empty() {
            left.push(Owner { asks: self.estate.asks.clone(), ..self.us.clone() });
        }
        (!left.is_empty()).then(|| Estate { asks: Vec::new(), left, last: self.last() }.lease(now))
    }

    /// A lease as it is written now.
    pub fn lease(&self, now: Timestamp) -> String {
        self.estate.lease(now)
    }

    /// What is left by those who had a server before us, of whom `read` tells, is ours to tell once we have it. What an earlier
    /// life of ours asked we know ourselves.
    fn inherit(&mut self, read: &Claimed) {
        let mut left = read.estate().left;
        if !self.known.asks.is_empty() && left.iter().all(|other| other.instance != self.known.instance) {
            left.push(self.known.clone());
        }
        left.retain(|owner| owner.instance != self.us.instance);
        (self.estate.left, self.handed) = (left, false);
        // Who watched knows of the other one already.
        let watched = matches!(self.standing, Standing::Others | Standing::Same);
        let other = read.last().filter(|owner| !watched && owner.instance != self.us.instance);
        self.estate.last = other.map(|owner| Box::new(Owner { gone: Some(Millis(0)), asks: Vec::new(), ..owner }));
    }

    /// What is left, and who had the server before us, though after an earlier holding of ours: to be told; once.
    fn hand_over(&mut self) -> Option<(Vec<Owner>, Option<Box<Owner>>)> {
        let Estate { left, last, .. } = &self.estate;
        let due = self.token().is_some() && !(left.is_empty() && last.is_none()) && !self.handed;
        self.handed |= due;
        due.then(|| (self.estate.left.clone(), self.estate.last.clone()))
    }

    /// What was found out of it, while names went and questions came; what was handed over before the look may be told by now.
    pub fn found(&mut self, found: Self) {
        let (gone, own) = (std::mem::take(&mut self.gone), std::mem::take(&mut self.estate));
        let Estate { left, last, .. } = if found.handed { own.clone() } else { found.estate };
        *self = Self { gone, estate: Estate { asks: own.asks, left, last }, ..found };
    }

    /// Whether this process had the server, under a name that is gone.
    fn is_left(&self, owner: &Owner) -> bool {
        owner.is_same_process(&self.us) && self.gone.contains(&owner.host)
    }

    /// The same for another server, of which nothing is known.
    pub fn elsewhere(mut self) -> Self {
        self.forget();
        self
    }

    /// What is asked regularly.
    pub fn words(&self, nonce: &Nonce, version: Version, lease: &str) -> Words {
        match self.token() {
            Some(token) => renew(nonce, version, token, lease),
            None => ask(nonce),
        }
    }

    /// The owner whose process on this machine has to be looked for before [`Claim::says`].
    pub fn to_look_for<'c>(&self, read: &'c Claimed) -> Option<&'c Owner> {
        read.owner.as_ref().filter(|owner| !read.token.is_empty() && owner.is_beside(&self.us))
    }

    /// Who we are, and whether other hosts of ours give way on a server that this one never saw.
    pub fn is_shy_of(&self, server: &str) -> bool {
        self.shy && !self.homes.contains(&ServerId::new(server))
    }

    /// A name for a new token.
    pub const fn us(&self) -> &Owner {
        &self.us
    }

    /// Takes note of what the server says after `attempt`, and finds out what follows. `alive`: what was found of the
    /// process of [`Claim::to_look_for`].
    pub fn says(&mut self, read: Claimed, attempt: Option<Token>, now: Instant, alive: bool) -> Next {
        if let Some(token) = attempt.filter(|token| token.as_str() == read.token) {
            self.read = read;
            self.orphaned = None;
            self.standing = Standing::Ours(token);
            // What was left stands in our estate.
            self.known.asks.clear();
            return Next::Keep;
        }
        let next = self.judge(&read, now, alive);
        if let Some(owner) = &read.owner {
            self.known = Owner { asks: read.estate().asks, ..owner.clone() };
        }
        match next {
            Next::Take => self.inherit(&read),
            Next::Be(_) => self.leave_nothing(),
            Next::Keep => {}
        }
        self.read = read;
        if let Next::Be(standing) = &next {
            self.standing = standing.clone();
        }
        next
    }

    fn judge(&mut self, read: &Claimed, now: Instant, alive: bool) -> Next {
        if self.token().is_some_and(|token| token.as_str() == read.token) {
            return Next::Keep;
        }
        let watched = matches!(self.standing, Standing::Others | Standing::Same);
        let owner = read.owner.as_ref().filter(|_| !read.token.is_empty());
        if let Some(owner) = owner {
            let own = owner.is_same_process(&self.us) && read.token.starts_with(&format!("{}.", self.us.instance));
            let begins = self.standing == Standing::Unknown || own;
            if owner.instance == self.us.instance && owner.host == self.us.host && begins {
                return Next::Take;
            }
            if owner.is_same_process(&self.us) && owner.host != self.us.host {
                return if self.is_left(owner) { Next::Take } else { Next::Be(Standing::Same) };
            }
        }
        let orphan = read.token.is_empty() || owner.is_some_and(|owner| owner.is_beside(&self.us) && !alive);
        if orphan {
            // An earlier life of this supervisor held it under another name, which may come back first.
            let reserved = owner.is_some_and(|owner| owner.instance == self.us.instance);
            let ending = if read.token.is_empty() { ENDING } else { Duration::ZERO };
            let orphaned = self.orphaned_since(if watched { self.seen } else { now }, now, ending);
            let left = read.token.is_empty() && self.is_left(&self.known);
            let due = (!watched && !reserved) || left || now.duration_since(orphaned.since) >= GRACE;
            return if due { Next::Take } else { Next::Be(Standing::Others) };
        }
        self.seen = now;
        let renewed = (&self.read.token, &self.read.lease) != (&read.token, &read.lease);
        if !watched || renewed {
            self.unrenewed = now;
        }
        if now.duration_since(self.unrenewed) >= LOST {
            self.orphaned_since(self.unrenewed, now, Duration::ZERO);
            return Next::Take;
        }
        self.orphaned = None;
        Next::Be(Standing::Others)
    }

    /// Since when nobody holds it, which is found now or was before; it may have done nothing for `ending` before that.
    fn orphaned_since(&mut self, seen: Instant, now: Instant, ending: Duration) -> Orphaned {
        *self.orphaned.get_or_insert(Orphaned { since: now, unseen: now.duration_since(seen) + ending })
    }

    /// Whether another supervisor of this machine types here, which reads the panes by pipes: each has but one.
    pub fn leaves_pipes(&self) -> bool {
        self.standing == Standing::Others && self.orphaned.is_none() && self.known.is_beside(&self.us)
    }
}

impl Orphaned {
    fn told(self) -> Millis {
        Millis(u64::try_from(self.unseen.as_millis()).unwrap_or(u64::MAX))
    }
}

impl HostCore {
    /// What the lease is renewed with: anything that was not there before.
    pub fn lease(&self) -> String {
        self.claim.lease(self.wall)
    }

    /// This is asked about stages there from now on.
    pub fn asks_now(&mut self, asks: Vec<OpenQuestion>) {
        self.claim.estate.asks = asks;
        if self.claim.token().is_some() {
            self.claim_is_doubtful();
        }
    }

    /// What those before us had asked is told, and written down.
    pub fn left_is_told(&mut self) {
        if self.claim.handed {
            self.claim.leave_nothing();
            self.claim_is_doubtful();
        }
    }

    /// Plans the first look at the claim of a server that is observed from now on.
    pub fn plan_claim(&mut self) {
        let watch = match (self.link, self.claim.orphaned) {
            (Link::Control, Some(_)) => WATCH_ORPHAN,
            (Link::Control, None) => WATCH,
            (Link::Polling | Link::Down, _) => WATCH_BY_FORK,
        };
        let at = self.now + if self.claim.token().is_some() { RENEW } else { watch };
        self.times.claim = Some(at);
        self.wake_at(at);
    }

    /// Renews the lease, or looks whether somebody else still does.
    pub fn look_at_claim(&mut self) {
        self.plan_claim();
        let Some(version) = self.server.as_ref().map(|server| server.version).filter(|it| it.has_control()) else {
            return;
        };
        let words = self.claim.words(&self.nonce, version, &self.lease());
        self.ask_claim(words, None);
    }

    fn ask_claim(&mut self, words: Words, attempt: Option<Token>) {
        match self.link {
            Link::Control => {
                let ready = self.clients.iter().find(|(_, client)| client.is_ready());
                if let Some(client) = ready.map(|(&client, _)| client) {
                    self.request(client, &line(&words), Purpose::Claim(attempt));
                }
            }
            Link::Polling if !self.asks_claim => {
                self.asks_claim = true;
                self.outputs.push(Output::Job(Job::Claim(words, attempt)));
            }
            Link::Polling | Link::Down => {}
        }
    }

    /// A forked look at the claim came back.
    pub fn claim_arrived(&mut self, read: Option<Claimed>, attempt: Option<Token>) {
        self.asks_claim = false;
        if let Some(read) = read.filter(|_| self.link == Link::Polling) {
            self.claim_read(read, attempt);
        }
    }

    /// The reply to a look at the claim arrived.
    pub fn claim_replied(&mut self, reply: &Reply, attempt: Option<Token>) {
        let mut rows = RowReader::new(self.nonce.clone());
        let read = reply.rows().find_map(|line| rows.push(line)).as_ref().and_then(Claimed::read);
        if let Some(read) = read {
            self.claim_read(read, attempt);
        }
    }

    /// What is read of somebody on this machine counts once it is known whether he lives.
    fn claim_read(&mut self, read: Claimed, attempt: Option<Token>) {
        match self.claim.to_look_for(&read).filter(|owner| !owner.is_same_process(self.claim.us())) {
            Some(owner) => {
                let look = Job::Look(Box::new(owner.clone()), Box::new(read.clone()), attempt);
                self.outputs.push(Output::Job(look));
            }
            None => self.claim_says(read, attempt, true),
        }
    }

    pub fn claim_says(&mut self, read: Claimed, attempt: Option<Token>, alive: bool) {
        let Some(version) = self.server.as_ref().map(|server| server.version) else { return };
        let first = attempt.is_none();
        let next = self.claim.says(read.clone(), attempt, self.now, alive);
        if next == Next::Take && first {
            let random = self.next_random().to_ne_bytes();
            let token = Token::new(&self.claim.us.instance, random);
            let words = take(&self.nonce, version, &read, &token, &self.claim.us, &self.lease());
            self.ask_claim(words, Some(token));
        }
        self.tell_claim();
    }

    /// A send was held back because the server is not ours any more: we look whose it is.
    pub fn claim_is_doubtful(&mut self) {
        self.times.claim = Some(self.now);
        self.wake_at(self.now);
    }

    /// Tells who types there, when that changed, and what follows from it.
    pub fn tell_claim(&mut self) {
        if let Some(server) = self.server.as_ref().map(|server| server.id.clone())
            && let Some((owners, last)) = self.claim.hand_over()
        {
            // It has read what stands there, and perhaps acted on it: nothing of it counts for us.
            let anew = last.is_some() && !self.inventory.panes.is_empty();
            if let Some(owner) = last {
                self.spec.remembered.retain(|pane, _| pane.server != server);
                self.told_owner = Some((*owner).clone());
                self.outlet.put(HostMessage::Claim(Some(owner)));
            }
            self.outlet.put(HostMessage::Left { server, owners });
            if anew {
                self.leave_server();
                return self.look_at(self.now);
            }
        }
        self.share_pipes();
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
        self.leave_server();
        self.look_again();
    }

    /// Names under which this process watches nothing any more: what it had under them is taken at once.
    pub fn names_are_gone(&mut self, names: BTreeSet<HostName>) {
        self.claim.gone = names;
        let left = self.claim.is_left(&self.claim.known);
        match self.claim.standing {
            Standing::Same if left => self.look_again(),
            Standing::Others if left => self.claim_is_doubtful(),
            Standing::Unknown | Standing::Ours(_) | Standing::Others | Standing::Same => {}
        }
    }

    /// Looks whether the server still is the one that is watched under another name: after a while, or now that the name is
    /// gone.
    pub fn look_again(&mut self) {
        self.look_at(if self.claim.is_left(&self.claim.known) { self.now } else { self.now + SAME });
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
pub(crate) fn owner_of(us: &Owner, host: &HostName) -> Owner {
    Owner { host: host.clone(), ..us.clone() }
}

#[cfg(test)]
mod tests;
