//! `tmuxagent serve`: who may open the panel. Works on the file of people, so that no supervisor need run.

use super::doctor::alerts::{is_only_here, what_phones_see};
use super::{CliError, Outcome, Session, Tone, exit, lease, threads};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use std::io::IsTerminal as _;
use tmuxagent_clock::wall;
use tmuxagent_config::Loaded;
use tmuxagent_model::Millis;
use tmuxagent_panel::people::{AccessKind, People, Role, valid_name};
use tmuxagent_text::{Lang, ago, clean, span};

#[derive(Debug, Subcommand)]
pub(super) enum ServeCommand {
    /// Print a link that signs somebody in to the panel: once, within a day
    Invite(GiveArgs),
    /// Print a token for somebody's scripts, sent as `Authorization: Bearer TOKEN`
    Token(GiveArgs),
    /// List who may open the panel
    People(PeopleArgs),
    /// Take back all that lets somebody in
    Revoke(RevokeArgs),
}

#[derive(Debug, Args)]
pub(super) struct GiveArgs {
    /// The name that decisions are recorded with
    name: String,
    /// What they may do: view, decide, or admin, who also runs stages again and types into panes
    #[arg(long, value_enum, value_name = "ROLE", hide_possible_values = true)]
    role: RoleChoice,
    /// For how long
    #[arg(long = "for", value_name = "SPAN", default_value = "30d")]
    span: String,
}

#[derive(Debug, Args)]
pub(super) struct PeopleArgs {}

#[derive(Debug, Args)]
pub(super) struct RevokeArgs {
    /// The name
    name: String,
}

/// A role as the flag names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RoleChoice {
    /// See everything.
    View,
    /// And decide.
    Decide,
    /// And run stages again, and type into panes.
    Admin,
}

impl From<RoleChoice> for Role {
    fn from(choice: RoleChoice) -> Self {
        match choice {
            RoleChoice::View => Self::View,
            RoleChoice::Decide => Self::Decide,
            RoleChoice::Admin => Self::Admin,
        }
    }
}

/// The longest time that somebody is let in for.
const LONGEST: Millis = Millis::from_secs(366 * 86_400);

/// Runs one of them.
pub(super) fn run(session: &Session, command: &ServeCommand) -> Outcome {
    match command {
        ServeCommand::Invite(args) => invite(session, args),
        ServeCommand::Token(args) => token(session, args),
        ServeCommand::People(_) => people(session),
        ServeCommand::Revoke(args) => revoke(session, args),
    }
}

fn book(loaded: &Loaded) -> Result<People, CliError> {
    loaded.paths.prepare()?;
    Ok(People::new(loaded.paths.people()))
}

fn unusable(error: std::io::Error) -> CliError {
    CliError::user(format!("the panel's people can't be read or written: {error}"), "see `tmuxagent config path`")
}

/// A name and a span that can be given.
fn given(args: &GiveArgs) -> Result<(String, Role, Millis), CliError> {
    let name = valid_name(&args.name).ok_or_else(|| {
        CliError::user("that is no name", "a name is one line of visible characters, at most 64: mei")
    })?;
    let span = lease::read_span(&args.span)?;
    if span == Millis(0) || span > LONGEST {
        return Err(CliError::user("--for is no such time", "name one up to a year: --for 30d"));
    }
    Ok((name, args.role.into(), span))
}

fn invite(session: &Session, args: &GiveArgs) -> Outcome {
    let (name, role, span) = given(args)?;
    let loaded = session.load()?;
    let Some(serve) = &loaded.config.serve else {
        return Err(CliError::user("the web server is off", "turn it on in the configuration: serve: true"));
    };
    let people = book(&loaded)?;
    let token = threads::runtime()?.block_on(people.invite(&name, role, span, wall())).map_err(unusable)?;
    let url = format!("{}/join?token={token}", serve.public_base_url.trim_end_matches('/'));
    let out = &session.out;
    if out.json {
        out.json(&json!({ "name": name, "role": role, "url": url }))?;
        return Ok(exit::OK);
    }
    out.verbatim(&url)?;
    let columns = crossterm::terminal::size().map_or(0, |(columns, _)| usize::from(columns));
    // A camera is another machine's.
    let elsewhere = !is_only_here(&serve.public_base_url);
    if elsewhere
        && std::io::stdout().is_terminal()
        && let Some(code) = code(&url, columns)
    {
        out.raw(&code)?;
    }
    if !elsewhere {
        let (what, how) = (
            out.lang.pick("only this machine can open this address, no phone", "只有本机能打开此地址，手机不能"),
            what_phones_see(out.lang),
        );
        out.warn(&format!("{what}{}{how}", out.lang.pick("; ", "；")));
        out.line(out.lang.pick(
            "Open it here within a day, and press the button on its page: the first browser in which it is pressed is signed in, and the \
             link is used up. Send it to nobody else.",
            "请在一天内在本机打开，然后按下页面上的按钮：最先按下的浏览器会登录，链接随即失效。请勿转发给他人。",
        ))?;
        return Ok(exit::OK);
    }
    out.line(out.lang.pick(
        "Open it within a day, or show the code to the phone's camera, and press the button on its page: the first browser in which \
         it is pressed is signed in, and the link is used up. Send it to nobody else.",
        "请在一天内打开，或用手机摄像头扫描二维码，然后按下页面上的按钮：最先按下的浏览器会登录，链接随即失效。请勿转发给他人。",
    ))?;
    Ok(exit::OK)
}

