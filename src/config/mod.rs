//! Configuration, folders, secrets.
