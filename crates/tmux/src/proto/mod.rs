//! The control-mode vocabulary: bytes from tmux become [`Frame`]s, and commands for tmux become lines.
//!
//! **Invariants:** pure: no I/O, no clock, no randomness (the [`Nonce`] is an argument). The same bytes give the same
//! frames in any chunking, and no input makes the parser panic. Nothing that a pane prints, and no name, title or path,
//! can forge a frame: foreign text comes only between nonces that it can't know, or escaped by tmux itself.
//!
//! Sources: tmux(1), section CONTROL MODE; and tmux's behaviour as measured with versions 2.6 to 3.7.

pub mod claim;
mod guard;
mod keys;
mod notice;
mod parser;
mod quote;
mod rows;
mod version;

pub use claim::{Claimed, Token};
pub use guard::{
    Block, Expectation, Input, InputError, Questions, Reply, Still, Verdict, enter_line, send_line, settle_line,
    verdict,
};
pub use keys::is_key;
pub use notice::Notice;
pub use parser::{Ended, Frame, Guard, MAX_LINE, Parser};
pub use quote::{escape_operand, quote};
pub use rows::{Nonce, Row, RowReader, row_format, split_rows};
pub use version::Version;
