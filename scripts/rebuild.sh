#!/usr/bin/env bash
# Builds the tarball of a commit: the same commit gives the same bytes.
#   rebuild.sh [DIRECTORY [REPOSITORY]]   of the repository's HEAD; default: build/rebuilt, this checkout
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
out=${1:-build/rebuilt}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"
# A clone has nothing that git does not know.
git clone -q "${2:-.}" "$work/tree"
ansible-galaxy collection build --force --output-path "$out" "$work/tree" >/dev/null
tarball=$out/intercloud-vpn-$(sed -n 's/^version: //p' "$work/tree/galaxy.yml").tar.gz
python scripts/repack.py "$tarball" "$(git -C "$work/tree" log -1 --format=%ct)"
(cd "$out" && sha256sum "${tarball##*/}")
