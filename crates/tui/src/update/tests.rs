//! What keys and pictures do: `check(model, keys, expect)`.

mod deciding;
mod overtaken;
mod runs;

use super::*;
use crate::model::{Panel, Role, Setup};
use crate::msg::Mouse;
use crate::sample::{NOW, Sample, gate, key, pane};
use tmuxagent_ipc::wire::{ErrorKind, Reply, ServerFrame};
use tmuxagent_model::{PaneState, RunState, Snapshot, StageState};

fn later(millis: i64) -> Timestamp {
    Timestamp(NOW.0 + millis)
}

/// A connected screen that has shown a snapshot for a second.
fn showing(snapshot: Snapshot) -> Model {
    showing_as(Role::View, snapshot)
}

fn showing_as(role: Role, snapshot: Snapshot) -> Model {
    let mut model = Model::new(Setup { role, ..Setup::default() }, (80, 24), NOW);
    update(&mut model, later(-1_000), Msg::Linked);
    take(&mut model, later(-1_000), snapshot);
    update(&mut model, NOW, Msg::Tick(NOW));
    model
}

fn take(model: &mut Model, at: Timestamp, mut snapshot: Snapshot) -> Vec<Action> {
    snapshot.at = at;
    update(model, at, Msg::Frame(Box::new(ServerFrame::Snapshot { snapshot: Box::new(snapshot) })))
}

fn press_at(model: &mut Model, at: Timestamp, keys: &str) -> Vec<Action> {
    let mut actions = Vec::new();
    for name in keys.split_whitespace() {
        let key: Key = name.parse().unwrap();
        actions.extend(update(model, at, Msg::Key(key.to_event())));
    }
    actions
}

/// What is wanted of the outside, in short; requests for screens left out.
fn told(actions: &[Action]) -> String {
    let one = |action: &Action| {
        match action {
            Action::Request(frame) => match &frame.request {
                Request::WatchPane { .. } => return None,
                Request::Command { command } => Some(serde_json::to_string(command).unwrap()),
                Request::Explain { target } => Some(format!("explain {target}")),
                Request::Events { limit, .. } => Some(format!("events {limit}")),
                other => Some(format!("{other:?}")),
            },
            Action::Jump { pane } => Some(format!("jump {}", pane.pane)),
            Action::Mouse(mouse) => Some(format!("mouse {mouse:?}")),
            Action::Suspend => Some("suspend".to_owned()),
            Action::Redraw => Some("redraw".to_owned()),
            Action::Quit => Some("quit".to_owned()),
        }
        .map(|text| text.replace('"', "'"))
    };
    actions.iter().filter_map(one).collect::<Vec<_>>().join(" ; ")
}

/// The keys on a busy screen, and what they lead to: actions, or the newest remark.
fn check(snapshot: Snapshot, keys: &str, expect: &str) {
    let mut model = showing(snapshot);
    let actions = press_at(&mut model, NOW, keys);
    let noticed = model.overlays.iter().find_map(|overlay| match overlay {
        Overlay::Notice(text) => Some(text.clone()),
        _ => None,
    });
    let said = noticed.or_else(|| model.toasts.last().map(|toast| toast.text.clone()));
    let said = said.map(|text| format!("({text})")).unwrap_or_default();
    let got = told(&actions);
    let got = if got.is_empty() { said } else { got };
    assert_eq!(got, expect, "{keys}");
}

const PANE1: &str = "local/s1/%1/1001";

