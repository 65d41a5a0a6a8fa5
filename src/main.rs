//! The `tmuxagent` program.

fn main() {}
