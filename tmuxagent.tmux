#!/bin/sh
# tmuxagent as a plugin of tmux (the layout that TPM and others know):
#
#     set -g @plugin 'OWNER/tmuxagent'
#
# or without a plugin manager: run-shell /path/to/tmuxagent.tmux
#
# prefix + M opens the full view of the running supervisor in a popup, as tmux.conf.snippet does; another key:
#
#     set -g @tmuxagent-key A
#
# The program is looked for when the key is pressed: on the PATH of tmux, and where install.sh and cargo put it. Where it is
# missing, the status line says so. No other option or key is changed.
set -eu

# Beside the PATH: a tmux server may be older than the login that added these.
program() {
    command -v tmuxagent && return
    for folder in "$HOME/.local/bin" "${CARGO_HOME:-$HOME/.cargo}/bin"; do
        if [ -x "$folder/tmuxagent" ]; then
            echo "$folder/tmuxagent"
            return
        fi
    done
    return 1
}

quoted() {
    printf "'%s'" "$(printf %s "$1" | sed "s/'/'\\\\''/g")"
}

if [ "${1-}" = open ]; then
    client=$2
    if ! found=$(program); then
        tmux display-message -c "$client" "tmuxagent is not installed: see its README, or run install.sh"
    elif ! tmux list-commands | grep -q '^display-popup'; then
        tmux display-message -c "$client" "tmuxagent: this tmux has no popups, 3.2 or later is needed"
    else
        # The popup's end is not an error, however the view in it ended.
        tmux display-popup -c "$client" -w 90% -h 90% -E "$(quoted "$found") popup" || :
    fi
    exit 0
fi

key=$(tmux show-option -gqv @tmuxagent-key)
case "$0" in
    /*) self=$0 ;;
    *) self=$PWD/$0 ;;
esac
# A # in a path would begin a format.
self=$(quoted "$self" | sed 's/#/##/g')
tmux bind-key "${key:-M}" run-shell -b "$self open '#{client_name}'"
