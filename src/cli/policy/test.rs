//! `tmuxagent policy test`: runs the tests that lie beside policies.

use super::super::{CliError, Outcome, Output as Out, Session, Tone, exit};
use super::coverage::Covered;
use super::recorded::{everywhere, unknown_pane};
use super::replay::LONGEST;
use super::scenario::{Output, Scenario, decisions, meets};
use clap::Args;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tmuxagent_config::Problem;
use tmuxagent_engine::replay::{Record, Recording, Setting, points, read_log, replay};
use tmuxagent_text::clean;
use tmuxagent_yaml::Source;

/// How deep folders are looked into.
const DEPTH: usize = 8;

/// A test is a file `*.test.yaml`: output, and every decision that is expected of it. Exit codes: 0 all pass, 1 some
/// fail, 2 a test or a policy can't be read.
#[derive(Debug, Args)]
pub(in crate::cli) struct TestArgs {
    /// Folders, looked into with all below, and files; the folder of the policies that would be used when left out
    #[arg(value_name = "DIR")]
    paths: Vec<PathBuf>,
    /// Write what is decided now into the tests; look at the difference before you keep it
    #[arg(long)]
    update: bool,
    /// Tell which stages, conditions and steps of `on_fail` the tests have reached
    #[arg(long)]
    coverage: bool,
    /// The same; exit code 1 also where less than so many percent were reached
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    min_coverage: Option<u8>,
}

/// How a test went.
struct Played {
    file: PathBuf,
    about: String,
    /// Expectations and decisions side by side, with a sign each.
    lines: Vec<(Sign, String)>,
    updated: bool,
    covered: Covered,
}

/// Whether a line was expected and came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// Both.
    Same,
    /// It was expected and did not come.
    Missing,
    /// It came and was not expected.
    Unexpected,
}

impl Played {
    fn passed(&self) -> bool {
        self.lines.iter().all(|(sign, _)| *sign == Sign::Same)
    }
}

/// Runs it.
pub(super) fn run(session: &Session, args: &TestArgs) -> Outcome {
    let own = if args.paths.is_empty() { Some(own_folder(session)?) } else { None };
    let files = find(own.as_ref().map_or(&args.paths[..], std::slice::from_ref))?;
    let mut played = Vec::new();
    for file in files {
        played.push(play(session, &file, args)?);
    }
    let covered = (args.coverage || args.min_coverage.is_some())
        .then(|| Covered::of(played.iter_mut().map(|test| std::mem::take(&mut test.covered))));
    let failed = played.iter().filter(|test| !test.passed() && !test.updated).count();
    let out = &session.out;
    if out.json {
        let tests: Vec<Value> = played.iter().map(value).collect();
        let mut told = json!({ "tests": tests, "passed": played.len() - failed, "failed": failed });
        if let (Some(covered), Some(map)) = (&covered, told.as_object_mut()) {
            map.insert("coverage".to_owned(), covered.value());
        }
        out.json(&told)?;
    } else {
        if let Some(folder) = &own {
            out.say(&format!("tested, as no folder is named: {}", super::super::output::shown(folder)))?;
        }
        played.iter().try_for_each(|test| tell(out, test))?;
        out.say(&format!("{} passed, {failed} failed", played.len() - failed))?;
        covered.iter().try_for_each(|covered| covered.tell(out))?;
    }
    let enough = covered.zip(args.min_coverage).is_none_or(|(covered, least)| covered.reaches(least));
    Ok(if failed == 0 && enough { exit::OK } else { exit::NEGATIVE })
}

fn value(test: &Played) -> Value {
    let lines = |wanted: Sign| -> Vec<&String> {
        test.lines.iter().filter(|(sign, _)| *sign == wanted).map(|(_, line)| line).collect()
    };
    json!({
        "file": test.file,
        "about": test.about,
        "passed": test.passed(),
        "updated": test.updated,
        "missing": lines(Sign::Missing),
        "unexpected": lines(Sign::Unexpected),
    })
}

fn tell(out: &Out, test: &Played) -> Result<(), CliError> {
    let about = if test.about.is_empty() { String::new() } else { format!(": {}", clean(&test.about)) };
    let (tone, word) = match (test.passed(), test.updated) {
        (_, true) => (Tone::Warn, out.lang.pick("updated", "已更新")),
        (true, false) => (Tone::Good, out.lang.pick("ok", "通过")),
        (false, false) => (Tone::Bad, out.lang.pick("FAILED", "失败")),
    };
    out.line(&format!("{} {}{about}", out.paint(tone, word), super::super::output::shown(&test.file)))?;
    if test.passed() {
        return Ok(());
    }
    for (sign, line) in &test.lines {
        let (tone, mark) = match sign {
            Sign::Same => (Tone::Dim, ' '),
            Sign::Missing => (Tone::Bad, '-'),
            Sign::Unexpected => (Tone::Good, '+'),
        };
        out.line(&out.paint(tone, &format!("  {mark} {}", clean(line))))?;
    }
    Ok(())
}

