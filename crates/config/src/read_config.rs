//! A tree → the valid configuration, or everything that is wrong with it.

use super::config::{
    Config, HostConfig, LanguageChoice, QuietHours, Recording, Retention, ServeConfig, SshConfig, TmuxConfig,
    TmuxSocket, Tree,
};
use super::expand::{fill, home};
use super::{Environment, Network, Secret};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tmuxagent_model::{HostName, Millis};
use tmuxagent_yaml::{Diagnostics, Fields, Kind, Node, Reader, Source};

/// The words of the key `language`.
pub(super) const LANGUAGES: &[(&str, LanguageChoice)] =
    &[("auto", LanguageChoice::Auto), ("en", LanguageChoice::English), ("zh", LanguageChoice::Chinese)];

/// Reads a configuration. Relative paths in it are below `folder`.
///
/// # Errors
/// All problems at once, in the order of the text.
pub fn read(source: &Source, folder: &Path, environment: &Environment) -> Result<Config, Diagnostics> {
    let reader = Reader::new(source);
    let mut tree = reader.tree();
    if let Some(tree) = &mut tree {
        fill(tree, environment, &reader);
    }
    let top = tree.as_ref().and_then(|tree| reader.map(tree, ""));
    let config = top.map(|top| Context { environment, folder }.top(top));
    reader.finish().judge(config)
}

struct Context<'e> {
    environment: &'e Environment,
    folder: &'e Path,
}

