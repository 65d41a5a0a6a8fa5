//! The command line of a test that is a program of its own, as test runners and people write it.

/// What runners say of their own with a value behind it.
const RUNNERS: [&str; 3] = ["--test-threads", "--format", "--color"];

/// What was said behind the program's name.
pub struct Arguments {
    words: Vec<String>,
}

impl Arguments {
    /// The arguments of the test `name`, which is the only one of its program; `None` where the runner wants it not to
    /// run: it asks for the list, or for another test. Each of `options` has a value behind it.
    pub fn of(name: &str, options: &[&str]) -> Option<Self> {
        let words: Vec<String> = std::env::args().skip(1).collect();
        let has = |word: &str| words.iter().any(|other| other == word);
        if has("--list") {
            if !has("--ignored") {
                println!("{name}: test");
            }
            return None;
        }
        let is_value = |at: usize| {
            at.checked_sub(1).is_some_and(|before| {
                let before = words[before].as_str();
                options.contains(&before) || RUNNERS.contains(&before)
            })
        };
        let mut filters = words.iter().enumerate().filter(|(at, word)| !word.starts_with('-') && !is_value(*at));
        filters.all(|(_, filter)| name.contains(filter.as_str())).then_some(())?;
        Some(Self { words })
    }

    /// The value of an option.
    pub fn value(&self, option: &str) -> Option<&str> {
        let at = self.words.iter().position(|word| word == option)?;
        self.words.get(at + 1).map(String::as_str)
    }
}
