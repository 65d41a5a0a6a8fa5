//! The name of a pane in the cells that there are for it.
//!
//! **Invariant:** of two machines with the same sessions only the host tells which one is meant, and of two windows of one name
//! only the pane's number: neither is ever cut. The folder gives way first, then the middle of session and window.

use super::text::{cells, cut_middle, cut_start};
use tmuxagent_model::{Approval, HostName, PaneKey};
use tmuxagent_text::clean;

/// Cells of session and window, and of a folder, that still tell something.
const LEAST: usize = 4;

/// `nas/session:window.0 %3  /its/folder`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// With its slash; empty for a pane of this machine's own server.
    host: String,
    /// Session and window; empty where they are not known.
    middle: String,
    number: String,
    /// Whether the number stands behind a whole name, too.
    numbered: bool,
    folder: String,
}

impl Place {
    /// Of a pane that is called so, with or without its host and its number.
    #[must_use]
    pub fn of(pane: &PaneKey, place: &str) -> Self {
        let host = match pane.host == HostName::local() {
            true => String::new(),
            false => format!("{}/", clean(pane.host.as_str())),
        };
        let (number, place) = (pane.pane.to_string(), clean(place));
        let middle =
            place.strip_suffix(&number).map_or(place.as_str(), |rest| rest.strip_suffix(' ').unwrap_or(&place));
        // A pane that is not known is named by its host and its number already.
        let unknown = middle == number || middle.ends_with(&format!(":{number}"));
        let middle = if unknown { "" } else { middle.strip_prefix(&host).unwrap_or(middle) }.to_owned();
        Self { host, middle, number, numbered: true, folder: String::new() }
    }

    /// Where something is asked, with the folder in which it acts.
    #[must_use]
    pub fn asked_in(approval: &Approval) -> Self {
        Self { folder: clean(&approval.folder), ..Self::of(&approval.pane, &approval.place) }
    }

    /// Without its number, as long as the rest is whole or tells something.
    #[must_use]
    pub fn unnumbered(self) -> Self {
        Self { numbered: false, ..self }
    }

    /// Without its folder.
    #[must_use]
    pub fn bare(self) -> Self {
        Self { folder: String::new(), ..self }
    }

    /// All of it.
    #[must_use]
    pub fn whole(&self) -> String {
        let name = self.named(&self.middle);
        if self.folder.is_empty() { name } else { format!("{name}  {}", self.folder) }
    }

    /// Cells of what is never cut.
    #[must_use]
    pub fn least(&self) -> usize {
        cells(&self.named(""))
    }

    fn named(&self, middle: &str) -> String {
        let Self { host, number, .. } = self;
        match (middle.is_empty(), self.numbered) {
            (true, _) => format!("{host}{number}"),
            (false, true) => format!("{host}{middle} {number}"),
            (false, false) => format!("{host}{middle}"),
        }
    }

    /// In at most `width` cells, or those of what is never cut.
    #[must_use]
    pub fn fit(&self, width: usize, ellipsis: &str) -> String {
        let name = self.named(&self.middle);
        let used = cells(&name);
        if used <= width {
            let room = width.saturating_sub(used + 2);
            if self.folder.is_empty() || room < cells(&self.folder).min(LEAST) {
                return name;
            }
            return format!("{name}  {}", cut_start(&self.folder, room, ellipsis));
        }
        let number = if self.numbered { cells(&self.number) + 1 } else { 0 };
        let room = width.saturating_sub(cells(&self.host) + number);
        if room < LEAST { self.named("") } else { self.named(&cut_middle(&self.middle, room, ellipsis)) }
    }

    /// In fewer cells than there are of what is never cut: the number, and both ends of the host's name.
    #[must_use]
    pub fn squeezed(&self, width: usize, ellipsis: &str) -> String {
        let room = width.saturating_sub(cells(&self.number) + 1);
        if self.host.is_empty() || self.least() <= width || room < LEAST {
            return self.fit(width, ellipsis);
        }
        format!("{}/{}", cut_middle(self.host.trim_end_matches('/'), room, ellipsis), self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{gate, key};

    fn far() -> PaneKey {
        PaneKey { host: HostName::new("nas"), ..key(3) }
    }

    #[test]
    fn host_and_number_are_never_cut() {
        let place = Place::of(&far(), "nas/work:构建服务器.0");
        for (width, expect) in [
            (40, "nas/work:构建服务器.0 %3"),
            (24, "nas/work:构建服务器.0 %3"),
            (23, "nas/work:构…服务器.0 %3"),
            (14, "nas/work….0 %3"),
            (11, "nas/w….0 %3"),
            (10, "nas/%3"),
            (2, "nas/%3"),
            (0, "nas/%3"),
        ] {
            assert_eq!(place.fit(width, "…"), expect, "{width}");
        }
        for width in 0..60 {
            for place in [place.clone(), Place::of(&key(3), "work:w.0"), place.clone().unnumbered()] {
                let fitted = place.fit(width, "…");
                assert!(cells(&fitted) <= width.max(place.least()), "{width}: {fitted}");
                assert_eq!(place.host.is_empty(), !fitted.starts_with("nas/"), "{width}: {fitted}");
                assert!(fitted.ends_with("%3") || !place.numbered && fitted.ends_with(".0"), "{width}: {fitted}");
            }
        }
    }

    #[test]
    fn a_long_host_keeps_both_ends() {
        let far = |host: &str| Place::of(&PaneKey { host: HostName::new(host), ..key(3) }, "work:w.0");
        let (one, two) = (far("production-frankfurt-server-01"), far("production-frankfurt-server-02"));
        for width in 8..33 {
            let told = one.squeezed(width, "…");
            assert!(cells(&told) <= width && told.contains('…') && told.ends_with("/%3"), "{width}: {told}");
            assert_ne!(told, two.squeezed(width, "…"));
        }
        assert_eq!(far("nas").squeezed(6, "…"), "nas/%3");
    }

    #[test]
    fn the_folder_gives_way_first() {
        let asked = Approval {
            pane: far(),
            place: "nas/work:ci.0".to_owned(),
            folder: "/srv/shop".to_owned(),
            ..gate("A", 3, "p", "s", "?", "x")
        };
        let place = Place::asked_in(&asked);
        for (width, expect) in [
            (40, "nas/work:ci.0 %3  /srv/shop"),
            (27, "nas/work:ci.0 %3  /srv/shop"),
            (25, "nas/work:ci.0 %3  …v/shop"),
            (21, "nas/work:ci.0 %3"),
            (16, "nas/work:ci.0 %3"),
            (15, "nas/wor…ci.0 %3"),
        ] {
            assert_eq!(place.fit(width, "…"), expect, "{width}");
        }
        assert_eq!(place.whole(), "nas/work:ci.0 %3  /srv/shop");
        assert_eq!(place.bare().whole(), "nas/work:ci.0 %3");
    }

    #[test]
    fn a_pane_bears_its_host_and_its_number_once() {
        for (place, expect) in [
            ("nas/s:w.0", "nas/s:w.0 %3"),
            ("nas/s:w.0 %3", "nas/s:w.0 %3"),
            ("s:w.0", "nas/s:w.0 %3"),
            ("nas:%3", "nas/%3"),
            ("%3", "nas/%3"),
            ("", "nas/%3"),
        ] {
            assert_eq!(Place::of(&far(), place).whole(), expect, "{place}");
        }
        assert_eq!(Place::of(&key(3), "s:w%3.0").whole(), "s:w%3.0 %3");
        assert_eq!(Place::of(&key(3), "s:w.0").unnumbered().fit(2, "…"), "%3");
    }
}
