#!/usr/bin/env bash
# Everything a checkout needs, made where missing: Debian packages, .venv, and the tree in which this checkout is
# found as intercloud.vpn. Quick when there is nothing to do; safe to run several at once.
# UNLOCKED=1: the newest Python packages instead of those of requirements-dev.lock.
# `setup.sh kernel`: with the Debian packages of bindep.txt's profile `kernel`, which nothing else needs.
set -euo pipefail
cd "$(dirname "$0")/.."
exec 9<Makefile
flock 9

profile=${1:-}
[[ $# -le 1 && $profile =~ ^(kernel)?$ ]] || { echo "usage: ${0##*/} [kernel]" >&2; exit 2; }

say() { echo "setup: $*"; }
die() { echo "setup: $*" >&2; exit 1; }

debian_packages() {
    command -v dpkg-query >/dev/null || die "this is not Debian or a relative: install by hand what bindep.txt lists, then: SKIP_PACKAGES=1 make setup"
    local wanted missing=() package left_out='platform:dpkg kernel'
    [[ $profile != kernel ]] || left_out='^#'
    wanted=$(sed -n "/$left_out/d; "'s/^\([a-z0-9][a-z0-9.+-]*\) .*platform:dpkg.*/\1/p' bindep.txt)
    for package in $wanted; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
    done
    [[ ${#missing[@]} -gt 0 ]] || return 0
    [[ $EUID -eq 0 ]] || die "Debian packages are missing. As root: apt-get install ${missing[*]}"
    say "installing Debian packages: ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq || die "apt-get update failed: see above, then run make setup again"
    apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null \
        || die "apt-get install ${missing[*]} failed: see above"
}

# A Python that ansible-core runs on and that can make virtual environments; Debian's own rather than another.
find_python() {
    local candidate
    for candidate in ${PYTHON:-} /usr/bin/python3 python3; do
        if "$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    die "no Python 3.10 or later with venv found; name one: PYTHON=/path/to/python3 make setup"
}

# A package of the lock file, with its hashes.
locked() { sed -n "/^$1==/,/[^\\\\]\$/p" requirements-dev.lock; }

virtual_environment() {
    local stamp=.venv/.made-of wanted python files=(requirements.txt tests/unit/requirements.txt requirements-dev.txt requirements-dev.lock)
    wanted=$(echo "${UNLOCKED:-}"; cat "${files[@]}" | sha256sum)
    if [[ -f $stamp && $(<"$stamp") == "$wanted" ]] && .venv/bin/python -c 'import ansible' 2>/dev/null; then
        return
    fi
    python=$(find_python)
    if ! .venv/bin/python -c 'import pip' 2>/dev/null; then
        say "making .venv with $python"
        rm -rf .venv
        "$python" -m venv .venv
    fi
    say "installing Python packages into .venv (a minute or two the first time)"
    # Exactly what the tests last ran on; the lock is for Python 3.11 and later.
    local packages=(--require-hashes -r requirements-dev.lock)
    if [[ -n ${UNLOCKED:-} ]] || ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        packages=(--upgrade -r requirements-dev.txt)
    fi
    # By uv, in a quarter of the processor time that pip takes; by pip where uv does not find what pip's settings lead to.
    local pip=(.venv/bin/python -m pip install -qq --disable-pip-version-check)
    "${pip[@]}" --no-deps --require-hashes -r <(locked uv)
    VIRTUAL_ENV="$PWD/.venv" .venv/bin/uv pip install --quiet "${packages[@]}" || "${pip[@]}" "${packages[@]}"
    echo "$wanted" > "$stamp"
}

collection_tree() {
    local link=.collections/ansible_collections/intercloud/vpn
    [[ $(readlink -f "$link" 2>/dev/null) == "$PWD" ]] && return
    say "making .collections, where this checkout is found as intercloud.vpn"
    mkdir -p "${link%/*}"
    ln -sfn ../../.. "$link"
}

[[ -n ${SKIP_PACKAGES:-} ]] || debian_packages
virtual_environment
collection_tree
say "ready ($(.venv/bin/ansible --version | sed -n '1s/ansible //p'))"
