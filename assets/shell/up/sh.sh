# The user's own ENV file first, then tmuxagent's lines.
if [ -n "${TMUXAGENT_ENV+x}" ]; then
    ENV=$TMUXAGENT_ENV
    export ENV
    unset TMUXAGENT_ENV
    if [ -r "$ENV" ]; then . "$ENV"; fi
else
    unset ENV
fi
