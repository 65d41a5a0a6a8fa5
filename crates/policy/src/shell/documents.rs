//! Here-documents.

use super::lexer::{Lexer, Unsure};
use super::words::{Item, Place, Word};

/// A here-document whose body comes after the line.
pub(super) struct Document {
    pub word: String,
    pub quoted: bool,
    pub tabs: bool,
    /// The command that reads it.
    pub command: usize,
}

impl Lexer<'_> {
    pub(super) fn adopt_documents(&mut self, command: Option<usize>) {
        for document in &mut self.documents {
            if document.command == usize::MAX {
                document.command = command.unwrap_or_default();
            }
        }
    }

    /// Reads the bodies of the here-documents of the line that ended.
    pub(super) fn read_documents(&mut self, command: Option<usize>) -> Result<(), Unsure> {
        self.adopt_documents(command);
        for document in std::mem::take(&mut self.documents) {
            let body = self.document(&document)?;
            if let Some(command) = self.out.commands.get_mut(document.command) {
                command.redirections.push(body);
            }
        }
        Ok(())
    }

    fn document(&mut self, document: &Document) -> Result<Word, Unsure> {
        let mut body = Word::default();
        loop {
            let start = self.at;
            while document.tabs && self.char_at(0) == Some('\t') {
                self.at += 1;
            }
            if self.next_is(&document.word) {
                let after = document.word.len();
                match self.items.get(self.at + after) {
                    None | Some(Item::Char('\n')) => {
                        self.at = (self.at + after + 1).min(self.items.len());
                        return Ok(body);
                    }
                    Some(_) => {}
                }
            }
            self.at = start;
            self.document_line(document.quoted, &mut body)?;
        }
    }

    fn document_line(&mut self, quoted: bool, body: &mut Word) -> Result<(), Unsure> {
        loop {
            let Some(item) = self.peek() else { return Err("a here-document that is not closed") };
            match item {
                Item::Hole(hole) if quoted => {
                    self.refuse(hole, "in a quoted here-document");
                    self.at += 1;
                }
                Item::Hole(hole) => self.hole(hole, Place::HereDocument, body),
                Item::Char('\n') => {
                    self.at += 1;
                    return Ok(());
                }
                Item::Char('\\') if !quoted => self.escape(body),
                Item::Char('`') if !quoted => return Err("backticks in a here-document"),
                Item::Char('$') if !quoted && self.next_is("$(") && !self.next_is("$((") => {
                    return Err("a command in a here-document");
                }
                Item::Char('$') if !quoted => self.dollar(body, Place::HereDocument)?,
                Item::Char(_) => self.at += 1,
            }
        }
    }
}