/// The address as a code for a camera, two rows of it in each of the terminal's: dark on light, whatever the terminal's own
/// colours are. `None` where so many columns don't hold it.
fn code(url: &str, columns: usize) -> Option<String> {
    const QUIET: usize = 2;
    let code = qrcode::QrCode::new(url).ok()?;
    let (width, colors) = (code.width(), code.to_colors());
    let dark = |row: usize, column: usize| {
        let at = |n: usize| n.checked_sub(QUIET).filter(|n| *n < width);
        at(row).zip(at(column)).is_some_and(|(row, column)| colors[row * width + column] == qrcode::Color::Dark)
    };
    let whole = width + 2 * QUIET;
    if whole > columns {
        return None;
    }
    let mut text = String::new();
    for row in (0..whole).step_by(2) {
        text.push_str("\u{1b}[30;107m");
        text.extend((0..whole).map(|column| match (dark(row, column), dark(row + 1, column)) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        }));
        text.push_str("\u{1b}[0m\n");
    }
    Some(text)
}

fn token(session: &Session, args: &GiveArgs) -> Outcome {
    let (name, role, span) = given(args)?;
    let people = book(&session.load()?)?;
    let token = threads::runtime()?.block_on(people.issue(&name, role, span, wall())).map_err(unusable)?;
    if session.out.json {
        session.out.json(&json!({ "name": name, "role": role, "token": token }))?;
    } else {
        session.out.verbatim(&token)?;
    }
    Ok(exit::OK)
}

fn people(session: &Session) -> Outcome {
    let now = wall();
    let known = book(&session.load()?)?;
    let known = threads::runtime()?.block_on(known.list(now)).map_err(unusable)?;
    let out = &session.out;
    if out.json {
        let access = |access: &tmuxagent_panel::people::Access| json!({ "kind": access.kind, "since": access.since, "until": access.until });
        let people = known.iter().map(|(name, person)| {
            let accesses: Vec<_> = person.accesses.iter().map(access).collect();
            json!({ "name": name, "role": person.role, "accesses": accesses })
        });
        out.json(&people.collect::<Vec<_>>())?;
        return Ok(exit::OK);
    }
    if known.is_empty() {
        out.line(out.lang.pick(
            "nobody may open the panel; `tmuxagent serve invite NAME --role decide` invites somebody",
            "没有人可以打开面板；`tmuxagent serve invite NAME --role decide` 发出邀请",
        ))?;
        return Ok(exit::OK);
    }
    let mut rows = Vec::new();
    for (name, person) in &known {
        for access in &person.accesses {
            rows.push(vec![
                (Tone::Bold, clean(name)),
                (Tone::Plain, role(out.lang, person.role).to_owned()),
                (Tone::Plain, kind(out.lang, access.kind).to_owned()),
                (Tone::Dim, ago(out.lang, now, access.since)),
                (Tone::Plain, span(out.lang, access.until.since(now))),
            ]);
        }
    }
    let heading = match out.lang {
        Lang::En => ["NAME", "ROLE", "BY", "SINCE", "ENDS IN"],
        Lang::Zh => ["姓名", "角色", "方式", "开始", "剩余时间"],
    };
    out.table(&heading, &rows)?;
    Ok(exit::OK)
}

/// A role, as the flag names it.
const fn role(lang: Lang, role: Role) -> &'static str {
    match role {
        Role::View => lang.pick("view", "查看"),
        Role::Decide => lang.pick("decide", "审批"),
        Role::Admin => lang.pick("admin", "管理"),
    }
}

/// What a token is for.
const fn kind(lang: Lang, kind: AccessKind) -> &'static str {
    match kind {
        AccessKind::Invitation => lang.pick("invitation", "邀请"),
        AccessKind::Browser => lang.pick("browser", "浏览器"),
        AccessKind::Script => lang.pick("script", "脚本"),
    }
}

fn revoke(session: &Session, args: &RevokeArgs) -> Outcome {
    let people = book(&session.load()?)?;
    if !threads::runtime()?.block_on(people.revoke(args.name.trim(), wall())).map_err(unusable)? {
        return Err(CliError::NotFound {
            text: format!("nobody named `{}` may open the panel", clean(&args.name)),
            hint: "`tmuxagent serve people` lists who may".to_owned(),
            candidates: Vec::new(),
        });
    }
    let out = &session.out;
    if out.json {
        out.json(&json!({ "revoked": args.name.trim() }))?;
    } else {
        out.line(out.lang.pick("Done: nothing lets them in any more.", "已完成：此人不能再进入。"))?;
    }
    Ok(exit::OK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_code_in_half_as_many_rows() {
        assert_eq!(code("https://box.example.org/join?token=abc", 20), None);
        let text = code("https://box.example.org/join?token=abc", 80).unwrap();
        let rows: Vec<&str> = text.lines().collect();
        let wide = rows[0].trim_start_matches("\u{1b}[30;107m").trim_end_matches("\u{1b}[0m").chars().count();
        assert_eq!(rows.len(), wide.div_ceil(2));
        assert!(rows[0].contains("[30;107m    ") || rows[0].starts_with("\u{1b}[30;107m  "), "a quiet border");
        assert!(text.contains('█') && text.contains('▀'));
    }
}
