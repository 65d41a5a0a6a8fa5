//! Files that a file names to be read with it: `include`.
//!
//! **Invariant:** such a name leads nowhere but to the folder of the file that names it, and those below. Whether what lies
//! there may be read is for whoever reads it to say.

use super::{Kind, Node};

/// The key.
const KEY: &str = "include";

/// The names that a file gives, each as the node that holds it.
#[must_use]
pub fn included(tree: &Node) -> Vec<&Node> {
    match tree.get(KEY) {
        Some(Node { kind: Kind::List(items), .. }) => items.iter().collect(),
        Some(one) if !one.is_nothing() => vec![one],
        Some(_) | None => Vec::new(),
    }
}

/// The name of a file that lies beside another one or below its folder; `None` where it would lie elsewhere.
#[must_use]
pub fn beside(file: &str, name: &str) -> Option<String> {
    let mut parts = Vec::new();
    for part in name.split('/') {
        match part {
            "" | ".." => return None,
            "." => {}
            part if part.starts_with('~') || part.contains(['\\', ':', '\0']) => return None,
            part => parts.push(part),
        }
    }
    let folder = file.rfind('/').map_or("", |at| &file[..=at]);
    (!parts.is_empty()).then(|| format!("{folder}{}", parts.join("/")))
}

/// Whether two names are those of one file, as far as names tell.
#[must_use]
pub fn same_file(one: &str, other: &str) -> bool {
    let parts = |name: &'_ str| -> Vec<String> {
        name.split('/')
            .enumerate()
            .filter(|(at, part)| *part != "." && (*at == 0 || !part.is_empty()))
            .map(|(_, part)| part.to_owned())
            .collect()
    };
    parts(one) == parts(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_below_the_folder_or_nowhere() {
        assert_eq!(beside("/p/a.yaml", "lib/b.yaml").as_deref(), Some("/p/lib/b.yaml"));
        assert_eq!(beside("a.yaml", "./b.yaml").as_deref(), Some("b.yaml"));
        for name in
            ["/etc/passwd", "../b.yaml", "lib/../../b.yaml", "~/b.yaml", "", ".", "lib//b", "https://x/y", "a\0b"]
        {
            assert_eq!(beside("/p/a.yaml", name), None, "{name:?}");
        }
        assert!(same_file("./p/a.yaml", "p/a.yaml") && !same_file("/p/a.yaml", "p/a.yaml"));
    }
}
