//! Workspaces: sessions, windows and panes from a file.
