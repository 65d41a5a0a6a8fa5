//! Captures of panes by forked commands, where control mode can't be used.

use super::fork;
use super::probe::{self};
use crate::Transport;
use crate::core::{Capture, ProbeError, ROWS, text};
use crate::proto::{Nonce, Row, RowReader, row_format};
use tmuxagent_model::PaneKey;

/// Captures panes by one shell script, so that a remote host is asked once per round; a pane that is gone spoils no
/// other.
///
/// # Errors
/// When the machine can't be asked.
pub(super) async fn capture_all(
    transport: &Transport,
    nonce: &Nonce,
    panes: Vec<PaneKey>,
) -> Result<Vec<(PaneKey, Capture)>, ProbeError> {
    let facts = [
        "#{pane_pid}",
        "#{alternate_on}",
        "#{history_size}",
        "#{history_limit}",
        "#{cursor_x}",
        "#{cursor_y}",
        "#{pane_id}",
    ];
    let (facts, border, from) = (row_format(nonce, &facts), row_format(nonce, &["border"]), format!("-{ROWS}"));
    let mut out = Vec::new();
    // A command line has its limits (128 KiB in one word on Linux).
    for some in panes.chunks(100) {
        let script: Vec<String> = some.iter().map(|key| capture(transport, key, &facts, &border, &from)).collect();
        let asked = fork::run_within(&transport.shell(&script.join("; ")), crate::core::ROUND).await;
        let printed = asked.map_err(ProbeError::Unreachable)?;
        if !transport.is_local() && printed.code == Some(255) {
            return Err(probe::classify(printed, transport));
        }
        let found = read(nonce, &printed.output);
        let of = |id: &str| some.iter().find(|key| key.pane.to_string() == id).cloned();
        out.extend(found.into_iter().filter_map(|(id, capture)| Some((of(&id)?, capture))));
    }
    Ok(out)
}

fn capture(transport: &Transport, key: &PaneKey, facts: &str, border: &str, from: &str) -> String {
    let target = key.pane.to_string();
    let (ask, take) = (["display-message", "-p", "-t", &target, facts], ["capture-pane", "-p", "-t", &target]);
    let all = ["capture-pane", "-p", "-J", "-S", from, "-t", &target];
    let words = [&ask[..], &[";"], &take, &[";", "display-message", "-p", border, ";"], &all].concat();
    format!("{} 2>/dev/null", transport.there(&words))
}

/// Reads each pane's facts, visible rows and logical lines, parted by the border row; with the pane's id.
fn read(nonce: &Nonce, output: &[u8]) -> Vec<(String, Capture)> {
    let border = row_format(nonce, &["border"]).into_bytes();
    let mut rows = RowReader::new(nonce.clone());
    let mut panes: Vec<(Row, [Vec<String>; 2], usize)> = Vec::new();
    for line in output.strip_suffix(b"\n").unwrap_or(output).split(|&byte| byte == b'\n') {
        if line == border {
            if let Some((_, _, part)) = panes.last_mut() {
                *part = 1;
            }
        } else if let Some(facts) = rows.push(line) {
            panes.push((facts, Default::default(), 0));
        } else if let Some((_, texts, part)) = panes.last_mut() {
            texts[*part].push(text(line));
        }
    }
    let capture = |(facts, [visible, logical], part): (Row, [Vec<String>; 2], usize)| {
        let id = text(facts.get(6)?);
        // Without the border the pane went away in between.
        (part == 1).then(|| Capture::new(&facts, visible, logical)).flatten().map(|capture| (id, capture))
    };
    panes.into_iter().filter_map(capture).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_output_holds_many_panes_and_a_lost_one_spoils_no_other() {
        let nonce = Nonce::new([3; 16]);
        let facts = |id: &str| row_format(&nonce, &["7", "0", "1", "100", "0", "1", id]);
        let border = row_format(&nonce, &["border"]);
        let text = format!(
            "{}\n$ a\n{border}\nold\n$ a\n{}\nhalf\n{}\n\n{border}\n%end 1 2 3\n",
            facts("%1"),
            facts("%2"),
            facts("%3")
        );
        let found = read(&nonce, text.as_bytes());
        let shown: Vec<(&str, &[String], &[String])> =
            found.iter().map(|(id, c)| (id.as_str(), c.visible.as_slice(), c.logical.as_slice())).collect();
        let texts = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            shown,
            [
                ("%1", &texts(&["$ a"])[..], &texts(&["old", "$ a"])[..]),
                ("%3", &texts(&[""])[..], &texts(&["%end 1 2 3"])[..]),
            ]
        );
    }
}
