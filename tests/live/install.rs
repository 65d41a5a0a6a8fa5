//! The agents' programs, as npm installs them.

use super::agent::Kind;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Installs that version where it is not there yet; gives its program.
pub fn agent(folder: &Path, kind: Kind, version: &str) -> PathBuf {
    let package = kind.package();
    let modules = folder.join("node_modules");
    let manifest = modules.join(package).join("package.json");
    let installed =
        std::fs::read(&manifest).ok().and_then(|text| serde_json::from_slice::<serde_json::Value>(&text).ok());
    if installed.is_none_or(|manifest| manifest["version"] != version) {
        std::fs::create_dir_all(folder).expect("a folder for the agents");
        let named = format!("{package}@{version}");
        let status = Command::new("npm")
            .args(["install", "--no-audit", "--no-fund", "--prefix"])
            .arg(folder)
            .arg(named)
            .status();
        assert!(status.is_ok_and(|status| status.success()), "npm installs {package} {version}");
    }
    let program = kind.program(&modules);
    assert!(program.exists(), "{} is there", program.display());
    program
}