impl Context<'_> {
    fn top(&self, top: Fields<'_, '_>) -> Config {
        let default = Config::default();
        let tmux = self.tmux_defaults(&top);
        let hosts = match top.get("hosts") {
            Some(node) => self.hosts(top.reader(), node, &tmux),
            None => vec![HostConfig { name: HostName::local(), ssh: None, tmux: tmux.clone() }],
        };
        let variable = |name: &str| self.environment.non_empty(name);
        let config = Config {
            language: top.word("language", LANGUAGES).unwrap_or_default(),
            hosts,
            policy: top.texts("policy").unwrap_or_default().iter().map(|text| self.path(text)).collect(),
            sqlite_path: top.text("sqlite_path").map(|text| self.path(text)),
            approval_dir: top.text("approval_dir").map(|text| self.path(text)),
            undo: top.duration("undo").unwrap_or(default.undo),
            stage_timeout: top.duration("stage_timeout").unwrap_or(default.stage_timeout),
            hold: top.duration("hold").unwrap_or(default.hold),
            retention: top.map("retention").map(retention).unwrap_or_default(),
            record: top.get("record").map(|node| recording(top.reader(), node)).unwrap_or_default(),
            quiet_hours: top.get("quiet_hours").and_then(|node| quiet_hours(top.reader(), node)),
            serve: top.get("serve").and_then(|node| self.serve(top.reader(), node)),
            metrics: top.get("metrics").and_then(|node| metrics(top.reader(), node)),
            approval_secret: variable("APPROVAL_SECRET").map(Secret::new),
            notify: top.get("notify").cloned().map(Tree).or_else(|| {
                let word = variable("SENTRY_NOTIFY_CHANNEL")?.to_owned();
                Some(Tree(Node::of_text(top.at(), word)))
            }),
            channels: top.get("channels").cloned().map(Tree),
        };
        top.finish();
        config
    }

    /// `tmux:`, `tmux_bin` and `poll_interval_ms` at the top hold for every host that says nothing else.
    fn tmux_defaults(&self, top: &Fields<'_, '_>) -> TmuxConfig {
        let mut tmux = TmuxConfig::default();
        if let Some(bin) = top.text("tmux_bin") {
            tmux.bin = self.program(bin);
        }
        if let Some(pace) = top.number("poll_interval_ms", POLL_INTERVAL) {
            tmux.poll_interval = Millis(pace);
        }
        match top.map("tmux") {
            Some(fields) => self.tmux(fields, &tmux),
            None => tmux,
        }
    }

    fn tmux(&self, fields: Fields<'_, '_>, default: &TmuxConfig) -> TmuxConfig {
        let tmux = TmuxConfig {
            socket: fields.text("socket").map_or_else(
                || default.socket.clone(),
                |text| match TmuxSocket::parse(text) {
                    TmuxSocket::Path(_) => TmuxSocket::Path(home(text, self.environment)),
                    other => other,
                },
            ),
            bin: fields.text("bin").map_or_else(|| default.bin.clone(), |text| self.program(text)),
            session_filters: patterns(&fields, "session_filters").unwrap_or_else(|| default.session_filters.clone()),
            pane_name_patterns: patterns(&fields, "pane_name_patterns")
                .unwrap_or_else(|| default.pane_name_patterns.clone()),
            capture_lines: fields
                .number("capture_lines", 50..=100_000)
                .and_then(|n| u32::try_from(n).ok())
                .unwrap_or(default.capture_lines),
            poll_interval: fields.number("poll_interval_ms", POLL_INTERVAL).map_or(default.poll_interval, Millis),
        };
        fields.finish();
        tmux
    }

    fn hosts(&self, reader: &Reader<'_>, node: &Node, default: &TmuxConfig) -> Vec<HostConfig> {
        let mut hosts: Vec<HostConfig> = Vec::new();
        for (n, item) in reader.list(node).iter().enumerate() {
            let Some(host) = self.host(reader, item, &format!("hosts[{n}]"), default) else { continue };
            if hosts.iter().any(|other| other.name == host.name) {
                let place = item.get("name").map_or(item.at, |name| name.at);
                reader.error_with(
                    "twice",
                    place,
                    format!("a second host is named `{}`", host.name),
                    "give it another name",
                );
            }
            hosts.push(host);
        }
        if hosts.is_empty() && reader.list(node).is_empty() {
            reader.error_with("no-value", node.at, "`hosts` is empty", "leave the key out to watch this machine");
        }
        hosts
    }

    fn host(&self, reader: &Reader<'_>, node: &Node, path: &str, default: &TmuxConfig) -> Option<HostConfig> {
        let fields = reader.map(node, path)?;
        let name = fields.require("name").and_then(|name| host_name(reader, name, &fields.path("name")));
        let place = fields.get("ssh");
        let ssh = place.map(|node| self.ssh(reader, node, &fields.path("ssh")));
        if let (Some(HostName(name)), Some(place)) = (&name, place)
            && name == "local"
        {
            reader.error_with(
                "reserved-name",
                place.at,
                "`local` is this machine and has no `ssh`",
                "give the host another name",
            );
        }
        let tmux = fields.map("tmux").map_or_else(|| default.clone(), |tmux| self.tmux(tmux, default));
        fields.finish();
        // A host with a wrong `ssh` must never become this machine.
        let ssh = match ssh {
            Some(ssh) => Some(ssh?),
            None => None,
        };
        Some(HostConfig { name: name?, ssh, tmux })
    }

    fn ssh(&self, reader: &Reader<'_>, node: &Node, path: &str) -> Option<SshConfig> {
        if let Some(alias) = node.as_text() {
            let host = ssh_name(reader, node, alias, path)?;
            return Some(SshConfig { host, ..SshConfig::default() });
        }
        let fields = reader.map_of(node, path, "the name of a host, or a map with `host`")?;
        let name = |key: &'static str| {
            let node = fields.get(key)?;
            ssh_name(reader, node, reader.text(node, &fields.path(key))?, &fields.path(key))
        };
        let host = fields.require("host").and_then(|_| name("host"));
        let ssh = SshConfig {
            host: host.clone().unwrap_or_default(),
            port: fields.number("port", 1..=65_535).and_then(|n| u16::try_from(n).ok()),
            user: name("user"),
            key: fields.text("key").map(|text| home(text, self.environment)),
            jump: name("jump"),
            options: fields
                .get("options")
                .map(|node| ssh_options(reader, node, &fields.path("options")))
                .unwrap_or_default(),
        };
        fields.finish();
        host.map(|_| ssh)
    }

    fn serve(&self, reader: &Reader<'_>, node: &Node) -> Option<ServeConfig> {
        let fallback = SocketAddr::from(([127, 0, 0, 1], 8787));
        let base = |bind: SocketAddr| {
            let named = self.environment.non_empty("PUBLIC_BASE_URL").map(|url| url.trim_end_matches('/').to_owned());
            named.unwrap_or_else(|| format!("http://{bind}"))
        };
        if let Some(on) = node.as_flag() {
            return on.then(|| ServeConfig {
                bind: fallback,
                public_base_url: base(fallback),
                pin: None,
                trusted_proxies: Vec::new(),
            });
        }
        let fields = reader.map_of(node, "serve", "`true`, `false` or a map with `bind`")?;
        let enabled = fields.bool("enabled").unwrap_or(true);
        let bind = fields.get("bind").and_then(|node| address(reader, node, "serve.bind")).unwrap_or(fallback);
        let url = fields.get("public_base_url").and_then(|node| web_address(reader, node));
        let pin = fields.get("pin").and_then(|node| {
            let pin = reader.text(node, "serve.pin")?;
            if pin.chars().count() < 4 {
                reader.error("too-short", node.at, "`serve.pin` must have at least 4 characters");
            }
            Some(Secret::new(pin))
        });
        let trusted_proxies = fields.get("trusted_proxies").map(|node| proxies(reader, node)).unwrap_or_default();
        fields.finish();
        let public_base_url = url.unwrap_or_else(|| base(bind));
        enabled.then_some(ServeConfig { bind, public_base_url, pin, trusted_proxies })
    }

    fn path(&self, text: &str) -> PathBuf {
        // Joining an absolute path gives that path.
        self.folder.join(home(text, self.environment))
    }

    /// A program's name stays a name, so that `PATH` finds it.
    fn program(&self, text: &str) -> String {
        if text.starts_with('~') { home(text, self.environment).display().to_string() } else { text.to_owned() }
    }
}

