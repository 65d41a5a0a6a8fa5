//! The web server: signed links.
