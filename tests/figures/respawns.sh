#!/bin/sh
# Whether a tmux server survives that busy panes are respawned, killed and opened while it is watched; not part of the tests
# that run by themselves. usage: respawns.sh TMUXAGENT|none TMUX [ROUNDS]; each round respawns four panes, and kills one pane
# and one window that print, with new ones in their place.
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
t split-window -d -t s:w0 "$busy"
t new-window -d -t s: -n killed "$busy"
n=0 respawns=0 kills=0
dead() { echo "$tmux: dead after $respawns respawns and $kills kills"; exit 1; }
while [ "$n" -lt "$rounds" ]; do
    for w in 0 1 2 3; do
        t respawn-pane -k -t "s:w$w.0" "$busy" 2>/dev/null || dead
        respawns=$((respawns + 1))
    done
    t kill-pane -t "s:w0.1" 2>/dev/null && t split-window -d -t "s:w0.0" "$busy" 2>/dev/null || dead
    kills=$((kills + 1))
    t kill-window -t "s:killed" 2>/dev/null && t new-window -d -t s: -n killed "$busy" 2>/dev/null || dead
    kills=$((kills + 1)) n=$((n + 1))
done
all=0 piped=0
for _ in $(seq 1 50); do
    all=$(t list-panes -s -t s -F '#{pane_pipe}' | grep -c . || :) piped=$(t list-panes -s -t s -F '#{pane_pipe}' | grep -c 1 || :)
    [ "$agent" = none ] || [ "$piped" != "$all" ] || break
    [ "$agent" != none ] || break
    sleep 0.1
done
echo "$tmux: alive after $respawns respawns and $kills kills, $piped of $all panes piped"
