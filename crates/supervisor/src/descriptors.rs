//! The process's file descriptors: as many as the system gives, of which the web server has a small share. What strangers
//! can open never takes what panes, the store and the socket need.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// More are not asked for: some programs go through all possible descriptors when they start.
const WANTED: u64 = 8192;
/// The web server has this part of all,
const SHARE: u64 = 8;
/// and never more than this.
const MOST: u64 = 128;
/// Where the system names no limit.
const UNLIMITED: u64 = WANTED;

/// Raises the soft limit up to the hard one, as far as it is useful. What the system refuses stays as it is.
pub fn raise() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(WANTED, |most| most.min(WANTED));
    if limit.current.is_some_and(|now| now < wanted) {
        let raised = Rlimit { current: Some(wanted), maximum: limit.maximum };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::warn!(%error, "the limit of open files can't be raised");
        }
    }
}

/// How many connections the web server may have at a time.
pub fn web_share() -> usize {
    share(getrlimit(Resource::Nofile).current.unwrap_or(UNLIMITED))
}

fn share(limit: u64) -> usize {
    usize::try_from((limit / SHARE).clamp(1, MOST)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_have_the_smallest_part() {
        assert_eq!([64, 256, 1024, 8192, u64::MAX].map(share), [8, 32, 128, 128, 128]);
        assert_eq!(share(0), 1);
    }

    #[test]
    fn the_limit_goes_up_and_never_down() {
        let before = getrlimit(Resource::Nofile);
        raise();
        let after = getrlimit(Resource::Nofile);
        assert_eq!(after.maximum, before.maximum);
        assert!(after.current >= before.current || before.current.is_none());
        assert!(after.current.is_none_or(|now| now >= before.maximum.unwrap_or(WANTED).min(WANTED)));
    }
}