fn play(session: &Session, file: &Path, args: &TestArgs) -> Result<Played, CliError> {
    let unreadable = |path: &Path, error: &std::io::Error| {
        let text = format!("{} can't be read: {}", path.display(), error.to_string().to_lowercase());
        CliError::user(text, format!("it belongs to the test {}", file.display()))
    };
    let text = tmuxagent_config::read_text(file).map_err(|error| unreadable(file, &error))?;
    let source = Source::new(file.display().to_string(), text.as_str());
    let scenario = Scenario::read(&source).map_err(|found| CliError::User(Problem::in_text(found)))?;
    let folder = file.parent().unwrap_or_else(|| Path::new("."));
    let policy = policy(session, file, folder, &scenario)?;
    let records: Vec<(usize, Record)> = match scenario.output {
        Output::Here(ref records) => records.clone(),
        Output::Log(ref log) => {
            let path = folder.join(log);
            let bytes = tmuxagent_config::read_bytes(&path, LONGEST).map_err(|error| unreadable(&path, &error))?;
            read_log(&bytes, scenario.start, scenario.pace).into_iter().map(|record| (0, record)).collect()
        }
    };
    let policy = if scenario.panes.is_empty() { everywhere(&policy) } else { policy };
    let panes = if scenario.panes.is_empty() { vec![unknown_pane()] } else { scenario.panes.clone() };
    let of_pane = |number: usize| records.iter().filter(move |(of, _)| *of == number).map(|(_, record)| record.clone());
    let recordings =
        panes.into_iter().enumerate().map(|(number, pane)| Recording { pane, records: of_pane(number).collect() });
    let setting = Setting { coverage: args.coverage || args.min_coverage.is_some(), ..scenario.setting };
    let all = if setting.coverage { points(&policy) } else { Vec::new() };
    let mut report = replay(policy, &recordings.collect::<Vec<_>>(), &setting);
    let covered = Covered { all, reached: std::mem::take(&mut report.reached) };
    let decided = decisions(&report, scenario.start);
    let lines = side_by_side(&scenario.expect, &decided);
    let mut played = Played { file: file.to_owned(), about: scenario.about.clone(), lines, updated: false, covered };
    if args.update && !played.passed() {
        std::fs::write(file, scenario.with_expectations(&text, &decided)).map_err(|error| {
            CliError::user(format!("{} can't be written: {error}", file.display()), "leave --update out to look only")
        })?;
        played.updated = true;
    }
    Ok(played)
}

fn policy(
    session: &Session,
    file: &Path,
    folder: &Path,
    scenario: &Scenario,
) -> Result<std::sync::Arc<tmuxagent_policy::Policy>, CliError> {
    let named = &session.overrides.policy;
    let files =
        if named.is_empty() { scenario.policy.iter().map(|at| folder.join(at)).collect() } else { named.clone() };
    if files.is_empty() {
        let text = format!("the test {} names no policy", file.display());
        return Err(CliError::user(text, "write `policy: FILE` into it, or give --policy FILE"));
    }
    super::load(&super::sources(session, &files)?)
}

/// The longest common order of expectations and decisions, with what is missing or too much between.
fn side_by_side(expected: &[String], decided: &[String]) -> Vec<(Sign, String)> {
    let (n, m) = (expected.len(), decided.len());
    let mut common = vec![vec![0_usize; m + 1]; n + 1];
    for i in (0..n).rev() {
        for j in (0..m).rev() {
            common[i][j] = if meets(&expected[i], &decided[j]) {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut lines = Vec::new();
    while i < n || j < m {
        if i < n && j < m && meets(&expected[i], &decided[j]) {
            lines.push((Sign::Same, decided[j].clone()));
            (i, j) = (i + 1, j + 1);
        } else if j == m || i < n && common[i + 1][j] >= common[i][j + 1] {
            lines.push((Sign::Missing, expected[i].clone()));
            i += 1;
        } else {
            lines.push((Sign::Unexpected, decided[j].clone()));
            j += 1;
        }
    }
    lines
}

/// The folder in which all policies lie that would be used.
fn own_folder(session: &Session) -> Result<PathBuf, CliError> {
    let names = tmuxagent_config::policy_names(&session.load()?.policy_sources);
    one_folder(&names).ok_or_else(|| {
        let text = match names.iter().all(|name| name.starts_with('<')) {
            true => "the policies that would be used are the bundled ones, which have no folder of tests",
            false => "the policies that would be used lie in several folders",
        };
        CliError::user(text, "name the folder that your tests lie in: `tmuxagent policy test DIR`")
    })
}

/// The folder of files, where that is one. What is built in lies in none.
fn one_folder(names: &[String]) -> Option<PathBuf> {
    let folder = |name: &String| Path::new(name).parent().map(Path::to_owned).filter(|_| !name.starts_with('<'));
    let first = folder(names.first()?)?;
    names.iter().all(|name| folder(name).as_ref() == Some(&first)).then_some(first)
}

/// The tests in folders and files, by name.
fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            walk(path, DEPTH, &mut files);
        } else if path.is_file() {
            files.push(path.clone());
        } else {
            return Err(CliError::user(
                format!("{} is neither a file nor a folder", path.display()),
                "name the folder that your tests lie in",
            ));
        }
    }
    files.sort();
    files.dedup();
    if files.is_empty() {
        let looked: Vec<String> = paths.iter().map(|path| super::super::output::shown(path)).collect();
        return Err(CliError::user(
            format!("no test was found in {}", looked.join(", ")),
            "a test is a file NAME.test.yaml with `policy`, `output` and `expect`",
        ));
    }
    Ok(files)
}

fn walk(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        // Links are not followed: a circle would not end.
        let Ok(kind) = entry.file_type() else { continue };
        let unwanted = name.starts_with('.') || matches!(name.as_str(), "target" | "node_modules");
        if kind.is_dir() && depth > 0 && !unwanted {
            walk(&path, depth - 1, files);
        } else if !kind.is_dir() && tmuxagent_config::is_policy_test(&path) {
            files.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_of_one_folder_have_their_tests_there() {
        let found = |names: &[&str]| one_folder(&names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
        assert_eq!(found(&["/p/a.yaml", "/p/b.yaml"]), Some(PathBuf::from("/p")));
        assert_eq!(found(&["/p/a.yaml", "/q/b.yaml"]), None);
        assert_eq!((found(&["<bundled>/default.yaml"]), found(&[])), (None, None));
    }
}
