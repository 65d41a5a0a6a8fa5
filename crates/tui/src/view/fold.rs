//! Text in lines of a given width.

use super::text::cells;
use unicode_segmentation::UnicodeSegmentation;

/// How a text is broken into lines: the room of its first line, and of those that follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fold {
    /// Cells of the first line.
    pub first: usize,
    /// Cells of each further line.
    pub rest: usize,
    /// What the text may hold beside words.
    pub commands: Commands,
}

/// Commands between backticks, which somebody copies, so that they are not to be broken. Where they are heeded, the colours of
/// SGR sequences take no cell, and a long name is broken behind a sign, not in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commands {
    /// None is known: the signs are text.
    Unknown,
    /// Whole where a line can hold them: somebody else may have written the text.
    WhereTheyFit,
    /// Whole, whatever their length: a terminal breaks by itself what is too long.
    Whole,
}

impl Commands {
    const fn are_known(self) -> bool {
        !matches!(self, Self::Unknown)
    }
}

/// How a colour begins; it ends with `m` (ECMA-48, select graphic rendition).
const SGR: &str = "\u{1b}[";

/// Signs that begin no line.
const CLOSING: &str = "，。、；：？！）】》”’…,.;:?!)]}>%";

/// Signs in a long name behind which it may be broken.
const JOINTS: &str = "/:,;-_.=@|";

impl Fold {
    /// The text in lines: broken at blanks and beside wide characters, but not before a closing sign; in the middle of a
    /// word only where it is longer than a line.
    #[must_use]
    pub fn lines(self, text: &str) -> Vec<String> {
        let mut lines = Vec::new();
        let mut line = Open::default();
        let mut rest = text;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(self.piece(rest));
            rest = after;
            let room = if lines.is_empty() { self.first } else { self.rest }.max(2);
            self.put(piece, room, &mut line, &mut lines);
        }
        if !line.text.is_empty() || lines.is_empty() {
            lines.push(line.text);
        }
        lines
    }

    /// Cells of the longest command in a text, which no line less wide can hold.
    #[must_use]
    pub fn longest_command(text: &str) -> usize {
        let all = Self { first: 0, rest: 0, commands: Commands::Whole };
        let mut longest = 0;
        let mut rest = text;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(all.piece(rest));
            rest = after;
            if piece.starts_with('`') {
                longest = longest.max(cells(piece));
            }
        }
        longest
    }

    /// The bytes of what stays together at the beginning of a text.
    fn piece(self, text: &str) -> usize {
        let one = || text.graphemes(true).next().map_or(text.len(), str::len);
        if !self.commands.are_known() {
            return one();
        }
        if text.starts_with(SGR) {
            return text.find('m').map_or(text.len(), |end| end + 1);
        }
        match text.strip_prefix('`').and_then(|rest| rest.find('`')) {
            Some(inside) if inside > 0 && self.keeps(&text[..inside + 2]) => inside + 2,
            _ => one(),
        }
    }

    fn keeps(self, command: &str) -> bool {
        self.commands == Commands::Whole || cells(command) <= self.rest
    }

    fn put(self, piece: &str, room: usize, line: &mut Open, lines: &mut Vec<String>) {
        if self.commands.are_known() && piece.starts_with(SGR) {
            line.text.push_str(piece);
            return;
        }
        let whole = self.commands.are_known() && piece.len() > 1 && piece.starts_with('`');
        let more = cells(piece);
        let blank = piece.trim().is_empty();
        let wide = more > 1 && !whole;
        let closing = piece.chars().next().is_some_and(|c| CLOSING.contains(c));
        if line.used > 0 && !blank && !closing && (wide || line.wide || line.text.ends_with(' ')) {
            line.fold = Some(line.text.len());
        }
        line.wide = wide;
        // Behind a command that is longer than the line a full stop makes no line of its own; one that fits has no such need.
        let behind = closing && line.whole && self.commands == Commands::Whole;
        line.whole = whole || behind;
        // What goes on in the next line may fill that one too.
        let mut room = room;
        while line.used + more > room && !behind {
            if blank {
                // The blank that ends the line takes no cell.
                lines.push(std::mem::take(line).text.trim_end().to_owned());
                return;
            }
            let joint = line.joint.filter(|(_, used)| self.commands.are_known() && *used * 2 >= room).map(|(at, _)| at);
            let at = line.fold.or(joint).unwrap_or(line.text.len());
            let rest = line.text.split_off(at);
            let full = std::mem::replace(&mut line.text, rest);
            let was_empty = line.used == 0;
            if was_empty {
                // Only colours stood there.
                line.text.insert_str(0, &full);
            } else {
                lines.push(full.trim_end().to_owned());
            }
            (line.used, line.fold, line.joint) = (self.cells(&line.text), None, None);
            if was_empty {
                break;
            }
            room = self.rest.max(2);
        }
        if line.used > 0 || !blank || lines.is_empty() {
            line.text.push_str(piece);
            line.used += more;
        }
        if piece.chars().all(|c| JOINTS.contains(c)) {
            line.joint = Some((line.text.len(), line.used));
        }
    }

    /// The cells of a line with its colours.
    fn cells(self, text: &str) -> usize {
        if !self.commands.are_known() {
            return cells(text);
        }
        let mut parts = text.split(SGR);
        let first = parts.next().map_or(0, cells);
        first + parts.map(|part| part.split_once('m').map_or(0, |(_, text)| cells(text))).sum::<usize>()
    }
}

