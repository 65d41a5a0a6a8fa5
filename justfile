# Shortcuts for those who work on tmuxagent. `just --list` shows them; each is one plain command.

# Everything but the tests that drive the real tmux for minutes.
test-fast *ARGS:
    cargo nextest run --workspace --locked -E 'not binary(e2e) and not binary(soak) and not binary(scale) and not test(simulation)' {{ARGS}}

# End-to-end tests whose name holds NAME: real tmux, sshd, child processes.
e2e NAME:
    cargo nextest run --locked --test e2e {{NAME}}

# Look at changed snapshots one after another (needs cargo-insta).
snap *ARGS:
    cargo insta review {{ARGS}}

# The real Codex and Claude Code in real panes with a scripted model; needs npm. `just agents-live --help` names the options.
agents-live *ARGS:
    cargo test --locked --test live -- {{ARGS}}

# Generated commands with hostile values in real shells: 10000 unless said, where the usual run tries 150.
shell-figures COMMANDS='10000':
    TMUXAGENT_GENERATED_COMMANDS={{COMMANDS}} cargo nextest run --locked --test it shelldata --no-capture

# Decisions through every surface while the supervisor is killed around them: how many were lost, done twice, told wrongly.
# Figures here are those of the build under test; TMUXAGENT_PROGRAM=FILE names another one, a release.
decision-figures KILLS='1000':
    TMUXAGENT_DECISION_KILLS={{KILLS}} cargo nextest run --locked --test e2e decisions_figures --no-capture

# Connections that strangers hold open at the server of links, and the slowest answer that the owner got meanwhile.
connection-figures:
    cargo nextest run --workspace --locked --no-capture -E 'test(=web::serve::tests::thousands_of_half_sent_requests_hold_a_few_places_and_the_owner_gets_in)'

# Keys of every kind of action while the reader of their pane changes: how many were typed, held, asked about, and wrong.
reader-figures SENDS='10000':
    TMUXAGENT_READER_SENDS={{SENDS}} cargo nextest run --locked --test e2e readers_figures --no-capture

# Commands with every ending while the supervisor is killed, stopped, reloaded: wrong verdicts, and what was typed too often.
verdict-figures RUNS='1000':
    TMUXAGENT_VERDICT_RUNS={{RUNS}} cargo nextest run --locked --test e2e verdicts_figures --no-capture

# Recorded real runs replayed, and each compared with what happened: 100 unless said, where the usual run tries 2.
replay-figures RUNS='100':
    TMUXAGENT_REPLAYED_RUNS={{RUNS}} cargo nextest run --locked --test e2e replayed --no-capture

# All benchmarks, or one: `just bench watch`.
bench NAME='':
    cargo bench --locked {{ if NAME == '' { '' } else { '--bench ' + NAME } }}

# Fuzz one target, ten minutes unless said: `just fuzz lines 60`.
fuzz TARGET SECONDS='600':
    fuzz/run {{TARGET}} {{SECONDS}}

# The rules of style alone: seconds instead of minutes.
lint:
    cargo fmt --check
    cargo clippy --workspace --locked --all-targets -- -D warnings

# Licences, advisories, bans and sources of all dependencies (needs cargo-deny).
deny:
    cargo deny check
