# Begins the user's shell in a pane of a workspace, as tmux does, with tmuxagent's shell integration behind the user's own
# files, none of which is touched. usage: start TMUX
d=${0%/*}
c=$("$1" show-options -gv default-command 2>/dev/null)
if [ -n "$c" ]; then
    exec "${SHELL:-/bin/sh}" -c "$c"
fi
s=${SHELL:-/bin/sh}
case ${s##*/} in
    bash) exec "$s" --rcfile "$d/bash" ;;
    zsh)
        if [ -n "${ZDOTDIR+x}" ]; then
            TMUXAGENT_ZDOTDIR=$ZDOTDIR
            export TMUXAGENT_ZDOTDIR
        fi
        ZDOTDIR=$d/zsh
        export ZDOTDIR
        exec "$s" -l
        ;;
    # fish splits at no blank here: the variable is one word.
    fish)
        TMUXAGENT_SHELL_INIT=$d/fish
        export TMUXAGENT_SHELL_INIT
        exec "$s" -l -C 'source $TMUXAGENT_SHELL_INIT; set -e TMUXAGENT_SHELL_INIT'
        ;;
    sh | dash | ash | ksh | ksh93 | mksh)
        if [ -n "${ENV+x}" ]; then
            TMUXAGENT_ENV=$ENV
            export TMUXAGENT_ENV
        fi
        ENV=$d/sh
        export ENV
        exec "$s" -l
        ;;
    *) exec "$s" -l ;;
esac
