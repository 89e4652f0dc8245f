#!/usr/bin/env bash
# ansible-test sanity, ansible-test units and tests/unit with each ansible-core and Python of tests/matrix.txt.
#   matrix.sh                 all of them
#   matrix.sh 2.17/3.10 2.21  some: of a core one Python, or all
# A Python is found as python3.N on PATH or in pyenv's directory. Each pair has a virtual environment in .cache/matrix, and logs in
# build/matrix. KINDS="sanity units core" names what runs. An environment is made again when the requirements or its Python changed, and
# in a new week: there may be a later ansible-core.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
read -ra kinds <<<"${KINDS:-sanity units core}"
rows=() failed=0

# All that is not in the table is said before anything runs.
table=() wrong=()
while read -r core versions; do
    [[ $core != \#* ]] || continue
    for version in $versions; do table+=("$core/$version"); done
done <tests/matrix.txt
for name in "$@"; do
    [[ " ${table[*]/%/ } ${table[*]%%/*} " == *" $name "* ]] || wrong+=("tests/matrix.txt has no $name")
done
[[ ${#wrong[@]} -eq 0 ]] || wrong+=("it has ${table[*]}")
for kind in "${kinds[@]}"; do
    [[ $kind =~ ^(sanity|units|core)$ ]] || wrong+=("KINDS: $kind is none of sanity, units, core")
done
if [[ ${#wrong[@]} -gt 0 ]]; then
    printf 'matrix: %s\n' "${wrong[@]}" >&2
    exit 2
fi

find_python() {
    command -v "python$1" 2>/dev/null && "python$1" -c '' 2>/dev/null && return
    compgen -G "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1.*/bin/python$1" | sort -V | tail -n 1 | grep .
}

# Pre-releases are no reason to fail, and none to be in the table.
environment() {  # of a core and a Python; its directory is in $venv
    local core=$1 python
    venv=$PWD/.cache/matrix/core$core-py$2
    python=$(find_python "$2" | tail -n 1)
    [[ -n $python ]] || { echo "matrix: no python$2 found"; return 1; }
    local wanted
    wanted=$({ date +%G-%V; "$python" -c 'import sys; print(sys.executable, sys.version)'; cat requirements.txt tests/unit/requirements.txt scripts/matrix.sh; } | sha256sum)
    if [[ -f $venv/.made-of && $(<"$venv/.made-of") == "$wanted" ]] && "$venv/bin/python" -c 'import ansible' 2>/dev/null; then return; fi
    rm -rf "$venv"
    "$python" -m venv "$venv" && "$venv/bin/pip" install -q --disable-pip-version-check "ansible-core~=$core.0" \
        -r requirements.txt -r tests/unit/requirements.txt pytest pytest-mock pytest-xdist \
        && echo "$wanted" >"$venv/.made-of"
}

# shellcheck disable=SC2317  # they are called by their names
kind_sanity() { VENV=$venv WORK=$work scripts/sanity.sh; }
# shellcheck disable=SC2317
kind_units() { VENV=$venv WORK=$work scripts/units.sh; }
# Again by pytest alone: ansible-test hides the controller's code from the tests of module_utils, which skips some.
# shellcheck disable=SC2317
kind_core() { THOROUGH=0 PATH="$venv/bin:$PATH" "$venv/bin/python" -m pytest -q -n "${WORKERS:-$(nproc)}" tests/unit; }

pair() {
    local core=$1 version=$2 cells="" kind start
    work=build/matrix/core$core-py$version
    mkdir -p "$work"
    if ! environment "$core" "$version" >"$work/environment.log" 2>&1; then
        tail -n 5 "$work/environment.log"
        failed=1
        rows+=("| $core | $version | no environment |")
        return
    fi
    local exactly
    exactly=$("$venv/bin/python" -c 'import ansible, platform; print(f"{ansible.__version__} | {platform.python_version()}")')
    for kind in "${kinds[@]}"; do
        start=$SECONDS
        if "kind_$kind" >"$work/$kind.log" 2>&1; then
            cells+=" $kind passed ($((SECONDS - start)) s) |"
        else
            tail -n 40 "$work/$kind.log"
            cells+=" $kind FAILED: $work/$kind.log |"
            failed=1
        fi
        echo "matrix: ansible-core $core, Python $version: $kind: $((SECONDS - start)) s"
    done
    rows+=("| $exactly |$cells")
}

chosen() {  # whether the arguments name this pair, or none do
    local core=$1 version=$2 name
    shift 2
    [[ $# -eq 0 ]] && return
    for name in "$@"; do [[ $name == "$core" || $name == "$core/$version" ]] && return; done
    return 1
}

for name in "${table[@]}"; do
    ! chosen "${name%/*}" "${name#*/}" "$@" || pair "${name%/*}" "${name#*/}"
done
printf '%s\n' "${rows[@]}"
exit $failed
