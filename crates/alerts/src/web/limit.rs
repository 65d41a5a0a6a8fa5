//! How many forgeries one address may try, and how often a PIN may be wrong. Pure.

use std::collections::HashMap;
use std::net::IpAddr;
use tmuxagent_model::Timestamp;

/// Forgeries that an address may try at once.
const BURST: i64 = 5;
/// The time after which one more is allowed, milliseconds.
const REFILL: i64 = 12_000;
/// Wrong PINs for one link.
const PIN_TRIES: u32 = 5;
/// Remembered addresses; beyond that the rested ones are forgotten.
const MOST: usize = 10_000;

/// Counts of addresses and links.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    /// By address: what is spent of the burst, in milliseconds of refill, as of an instant.
    spent: HashMap<IpAddr, (i64, Timestamp)>,
    wrong_pins: HashMap<[u8; 32], u32>,
}

impl Limits {
    /// Charges an address; false when there was too much of late.
    pub(crate) fn charge(&mut self, address: IpAddr, now: Timestamp) -> bool {
        if self.spent.len() >= MOST {
            self.spent.retain(|_, (spent, at)| *spent > now.0.saturating_sub(at.0));
        }
        let (spent, at) = self.spent.get(&network(address)).copied().unwrap_or((0, now));
        let spent = spent.saturating_sub(now.0.saturating_sub(at.0).max(0)).max(0);
        let (after, most) = (spent + REFILL, BURST * REFILL);
        let allowed = after <= most;
        // With every place taken by busy addresses, new ones are let through uncounted rather than the server stopped.
        if self.spent.len() < MOST || self.spent.contains_key(&network(address)) {
            self.spent.insert(network(address), (after.min(most), now));
        }
        allowed
    }

    /// Whether a link still takes PINs.
    #[must_use]
    pub(crate) fn pin_allowed(&self, id_hash: [u8; 32]) -> bool {
        self.wrong_pins.get(&id_hash).is_none_or(|wrong| *wrong < PIN_TRIES)
    }

    /// Counts a wrong PIN; the tries that are left.
    pub(crate) fn wrong_pin(&mut self, id_hash: [u8; 32]) -> u32 {
        let wrong = self.wrong_pins.entry(id_hash).or_default();
        *wrong = wrong.saturating_add(1);
        PIN_TRIES.saturating_sub(*wrong)
    }
}

/// One subscriber: an IPv4 address, or the first half of an IPv6 one.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => {
            let mut parts = six.segments();
            parts[4..].fill(0);
            IpAddr::from(parts)
        }
        four @ IpAddr::V4(_) => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gets_its_burst_and_then_its_pace() {
        let mut limits = Limits::default();
        let address = IpAddr::from([203, 0, 113, 9]);
        let count = |limits: &mut Limits, at: i64| (0..100).filter(|_| limits.charge(address, Timestamp(at))).count();
        assert_eq!([count(&mut limits, 0), count(&mut limits, 1), count(&mut limits, 36_001)], [5, 0, 3]);
        assert!(limits.charge(IpAddr::from([203, 0, 113, 10]), Timestamp(1)), "another address");
    }

    #[test]
    fn an_ipv6_subscriber_is_one_address() {
        let mut limits = Limits::default();
        let allowed = (0..100_u16)
            .filter(|n| limits.charge(IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, *n]), Timestamp(0)))
            .count();
        assert_eq!(allowed, 5);
    }

    #[test]
    fn the_count_stays_bounded() {
        let mut limits = Limits::default();
        for n in 0..20_000_u32 {
            limits.charge(IpAddr::from(n.to_be_bytes()), Timestamp(i64::from(n)));
        }
        assert!(limits.spent.len() <= MOST);
    }

    #[test]
    fn five_wrong_pins_end_a_link() {
        let mut limits = Limits::default();
        let left: Vec<u32> = (0..6).map(|_| limits.wrong_pin([1; 32])).collect();
        assert_eq!(left, [4, 3, 2, 1, 0, 0]);
        assert!(!limits.pin_allowed([1; 32]) && limits.pin_allowed([2; 32]));
    }
}
