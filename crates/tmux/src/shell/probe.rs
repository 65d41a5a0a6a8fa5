//! Finding out, by forked commands, whether a server is there and whether attaching to it is safe now.
//!
//! Before tmux 3.7 a control client that attaches while something happens among the sessions can crash the server. So
//! the first client is attached only after half a second in which nothing happened; later ones learn of events through
//! the clients that are there. And control clients that a killed supervisor of the same owner left behind are ended
//! first: a stuck one can hold up the panes' programs.
//!
//! A server gets its identity here, before anything is told of its panes: what an earlier life wrote down of them must
//! be found again under the same name.

use super::claims::settle;
use super::fork::{self, Printed};
use crate::core::{
    ALONE, CLIENT_MARK, Claiming, Entry, IDENTITY, OWN_MARK, ProbeError, Probed, QUIET, ROUND, Server, Standing,
    listing_format, name_of_life,
};
use crate::proto::{Nonce, Row, RowReader, Version, row_format};
use crate::{Refusal, Transport};
use tmuxagent_model::Owner;

impl ProbeError {
    /// A machine that answered a moment ago does so no more.
    fn silent() -> Self {
        Self::Unreachable(format!("no answer within {} s", ROUND.as_secs()))
    }
}

/// Lists all panes once more, of a server that answered a moment ago.
pub(super) async fn list_again(transport: &Transport, nonce: &Nonce) -> Result<Vec<Entry>, ProbeError> {
    let listing = tokio::time::timeout(ROUND, list(transport, nonce)).await;
    listing.unwrap_or_else(|_| Err(ProbeError::silent()))
}

/// Lists all panes once.
async fn list(transport: &Transport, nonce: &Nonce) -> Result<Vec<Entry>, ProbeError> {
    let format = listing_format(nonce);
    listed(transport, nonce, &["list-panes", "-a", "-F", &format]).await
}

/// Gives the server an identity, unless it has one by now, and lists all panes. The server runs both commands without
/// a pause, so whoever else does the same in this instant reads the same identity.
async fn name(transport: &Transport, nonce: &Nonce, identity: &str) -> Result<Vec<Entry>, ProbeError> {
    let format = listing_format(nonce);
    let words = ["set-option", "-soq", IDENTITY, identity, ";", "list-panes", "-a", "-F", &format];
    listed(transport, nonce, &words).await
}

async fn listed(transport: &Transport, nonce: &Nonce, words: &[&str]) -> Result<Vec<Entry>, ProbeError> {
    let printed = fork::run(&transport.command(words)).await;
    let printed = printed.map_err(ProbeError::Unreachable)?;
    if !printed.success {
        return Err(classify(printed, transport));
    }
    let all = rows(nonce, &printed.output);
    // A server with no session but those of supervisors is about to end.
    let entries: Vec<Entry> = all.iter().filter_map(Entry::read).filter(|entry| !entry.own).collect();
    if entries.is_empty() {
        return Err(ProbeError::NoServer);
    }
    Ok(entries)
}

/// Looks whether a server is there, names it, ends stale clients and waits for a quiet half second (it may not come
/// for long). `known` is the server that was observed until now.
pub(super) async fn probe(
    transport: Transport,
    nonce: Nonce,
    owner: Owner,
    ceiling: Option<Version>,
    known: Option<Server>,
    claiming: Claiming,
) -> Result<Probed, ProbeError> {
    let mut entries = list(&transport, &nonce).await?;
    let known_life = known.as_ref().map(|known| known.life.clone());
    let version_text = entries.first().map_or_else(String::new, |entry| entry.version.clone());
    let version = version_text.parse::<Version>().ok().map(|v| ceiling.map_or(v, |most| v.min(most)));
    let (mut quiet, mut claim) = (true, None);
    if let Some(version) = version.filter(|version| version.has_control()) {
        if let Some(first) = entries.first().filter(|first| first.server.is_empty()) {
            // One that lost its name gets it back.
            let known = known.filter(|known| known.life == first.life());
            let identity = known.map_or_else(|| name_of_life(&first.life()), |known| known.id.to_string());
            entries = name(&transport, &nonce, &identity).await?;
        }
        let server = entries.first().map_or_else(String::new, |entry| entry.server.clone());
        let Claiming { claim: before, wall } = claiming;
        // Another server is claimed anew.
        let same = known_life.as_ref().is_none_or(|life| entries.first().is_some_and(|entry| entry.life() == *life));
        let before = if same { before } else { before.elsewhere() };
        let settled = settle(&transport, &nonce, version, &server, before, wall).await?;
        let watched_already = *settled.standing() == Standing::Same;
        claim = Some(Box::new(settled));
        if watched_already {
            // Its clients are our own, and are not stale.
            return Ok(Probed { version: Some(version), version_text, entries, quiet, claim });
        }
        // All in one script: a login shell on another machine may take long to start.
        let script =
            [end_stale(&transport, &owner), is_quiet(&transport, &nonce, looks(known_life.is_some()))].join("\n");
        let printed = fork::run(&transport.shell(&script)).await;
        quiet = version >= Version::MENDED || printed.is_ok_and(|printed| printed.output.ends_with(b"quiet\n"));
    }
    Ok(Probed { version, version_text, entries, quiet, claim })
}

