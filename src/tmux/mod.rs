//! tmux: the control-mode connection of one host, its panes, and keys sent by compare-and-send.
pub mod proto;
