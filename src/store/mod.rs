//! The state database: journal, state, intents.
