use super::*;
use tmuxagent_config::Overrides;
use tmuxagent_model::{HostName, LineSource, PaneFacts, PaneId, ServerId, Timestamp};
use tmuxagent_store::{read_recording, recorded_panes};

fn info(number: u32, window: &str) -> PaneInfo {
    let key = PaneKey { host: HostName::local(), server: ServerId::new("s"), pane: PaneId(number), pid: number };
    PaneInfo::new(key, PaneFacts { window: window.to_owned(), ..PaneFacts::default() })
}

fn say(tapes: &Tapes, pane: u32, text: &str, origin: Origin) {
    let reading = Reading::Line { text, seen: 0, source: LineSource::Stream, origin, message: None };
    tapes.told(&info(pane, "").key, &reading);
}

struct Room {
    folder: tempfile::TempDir,
    config: Config,
}

impl Room {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), config: Config::default() }
    }

    fn paths(&self) -> Paths {
        let folder = self.folder.path().to_owned();
        let overrides =
            Overrides { config: Some(folder.join("c.yaml")), state_dir: Some(folder), ..Overrides::default() };
        Paths::find(&overrides, &tmuxagent_config::Environment::default()).unwrap()
    }

    fn texts(&self) -> Vec<String> {
        let path = self.paths().recordings();
        let panes: Vec<PaneKey> = recorded_panes(&path).unwrap().into_iter().map(|pane| pane.info.key).collect();
        let mut texts = Vec::new();
        read_recording(&path, &panes, Timestamp(0), |_, piece| {
            texts.push(match piece {
                Recorded::Line(line) => line.text,
                other => format!("{other:?}"),
            });
        })
        .unwrap();
        texts
    }
}

#[tokio::test]
async fn what_is_excluded_or_switched_off_leaves_nothing() {
    let mut room = Room::new();
    room.config.record.exclude = vec!["secret*".to_owned()];
    let tapes = Tapes::new(&room.config, &room.paths(), Clock::start(Timestamp(5)), Redaction::default());
    tapes.seen(&info(1, "ci"), "");
    tapes.seen(&info(2, "secret:x"), "");
    tapes.seen(&info(3, "ci"), "off");
    for pane in 1..=4 {
        say(&tapes, pane, &format!("line of {pane}"), Origin::Program);
    }
    say(&tapes, 1, "typed by us", Origin::Echo);
    tapes.seen(&info(3, "ci"), "");
    say(&tapes, 3, "wanted again", Origin::Program);
    room.config.record.exclude = vec!["ci".to_owned()];
    tapes.configure(&room.config);
    say(&tapes, 1, "excluded since", Origin::Program);
    say(&tapes, 2, "not any more", Origin::Program);
    tapes.finish().await;
    assert_eq!(room.texts(), ["not any more"], "what waits of a pane is dropped when it is excluded");
}

#[tokio::test]
async fn it_can_be_switched_off_as_a_whole_and_on_again() {
    let mut room = Room::new();
    room.config.record.enabled = false;
    let tapes = Tapes::new(&room.config, &room.paths(), Clock::start(Timestamp(5)), Redaction::default());
    tapes.seen(&info(1, "ci"), "");
    say(&tapes, 1, "nobody hears", Origin::Program);
    assert!(!room.paths().recordings().exists());
    room.config.record.enabled = true;
    tapes.configure(&room.config);
    say(&tapes, 1, "kept", Origin::Program);
    tapes.gone(&info(1, "ci").key);
    say(&tapes, 1, "of nobody", Origin::Program);
    tapes.finish().await;
    assert_eq!(room.texts(), ["kept"]);
    assert_eq!(tapes.problem(), None);
}
