# tmuxagent: zsh tells the pane where its prompt ends, which line begins and with which code it ended, by marks that
# terminals do not draw (OSC 133). Last line of ~/.zshrc:
#
#   eval "$(tmuxagent shell-init zsh)"
#
# Nothing changes outside tmux, in scripts, or when it is read twice; $? and the prompt stay as they are.
if [[ -o interactive && -n ${TMUX-} && -z ${__tmuxagent_key-} ]]; then
    # No program that runs here sees the key, so none can speak for this shell.
    typeset -g __tmuxagent_key=$(LC_ALL=C command od -An -N8 -tx1 /dev/urandom 2>/dev/null)
    __tmuxagent_key=${__tmuxagent_key//[^0-9a-f]/}
    typeset -gi __tmuxagent_number=1 __tmuxagent_ran=0

    __tmuxagent_prompts() {
        local -i code=$?
        emulate -L zsh
        if ((__tmuxagent_ran)); then
            builtin printf '\e]133;D;%s;ta=sh.%s.%s\a' $code $__tmuxagent_key $__tmuxagent_number >&2
            __tmuxagent_ran=0
            __tmuxagent_number+=1
        fi
        builtin printf '\e]133;A;ta=sh.%s.%s\a' $__tmuxagent_key $__tmuxagent_number >&2
        return $code
    }

    # Whatever made the prompt, its end is marked.
    __tmuxagent_marked() {
        if [[ -o prompt_percent && ${PS1-} != *"$__tmuxagent_key"* ]]; then
            typeset +x PS1
            PS1=${PS1-}$'%{\e]133;B;ta=sh.'$__tmuxagent_key$'\a%}'
        fi
    }

    __tmuxagent_begins() {
        emulate -L zsh -o extended_glob -o no_multibyte
        local MATCH MBEGIN MEND line=$1
        __tmuxagent_ran=1
        # Its line goes with it, as kitty's do: percent-encoded, where it is not long.
        ((${#line} <= 600)) || line=
        line=${line//(#m)[^A-Za-z0-9_.\/-]/%${(l:2::0:)$(([##16]#MATCH))}}
        builtin printf '\e]133;C;cmdline_url=%s;ta=sh.%s.%s\a' "$line" $__tmuxagent_key $__tmuxagent_number >&2
    }

    # What a new pane prints first is not always heard. So the end of the first prompt is marked twice more a little later,
    # where nothing stands behind it by then.
    __tmuxagent_again() {
        if [[ -z $BUFFER$PREBUFFER && ${CONTEXT-} == start ]]; then
            builtin printf '\e]133;B;ta=sh.%s\a' $__tmuxagent_key >&2
        fi
    }
    __tmuxagent_later() {
        builtin zle && builtin zle __tmuxagent_again
    }

    if [[ -n $__tmuxagent_key ]]; then
        if zmodload zsh/sched 2>/dev/null; then
            builtin zle -N __tmuxagent_again
            builtin sched +2 __tmuxagent_later
            builtin sched +6 __tmuxagent_later
        fi
        autoload -Uz add-zsh-hook
        precmd_functions=(__tmuxagent_prompts ${precmd_functions-} __tmuxagent_marked)
        add-zsh-hook preexec __tmuxagent_begins
    fi
fi
