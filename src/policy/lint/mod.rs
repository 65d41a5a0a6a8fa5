//! Mistakes that are valid: found by looking at a whole policy.

use super::core::Policy;
use super::diagnostics::Problems;
use super::pattern::Patterns;
use super::raw::RawPolicy;

/// Adds the problems of a policy whose parts were all read.
pub(super) fn run(raws: &[RawPolicy], policy: &Policy, patterns: &Patterns, problems: &mut Problems) {
    let _ = (raws, policy, patterns, problems);
}
