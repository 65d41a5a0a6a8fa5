//! The heart without a tmux.
