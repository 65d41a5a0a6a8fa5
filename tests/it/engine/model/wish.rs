//! What may happen, chosen at random.

use proptest::prelude::*;

/// What panes print.
pub(super) const LINES: [&str; 10] = [
    "start ci",
    "ok one",
    "bad",
    "release",
    "deployed",
    "published",
    "deploy now",
    "approve yes y",
    "ok bad release",
    "start both",
];

/// Numbers choose among what there is when the wish comes true.
#[derive(Debug, Clone)]
pub(super) enum Wish {
    See { pane: u8, window: u8, dead: bool },
    Gone(u8),
    HostLost,
    Line { pane: u8, text: usize, stale: bool },
    Message { pane: u8, kind: u8, ok: bool },
    Activity(u8),
    Gap(u8),
    Ended { pane: u8, tracked: bool, exit: i32 },
    Decide { nth: usize, approve: bool, old: bool, answer: Option<u8> },
    Start { pane: u8, pipeline: u8 },
    Control { nth: usize, control: u8 },
    Send(u8),
    Freeze(bool),
    DropHeld(usize),
    Outcome { nth: usize, kind: u8 },
    Outcomes,
    Polled { nth: usize, kind: u8 },
    Wait(u64),
    StaleTimer(u8),
    Reload(bool),
    Restart,
}

pub(super) fn wish() -> impl Strategy<Value = Wish> {
    let pane = 0..4_u8;
    prop_oneof![
        4 => (pane.clone(), 0..3_u8, prop::bool::weighted(0.05))
            .prop_map(|(pane, window, dead)| Wish::See { pane, window, dead }),
        1 => pane.clone().prop_map(Wish::Gone),
        1 => Just(Wish::HostLost),
        16 => (pane.clone(), 0..LINES.len(), prop::bool::weighted(0.1))
            .prop_map(|(pane, text, stale)| Wish::Line { pane, text, stale }),
        4 => (pane.clone(), 0..3_u8, any::<bool>()).prop_map(|(pane, kind, ok)| Wish::Message { pane, kind, ok }),
        2 => pane.clone().prop_map(Wish::Activity),
        1 => pane.clone().prop_map(Wish::Gap),
        6 => (pane.clone(), prop::bool::weighted(0.8), 0..4_i32)
            .prop_map(|(pane, tracked, exit)| Wish::Ended { pane, tracked, exit: exit.saturating_sub(1).max(0) }),
        8 => (0..6_usize, any::<bool>(), prop::bool::weighted(0.1), prop::option::weighted(0.3, 0..5_u8))
            .prop_map(|(nth, approve, old, answer)| Wish::Decide { nth, approve, old, answer }),
        3 => (pane.clone(), 0..4_u8).prop_map(|(pane, pipeline)| Wish::Start { pane, pipeline }),
        2 => (0..6_usize, 0..3_u8).prop_map(|(nth, control)| Wish::Control { nth, control }),
        1 => pane.prop_map(Wish::Send),
        1 => any::<bool>().prop_map(Wish::Freeze),
        1 => (0..3_usize).prop_map(Wish::DropHeld),
        8 => (0..4_usize, 0..9_u8).prop_map(|(nth, kind)| Wish::Outcome { nth, kind }),
        12 => Just(Wish::Outcomes),
        5 => (0..4_usize, 0..4_u8).prop_map(|(nth, kind)| Wish::Polled { nth, kind }),
        8 => (0..40_000_u64).prop_map(Wish::Wait),
        3 => (0..4_u8).prop_map(Wish::StaleTimer),
        1 => any::<bool>().prop_map(Wish::Reload),
        1 => Just(Wish::Restart),
    ]
}
