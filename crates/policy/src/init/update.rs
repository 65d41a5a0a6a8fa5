//! A file that `init` wrote, renewed.

use super::Draft;
use super::render::{AGENTS_WORD, BEGIN, END, KNOWN, Start, before, known, marked, pipeline, scalar, sum};
use super::step::{Plan, Step};

/// A stage of the file between its marks.
struct Block {
    name: String,
    /// The line of its first mark, and the one after its last.
    lines: std::ops::Range<usize>,
    touched: bool,
}

/// A pipeline's list of stages in the file.
struct Section {
    pipeline: String,
    /// The line that lists all stages ever written.
    line: usize,
    known: Vec<String>,
    blocks: Vec<Block>,
}

/// The renewed file; `None` when it holds none of our marks.
pub(super) fn renew(plans: &[Plan], existing: &str) -> Option<Draft> {
    let lines: Vec<&str> = existing.lines().collect();
    let sections = sections(&lines);
    if sections.is_empty() {
        return None;
    }
    let mut notes = Vec::new();
    let mut out: Vec<String> = Vec::new();
    let mut at = 0;
    for section in &sections {
        out.extend(lines[at..section.line].iter().map(|line| (*line).to_owned()));
        let end = section.blocks.last().map_or(section.line + 1, |block| block.lines.end);
        match plans.iter().find(|plan| plan.name == section.pipeline) {
            Some(plan) => renew_section(plan, section, &lines, &mut out, &mut notes),
            None => {
                notes.push(format!("{}: nothing of it was found any more; left as it is", section.pipeline));
                out.extend(lines[section.line..end].iter().map(|line| (*line).to_owned()));
            }
        }
        at = end;
    }
    out.extend(lines[at..].iter().map(|line| (*line).to_owned()));
    let mut text = out.join("\n");
    text.push('\n');
    for plan in plans.iter().filter(|plan| sections.iter().all(|section| section.pipeline != plan.name)) {
        // A pipeline that was deleted by hand has no mark left, and is found anew: said, so that it can be deleted again.
        notes.push(format!("{}: a pipeline of {} stages is added", plan.name, plan.steps.len()));
        text.push_str(&pipeline(plan));
    }
    Some(Draft { text, notes })
}

fn sections(lines: &[&str]) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut open: Option<(usize, String, String)> = None;
    for (index, line) in lines.iter().enumerate() {
        let line = line.trim();
        if let Some((pipeline, names)) = line.strip_prefix(KNOWN).and_then(|rest| rest.rsplit_once(": ")) {
            let known = names.split_whitespace().map(str::to_owned).collect();
            sections.push(Section { pipeline: pipeline.to_owned(), line: index, known, blocks: Vec::new() });
        } else if let Some((name, sum)) = line.strip_prefix(BEGIN).and_then(|rest| rest.rsplit_once(' ')) {
            open = Some((index, name.to_owned(), sum.to_owned()));
        } else if line == END
            && let (Some((start, name, written)), Some(section)) = (open.take(), sections.last_mut())
        {
            let body = lines[start + 1..index].join("\n");
            section.blocks.push(Block { name, lines: start..index + 1, touched: sum(&body) != written });
        }
    }
    sections
}