/// tmux's and ssh's ways of saying that nobody is there.
pub(super) fn classify(printed: Printed, transport: &Transport) -> ProbeError {
    let Printed { code, error, .. } = printed;
    let refused = error.contains("(Connection refused)") || error.contains("(No such file or directory)");
    if error.contains("no server running on") || (error.contains("error connecting to") && refused) {
        return ProbeError::NoServer;
    }
    if let Transport::Ssh { target, bin, .. } = transport {
        match code {
            // ssh's own failures (ssh(1), exit status); tmux ends with 1.
            Some(255) | None => return ProbeError::Unreachable(Refusal::of_ssh(target, &error).to_string()),
            Some(126 | 127) => return ProbeError::Unreachable(Refusal::no_program(bin).to_string()),
            Some(_) => {}
        }
    }
    let error = if error.is_empty() { "no reason given".to_owned() } else { error };
    ProbeError::Unreachable(format!("tmux can't be asked: {error}"))
}

/// The rows in a command's output.
pub(super) fn rows(nonce: &Nonce, output: &[u8]) -> Vec<Row> {
    let mut reader = RowReader::new(nonce.clone());
    output.split(|&byte| byte == b'\n').filter_map(|line| reader.push(line)).collect()
}

/// How often it is looked for a quiet moment: while nothing is known of the panes only for one that is there, and then on and
/// on, since what happens in between is not waited for.
const fn looks(known: bool) -> u32 {
    if known { 12 } else { 2 }
}

/// A script that prints `quiet` once nothing has changed among sessions, current windows and clients over [`QUIET`].
fn is_quiet(transport: &Transport, nonce: &Nonce, looks: u32) -> String {
    let words = signature_words(nonce);
    let ask = transport.there(&words.each_ref().map(String::as_str));
    let wait = format!("sleep {} 2>/dev/null || sleep 1", (QUIET / 2).as_secs_f32());
    format!(
        "ask() {{ {ask} | sort -u; }}; a=$(ask); i=0; q=0; while [ $i -lt {looks} ] && [ $q -lt 2 ]; do {wait}; b=$(ask); \
         if [ -n \"$b\" ] && [ \"$a\" = \"$b\" ]; then q=$((q + 1)); else q=0; fi; a=$b; i=$((i + 1)); done; \
         [ $q -lt 2 ] || echo quiet"
    )
}

/// What prints lines whose set changes with every event that makes attaching dangerous, as far as a listing can show it. A
/// window that comes, goes or is renamed behind the current one is none (measured with tmux 3.2 to 3.6).
fn signature_words(nonce: &Nonce) -> [String; 8] {
    let windows = row_format(
        nonce,
        &[
            "#{next_session_id}",
            "#{session_id}",
            "#{session_name}",
            "#{?window_active,#{window_id},}",
            "#{?pane_in_mode,#{window_id},}",
        ],
    );
    let clients = row_format(nonce, &["#{client_name}", "#{client_session}"]);
    ["list-windows", "-a", "-F", &windows, ";", "list-clients", "-F", &clients].map(str::to_owned)
}

/// A script that ends sessions and control clients which an earlier life of this supervisor left behind, and removes the marks of those
/// that are gone. Those of this process are not stale: another of its hosts may be the same server.
///
/// A process number may belong to another program by now, so its name is looked at. A client whose process is gone and
/// that the server still lists no longer holds up any pane once it takes no output.
fn end_stale(transport: &Transport, owner: &Owner) -> String {
    let (tmux, instance) = (transport.there(&[]), &owner.instance);
    let own = crate::core::client_owner(owner).split_off(instance.len());
    format!(
        r#"T() {{ {tmux} "$@"; }}
marked=$(T show-options -s | sed -n 's/^{CLIENT_MARK}\([0-9][0-9]*\) "\{{0,1\}}{instance}\(\.[0-9-]*\)\{{0,1\}}"\{{0,1\}}$/\1\2/p' |
    grep -v '[0-9]{own}$' | sed 's/\..*//')
if [ -n "$marked" ]; then
    listed=$(T list-clients -F '#{{client_pid}} #{{client_control_mode}}')
    found=
    for p in $marked; do
        printf '%s\n' "$listed" | grep -qx "$p 1" || continue
        found=1
        n=$(cat /proc/$p/comm 2>/dev/null || ps -o comm= -p $p 2>/dev/null)
        case "$n" in *tmux*) kill -9 $p ;; esac
    done
    if [ -n "$found" ]; then
        sleep 0.5 2>/dev/null || sleep 1
        T list-clients -F '#{{client_pid}} #{{client_control_mode}} #{{client_name}}' | while read -r p c n; do
            [ "$c" = 1 ] && printf '%s\n' "$marked" | grep -qx "$p" && T refresh-client -t "$n" -f no-output
        done
    fi
    for p in $marked; do T set-option -s -u {CLIENT_MARK}$p; done
fi
T list-sessions -F '#{{session_attached}} #{{{OWN_MARK}}} {ALONE} #{{session_id}}' |
    while read -r a w n s; do
        [ "$a $w" = "0 {instance}" ] || continue
        # What somebody else put there is his.
        if [ "$n" = 1 ]; then T kill-session -t "$s"; else T set-option -u -t "$s" {OWN_MARK}; fi
    done"#
    )
}
