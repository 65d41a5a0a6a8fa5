//! What was read of pipes and waits for the heart: in order for each pane, in turns among them, and bounded.

use crate::core::{Input, PipeId, Piped};
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// How much may wait, bytes. What comes beyond that is dropped and told, where so much of its pane waits: nothing is lost of a
/// pane beside a flood.
const MOST: usize = 32 * 1024 * 1024;
const OWN: usize = 64 * 1024;
/// How much of one pane is given at once, bytes.
const CHUNK: usize = 64 * 1024;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    filled: Notify,
    /// Whether there is a keeper, where that is still to be told.
    kept: Mutex<Option<bool>>,
}

#[derive(Debug, Default)]
struct State {
    of: HashMap<PipeId, Waiting>,
    /// Those of which something waits, the next first.
    turns: VecDeque<PipeId>,
    bytes: usize,
}

/// What waits of one pipe.
#[derive(Debug, Default)]
struct Waiting {
    pieces: VecDeque<Piped>,
    bytes: usize,
}

impl Queue {
    /// Puts something behind what waits of that pipe.
    pub fn push(&self, pipe: PipeId, piped: Piped) {
        let mut state = self.lock();
        let State { of, turns, bytes } = &mut *state;
        let Waiting { pieces, bytes: own } = of.entry(pipe).or_default();
        if pieces.is_empty() {
            turns.push_back(pipe);
        }
        let full = *bytes >= MOST && *own >= OWN;
        if let Piped::Bytes(new) = &piped
            && !full
        {
            *bytes += new.len();
            *own += new.len();
        }
        match (piped, pieces.back_mut()) {
            (Piped::Bytes(new), Some(Piped::Lost(lost))) if full => *lost += new.len() as u64,
            (Piped::Bytes(new), _) if full => pieces.push_back(Piped::Lost(new.len() as u64)),
            (Piped::Bytes(new), Some(Piped::Bytes(last))) if last.len() + new.len() <= CHUNK => {
                last.extend_from_slice(&new);
            }
            (other, _) => pieces.push_back(other),
        }
        drop(state);
        self.filled.notify_one();
    }

    /// Whether there is a keeper from now on.
    pub fn keep(&self, kept: bool) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        self.filled.notify_one();
    }

    /// The next, once there is one.
    pub async fn next(&self) -> Input {
        loop {
            let filled = self.filled.notified();
            if let Some(kept) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return Input::Kept(kept);
            }
            if let Some((pipe, piped)) = self.pop() {
                return Input::Piped(pipe, piped);
            }
            filled.await;
        }
    }

    pub(super) fn pop(&self) -> Option<(PipeId, Piped)> {
        let mut state = self.lock();
        let pipe = state.turns.pop_front()?;
        let waiting = state.of.get_mut(&pipe)?;
        let next = waiting.pieces.pop_front();
        let length = if let Some(Piped::Bytes(bytes)) = &next { bytes.len() } else { 0 };
        waiting.bytes -= length;
        if waiting.pieces.is_empty() {
            state.of.remove(&pipe);
        } else {
            state.turns.push_back(pipe);
        }
        state.bytes -= length;
        Some((pipe, next?))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(queue: &Queue) -> Vec<String> {
        let shown = |(pipe, piped): (PipeId, Piped)| match piped {
            Piped::Bytes(bytes) if bytes.len() > 9 => format!("{}:{} bytes", pipe.0, bytes.len()),
            Piped::Bytes(bytes) => format!("{}:{}", pipe.0, String::from_utf8_lossy(&bytes)),
            other => format!("{}:{other:?}", pipe.0),
        };
        std::iter::from_fn(|| queue.pop()).map(shown).collect()
    }

    #[test]
    fn each_pane_keeps_its_order_and_gets_its_turn() {
        let queue = Queue::default();
        let bytes = |text: &str| Piped::Bytes(text.as_bytes().to_vec());
        queue.push(PipeId(1), bytes("a"));
        queue.push(PipeId(1), bytes("b"));
        queue.push(PipeId(1), Piped::Marked(7));
        queue.push(PipeId(2), bytes("x"));
        queue.push(PipeId(1), bytes("c"));
        assert_eq!(all(&queue), ["1:ab", "2:x", "1:Marked(7)", "1:c"]);
        assert_eq!(queue.lock().bytes, 0);
    }

    #[test]
    fn what_finds_no_room_is_told_in_its_place() {
        let queue = Queue::default();
        let many = || Piped::Bytes(vec![b'x'; MOST]);
        queue.push(PipeId(1), many());
        queue.push(PipeId(1), many());
        queue.push(PipeId(1), many());
        // What is quiet beside a flood loses nothing.
        queue.push(PipeId(2), Piped::Bytes(b"y".to_vec()));
        queue.push(PipeId(2), Piped::Ended);
        let expected =
            [format!("1:{MOST} bytes"), "2:y".to_owned(), format!("1:Lost({})", 2 * MOST), "2:Ended".to_owned()];
        assert_eq!(all(&queue), expected);
        assert_eq!(queue.lock().bytes, 0);
    }
}
