#!/bin/sh
# Makes a virtual environment from the hashed lock files. Run again, it does nothing and needs no network.
#   setup.sh      what the program needs; an environment with the tools will do, too
#   setup.sh dev  the same, with the tools of those who work on it
#   VENV    where it goes (default .venv, or .venv-dev)
#   PYTHON  which interpreter (default: the first of python3, python3.13, python3.12, python3.11 that fits)
set -eu
cd "$(dirname "$0")/.."

WHO=${1:-user}
case $WHO in
user) VENV=${VENV:-.venv} ;;
dev) VENV=${VENV:-.venv-dev} ;;
*) printf 'setup: %s is neither "user" nor "dev"\n' "$WHO" >&2 && exit 4 ;;
esac
case $VENV in /*) ;; *) VENV=$(pwd -P)/$VENV ;; esac
SUPPORTED='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'

fail() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

fits() {
    "$1" -c "$SUPPORTED" >/dev/null 2>&1
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        fits "$PYTHON" || fail "PYTHON=$PYTHON is not a Python 3.11, 3.12 or 3.13. Name another one: make setup PYTHON=/path/to/python3.12"
        printf '%s\n' "$PYTHON"
        return
    fi
    for candidate in python3 python3.13 python3.12 python3.11; do
        if fits "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    fail "no Python 3.11, 3.12 or 3.13 was found. Install one, or name it: make setup PYTHON=/path/to/python3.12"
}

# An environment is kept when its Python fits and its scripts point here (a moved checkout's do not).
usable() {
    fits "$VENV/bin/python" && head -n 2 "$VENV/bin/pip" 2>/dev/null | grep -qF "$VENV/" || return 1
    [ -z "${PYTHON:-}" ] || [ "$(version "$PYTHON")" = "$(version "$VENV/bin/python")" ]
}

version() {
    "$1" -c 'import sys; print(sys.version)' 2>/dev/null
}

# The developers' lock holds the users' versions and more.
lock_files() {
    case $1 in
    dev) printf 'requirements-setup.txt requirements.txt requirements-dev.txt' ;;
    *) printf 'requirements-setup.txt requirements.txt' ;;
    esac
}

locked() {
    printf '%s ' "$1"
    # shellcheck disable=SC2046  # names without spaces
    cat $(lock_files "$1") | cksum
}

up_to_date() {
    same .locked "$(locked "$WHO")" || same .locked "$(locked dev)"
}

described() {
    cksum <pyproject.toml
}

same() {
    [ -f "$VENV/$1" ] && [ "$(cat "$VENV/$1")" = "$2" ]
}

create() {
    python=$(find_python) || exit 1
    printf 'setup: making %s with %s (%s)\n' "$VENV" "$python" "$("$python" --version)" >&2
    if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        fail "$python has no venv module. On Debian or Ubuntu: apt-get install python3-venv"
    fi
    rm -rf "$VENV"
    "$python" -m venv "$VENV" || fail "could not create $VENV here; is the folder writable?"
}

# The download cache is shared between checkouts; without a writable home it lives inside the environment.
choose_cache() {
    export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore UV_LINK_MODE=${UV_LINK_MODE:-copy}
    # As pip does: behind a proxy that reads along, only the system's certificates know its authority.
    export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}"
    cache=${UV_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/uv}
    if ! { mkdir -p "$cache" && [ -w "$cache" ]; } 2>/dev/null; then
        cache=$VENV/.cache
        export PIP_NO_CACHE_DIR=1
    fi
    export UV_CACHE_DIR="$cache"
}

install_packages() {
    printf 'setup: installing the locked packages (a few hundred MB; minutes on the first run)\n' >&2
    rm -f "$VENV/.locked" "$VENV/.described"
    "$VENV/bin/python" -m pip install --quiet --require-hashes -r requirements-setup.txt
    # "sync": what an older lock held, or the tools in what was once one environment for all, goes.
    # shellcheck disable=SC2046  # names without spaces
    "$VENV/bin/uv" pip sync --quiet --python "$VENV/bin/python" --require-hashes --compile-bytecode $(lock_files "$WHO")
}

install_project() {
    "$VENV/bin/uv" pip install --quiet --python "$VENV/bin/python" --offline --no-deps --no-build-isolation -e .
}

usable || create
if up_to_date && same .described "$(described)"; then
    exit 0
fi
choose_cache
if ! up_to_date; then
    install_packages
    locked "$WHO" >"$VENV/.locked"
fi
install_project
described >"$VENV/.described"
rm -rf "$VENV/.cache"
printf 'setup: done; the command is %s/bin/rostersync\n' "$VENV" >&2
