//! What of refused requests stands in the journal: a few rows for each address and for all, then their number. Pure.
//!
//! Whoever reaches the port can be refused as often as he likes; the rows, and so the disk, are bounded by time alone.

use super::limit::network;
use std::collections::HashMap;
use std::net::IpAddr;
use tmuxagent_model::{Millis, Timestamp};

/// The time in which rows are counted.
const WINDOW: Millis = Millis::from_secs(3600);
/// Rows of one address within it,
const PER_ADDRESS: u32 = 10;
/// and of all.
const ALL: u32 = 60;
/// Addresses whose numbers are kept apart.
const MOST: usize = 1_000;

/// The refusals of one hour.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    /// When the hour began; `None` before the first.
    since: Option<Timestamp>,
    rows: u32,
    /// By address: told, and only counted.
    seen: HashMap<IpAddr, (u32, u64)>,
    /// Only counted, of all.
    counted: u64,
}

/// Those of an hour that were not told one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Untold {
    pub count: u64,
    /// The address that most of them came from, with its number.
    pub most: (IpAddr, u64),
}

impl Refusals {
    /// Counts a refusal; whether it gets a row of its own. Ask [`Refusals::ended`] first.
    pub(crate) fn tells(&mut self, address: IpAddr, now: Timestamp) -> bool {
        self.since.get_or_insert(now);
        let known = self.seen.len() < MOST;
        let told = match self.seen.get_mut(&network(address)) {
            Some((told, _)) => told,
            None if known => &mut self.seen.entry(network(address)).or_default().0,
            None => return self.count(address, now),
        };
        if self.rows >= ALL || *told >= PER_ADDRESS {
            return self.count(address, now);
        }
        *told += 1;
        self.rows += 1;
        true
    }

    /// Counts a refusal that gets no row in any case; false.
    pub(crate) fn count(&mut self, address: IpAddr, now: Timestamp) -> bool {
        self.since.get_or_insert(now);
        self.counted = self.counted.saturating_add(1);
        let known = self.seen.len() < MOST;
        match self.seen.get_mut(&network(address)) {
            Some((_, counted)) => *counted = counted.saturating_add(1),
            None if known => drop(self.seen.insert(network(address), (0, 1))),
            None => {}
        }
        false
    }

    /// What an hour that is over left untold; the next one begins with the next refusal. `last`: nothing comes any more.
    pub(crate) fn ended(&mut self, now: Timestamp, last: bool) -> Option<Untold> {
        let since = self.since?;
        if !last && now.since(since) < WINDOW {
            return None;
        }
        let ended = std::mem::take(self);
        let most = ended.seen.iter().map(|(address, (_, counted))| (*address, *counted)).max_by_key(|(_, n)| *n)?;
        (ended.counted > 0).then_some(Untold { count: ended.counted, most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 9));

    #[test]
    fn an_address_has_its_rows_and_then_a_number() {
        let mut refusals = Refusals::default();
        let told = (0..1_000).filter(|n| refusals.tells(ADDRESS, Timestamp(*n))).count();
        assert_eq!(told, 10);
        assert_eq!(refusals.ended(Timestamp(3_599_999), false), None);
        assert_eq!(refusals.ended(Timestamp(3_600_000), false), Some(Untold { count: 990, most: (ADDRESS, 990) }));
        assert_eq!(refusals.ended(Timestamp(9_000_000), false), None, "once");
        assert!(refusals.tells(ADDRESS, Timestamp(9_000_000)), "an hour later it is told again");
        assert_eq!(refusals.ended(Timestamp(9_000_001), true), None, "nothing was left out");
    }

    #[test]
    fn many_addresses_have_few_rows_together_and_little_memory() {
        let mut refusals = Refusals::default();
        let addresses = (0..100_000_u32).map(|n| IpAddr::from(n.to_be_bytes()));
        let told = addresses.filter(|address| refusals.tells(*address, Timestamp(0))).count();
        assert_eq!((told, refusals.seen.len()), (60, MOST));
        let left = refusals.ended(Timestamp(5), true).unwrap();
        assert_eq!((left.count, left.most.1), (99_940, 1));
    }
}
