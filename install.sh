#!/bin/sh
# Installs tmuxagent for the user who runs this, without root: fetches the archive of this machine from a release, compares
# its SHA-256 with the release's list, starts the program once, and only then puts it in its place. Completions of the
# shells come with it.
#
#     curl -fsSL RELEASES/latest/download/install.sh | sh
#     sh install.sh --version 0.1.0 --dir ~/bin
#
# RELEASES is the address of the releases, such as https://github.com/OWNER/tmuxagent/releases. A published copy of this file
# knows its own; a copy from the source tree takes it from TMUXAGENT_RELEASES, or from `repository` of Cargo.toml beside it.
set -eu

# The release workflow writes the address here.
releases=

usage() {
    cat <<'END'
Usage: install.sh [--version VERSION] [--dir DIR]

  --version VERSION   this release; the newest when left out
  --dir DIR           where the program goes; ~/.local/bin when left out
  --help              this text

TMUXAGENT_RELEASES names another address of releases (https://github.com/OWNER/tmuxagent/releases).
END
}

say() {
    printf 'install.sh: %s\n' "$*" >&2
}

# Nothing that was installed before has been touched when this is called.
fail() {
    say "$1"
    [ -z "${2-}" ] || say "$2"
    say "nothing was installed"
    exit 1
}

has() {
    command -v "$1" >/dev/null 2>&1
}

# The name that the compiler has for this machine.
machine() {
    system=$(uname -s)
    processor=$(uname -m)
    # A shell that is translated on an Apple processor says that it is an Intel one.
    if [ "$system $processor" = 'Darwin x86_64' ] && [ "$(sysctl -n sysctl.proc_translated 2>/dev/null || :)" = 1 ]; then
        processor=arm64
    fi
    case "$system $processor" in
        'Linux x86_64' | 'Linux amd64') echo x86_64-unknown-linux-musl ;;
        'Linux aarch64' | 'Linux arm64') echo aarch64-unknown-linux-musl ;;
        'Darwin x86_64') echo x86_64-apple-darwin ;;
        'Darwin arm64' | 'Darwin aarch64') echo aarch64-apple-darwin ;;
        *)
            fail "no release has a program for $system on $processor" \
                "build it from its source, in a clone: cargo install --path . --locked"
            ;;
    esac
}

# Where releases are: without a slash at the end, and over TLS but on this machine.
address() {
    found=${TMUXAGENT_RELEASES:-$releases}
    beside=$(dirname "$0")/Cargo.toml
    if [ -z "$found" ] && [ -f "$beside" ] && grep -q '^name = "tmuxagent"$' "$beside"; then
        repository=$(sed -n 's/^repository = "\(.*\)"$/\1/p' "$beside" | head -n 1)
        found=${repository:+${repository%/}/releases}
    fi
    case "$found" in
        https://* | http://127.0.0.1:*) echo "${found%/}" ;;
        '') fail "this copy doesn't know where releases are" "set TMUXAGENT_RELEASES, as https://github.com/OWNER/tmuxagent/releases" ;;
        *) fail "$found is no address that starts with https://" ;;
    esac
}

# fetch ADDRESS FILE
fetch() {
    if has curl; then
        case "$1" in
            https://*) curl --proto '=https' --tlsv1.2 -fsSL --retry 2 --connect-timeout 20 -o "$2" "$1" ;;
            *) curl -fsSL --connect-timeout 20 -o "$2" "$1" ;;
        esac
    elif has wget; then
        wget -q -T 60 -O "$2" "$1"
    else
        fail "neither curl nor wget is installed"
    fi || fail "$1 can't be fetched" "is the network there, and does this release exist? A proxy is taken from https_proxy"
}

digest() {
    if has sha256sum; then
        sha256sum "$1"
    elif has shasum; then
        shasum -a 256 "$1"
    elif has openssl; then
        openssl dgst -sha256 -r "$1"
    else
        fail "no program is installed that tells checksums: sha256sum, shasum or openssl"
    fi
}

# Completions go where bash and fish look by themselves; zsh is told by a line of the user's.
completions() {
    from=$1/completions
    data=${XDG_DATA_HOME:-$HOME/.local/share}
    [ -d "$from" ] || return 0
    mkdir -p "$data/bash-completion/completions" "$data/fish/vendor_completions.d" "$data/zsh/site-functions" || return 1
    cp "$from/tmuxagent.bash" "$data/bash-completion/completions/tmuxagent" &&
        cp "$from/tmuxagent.fish" "$data/fish/vendor_completions.d/tmuxagent.fish" &&
        cp "$from/_tmuxagent" "$data/zsh/site-functions/_tmuxagent"
}

main() {
    version=
    folder=${HOME:?}/.local/bin
    while [ $# -gt 0 ]; do
        case "$1" in
            --version | --dir)
                [ $# -ge 2 ] && [ -n "$2" ] || fail "$1 wants a value"
                case "$1" in
                    --version) version=${2#v} ;;
                    --dir) folder=$2 ;;
                esac
                shift 2
                ;;
            --help | -h)
                usage
                exit 0
                ;;
            *)
                usage >&2
                fail "$1 is no option"
                ;;
        esac
    done
    case "$version" in
        *[!0-9A-Za-z.+-]*) fail "$version is no version" ;;
    esac

    target=$(machine) || exit 1
    base=$(address) || exit 1
    archive=tmuxagent-$target.tar.gz
    if [ -n "$version" ]; then
        base=$base/download/v$version
    else
        base=$base/latest/download
    fi

    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    trap 'exit 1' HUP INT TERM
    fetch "$base/SHA256SUMS" "$scratch/SHA256SUMS"
    fetch "$base/$archive" "$scratch/$archive"
    wanted=$(awk -v name="$archive" '$2 == name || $2 == "*" name { print $1; exit }' "$scratch/SHA256SUMS")
    [ -n "$wanted" ] || fail "SHA256SUMS of the release doesn't name $archive"
    found=$(digest "$scratch/$archive") || exit 1
    found=${found%% *}
    [ "$found" = "$wanted" ] ||
        fail "the checksum of $archive is $found, not $wanted" "it was changed on the way: try again, and tell the project if it stays so"

    tar -xzf "$scratch/$archive" -C "$scratch" || fail "$archive can't be unpacked"
    unpacked=$scratch/tmuxagent-$target
    said=$("$unpacked/tmuxagent" --version) || fail "the program of $archive doesn't start on this machine"
    mkdir -p "$folder" && [ -w "$folder" ] || fail "$folder can't be written" "name another one with --dir"
    # A program that runs can't be written over, but its name can go to another file.
    cp "$unpacked/tmuxagent" "$folder/.tmuxagent.$$" && chmod 755 "$folder/.tmuxagent.$$" &&
        mv -f "$folder/.tmuxagent.$$" "$folder/tmuxagent" || {
        rm -f "$folder/.tmuxagent.$$"
        fail "$folder/tmuxagent can't be written"
    }
    completions "$unpacked" || say "the completions of the shells could not be written: tmuxagent completions --help"

    echo "$said is installed: $folder/tmuxagent"
    case ":$PATH:" in
        *":$folder:"*) ;;
        *) echo "$folder is not on your PATH: add it in the file that your shell reads at its start" ;;
    esac
    has tmux || echo "tmux is not installed; tmuxagent needs 3.2 or later on this machine or on those that it watches"
    echo "Look at it: tmuxagent demo"
}

# At the end, so that a file that was cut on the way does nothing.
main "$@"
