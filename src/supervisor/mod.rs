//! The one loop: events in, state and effects out.
