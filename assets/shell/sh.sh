# tmuxagent: a plain shell (dash, ash, ksh) tells the pane where its prompt ends, by marks that terminals do not draw
# (OSC 133). It has no way to tell that a command begins, or its code: what tmuxagent types there still brings its own
# marks. In the file that ENV names (`export ENV="$HOME/.shrc"` in ~/.profile), last:
#
#   eval "$(tmuxagent shell-init sh)"
#
# Nothing changes outside tmux, in scripts, or when it is read twice.
case $- in
    *i*)
        case ${PS1-} in
            *']133;B'*) ;;
            *)
                if [ -n "${TMUX-}" ]; then
                    PS1=$(command printf '\033]133;A\a%s\033]133;B\ax' "${PS1-\$ }")
                    PS1=${PS1%x}
                fi
                ;;
        esac
        ;;
esac