/// From 20 a second to one in ten minutes.
const POLL_INTERVAL: std::ops::RangeInclusive<u64> = 50..=600_000;

fn retention(fields: Fields<'_, '_>) -> Retention {
    let default = Retention::default();
    let retention = Retention {
        journal: fields.duration("journal").unwrap_or(default.journal),
        runs: fields.duration("runs").unwrap_or(default.runs),
        database_size: fields.size("database_size").unwrap_or(default.database_size),
        recordings: fields.duration("recordings").unwrap_or(default.recordings),
        recordings_size: fields.size("recordings_size").unwrap_or(default.recordings_size),
    };
    fields.finish();
    retention
}

fn recording(reader: &Reader<'_>, node: &Node) -> Recording {
    if let Some(enabled) = node.as_flag() {
        return Recording { enabled, ..Recording::default() };
    }
    let Some(fields) = reader.map_of(node, "record", "`true`, `false` or a map with `enabled` and `exclude`") else {
        return Recording::default();
    };
    let recording = Recording {
        enabled: fields.bool("enabled").unwrap_or(true),
        exclude: patterns(&fields, "exclude").unwrap_or_default(),
    };
    fields.finish();
    recording
}

/// `22:00-07:30`.
fn quiet_hours(reader: &Reader<'_>, node: &Node) -> Option<QuietHours> {
    let text = reader.text(node, "quiet_hours")?;
    let minute = |text: &str| {
        let (hour, minute) = text.trim().split_once(':')?;
        let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
        (hour < 24 && minute < 60 || (hour, minute) == (24, 0)).then_some((hour * 60 + minute) % 1440)
    };
    let hours = text.split_once('-').and_then(|(from, to)| Some(QuietHours { from: minute(from)?, to: minute(to)? }));
    if hours.is_none() {
        reader.error("bad-duration", node.at, "`quiet_hours` must be a span of the day such as `22:00-07:30`");
    }
    hours
}

/// A list of globs or `/regular expressions/`, each possibly after `!`; all compile.
fn patterns(fields: &Fields<'_, '_>, key: &'static str) -> Option<Vec<String>> {
    let node = fields.get(key)?;
    let reader = fields.reader();
    let mut texts = Vec::new();
    for (n, item) in reader.list(node).iter().enumerate() {
        let Some(text) = reader.text(item, &format!("{}[{n}]", fields.path(key))) else { continue };
        if let Err(error) = tmuxagent_model::check_pattern(text) {
            reader.error("bad-regex", item.at, error);
        }
        texts.push(text.to_owned());
    }
    Some(texts)
}

