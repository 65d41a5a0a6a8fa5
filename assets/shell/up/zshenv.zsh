# Gives ZDOTDIR back, so that zsh reads the user's own files from here on, and loads tmuxagent's lines before the first
# prompt, when all of them have been read.
if [[ -n ${TMUXAGENT_ZDOTDIR+x} ]]; then
    export ZDOTDIR=$TMUXAGENT_ZDOTDIR
    unset TMUXAGENT_ZDOTDIR
else
    unset ZDOTDIR
fi
if [[ -o interactive ]]; then
    typeset -g __tmuxagent_file=${${(%):-%x}:A:h:h}/zshlines
    __tmuxagent_first() {
        local -i code=$?
        precmd_functions=(${precmd_functions:#__tmuxagent_first})
        source $__tmuxagent_file
        if (($+functions[__tmuxagent_prompts])); then
            __tmuxagent_prompts
            __tmuxagent_marked
        fi
        unset __tmuxagent_file
        unfunction __tmuxagent_first
        return code
    }
    typeset -ga precmd_functions
    precmd_functions+=(__tmuxagent_first)
fi
if [[ -r ${ZDOTDIR-$HOME}/.zshenv ]]; then
    source "${ZDOTDIR-$HOME}/.zshenv"
fi
