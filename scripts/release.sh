#!/usr/bin/env bash
# Makes a release of what is committed: tarball, bill of materials, digests, signatures. A version that is not cut yet (scripts/cut.sh) is
# cut in a clone. docs/project/releasing.md says how to use it.
#   release.sh VERSION                        tries it: changes nothing but build/release/VERSION
#   release.sh VERSION --key KEY              the same, signed by this key of gpg's keyring
#   release.sh VERSION --key KEY --commit     also commits the cut here, if there is one, makes the signed tag VERSION, and has the scenario
#                                             `upgrade` begin with it from now on
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
checkout=$PWD
die() { echo "release: $*" >&2; exit 1; }

version=${1:-} key="" commit=""
[[ $version =~ ^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?$ ]] || die "'$version' is not a version: name one like 1.0.0"
shift
cut=""
! grep -qxF "  $version:" changelogs/changelog.yaml || cut=1
while [[ $# -gt 0 ]]; do
    case $1 in
        --key) key=${2:?release: --key needs a key}; shift ;;
        --commit) commit=1 ;;
        *) die "$1: not an option" ;;
    esac
    shift
done

# All that stands in the way is said at once.
problems=()
[[ -z $(git status --porcelain) ]] || problems+=("the tree has changes that are not committed: $(git status --porcelain | head -n 3 | tr '\n' ' ')")
[[ -z $(git tag --list "$version") ]] || problems+=("the tag $version exists")
[[ -z $commit || -n $key ]] || problems+=("--commit needs --key: a release is signed")
[[ -z $key ]] || gpg --batch --quiet --list-secret-keys "$key" >/dev/null 2>&1 || problems+=("gpg has no secret key $key")
if compgen -G 'changelogs/fragments/*.y*ml' >/dev/null; then
    [[ -z $cut ]] || problems+=("changelogs/fragments has changes that $version does not have yet: scripts/cut.sh $version, and commit")
else
    [[ -n $cut ]] || problems+=("changelogs/fragments has no change")
fi
[[ -z $cut ]] || grep -qxF "version: $version" galaxy.yml || problems+=("galaxy.yml has another version than $version, which is cut: scripts/cut.sh $version, and commit")
if [[ ${#problems[@]} -gt 0 ]]; then
    printf 'release: refused: %s\n' "${problems[@]}" >&2
    exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say() { echo "release: $*"; }

tree=$work/ansible_collections/intercloud/vpn
mkdir -p "${tree%/*}"
git clone -q "$checkout" "$tree"
for setting in user.name user.email; do git -C "$tree" config "$setting" "$(git config "$setting")"; done
cd "$tree"
if [[ -n $cut ]]; then
    say "$version is cut"
else
    say "changelog and version"
    scripts/cut.sh "$version" >"$work/cut.log" 2>&1 || { cat "$work/cut.log" >&2; die "scripts/cut.sh failed"; }
    git add --all
    git commit -q -m "Release $version"
fi
when=$(git log -1 --format=%ct)
cd "$checkout"

say "tarball"
name=intercloud-vpn-$version
scripts/rebuild.sh "$work/first" "$tree" >/dev/null
(umask 077 && scripts/rebuild.sh "$work/second" "$tree" >/dev/null)
cmp -s "$work/first/$name.tar.gz" "$work/second/$name.tar.gz" || die "two builds of one commit differ"

say "bill of materials, digests, signatures"
out=$checkout/build/release/$version
rm -rf "$out"
mkdir -p "$out"
cp "$work/first/$name.tar.gz" "$out/"
python scripts/sbom.py "$out/$name.tar.gz" "$when" >"$out/$name.cdx.json"
(cd "$out" && sha256sum "$name.tar.gz" "$name.cdx.json" >SHA256SUMS)
if [[ -n $key ]]; then
    # ansible-galaxy verifies the signature of MANIFEST.json, which has the digests of all files; SHA256SUMS is for who does not use it.
    tar -xzOf "$out/$name.tar.gz" MANIFEST.json >"$work/MANIFEST.json"
    sign() { gpg --batch --yes --quiet --armor --detach-sign --local-user "$key" --output "$2" "$1"; }
    sign "$work/MANIFEST.json" "$out/$name.MANIFEST.json.asc"
    sign "$out/SHA256SUMS" "$out/SHA256SUMS.asc"
    gpg --batch --quiet --export "$key" >"$work/keyring.gpg"
    scripts/verify_release.sh "$out" "$work/keyring.gpg"
else
    say "not signed: no --key"
fi

if [[ -n $commit ]]; then
    git fetch -q "$tree" HEAD
    git merge -q --ff-only FETCH_HEAD
    git tag --sign --local-user "$key" --message "intercloud.vpn $version" "$version"
    # From now on, what users upgrade from is this.
    echo "$version" >extensions/molecule/upgrade/previous
    git commit -q -m "Upgrades begin at $version" extensions/molecule/upgrade/previous
    say "committed and tagged $version. Next: git push origin HEAD $version"
fi
say "done: build/release/$version"
ls -1 "$out"
