//! Who comes to the front of a pane since something was typed into its shell: whether what runs there now is what was typed.

use tmuxagent_model::{Front, PaneReader, Reads};

/// A shell that was typed into, and the last other program that was in front since.
#[derive(Debug)]
pub(super) struct SinceTyped {
    shell: Front,
    told: Option<Front>,
    /// The shell has edited its next line; what comes behind it was typed by others.
    over: bool,
}

impl SinceTyped {
    /// Something was typed for that reader; `None` where it is no shell that can be known again.
    pub fn of(reader: &PaneReader) -> Option<Self> {
        let shell = reader.front.clone().filter(|front| reader.reads == Reads::Shell && front.pid != 0)?;
        Some(Self { shell, told: None, over: false })
    }

    /// Whether the shell is at its next line, as far as is known: what it has in front again may print nothing.
    pub const fn is_over(&self) -> bool {
        self.over
    }

    /// What is to be told of who is in front now, and whether that is the shell at its next line. A shell that is seen before
    /// anything else was may be seen as it was when it was typed into.
    pub fn follow(&mut self, reader: &PaneReader) -> Option<(Front, bool)> {
        let front = reader.front.as_ref().filter(|front| front.pid != 0)?;
        if self.over {
            // One that was suspended goes on.
            self.over = !self.told.as_ref().is_some_and(|told| told.is(front));
            return (!self.over).then(|| (front.clone(), false));
        }
        if front.is(&self.shell) {
            self.over = self.told.is_some() && matches!(reader.reads, Reads::Shell | Reads::Draft);
            return self.over.then(|| (front.clone(), true));
        }
        let is_new = !self.told.as_ref().is_some_and(|told| told.is(front));
        is_new.then(|| {
            self.told = Some(front.clone());
            (front.clone(), false)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(reads: Reads, pid: u32) -> PaneReader {
        let front = Front { pid, born: 1, name: format!("p{pid}") };
        PaneReader { reads, front: Some(front), ..PaneReader::default() }
    }

    #[test]
    fn each_program_is_told_once_and_then_the_shell() {
        let mut since = SinceTyped::of(&reader(Reads::Shell, 1)).expect("a shell");
        let mut came = |reads, pid| since.follow(&reader(reads, pid)).map(|(front, prompt)| (front.pid, prompt));
        assert_eq!(came(Reads::Shell, 1), None, "a look from before");
        assert_eq!(came(Reads::Command, 1), None);
        assert_eq!(came(Reads::Command, 2), Some((2, false)));
        assert_eq!(came(Reads::Line, 2), None);
        assert_eq!(came(Reads::Command, 3), Some((3, false)));
        assert_eq!(came(Reads::Command, 1), None, "between two commands of a line");
        assert_eq!(came(Reads::Shell, 1), Some((1, true)));
        assert_eq!(came(Reads::Screen, 4), None, "somebody else typed that");
        assert_eq!(came(Reads::Command, 3), Some((3, false)), "it was suspended, and goes on");
        assert_eq!(came(Reads::Shell, 1), Some((1, true)));
        assert!(SinceTyped::of(&reader(Reads::Line, 2)).is_none());
    }
}
