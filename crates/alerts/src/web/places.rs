//! Who holds a connection, and who gives way when there is no room: never more descriptors than the server's share, and
//! whoever comes now gets in, at the cost of who keeps others waiting.

use super::limit::network;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;

/// An address may hold this part of all places.
const SHARE: usize = 2;

/// The places of one server.
#[derive(Debug)]
pub(crate) struct Places {
    /// Of all addresses together.
    most: usize,
    /// Of one address.
    each: usize,
    /// Numbers the connections, so that the first in the map is the oldest.
    count: AtomicU64,
    held: Mutex<Held>,
}

type Held = BTreeMap<u64, Place>;

#[derive(Debug)]
struct Place {
    /// Whose it is; `None` for a proxy, which asks for many.
    holder: Option<IpAddr>,
    /// A genuine link is answered on it.
    kept: bool,
    cut: CancellationToken,
}

/// A place that is held; dropping the last copy gives it back.
#[derive(Debug, Clone)]
pub(crate) struct Seat(Arc<Taken>);

#[derive(Debug)]
struct Taken {
    places: Arc<Places>,
    number: u64,
    cut: CancellationToken,
}

impl Places {
    /// `most` places, at least one.
    #[must_use]
    pub(crate) fn new(most: usize) -> Arc<Self> {
        let most = most.max(1);
        Arc::new(Self { most, each: most.div_ceil(SHARE), count: AtomicU64::new(0), held: Mutex::default() })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // Every change of the map is one call, so that a poisoned one is whole.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place for an address, or for a proxy (`None`), which asks for many. Where there is no room somebody is cut
    /// off who has shown no genuine link yet; `None` where all have.
    #[must_use]
    pub(crate) fn take(self: &Arc<Self>, holder: Option<IpAddr>) -> Option<Seat> {
        let holder = holder.map(network);
        let mut held = self.held();
        let full = holder.is_some() && held.values().filter(|place| place.holder == holder).count() >= self.each;
        if full && !cut_oldest(&mut held, holder) {
            return None;
        }
        if held.len() >= self.most && !cut_greediest(&mut held) {
            return None;
        }
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let cut = CancellationToken::new();
        held.insert(number, Place { holder, kept: false, cut: cut.clone() });
        drop(held);
        Some(Seat(Arc::new(Taken { places: Arc::clone(self), number, cut })))
    }
}

impl Seat {
    /// Cancelled when the connection has to give way.
    #[must_use]
    pub(crate) fn cut(&self) -> CancellationToken {
        self.0.cut.clone()
    }

    /// Who showed a genuine link is not cut off while he is answered.
    pub(crate) fn keep(&self) {
        if let Some(place) = self.0.places.held().get_mut(&self.0.number) {
            place.kept = true;
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.places.held().remove(&self.number);
    }
}

/// Cuts off the oldest of a holder's; whether there was one.
fn cut_oldest(held: &mut Held, holder: Option<IpAddr>) -> bool {
    let oldest = held.iter().find(|(_, place)| place.holder == holder && !place.kept).map(|(number, _)| *number);
    let place = oldest.and_then(|number| held.remove(&number));
    place.is_some_and(|place| {
        place.cut.cancel();
        true
    })
}

/// Cuts off the oldest of whoever holds most.
fn cut_greediest(held: &mut Held) -> bool {
    let mut counts: BTreeMap<Option<IpAddr>, usize> = BTreeMap::new();
    for place in held.values().filter(|place| !place.kept) {
        *counts.entry(place.holder).or_default() += 1;
    }
    let greediest = counts.into_iter().max_by_key(|(_, count)| *count).map(|(holder, _)| holder);
    greediest.is_some_and(|holder| cut_oldest(held, holder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: u8) -> Option<IpAddr> {
        Some(IpAddr::from([203, 0, 113, n]))
    }

    fn cut(seats: &[Seat]) -> Vec<usize> {
        seats.iter().enumerate().filter(|(_, seat)| seat.cut().is_cancelled()).map(|(n, _)| n).collect()
    }

    #[test]
    fn an_address_holds_its_share_and_its_oldest_gives_way() {
        let places = Places::new(8);
        let seats: Vec<Seat> = (0..6).filter_map(|_| places.take(address(1))).collect();
        assert_eq!((seats.len(), cut(&seats)), (6, vec![0, 1]));
        let other = places.take(address(2)).unwrap();
        assert!(!other.cut().is_cancelled() && cut(&seats) == [0, 1], "another address has room");
        drop(seats);
        assert_eq!(places.held().len(), 1, "given back");
        let proxy: Vec<Seat> = (0..7).filter_map(|_| places.take(None)).collect();
        assert_eq!((proxy.len(), cut(&proxy)), (7, vec![]), "a proxy asks for many");
    }

    #[test]
    fn with_all_places_taken_whoever_holds_most_gives_way() {
        let places = Places::new(8);
        let few = places.take(address(1)).unwrap();
        let many: Vec<Seat> = [2, 2, 2, 3, 3, 4, 5].iter().filter_map(|n| places.take(address(*n))).collect();
        assert_eq!((many.len(), cut(&many)), (7, vec![]));
        let next = places.take(address(9)).unwrap();
        assert_eq!(cut(&many), [0]);
        assert!(!few.cut().is_cancelled() && !next.cut().is_cancelled());
        assert_eq!(places.held().len(), 8, "never more than there are");
    }

    #[test]
    fn who_showed_a_genuine_link_is_not_cut_off() {
        let places = Places::new(2);
        let (one, two) = (places.take(address(1)).unwrap(), places.take(address(2)).unwrap());
        one.keep();
        two.keep();
        assert!(places.take(address(3)).is_none() && places.take(address(1)).is_none());
        assert!(!one.cut().is_cancelled() && !two.cut().is_cancelled());
        drop(one);
        assert!(places.take(address(3)).is_some());
    }
}
