//! The policies that are part of the program.

/// The policy that is used when the user has none: its name for people, and its text.
pub const BUNDLED: (&str, &str) = ("policies/default.yaml", include_str!("../../../policies/default.yaml"));

/// Policies to copy from, by name.
pub const RECIPES: &[(&str, &str)] = &[
    ("agent", include_str!("../../../policies/recipes/agent.yaml")),
    ("cargo", include_str!("../../../policies/recipes/cargo.yaml")),
    ("github-deploy", include_str!("../../../policies/recipes/github-deploy.yaml")),
    ("go", include_str!("../../../policies/recipes/go.yaml")),
    ("python", include_str!("../../../policies/recipes/python.yaml")),
    ("ship", include_str!("../../../policies/recipes/ship.yaml")),
];