#[test]
fn keys_lead_to_actions() {
    let approve = "{'command':'decide','approval':'01JNA','revision':1,'verdict':{'approve':true}}";
    let reject = "{'command':'decide','approval':'01JNA','revision':1,'verdict':{'approve':false}}";
    for (keys, expect) in [
        ("a", ""),
        ("a y", approve),
        ("a enter", approve),
        ("a n", ""),
        ("a esc", ""),
        ("x y", reject),
        ("tab tab enter a y", approve),
        ("tab a y", approve),
        ("j a y", "(nothing here waits for a decision)"),
        ("1", "(this question has no such option)"),
        ("w", "(this is answered with yes or no)"),
        ("enter", "jump %1"),
        ("j j enter", "jump %3"),
        ("tab G enter", "jump %3"),
        ("tab tab o", "jump %1"),
        ("tab tab enter enter", "jump %1"),
        ("tab r y", "(stage build is waiting for approval; cancel the run first)"),
        ("r", "(stage build is waiting for approval; cancel the run first)"),
        ("tab k r y", "{'command':'control','run':12,'stage':'test','control':'retry'}"),
        ("j r y", "{'command':'control','run':13,'stage':'voice-e2e','control':'retry'}"),
        ("j c y", "{'command':'control','run':13,'stage':null,'control':'cancel'}"),
        ("j S y", "{'command':'control','run':13,'stage':'voice-e2e','control':'skip'}"),
        ("G r", "(no stage is selected)"),
        ("n g enter y", &format!("{{'command':'start','pane':'{PANE1}','pipeline':'storyapp-ci','stage':null}}")),
        (
            "n G enter y",
            &format!("{{'command':'start','pane':'{PANE1}','pipeline':'storyapp-ci','stage':'deploy:staging'}}"),
        ),
        ("G n", "(no pipeline applies to this pane)"),
        ("e", "explain #12"),
        ("tab tab e", "explain #12"),
        ("tab d e", "explain #12"),
        ("G e", "(no stage is selected)"),
        ("v", "events 1000"),
        ("f", "{'command':'freeze'}"),
        ("m", "mouse Captured"),
        ("m m", "mouse Captured ; mouse Free"),
        ("ctrl-l", "redraw"),
        ("ctrl-z", "suspend"),
        ("q", "quit"),
        ("ctrl-c", "quit"),
        ("？ q", ""),
        ("? q q", "quit"),
        // Escape and a key, as tmux hands them on when they come quickly.
        ("? alt-q", "quit"),
        ("a alt-y", ""),
        ("s alt-b", ""),
        (
            "s l s enter y",
            &format!("{{'command':'send','pane':'{PANE1}','steps':[{{'text':'ls'}},{{'key':'Enter'}}]}}"),
        ),
        ("s q tab enter y", &format!("{{'command':'send','pane':'{PANE1}','steps':[{{'text':'q'}}]}}")),
        ("s ctrl-t C - c enter y", &format!("{{'command':'send','pane':'{PANE1}','steps':[{{'key':'C-c'}}]}}")),
        ("s ctrl-t f o o enter", "(`foo` is no key; write names such as C-c, Escape, Up, Enter, F5)"),
        ("s tab enter", "(nothing to send)"),
        (
            "s l s enter esc s enter y",
            &format!("{{'command':'send','pane':'{PANE1}','steps':[{{'text':'lss'}},{{'key':'Enter'}}]}}"),
        ),
    ] {
        check(Sample::busy().build(), keys, expect);
    }
}

#[test]
fn cursors_follow_things_not_rows() {
    let mut model = showing(Sample::busy().build());
    press_at(&mut model, NOW, "j j");
    assert_eq!(model.pane, Some(key(3)));
    let mut changed = Sample::busy().build();
    changed.generation = 2;
    changed.panes.rotate_left(1);
    changed.panes.insert(0, pane(9, "new", "new", PaneState::Running, ""));
    take(&mut model, NOW, changed.clone());
    assert_eq!(model.pane, Some(key(3)));
    changed.generation = 3;
    changed.panes.retain(|view| view.info.key != key(3));
    take(&mut model, NOW, changed);
    assert_eq!(model.pane, Some(key(4)), "what stands in its place");
}

#[test]
fn an_older_picture_is_not_shown_unless_the_supervisor_is_another() {
    let mut newer = Sample::busy().build();
    newer.generation = 9;
    let mut model = showing(newer);
    let mut older = Sample::empty().build();
    older.generation = 8;
    take(&mut model, NOW, older.clone());
    assert_eq!(model.panes().len(), 4);
    update(&mut model, NOW, Msg::LinkLost { reason: String::new(), retry_at: later(200) });
    update(&mut model, NOW, Msg::Linked);
    older.generation = 1;
    take(&mut model, NOW, older);
    assert_eq!(model.panes().len(), 0);
}

