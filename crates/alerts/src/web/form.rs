//! What a page's form, or a shell with the link, sends for a decision.

use crate::decide::typed_text;
use tmuxagent_model::{Approval, Verdict};
use tmuxagent_text::{Lang, Text};

/// What the form sends. A field that is none is a mistake of who sends it: what it was to say would be left out.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// Of the page.
    #[serde(default)]
    pub nonce: String,
    /// `approve` or `reject`.
    #[serde(default)]
    pub verdict: String,
    /// The answer's number, from 0.
    pub option: Option<usize>,
    /// The word that a yes takes, or the text that is answered.
    #[serde(default)]
    pub word: String,
    /// The PIN, where one is asked for.
    #[serde(default)]
    pub pin: String,
}

/// Why a form decides nothing.
#[derive(Debug, PartialEq, Eq)]
pub enum Mistake {
    /// What is written in it is not what a yes takes; the sentence stands on the page.
    Written(String),
    /// A field is missing, or says nothing.
    Incomplete,
}

impl Form {
    /// The verdict that it says.
    ///
    /// # Errors
    /// Why it says none.
    pub fn verdict(&self, approval: &Approval, lang: Lang) -> Result<Verdict, Mistake> {
        if let Some(mistake) = self.unasked(approval, lang) {
            return Err(mistake);
        }
        let answer = match self.verdict.as_str() {
            "approve" => self.answer(approval, lang)?,
            "reject" if !approval.takes_plain_no() => {
                return Err(Mistake::Written(Text::NoPlainNo.of(lang).to_owned()));
            }
            "reject" => return Ok(Verdict { approve: false, answer: None }),
            _ => return Err(Mistake::Incomplete),
        };
        Ok(Verdict { approve: true, answer })
    }

    /// A word where none is asked for: whoever wrote it meant something that would be left out.
    fn unasked(&self, approval: &Approval, lang: Lang) -> Option<Mistake> {
        let word = self.word.trim();
        if word.is_empty() || approval.confirm.is_some() || approval.takes_text() {
            return None;
        }
        let text = if approval.options.is_empty() {
            Text::NoAnswer.of(lang).to_owned()
        } else {
            tmuxagent_text::message(lang, &approval.not_offered(word))
        };
        Some(Mistake::Written(text))
    }

    /// What a yes says with it.
    fn answer(&self, approval: &Approval, lang: Lang) -> Result<Option<String>, Mistake> {
        if let Some(word) = &approval.confirm {
            return match self.word.trim() {
                written if approval.is_confirmed_by(written) => Ok(Some(word.clone())),
                "" => {
                    let missing = lang.pick("A yes takes a word here: WORD", "此处同意须输入：WORD");
                    Err(Mistake::Written(missing.replace("WORD", word)))
                }
                written => Err(Mistake::Written(tmuxagent_text::message(lang, &approval.another_word(written)))),
            };
        }
        if approval.takes_text() {
            return match (typed_text(&self.word), self.option) {
                (_, Some(_)) => Err(Mistake::Incomplete),
                (Some(text), None) => Ok(Some(text.to_owned())),
                (None, None) => {
                    let missing = lang.pick(
                        "Write what is answered: one line of visible characters.",
                        "请写明回答的内容：一行可见字符。",
                    );
                    Err(Mistake::Written(missing.to_owned()))
                }
            };
        }
        let answer = self.option.and_then(|index| approval.options.get(index).cloned());
        if answer.is_none() && (self.option.is_some() || !approval.takes_plain_yes()) {
            return Err(Mistake::Incomplete);
        }
        Ok(answer)
    }
}
