//! The pure machine: runs, stages, gates, timers.
