//! The command line's definition, in the user's language.

use super::Cli;
use super::output::{ColorChoice, ErrorObject, Output, harmless, report_object};
use super::{exit, help};
use clap::error::ErrorKind;
use clap::{Command, CommandFactory as _};
use tmuxagent_text::redact::Redactor;
use tmuxagent_text::{Lang, help_text, message};

/// The whole command line's definition in English, for completions, documentation and its tests.
#[must_use]
pub fn definition() -> Command {
    Cli::command()
}

/// The definition with its help in a language.
#[must_use]
pub fn definition_in(lang: Lang) -> Command {
    let mut command = definition();
    match lang {
        Lang::En => command,
        Lang::Zh => {
            // The library's own texts are there once it is built.
            command.build();
            translated(command)
        }
    }
}

/// Prints help, a version, or what is wrong with the arguments, in a language; the latter for `--json` also as an object.
///
/// # Errors
/// When the stream is closed.
pub(super) fn tell(
    error: &clap::Error,
    lang: Lang,
    json: bool,
    redactor: impl FnOnce() -> Redactor,
) -> std::io::Result<()> {
    // Help is in the language already; the library breaks lines only at blanks.
    if !error.use_stderr() {
        let (styled, out) = (error.render(), Output::new(lang, false, ColorChoice::Auto));
        let text = if out.is_coloured() { styled.ansi().to_string() } else { styled.to_string() };
        let mut stdout = std::io::stdout().lock();
        std::io::Write::write_all(&mut stdout, help::fitted(&text, help::columns()).as_bytes())?;
        return std::io::Write::flush(&mut stdout);
    }
    // What is wrong quotes what was typed, which may act on a terminal or be a secret.
    let redactor = redactor();
    let rendered = message(lang, &error.render().to_string());
    let is_help = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    let laid = if is_help { help::fitted(&rendered, help::columns()) } else { rendered.clone() };
    eprint_all(&format!("{}\n", harmless(&laid, &redactor)))?;
    if json {
        let (text, hints) = parts(error.kind(), &rendered, lang);
        report_object(&ErrorObject { code: exit::USER, text: &text, hints: &hints, problems: &[] }, &redactor);
    }
    Ok(())
}

/// What is wrong, and its ways out: tips, how it is used, what there is.
fn parts(kind: ErrorKind, rendered: &str, lang: Lang) -> (String, Vec<String>) {
    let mut parts = rendered.split("\n\n").map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned);
    if kind == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        // Its rendering is the help, and says nowhere what is wrong.
        return (message(lang, "a subcommand is missing"), parts.collect());
    }
    let first = parts.next().unwrap_or_default();
    let text = ["error: ", "错误："].iter().find_map(|prefix| first.strip_prefix(prefix)).unwrap_or(&first);
    // What there is stands in lines of its own below.
    let mut lines = text.lines().map(|line| line.trim().to_owned());
    (lines.next().unwrap_or_default(), lines.chain(parts).collect())
}

fn eprint_all(text: &str) -> std::io::Result<()> {
    std::io::Write::write_all(&mut std::io::stderr().lock(), text.as_bytes())
}

/// The headings are the library's, so they are named anew: those of a template and of each argument.
const TEMPLATE: &str = "{about-with-newline}\n用法：{usage}\n\n{all-args}{after-help}";

fn translated(command: Command) -> Command {
    let about = command.get_about().and_then(|text| help_text(&text.to_string()));
    let after = command.get_after_help().and_then(|text| help_text(&text.to_string()));
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    let mut command = command.help_template(TEMPLATE).subcommand_help_heading("子命令");
    if let Some(about) = about {
        command = command.about(about).long_about(about);
    }
    if let Some(after) = after {
        command = command.after_help(format!("\n{after}"));
    }
    command = command.mut_args(|arg| {
        let help = arg.get_help().and_then(|text| help_text(&text.to_string()));
        let heading = match (arg.get_help_heading(), arg.is_positional()) {
            (Some(_), _) => "全局选项",
            (None, true) => "参数",
            (None, false) => "选项",
        };
        let arg = arg.help_heading(heading);
        match help {
            Some(help) => arg.help(help).long_help(help),
            None => arg,
        }
    });
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, translated))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(command: &Command, out: &mut Vec<String>) {
        out.extend(command.get_about().map(ToString::to_string));
        out.extend(command.get_after_help().map(ToString::to_string));
        out.extend(
            command
                .get_arguments()
                .filter(|arg| !arg.is_hide_set())
                .filter_map(|arg| arg.get_help())
                .map(ToString::to_string),
        );
        command
            .get_subcommands()
            .filter(|sub| sub.get_name() != "help" && !sub.is_hide_set())
            .for_each(|sub| texts(sub, out));
    }

    #[test]
    fn every_help_text_is_there_in_chinese() {
        let mut command = definition();
        command.build();
        let mut found = Vec::new();
        texts(&command, &mut found);
        found.retain(|text| help_text(text).is_none());
        found.sort_unstable();
        found.dedup();
        assert!(found.is_empty(), "no Chinese for:\n{}", found.join("\n"));
    }

    #[test]
    fn the_help_lists_every_command_with_what_it_does() {
        let help = definition().render_help().to_string();
        for command in definition().get_subcommands().filter(|command| !command.is_hide_set()) {
            assert!(command.get_about().is_some(), "{} says nothing about itself", command.get_name());
            assert!(help.contains(&format!("\n  {} ", command.get_name())), "{}", command.get_name());
        }
    }

    #[test]
    fn the_chinese_definition_is_the_same_command_line() {
        definition_in(Lang::Zh).debug_assert();
        let command = definition_in(Lang::Zh);
        let help = command.clone().render_help().to_string();
        assert!(help.contains("用法：tmuxagent") && help.contains("子命令:"), "{help}");
        for arguments in [&["tmuxagent", "send", "%3", "x", "--json"][..], &["tmuxagent", "help", "send"]] {
            let english = definition().try_get_matches_from(arguments).map_err(|error| error.kind());
            let chinese = command.clone().try_get_matches_from(arguments).map_err(|error| error.kind());
            assert_eq!(english.is_ok(), chinese.is_ok());
        }
    }
}
