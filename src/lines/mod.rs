//! Bytes of a pane become lines; screens become text; messages are picked out.
