//! Many spans of time, by what people ask of them.

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};
use tmuxagent_model::Millis;

/// Spans of time. In JSON: how many, the median, the ninth tenth and the longest, milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spans {
    /// In the order of length once [`Self::sort`] was called.
    all: Vec<u64>,
}

impl Spans {
    /// One more.
    pub(crate) fn add(&mut self, span: Millis) {
        self.all.push(span.0);
    }

    pub(crate) fn sort(&mut self) {
        self.all.sort_unstable();
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.all.len()
    }

    /// The shortest one that at least so many hundredths of all do not exceed. `None`: there are none.
    #[must_use]
    pub fn percentile(&self, hundredths: usize) -> Option<Millis> {
        let rank = (self.all.len() * hundredths).div_ceil(100).max(1);
        self.all.get(rank - 1).copied().map(Millis)
    }

    /// The longest one.
    #[must_use]
    pub fn longest(&self) -> Option<Millis> {
        self.all.last().copied().map(Millis)
    }

    /// All of them together.
    #[must_use]
    pub fn total(&self) -> Millis {
        Millis(self.all.iter().sum())
    }
}

impl Serialize for Spans {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut it = serializer.serialize_struct("Spans", 5)?;
        it.serialize_field("count", &self.count())?;
        it.serialize_field("p50", &self.percentile(50))?;
        it.serialize_field("p90", &self.percentile(90))?;
        it.serialize_field("longest", &self.longest())?;
        it.serialize_field("total", &self.total())?;
        it.end()
    }
}
