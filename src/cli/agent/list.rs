//! `tmuxagent agent list`.

use super::super::{Outcome, Session, Tone, exit};
use clap::Args;
use tmuxagent_text::{Lang, clean};

#[derive(Debug, Args)]
pub(in crate::cli) struct ListArgs {}

/// Prints the recognisers.
pub(super) fn run(session: &Session, _: &ListArgs) -> Outcome {
    let all = super::known(session)?;
    let out = &session.out;
    if out.json {
        let agents: Vec<_> = all
            .iter()
            .map(|known| {
                let agent = &known.recogniser;
                serde_json::json!({
                    "agent": agent.agent, "title": agent.title, "revision": agent.revision, "seen": agent.seen,
                    "rules": agent.rules(), "file": known.file,
                })
            })
            .collect();
        out.json(&agents)?;
        return Ok(exit::OK);
    }
    let rows: Vec<Vec<(Tone, String)>> = all
        .iter()
        .map(|known| {
            let agent = &known.recogniser;
            let cells = [
                clean(&agent.agent),
                clean(&agent.title),
                clean(&agent.seen.join(", ")),
                agent.revision.to_string(),
                clean(&known.file),
            ];
            cells.map(|cell| (Tone::Plain, cell)).to_vec()
        })
        .collect();
    let heading = match out.lang {
        Lang::En => ["AGENT", "NAME", "SEEN", "REV", "FILE"],
        Lang::Zh => ["智能体", "名称", "见过的版本", "修订", "文件"],
    };
    out.table(&heading, &rows)?;
    Ok(exit::OK)
}