/// The line that is being written.
#[derive(Debug, Default)]
struct Open {
    text: String,
    /// Cells taken.
    used: usize,
    /// The last place where it may be broken: bytes.
    fold: Option<usize>,
    /// The last one within a word, and the cells up to there.
    joint: Option<(usize, usize)>,
    /// Whether a wide character stands last.
    wide: bool,
    /// Whether a command stands last.
    whole: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, width: usize) -> Vec<String> {
        Fold { first: width, rest: width, commands: Commands::Whole }.lines(text)
    }

    #[test]
    fn a_command_is_never_broken() {
        assert_eq!(of("see it: `tmuxagent panes --runs` tells", 20), ["see it:", "`tmuxagent panes --runs`", "tells"]);
        assert_eq!(of("`tmuxagent panes --runs --json`.", 20), ["`tmuxagent panes --runs --json`."]);
        assert_eq!(of("a `b c` d", 20), ["a `b c` d"]);
        // A sign without its partner is a sign.
        assert_eq!(of("it`s long enough to break", 12), ["it`s long", "enough to", "break"]);
    }

    #[test]
    fn what_somebody_else_wrote_keeps_the_width() {
        let fold = Fold { first: 10, rest: 20, commands: Commands::WhereTheyFit };
        assert_eq!(fold.lines("see `tmuxagent panes`."), ["see", "`tmuxagent panes`."]);
        let told = "cat: `/srv/a/folder/that/is/too/long for a line`: no";
        let lines = fold.lines(told);
        assert!(lines.iter().all(|line| cells(line) <= 20), "{lines:?}");
        assert_eq!(lines.concat().replace(' ', ""), told.replace(' ', ""));
    }

    /// A closing sign behind a command that just fits hangs over no edge.
    #[test]
    fn a_closing_sign_behind_a_command_keeps_the_width() {
        for width in 16..30 {
            let fold = Fold { first: width, rest: width, commands: Commands::WhereTheyFit };
            for told in
                ["执行失败：`make test-all`；没有任何输出", "它说 `make test-all`，然后 `make lint`。", "a `b c`."]
            {
                let lines = fold.lines(told);
                assert!(lines.iter().all(|line| cells(line) <= width), "{width}: {lines:?}");
                assert_eq!(lines.concat().replace(' ', ""), told.replace(' ', ""));
            }
        }
    }

    #[test]
    fn a_long_name_is_broken_behind_a_sign_and_loses_nothing() {
        assert_eq!(of("proj_storyapp:agent-of-the-house", 20), ["proj_storyapp:agent-", "of-the-house"]);
        assert_eq!(of("abcdefghijklmnopqrstuvwxyz", 10), ["abcdefghij", "klmnopqrst", "uvwxyz"]);
        assert_eq!(of("一个很长的会话名字", 8), ["一个很长", "的会话名", "字"]);
    }

    #[test]
    fn colours_take_no_cell() {
        let painted = "\u{1b}[31mone two\u{1b}[0m three";
        assert_eq!(of(painted, 13), [painted]);
        assert_eq!(of(painted, 8), ["\u{1b}[31mone two\u{1b}[0m", "three"]);
        assert_eq!(of("\u{1b}[31mabcdef\u{1b}[0m", 4), ["\u{1b}[31mabcd", "ef\u{1b}[0m"]);
    }

    #[test]
    fn the_first_line_may_have_less_room() {
        assert_eq!(
            Fold { first: 5, rest: 9, commands: Commands::Unknown }.lines("aa bb cc dd ee"),
            ["aa bb", "cc dd ee"]
        );
    }
}
