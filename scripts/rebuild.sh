#!/usr/bin/env bash
# Builds the tarball of a commit: the same commit gives the same bytes.
#   rebuild.sh [--version VERSION] [DIRECTORY [REPOSITORY]]   of the repository's HEAD; default: build/rebuilt, this checkout
# With a version, as of a tag, it refuses a commit in which that is not galaxy.yml's and the changelog's newest.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
version=""
if [[ ${1:-} == --version ]]; then
    version=${2:?rebuild: --version needs a version}
    shift 2
fi
if [[ $# -gt 2 || ${1:-} == -* ]]; then
    echo "usage: ${0##*/} [--version VERSION] [DIRECTORY [REPOSITORY]]" >&2
    exit 2
fi
out=${1:-build/rebuilt}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"
# A clone has nothing that git does not know.
git clone -q "${2:-.}" "$work/tree"
if [[ -n $version ]]; then
    found=$(sed -n 's/^version: //p' "$work/tree/galaxy.yml")
    [[ $found == "$version" ]] || { echo "rebuild: $version is asked for, and galaxy.yml has $found" >&2; exit 1; }
    grep -qxF "v$version" "$work/tree/CHANGELOG.rst" || { echo "rebuild: CHANGELOG.rst has no $version: scripts/cut.sh $version" >&2; exit 1; }
    if compgen -G "$work/tree/changelogs/fragments/*.y*ml" >/dev/null; then
        echo "rebuild: changelogs/fragments has changes that $version does not have: scripts/cut.sh $version" >&2
        exit 1
    fi
fi
ansible-galaxy collection build --force --output-path "$out" "$work/tree" >/dev/null
tarball=$out/intercloud-vpn-$(sed -n 's/^version: //p' "$work/tree/galaxy.yml").tar.gz
python scripts/repack.py "$tarball" "$(git -C "$work/tree" log -1 --format=%ct)"
(cd "$out" && sha256sum "${tarball##*/}")
