# tmuxagent: bash (4.4 or newer) tells the pane where its prompt ends, which line begins and with which code it ended, by
# marks that terminals do not draw (OSC 133). Last line of ~/.bashrc:
#
#   eval "$(tmuxagent shell-init bash)"
#
# Nothing changes outside tmux, in scripts, or when it is read twice; $?, PS0, PS1 and PROMPT_COMMAND stay as they are.
if [[ $- == *i* && -n ${TMUX-} && -z ${__tmuxagent_key-} ]] &&
    ((BASH_VERSINFO[0] > 4 || (BASH_VERSINFO[0] == 4 && BASH_VERSINFO[1] >= 4))); then
    # No program that runs here sees the key, so none can speak for this shell.
    __tmuxagent_key=$(LC_ALL=C command od -An -N8 -tx1 /dev/urandom 2>/dev/null)
    __tmuxagent_key=${__tmuxagent_key//[!0-9a-f]/}
    __tmuxagent_number=1 __tmuxagent_ran=0

    # First of what comes before a prompt: the last command has ended.
    __tmuxagent_ended() {
        local code=$?
        if ((__tmuxagent_ran)); then
            builtin printf '\e]133;D;%s;ta=sh.%s.%s\a' "$code" "$__tmuxagent_key" "$__tmuxagent_number" >&2
            __tmuxagent_ran=0 __tmuxagent_number=$((__tmuxagent_number + 1))
        fi
        builtin printf '\e]133;A;ta=sh.%s.%s\a' "$__tmuxagent_key" "$__tmuxagent_number" >&2
        return "$code"
    }

    # Last of it: whatever made the prompt, its end is marked.
    __tmuxagent_marked() {
        local code=$?
        if [[ ${PS1-} != *'133;B;ta=sh.'* ]]; then
            PS1=${PS1-}'\[\e]133;B;ta=sh.${__tmuxagent_key-}\a\]'
        fi
        if [[ ${PS0-} != *'133;C;ta=sh.'* ]]; then
            # Shown when a line was read and is about to run. The expansion is empty; it only counts.
            PS0=${PS0-}'${__tmuxagent_key:0:$((__tmuxagent_ran = 1, 0))}\e]133;C;ta=sh.${__tmuxagent_key}.${__tmuxagent_number}\a'
        fi
        return "$code"
    }

    if [[ -n $__tmuxagent_key ]]; then
        # A shell inside that does not read this file knows none of these functions.
        export -n PROMPT_COMMAND PS0
        if [[ $(declare -p PROMPT_COMMAND 2>/dev/null) == 'declare -a'* ]]; then
            PROMPT_COMMAND=(__tmuxagent_ended "${PROMPT_COMMAND[@]}" __tmuxagent_marked)
        else
            PROMPT_COMMAND=__tmuxagent_ended$'\n'${PROMPT_COMMAND-}$'\n'__tmuxagent_marked
        fi
    fi
fi
