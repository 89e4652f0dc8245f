#!/usr/bin/env bash
# Makes a release of what is committed: changelog, tarball, bill of materials, digests, signatures. docs/project/releasing.md says how
# to use it.
#   release.sh VERSION                        tries it in a clone: changes nothing but build/release/VERSION
#   release.sh VERSION --key KEY              the same, signed by this key of gpg's keyring
#   release.sh VERSION --key KEY --commit     also commits CHANGELOG.rst and galaxy.yml here, and makes the signed tag VERSION
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
checkout=$PWD
die() { echo "release: $*" >&2; exit 1; }

version=${1:-} key="" commit=""
[[ $version =~ ^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?$ ]] || die "'$version' is no version: name one like 1.0.0"
shift
while [[ $# -gt 0 ]]; do
    case $1 in
        --key) key=${2:?}; shift ;;
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
compgen -G 'changelogs/fragments/*.y*ml' >/dev/null || problems+=("changelogs/fragments has no change")
grep -q "^  $version:" changelogs/changelog.yaml && problems+=("changelogs/changelog.yaml has $version")
if [[ ${#problems[@]} -gt 0 ]]; then
    printf 'release: refused: %s\n' "${problems[@]}" >&2
    exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say() { echo "release: $*"; }

say "changelog and version"
tree=$work/ansible_collections/intercloud/vpn
mkdir -p "${tree%/*}"
git clone -q "$checkout" "$tree"
for setting in user.name user.email; do git -C "$tree" config "$setting" "$(git config "$setting")"; done
cd "$tree"
sed -i "s/^version: .*/version: $version/" galaxy.yml
# antsibull-changelog asks ansible-doc, which finds collections here.
export ANSIBLE_COLLECTIONS_PATH=$work
antsibull-changelog lint || die "changelogs/fragments: see above"
antsibull-changelog release --version "$version" >"$work/changelog.log" 2>&1 || { cat "$work/changelog.log"; die "antsibull-changelog failed"; }
if ! antsibull-changelog lint || ! antsibull-changelog lint-changelog-yaml --strict changelogs/changelog.yaml; then
    die "the changelog is not valid"
fi
[[ -s CHANGELOG.rst ]] || die "antsibull-changelog wrote no CHANGELOG.rst"
git add --all
git commit -q -m "Release $version"
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
    say "committed and tagged $version. Next: git push origin HEAD $version"
fi
say "done: build/release/$version"
ls -1 "$out"