#[test]
fn without_a_supervisor_nothing_is_lost_and_the_question_stays() {
    let mut model = showing(Sample::busy().build());
    press_at(&mut model, NOW, "a");
    update(&mut model, NOW, Msg::LinkLost { reason: "gone".to_owned(), retry_at: later(200) });
    assert_eq!(told(&press_at(&mut model, NOW, "y")), "");
    assert!(matches!(model.overlays.as_slice(), [Overlay::Confirm(_)]));
    assert!(model.toasts.iter().any(|toast| toast.text.contains("not connected")));
    let actions = update(&mut model, NOW, Msg::Linked);
    let asked: Vec<&Request> = actions
        .iter()
        .filter_map(|action| match action {
            Action::Request(frame) => Some(&frame.request),
            _ => None,
        })
        .collect();
    let pane = Some(key(1));
    assert_eq!(asked, [&Request::Subscribe, &Request::WatchPane { pane }], "all is asked anew");
    assert!(told(&press_at(&mut model, NOW, "y")).contains("'decide'"));
}

#[test]
fn the_screen_of_the_selected_pane_is_watched_once() {
    let mut model = showing(Sample::busy().build());
    let watched = |actions: Vec<Action>| {
        let pane = |action: &Action| match action {
            Action::Request(RequestFrame { request: Request::WatchPane { pane }, .. }) => pane.clone(),
            _ => None,
        };
        actions.iter().filter_map(pane).collect::<Vec<_>>()
    };
    assert_eq!(watched(press_at(&mut model, NOW, "j")), [key(2)]);
    assert_eq!(watched(update(&mut model, NOW, Msg::Tick(NOW))), []);
    let late = ServerFrame::Screen { pane: key(1), rows: vec!["late".to_owned()] };
    update(&mut model, NOW, Msg::Frame(Box::new(late)));
    assert_eq!(model.tail, None, "a screen of a pane left behind");
}

#[test]
fn panels_show_what_belongs_together() {
    let mut model = showing(Sample::crowded().build());
    press_at(&mut model, NOW, "j");
    assert_eq!(model.stage.as_ref().map(|stage| stage.pipeline.as_str()), Some("storyapp-voice"));
    assert_eq!(model.approval.as_ref().map(|id| id.as_str()), Some("01JNC"));
    press_at(&mut model, NOW, "tab G");
    assert_eq!(model.pane, Some(key(4)), "the pane of the run");
    press_at(&mut model, NOW, "tab g");
    assert_eq!(model.pane, Some(key(1)), "the pane of the approval");
}

#[test]
fn leaving_the_supervisors_own_screen_asks_while_stages_run() {
    let mut model = showing_as(Role::Main, Sample::busy().build());
    assert_eq!(told(&press_at(&mut model, NOW, "q")), "");
    assert_eq!(told(&press_at(&mut model, NOW, "n q y")), "quit");
    let idle = Sample::busy().with(|snapshot| {
        for run in &mut snapshot.runs {
            run.state = Some(RunState::Succeeded);
            run.stages.iter_mut().for_each(|stage| stage.state = StageState::Succeeded);
        }
    });
    let mut model = showing_as(Role::Main, idle.build());
    assert_eq!(told(&press_at(&mut model, NOW, "q")), "quit");
    let mut model = showing_as(Role::Main, Sample::busy().build());
    assert_eq!(told(&press_at(&mut model, NOW, "ctrl-z")), "", "a stopped supervisor would stop tmux's readers");
    let mut model = showing_as(Role::Popup, Sample::busy().build());
    assert_eq!(told(&press_at(&mut model, NOW, "ctrl-z")), "quit", "nothing could resume a popup");
}

#[test]
fn unfreezing_shows_what_it_lets_go() {
    let mut model = showing(Sample::busy().frozen().build());
    assert_eq!(told(&press_at(&mut model, NOW, "f")), "");
    assert_eq!(told(&press_at(&mut model, NOW, "y")), "{'command':'unfreeze'}");
    check(Sample::busy().frozen().build(), "H j D y", "{'command':'drop_held','intent':'i-2'}");
    check(Sample::busy().frozen().build(), "H D y", "{'command':'drop_held','intent':'i-1'}");
}

#[test]
fn the_filter_works_as_it_is_typed_and_escape_takes_it_back() {
    let mut model = showing(Sample::crowded().build());
    press_at(&mut model, NOW, "/ w i n d o w - 1");
    assert_eq!(model.panes().len(), 10);
    press_at(&mut model, NOW, "esc");
    assert_eq!((model.filter.as_str(), model.panes().len()), ("", 39));
    press_at(&mut model, NOW, "/ V O I C E enter");
    assert_eq!((model.panes().len(), model.run_rows().len(), model.approvals().len()), (1, 2, 1));
    assert_eq!(model.pane, Some(key(2)), "the cursor goes to what is left");
    press_at(&mut model, NOW, "esc");
    assert_eq!(model.filter, "");
    update(&mut model, NOW, Msg::Key(Key::char('/').to_event()));
    update(&mut model, NOW, Msg::Paste("笔记\n编辑".to_owned()));
    assert_eq!(model.panes().len(), 1);
    press_at(&mut model, NOW, "enter /");
    press_at(&mut model, NOW, "ctrl-u z z z z");
    assert_eq!((model.panes().len(), &model.pane), (0, &None));
}

