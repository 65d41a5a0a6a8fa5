//! `tmuxagent run`: a command under a pseudo-terminal that reports for itself.