fn renew_section(plan: &Plan, section: &Section, lines: &[&str], out: &mut Vec<String>, notes: &mut Vec<String>) {
    let block_of = |name: &str| section.blocks.iter().find(|block| block.name == name);
    // Deleted by hand: known, but no longer there.
    let wanted: Vec<Step> = plan
        .steps
        .iter()
        .filter(|step| block_of(&step.name).is_some() || !section.known.contains(&step.name))
        .cloned()
        .collect();
    let mut names: Vec<&str> = section.known.iter().map(String::as_str).collect();
    names.extend(
        wanted.iter().map(|step| step.name.as_str()).filter(|name| !section.known.iter().any(|known| known == name)),
    );
    out.push(known(plan, &names));
    let mut own = by_hand(section, lines);
    let mut kept: Vec<&str> = Vec::new();
    for block in section.blocks.iter().rev().filter(|block| !block.touched) {
        if wanted.iter().all(|step| step.name != block.name) && awaited(&block.name, &own) {
            kept.push(&block.name);
            own.extend(&lines[block.lines.clone()]);
        }
    }
    // Two stages that the same word starts would fight.
    let first = if own.iter().any(|line| line.contains(AGENTS_WORD)) { Start::ByHand } else { Start::First };

    let mut next = section.line + 1;
    let mut written: Vec<&str> = Vec::new();
    for block in &section.blocks {
        // What a hand has put between our stages stays where it is.
        out.extend(lines[next..block.lines.start].iter().map(|line| (*line).to_owned()));
        next = block.lines.end;
        let place = wanted.iter().position(|step| step.name == block.name);
        match place {
            Some(place) => {
                // New steps stand before the first known one that follows them.
                for (index, step) in wanted[..place].iter().enumerate() {
                    if block_of(&step.name).is_none() && !written.contains(&step.name.as_str()) {
                        add(step, &wanted[..index], &first, out, plan, notes);
                        written.push(&step.name);
                    }
                }
                if block.touched {
                    notes.push(format!("{}: {} was changed by hand; left as it is", plan.name, block.name));
                    out.extend(lines[block.lines.clone()].iter().map(|line| (*line).to_owned()));
                } else {
                    push(&wanted[place], &wanted[..place], out);
                }
                written.push(&wanted[place].name);
            }
            None if block.touched => {
                notes.push(format!(
                    "{}: {} was not found any more, but changed by hand; left as it is",
                    plan.name, block.name
                ));
                out.extend(lines[block.lines.clone()].iter().map(|line| (*line).to_owned()));
            }
            None if kept.contains(&block.name.as_str()) => {
                notes.push(format!(
                    "{}: {} was not found any more, but a stage that stays waits for it; left as it is",
                    plan.name, block.name
                ));
                out.extend(lines[block.lines.clone()].iter().map(|line| (*line).to_owned()));
            }
            None => notes.push(format!("{}: {} was not found any more; taken out", plan.name, block.name)),
        }
    }
    for (index, step) in wanted.iter().enumerate() {
        if !written.contains(&step.name.as_str()) {
            add(step, &wanted[..index], &first, out, plan, notes);
        }
    }
}

/// The lines of a section's part of the file that are somebody's own: what was changed, and what stands between our stages.
fn by_hand<'l>(section: &Section, lines: &[&'l str]) -> Vec<&'l str> {
    let ours = |index: usize| section.blocks.iter().any(|block| !block.touched && block.lines.contains(&index));
    let own = lines.iter().enumerate().skip(section.line + 1).filter(|(index, _)| !ours(*index));
    own.map(|(_, line)| *line).take_while(|line| !line.trim().starts_with(KNOWN)).collect()
}

/// Whether a stage of that name is waited for there.
fn awaited(name: &str, own: &[&str]) -> bool {
    ["success", "failure"].iter().any(|end| {
        let condition = format!("after_stage_{end}: {}", scalar(name));
        own.iter().any(|line| {
            let after = line.split_once(&condition).map(|(_, after)| after);
            after.is_some_and(|after| !after.starts_with(|c: char| c.is_alphanumeric() || "._:-".contains(c)))
        })
    })
}

fn add(step: &Step, earlier: &[Step], first: &Start, out: &mut Vec<String>, plan: &Plan, notes: &mut Vec<String>) {
    let start = |step: &Step| match before(earlier)(step) {
        Start::First => first.clone(),
        other => other,
    };
    let begins = if before(earlier)(step) != start(step) {
        "; a person starts it, since a stage that stays begins the pipeline"
    } else {
        ""
    };
    notes.push(format!("{}: {} is added ({}{begins})", plan.name, step.name, step.from));
    out.extend(marked(step, &start).lines().map(str::to_owned));
}

fn push(step: &Step, earlier: &[Step], out: &mut Vec<String>) {
    out.extend(marked(step, &before(earlier)).lines().map(str::to_owned));
}
