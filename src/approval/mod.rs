//! The life cycle of approvals, and the tokens of signed links.

pub mod files;
pub mod lifecycle;
pub mod token;