#[test]
fn a_paste_types_nothing_where_no_line_is_open() {
    let mut model = showing(Sample::busy().build());
    let actions = update(&mut model, NOW, Msg::Paste("a\ny\nq".to_owned()));
    assert_eq!((actions, model.overlays.len()), (Vec::new(), 0));
    press_at(&mut model, NOW, "a");
    update(&mut model, NOW, Msg::Paste("y\n".to_owned()));
    assert!(matches!(model.overlays.as_slice(), [Overlay::Confirm(_)]));
}

#[test]
fn answers_of_the_supervisor_are_told() {
    for (reply, expect) in [
        (Reply::Done, "sent to the supervisor"),
        (Reply::Committed { intents: Vec::new(), run: None, text: "typed `y`\u{1b}".to_owned() }, "typed `y`␛"),
        (
            Reply::Error { kind: ErrorKind::AlreadyDecided, text: "wu approved it 2s ago".to_owned() },
            "wu approved it 2s ago",
        ),
        (
            Reply::Uncertain { doubt: tmuxagent_model::Doubt::Slow },
            "not certain: the supervisor did not answer in time; it may still happen",
        ),
    ] {
        let mut model = showing(Sample::busy().build());
        let actions = press_at(&mut model, NOW, "a y");
        let [Action::Request(frame)] = actions.as_slice() else { panic!("{actions:?}") };
        let frame = ServerFrame::Reply { id: frame.id, reply: Box::new(reply) };
        update(&mut model, NOW, Msg::Frame(Box::new(frame)));
        assert_eq!(model.toasts.last().map(|toast| toast.text.as_str()), Some(expect));
        update(&mut model, later(60_000), Msg::Tick(NOW));
        assert_eq!(model.toasts, []);
    }
}

#[test]
fn a_supervisor_that_goes_before_it_answers_leaves_a_doubt_and_says_so() {
    let doubts = |keys| {
        let mut model = showing(Sample::busy().build());
        press_at(&mut model, NOW, keys);
        update(&mut model, NOW, Msg::LinkLost { reason: String::new(), retry_at: later(200) });
        model.toasts.iter().filter(|toast| toast.text.contains("ended before it answered")).count()
    };
    assert_eq!((doubts("a y"), doubts("a")), (1, 0), "only where something was asked");
}

#[test]
fn the_keys_of_the_end_pressed_twice_end_at_once() {
    let mut model = showing_as(Role::Main, Sample::busy().build());
    assert_eq!(told(&press_at(&mut model, NOW, "ctrl-c")), "", "stages run, so it asks");
    assert_eq!(told(&press_at(&mut model, NOW, "x")), "");
    assert_eq!(told(&press_at(&mut model, NOW, "ctrl-c")), "quit");
    let mut model = showing_as(Role::Main, Sample::busy().build());
    assert_eq!(told(&press_at(&mut model, NOW, "a ctrl-c")), "", "another question is not the end");
}

#[test]
fn remarks_in_passing_make_room_for_the_next() {
    let mut model = showing(Sample::busy().build());
    press_at(&mut model, NOW, "m m G e");
    let texts = |model: &Model| model.toasts.iter().map(|toast| toast.text.clone()).collect::<Vec<_>>();
    assert_eq!(texts(&model), ["no stage is selected"]);
    update(&mut model, NOW, Msg::Notice("something is wrong".to_owned()));
    press_at(&mut model, NOW, "m");
    assert_eq!(texts(&model).len(), 2, "what is wrong stays: {:?}", texts(&model));
}

