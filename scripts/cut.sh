#!/usr/bin/env bash
# Cuts a version in this tree: galaxy.yml, docs/own_fleet.md, the changelog, and version_added of what is new. Commits nothing, and needs no key.
#   cut.sh VERSION
# As long as the version has no tag, run it again: it takes in the fragments that came since. docs/project/releasing.md has the rest.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
die() { echo "cut: $*" >&2; exit 1; }

version=${1:-}
[[ $# -eq 1 && $version =~ ^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?$ ]] \
    || die "'$*' is not a version: cut.sh 1.0.0"
[[ -z $(git tag --list "$version") ]] || die "the tag $version exists: a release does not change. Cut the next version"

# antsibull-changelog and ansible-doc want the place where collections are. Only what git knows, or would: no .venv, no build.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export ANSIBLE_COLLECTIONS_PATH=$work
tree=$work/ansible_collections/intercloud/vpn
mkdir -p "$tree"
git ls-files -z --cached --others --exclude-standard -- ':!collections' ':!playbooks/collections' \
    | rsync -a --delete-missing-args --from0 --files-from=- ./ "$tree/"

sed -i "s/^version: .*/version: $version/" "$tree/galaxy.yml"
sed -i "s/intercloud-vpn-[0-9][0-9A-Za-z.-]*\.tar\.gz/intercloud-vpn-$version.tar.gz/" "$tree/docs/own_fleet.md"
python scripts/version_added.py "$tree" "$version"
existing=()
! grep -qxF "  $version:" changelogs/changelog.yaml || existing=(--update-existing)
(
    cd "$tree"
    antsibull-changelog lint || die "changelogs/fragments: see above"
    antsibull-changelog release --version "$version" --reload-plugins --refresh-plugins "${existing[@]}" >"$work/log" 2>&1 \
        || { cat "$work/log" >&2; die "antsibull-changelog failed"; }
    antsibull-changelog lint-changelog-yaml --strict changelogs/changelog.yaml || die "the changelog is not valid"
    [[ -s CHANGELOG.rst ]] || die "antsibull-changelog wrote no CHANGELOG.rst"
    rm -f changelogs/.plugin-cache.yaml
)
rsync -a --checksum --delete "$tree/changelogs" ./
rsync -a --checksum "$tree/plugins" "$tree/roles" "$tree/galaxy.yml" "$tree/CHANGELOG.rst" ./
rsync -a --checksum "$tree/docs/own_fleet.md" docs/
echo "cut: $version. Read CHANGELOG.rst, then: git add --all && git commit -m 'Cut $version'"
