# For machines without the program tmuxagent: a function for sh, bash and zsh that runs a command and reports its start,
# its end and its exit code with lines of their own, which tmuxagent reads wherever it watches the pane from.
#
#   tmuxagent_run [-s STAGE] [--] COMMAND [ARGUMENT…]
#
# `tmuxagent run --shell-function` prints this file; add it to ~/.profile, ~/.bashrc or ~/.zshrc of the other machine.
# The exit code is the command's. It runs in a subshell, so a `cd` inside does not last.
tmuxagent_run() (
    stage=
    case ${1-} in
        -s | --stage)
            stage=${2-}
            shift
            [ "$#" -eq 0 ] || shift
            ;;
    esac
    [ "${1-}" != -- ] || shift
    if [ "$#" -eq 0 ]; then
        echo 'usage: tmuxagent_run [-s STAGE] [--] COMMAND [ARGUMENT...]' >&2
        exit 2
    fi

    # A text inside JSON's quotes.
    inside() {
        printf '%.200s' "$1" | tr -d '\000-\037\177' | sed 's/\\/\\\\/g; s/"/\\"/g'
    }
    of_stage=
    [ -z "$stage" ] || of_stage=$(printf '"stage":"%s",' "$(inside "$stage")")
    command_line=$(inside "$*")
    began=$(date +%s)
    printf '### SENTRY {"type":"LOG",%s"summary":"%s began"}\n' "$of_stage" "$command_line"

    # Ctrl-C and Ctrl-\ reach the command by themselves; its end is still to be reported. A trap is reset for commands.
    trap : INT QUIT
    code=0
    "$@" || code=$?
    # ksh tells a signal as 256 and its number, and would cut that to the number alone.
    [ "$code" -le 256 ] || code=$((code - 128))

    took=$(($(date +%s) - began))
    ok=true
    [ "$code" -eq 0 ] || ok=false
    printf '### SENTRY {"type":"STATUS",%s"ok":%s,"summary":"%s ended with %d after %d s","exit":%d}\n' \
        "$of_stage" "$ok" "$command_line" "$code" "$took" "$code"
    exit "$code"
)