#[test]
fn what_is_explained_from_the_panes_is_the_stage_that_tells_most() {
    let mut snapshot = Sample::busy().build();
    let run = snapshot.runs.iter_mut().find(|run| run.pane == key(1)).unwrap();
    assert!(run.stages.len() > 2);
    let last = run.stages.len() - 1;
    for (n, stage) in run.stages.iter_mut().enumerate() {
        let failed = n == last;
        stage.state = if failed { StageState::Failed } else { StageState::Succeeded };
        stage.ended_at = Some(NOW);
    }
    let name = run.stages[last].name.clone();
    let mut model = showing(snapshot);
    press_at(&mut model, NOW, "e");
    let Some(Overlay::Page { page: crate::model::Page::Explain { stage, .. }, .. }) = model.overlays.last() else {
        panic!("{:?}", model.overlays)
    };
    assert_eq!((stage.pane.clone(), stage.stage.clone()), (key(1), Some(name)));
}

#[test]
fn it_ticks_each_second_only_while_something_counts() {
    let running = showing(Sample::busy().build());
    assert_eq!(running.next_tick(), later(1_000));
    let mut quiet = pane(1, "s", "w", PaneState::Idle, "");
    quiet.last_output = Some(later(-20_000));
    let fresh = showing(Sample::empty().pane(quiet.clone()).build());
    assert_eq!(fresh.next_tick(), later(1_000), "its seconds are shown");
    quiet.last_output = Some(later(-60_000));
    let mut idle = showing(Sample::empty().pane(quiet).build());
    assert_eq!(idle.next_tick(), later(60_000), "the clock's minute");
    update(&mut idle, later(100), Msg::Notice("hm".to_owned()));
    assert_eq!(idle.next_tick(), later(1_000), "a remark has to go again");
}

/// The system's time is set back by an hour: what is shown of the day follows, what is counted goes on.
#[test]
fn another_time_of_the_system_changes_nothing_that_is_counted() {
    let mut model = showing(Sample::busy().build());
    let (counted, hour) = (model.time(), 3_600_000);
    update(&mut model, later(1_000), Msg::Tick(later(1_000 - hour)));
    assert_eq!(model.time_of_day(), later(1_000 - hour));
    assert_eq!(model.time().since(counted), Millis(1_000));
    assert_eq!(model.next_tick(), later(2_000));
    assert!(told(&press_at(&mut model, later(1_000), "a y")).contains("'decide'"), "what was looked at stays so");
}

#[test]
fn scrolling_stops_at_both_ends() {
    let mut model = showing(Sample::crowded().build());
    press_at(&mut model, NOW, "? G pgdn down");
    let Some(Overlay::Page { scroll, .. }) = model.overlays.last() else { panic!() };
    let end = *scroll;
    assert!(end > 0);
    press_at(&mut model, NOW, "k");
    let Some(Overlay::Page { scroll, .. }) = model.overlays.last() else { panic!() };
    assert_eq!(*scroll, end - 1, "one up is one row up");
    press_at(&mut model, NOW, "g k esc");
    let rows: Vec<String> = (0..100).map(|n| format!("row {n}")).collect();
    let pane = model.pane.clone().unwrap();
    update(&mut model, NOW, Msg::Frame(Box::new(ServerFrame::Screen { pane, rows })));
    press_at(&mut model, NOW, "tab tab tab g k k");
    let top = model.tail_scroll;
    press_at(&mut model, NOW, "j");
    assert_eq!((model.panel, model.tail_scroll), (Panel::Tail, top - 1));
    press_at(&mut model, NOW, "G j");
    assert_eq!(model.tail_scroll, 0);
}

#[test]
fn the_mouse_selects_and_the_wheel_moves() {
    use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
    let mut model = showing(Sample::crowded().build());
    let mut mouse = |kind, column, row| {
        let event = MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
        update(&mut model, NOW, Msg::Mouse(event));
        (model.panel, model.pane.clone(), model.overlays.len())
    };
    let down = MouseEventKind::Down(MouseButton::Left);
    assert_eq!(mouse(down, 5, 3), (Panel::Panes, Some(key(2)), 0));
    assert_eq!(mouse(down, 40, 2).0, Panel::Runs);
    assert_eq!(mouse(MouseEventKind::ScrollDown, 5, 5), (Panel::Runs, Some(key(2)), 0), "the panel keeps the keys");
    assert_eq!(mouse(MouseEventKind::Moved, 5, 5).0, Panel::Runs);
    press_at(&mut model, NOW, "P");
    let beside = MouseEvent { kind: down, column: 0, row: 23, modifiers: KeyModifiers::NONE };
    update(&mut model, NOW, Msg::Mouse(beside));
    assert_eq!(model.overlays, []);
    assert_eq!(model.mouse, Mouse::Free);
}
