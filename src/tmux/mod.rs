//! The tmux connection: control clients, inventory, collector, compare-and-send.
