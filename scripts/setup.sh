#!/bin/sh
# Makes the virtual environment from the hashed lock files. Run again, it does nothing and needs no network.
#   VENV    where it goes (default .venv)
#   PYTHON  which interpreter (default: the first of python3, python3.13, python3.12, python3.11 that fits)
set -eu
cd "$(dirname "$0")/.."

VENV=${VENV:-.venv}
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

locked() {
    cat requirements-setup.txt requirements.txt requirements-dev.txt | cksum
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
    "$VENV/bin/python" -m pip install --quiet --require-hashes -r requirements-setup.txt
    "$VENV/bin/uv" pip install --quiet --python "$VENV/bin/python" --require-hashes --compile-bytecode \
        -r requirements.txt -r requirements-dev.txt
}

install_project() {
    "$VENV/bin/uv" pip install --quiet --python "$VENV/bin/python" --offline --no-deps --no-build-isolation -e .
}

usable || create
if same .locked "$(locked)" && same .described "$(described)"; then
    exit 0
fi
choose_cache
if ! same .locked "$(locked)"; then
    install_packages
    locked >"$VENV/.locked"
fi
install_project
described >"$VENV/.described"
rm -rf "$VENV/.cache"
printf 'setup: done; the command is %s/bin/rostersync\n' "$VENV" >&2
