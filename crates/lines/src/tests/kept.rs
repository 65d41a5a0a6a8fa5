//! What a reader remembers of a pane has a bound, however long the pane lives.

use super::*;

/// How many values a reader holds: each is a line of its debug text.
fn kept(pane: &Pane) -> usize {
    format!("{:#?}", pane.reader).lines().count()
}

/// So many commands are typed, echoed and answered, some with an agent's message, a title, a redrawn row and colours.
fn live(pane: &mut Pane, commands: std::ops::Range<u32>) {
    for n in commands {
        pane.reader.at(Timestamp(i64::from(n) * 1000));
        // Each says another thing, of one length.
        let n = format!("{n:04}");
        pane.reader.typed(&format!("make step-{n}"));
        pane.bytes(format!("$ make step-{n}\r\n\x1b]2;step {n}\x07working 1%\rworking 2%\r\x1b[Kstep {n}\r\n"));
        pane.bytes(format!("\x1b[31mred {n}\x1b[m 中文 e\u{301} [AGENT] done ok=true stage=s{n}\r\n")).quiet();
        if n.ends_with('7') {
            let screen = (0..24).map(|row| format!("row {row} of {n}")).collect::<Vec<_>>();
            pane.bytes("\x1b[?1049h").reader.set_alternate(true);
            pane.reader.screen(&screen, &mut |_| ());
            pane.bytes("\x1b[?1049l").reader.set_alternate(false);
        }
    }
    pane.told.clear();
}

#[test]
fn three_thousand_commands_leave_no_more_than_a_thousand() {
    let mut pane = Pane::new(80, 24);
    live(&mut pane, 0..1_000);
    let early = kept(&pane);
    live(&mut pane, 1_000..3_000);
    let late = kept(&pane);
    println!("values kept: {early} after 1,000 commands, {late} after 3,000");
    assert!(late <= early + early / 50, "{early} → {late}");
}
