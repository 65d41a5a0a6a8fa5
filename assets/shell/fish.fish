# tmuxagent: fish tells the pane where its prompt ends, which line begins and with which code it ended, by marks that
# terminals do not draw (OSC 133). fish 4 does so itself; these marks bear a key as well. Last line of
# ~/.config/fish/config.fish:
#
#   tmuxagent shell-init fish | source
#
# Nothing changes outside tmux, in scripts, or when it is read twice; $status and the prompt stay as they are.
if status is-interactive; and set -q TMUX; and not set -q __tmuxagent_key
    # No program that runs here sees the key, so none can speak for this shell.
    set -g __tmuxagent_key (env LC_ALL=C od -An -N8 -tx1 /dev/urandom 2>/dev/null | string replace -ra '[^0-9a-f]' '')
    set -g __tmuxagent_number 1

    function __tmuxagent_begins --on-event fish_preexec
        # Its line goes with it, as kitty's do: percent-encoded, where it is not long.
        set -l line (string escape --style=url -- "$argv[1]")
        test (string length -- "$line") -le 2000; or set line
        builtin printf '\e]133;C;cmdline_url=%s;ta=sh.%s.%s\a' "$line" $__tmuxagent_key $__tmuxagent_number >&2
    end

    function __tmuxagent_ended --on-event fish_postexec
        set -l code $status
        builtin printf '\e]133;D;%s;ta=sh.%s.%s\a' $code $__tmuxagent_key $__tmuxagent_number >&2
        set -g __tmuxagent_number (math $__tmuxagent_number + 1)
    end

    function __tmuxagent_drawing --on-event fish_prompt
        builtin printf '\e]133;A;ta=sh.%s.%s\a' $__tmuxagent_key $__tmuxagent_number >&2
    end

    function __tmuxagent_status
        return $argv[1]
    end

    # Whatever makes the prompt, its end is marked.
    if functions -q fish_prompt
        functions -c fish_prompt __tmuxagent_prompt
        function fish_prompt
            set -l code $status
            __tmuxagent_status $code
            __tmuxagent_prompt
            builtin printf '\e]133;B;ta=sh.%s\a' $__tmuxagent_key
        end
    end
end