fn host_name(reader: &Reader<'_>, node: &Node, path: &str) -> Option<HostName> {
    let text = reader.text(node, path)?;
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.is_empty() || text.chars().count() > 40 || !text.chars().all(allowed) {
        reader.error_with(
            "bad-name",
            node.at,
            format!("`{text}` is not the name of a host"),
            "up to 40 letters, digits, `-`, `_` and `.`",
        );
        return None;
    }
    Some(HostName::new(text))
}

/// A word for ssh's command line: it must not look like an option, or hold blanks.
fn ssh_name(reader: &Reader<'_>, node: &Node, text: &str, path: &str) -> Option<String> {
    if text.is_empty() || text.starts_with('-') || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        reader.error(
            "bad-name",
            node.at,
            format!("`{path}` must be a name without blanks that does not begin with `-`"),
        );
        return None;
    }
    Some(text.to_owned())
}

/// A list of `Name=value`, or a map.
fn ssh_options(reader: &Reader<'_>, node: &Node, path: &str) -> Vec<String> {
    let options = match &node.kind {
        Kind::Map(entries) => entries
            .iter()
            .filter_map(|(key, value)| Some(format!("{}={}", key.text, reader.text(value, path)?)))
            .collect(),
        _ => reader.texts(node, path),
    };
    for option in &options {
        let name = option.split('=').next().unwrap_or_default();
        if !option.contains('=') || name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric()) {
            reader.error("bad-option", node.at, format!("`{option}` in `{path}` must have the form `Name=value`"));
        }
        let value = option.split_once('=').map_or("", |(_, value)| value.trim()).to_ascii_lowercase();
        let strict = matches!(value.as_str(), "yes" | "ask" | "true");
        if name.eq_ignore_ascii_case("StrictHostKeyChecking") && !strict {
            reader.error_with(
                "unsafe-option",
                node.at,
                format!("`{option}` would accept an unknown machine in this host's place"),
                "leave it out, and settle an unknown key once with `ssh HOST`",
            );
        }
        if name.eq_ignore_ascii_case("BatchMode") && !matches!(value.as_str(), "yes" | "true") {
            reader.error_with(
                "unsafe-option",
                node.at,
                format!("`{option}` would let ssh ask for a password on the screen"),
                "leave it out, and give the host your key with `ssh-copy-id HOST`",
            );
        }
    }
    options
}

/// Where metrics are told, where they are.
fn metrics(reader: &Reader<'_>, node: &Node) -> Option<SocketAddr> {
    let usual = SocketAddr::from(([127, 0, 0, 1], 9108));
    if let Some(on) = node.as_flag() {
        return on.then_some(usual);
    }
    let fields = reader.map_of(node, "metrics", "`true`, `false` or a map with `listen`")?;
    let listen = fields.get("listen").and_then(|node| address(reader, node, "metrics.listen"));
    fields.finish();
    Some(listen.unwrap_or(usual))
}

fn address(reader: &Reader<'_>, node: &Node, path: &str) -> Option<SocketAddr> {
    let text = reader.text(node, path)?;
    let found = text.replace("localhost", "127.0.0.1").parse().ok();
    if found.is_none() {
        reader.error(
            "bad-url",
            node.at,
            format!("`{path}` must be address and port such as `127.0.0.1:8787`, not `{text}`"),
        );
    }
    found
}

/// A list of addresses and networks.
fn proxies(reader: &Reader<'_>, node: &Node) -> Vec<Network> {
    let mut found = Vec::new();
    for (n, item) in reader.list(node).iter().enumerate() {
        let path = format!("serve.trusted_proxies[{n}]");
        let Some(text) = reader.text(item, &path) else { continue };
        match Network::parse(text) {
            Some(network) => found.push(network),
            None => reader.error(
                "bad-url",
                item.at,
                format!(
                    "`{path}` must be an address such as `127.0.0.1` or a network such as `10.0.0.0/8`, not `{text}`"
                ),
            ),
        }
    }
    found
}

fn web_address(reader: &Reader<'_>, node: &Node) -> Option<String> {
    let text = reader.text(node, "serve.public_base_url")?.trim_end_matches('/');
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    if host.is_none_or(|host| host.is_empty() || host.contains(char::is_whitespace) || host.contains(['?', '#'])) {
        reader.error(
            "bad-url",
            node.at,
            "`serve.public_base_url` must be a web address such as `https://box.example.org`",
        );
        return None;
    }
    Some(text.to_owned())
}
