//! Which pane a row or a box speaks of: the host where there are several, and the number of the pane, are always read.

use super::*;
use tmuxagent_model::{Millis, PaneKey, RunState, RunView};

/// A pane of another machine.
fn far(n: u32) -> PaneKey {
    PaneKey { host: HostName::new("nas"), ..key(n) }
}

/// One pane of it, with a run that asks there and one yes that can still be taken back.
fn asking(session: &str, window: &str) -> Snapshot {
    let place = format!("nas/{session}:{window}.0");
    let mut view = pane(1, session, window, PaneState::NeedsApproval, "");
    view.info.key = far(1);
    let here = |asked: Approval| Approval {
        pane: far(1),
        place: place.clone(),
        run: Some(tmuxagent_model::RunId(2)),
        folder: "/srv/the/folder/of/the/shop".to_owned(),
        ..asked
    };
    let yes = Approval {
        state: ApprovalState::Approved,
        undo_until: Some(NOW + Millis::from_secs(7)),
        ..gate("B", 1, "shop", "publish", "Publish?", "y")
    };
    let run = RunView { pane: far(1), ..run("shop", 2, 1, &place) };
    Sample::empty()
        .host("nas", HostState::Live, "")
        .pane(view)
        .run(run.stages([stage("deploy", StageState::NeedsApproval, 0, 1)]))
        .approval(here(gate("A", 1, "shop", "deploy", "Go on?", "x")))
        .approval(here(yes))
        .build()
}

/// The cells of the panels, each with its row.
fn parts(text: &str) -> Vec<&str> {
    text.lines().flat_map(|row| row.split('│')).collect()
}

#[test]
fn host_and_number_are_read_at_every_size() {
    for (session, window) in
        [("work-of-the-whole-day", "a-window-with-a-long-name"), ("今天的全部工作", "一个名字很长的窗口")]
    {
        for lang in Lang::ALL {
            for size in [(80, 24), (90, 24), (100, 30), (120, 40), (200, 60)] {
                let text = shown(&screen(asking(session, window), size, lang));
                let parts = parts(&text);
                for subject in ["? shop / deploy", "✓ shop / p", "▸ shop #2"] {
                    let rows: Vec<_> = parts.iter().filter(|part| part.contains(subject)).collect();
                    assert!(!rows.is_empty(), "{subject} {size:?}: {text}");
                    for row in rows {
                        assert!(row.contains("nas/") && row.contains("%1"), "{row} {size:?}: {text}");
                    }
                }
                let detail = parts.iter().find(|part| part.starts_with("nas/")).unwrap_or(&"");
                assert!(detail.contains("%1"), "{size:?}: {text}");
                let live = text.lines().find(|row| row.contains(&format!("{} nas/", lang.pick("Live", "实时"))));
                let title = live.and_then(|row| row.split_once(" nas/")?.1.split('┐').next());
                assert!(title.is_some_and(|title| title.contains("%1 ")), "{size:?}: {text}");
                let listed = parts.iter().find(|part| part.starts_with("›? nas/"));
                assert!(listed.is_some_and(|row| row.contains(".0 ")), "{size:?}: {text}");
            }
        }
    }
}

#[test]
fn free_columns_are_used_before_a_place_is_cut() {
    let text = shown(&screen(asking("proj", "ci"), (80, 24), Lang::En));
    let parts = parts(&text);
    assert!(parts.iter().any(|part| part.contains("▸ shop #2  nas/proj:ci.0 %1  ")), "{text}");
    assert!(parts.iter().any(|part| part.starts_with("nas/proj:ci.0 %1  …")), "only the folder is cut: {text}");
    let text = shown(&screen(asking("proj", "ci"), (120, 40), Lang::En));
    for row in
        ["? shop / deploy nas/proj:ci.0 %1  ", "✓ shop / publish nas/proj:ci.0 %1 ", "nas/proj:ci.0 %1  /srv/the/"]
    {
        assert!(text.contains(row), "{row}: {text}");
    }
}

#[test]
fn a_run_of_which_much_is_told_names_its_pane() {
    let mut late = run("shop", 1, 1, "proj:ci.0").stages([stage("deploy", StageState::Expired, 1, 1)]);
    (late.state, late.ended_at) = (Some(RunState::Expired), Some(NOW));
    let sample = Sample::empty().pane(pane(1, "proj", "ci", PaneState::Idle, "")).run(late);
    for lang in Lang::ALL {
        for columns in [74, 80, 100, 120] {
            let text = shown(&screen(sample.clone().build(), (columns, 24), lang));
            let row = parts(&text).into_iter().find(|part| part.contains("shop #1")).unwrap_or_default();
            assert!(row.contains("%1 ") && !row.contains("proj…"), "{columns}: {text}");
        }
    }
}

#[test]
fn a_folded_run_names_its_pane_in_the_columns_that_are_free() {
    let mut sample = Sample::empty();
    for n in 1..=6 {
        let mut view = pane(n, "proj", "ci", PaneState::Idle, "");
        view.info.key = far(n);
        let stages = ["a", "b", "c", "d", "e"].map(|name| stage(name, StageState::Succeeded, 1, 1));
        sample =
            sample.pane(view).run(RunView { pane: far(n), ..run("shop", n.into(), n, "nas/proj:ci.0") }.stages(stages));
    }
    for (columns, told) in [(80, "shop #2 nas/"), (120, "shop #2 nas/proj:ci.0 %2  ✓ ✓ ✓ ✓ ✓ ")] {
        let text = shown(&screen(sample.clone().build(), (columns, 24), Lang::En));
        let row = parts(&text).into_iter().find(|part| part.contains("shop #2")).unwrap_or_default();
        assert!(row.contains(told) && row.contains("%2 "), "{columns}: {text}");
    }
}

#[test]
fn the_title_of_a_box_names_its_pane() {
    let mut view = pane(1, "work-of-the-whole-day", "a-window-with-a-long-name", PaneState::Idle, "");
    (view.info.key, view.pipelines) = (far(1), vec!["shop".to_owned()]);
    let snapshot = Sample::empty().host("nas", HostState::Live, "").pane(view).build();
    for keys in ["s", "n"] {
        for columns in [40, 80] {
            let mut model = screen(snapshot.clone(), (columns, 24), Lang::En);
            press(&mut model, keys);
            let text = shown(&model);
            let title = text.lines().find(|row| row.contains("@ nas/")).unwrap_or_default();
            assert!(title.contains("%1 "), "{keys} {columns}: {text}");
        }
    }
}
