#!/bin/sh
# Whether a tmux server survives that busy panes are respawned while it is watched; not part of the tests that run by
# themselves. usage: respawns.sh TMUXAGENT TMUX [ROUNDS]; each round respawns four panes.
set -eu
agent=$1; tmux=$2; rounds=${3:-500}
home=$(mktemp -d); socket=$home/s
supervisor=
trap '[ -z "$supervisor" ] || kill "$supervisor"; "$tmux" -S "$socket" kill-server 2>/dev/null || :; rm -rf "$home"' EXIT
t() { "$tmux" -S "$socket" -f /dev/null "$@"; }
busy='while :; do seq 1 300; sleep 0.01; done'
t new-session -d -s s -n w0 -x 120 -y 30 "$busy"
for n in 1 2 3; do t new-window -d -t s: -n "w$n" "$busy"; done
if [ "$agent" != none ]; then
    env -i PATH="$PATH" HOME="$home" LANG=C.UTF-8 TMUXAGENT_STATE_DIR="$home/state" \
        sh -c 'printf "hosts:\n  - name: local\n    tmux: {bin: %s, socket: %s}\n" "$2" "$3" >"$HOME/c.yaml"; exec "$1" --headless --config "$HOME/c.yaml"' \
        sh "$agent" "$tmux" "$socket" >"$home/log" 2>&1 &
    supervisor=$!
    for _ in $(seq 1 100); do
        [ "$(t list-panes -a -F '#{window_name} #{pane_pipe}' | grep -c '^w. 1')" = 4 ] && break
        sleep 0.1
    done
fi
n=0
while [ "$n" -lt "$rounds" ]; do
    for w in 0 1 2 3; do
        t respawn-pane -k -t "s:w$w" "$busy" 2>/dev/null || { echo "$tmux: dead after $((n * 4 + w)) respawns"; exit 1; }
    done
    n=$((n + 1))
done
piped=$(t list-panes -a -F '#{window_name} #{pane_pipe}' | grep -c '^w. 1' || :)
echo "$tmux: alive after $((rounds * 4)) respawns, $piped of 4 panes piped"
