#!/usr/bin/env bash
# Verifies a release as a user does: verify_release.sh DIRECTORY KEYRING. The keyring is a file with the maintainers' public keys.
set -euo pipefail
if [[ $# -ne 2 || ! -d ${1:-} || ! -f ${2:-} ]]; then
    echo "usage: ${0##*/} DIRECTORY KEYRING" >&2
    echo "  DIRECTORY  has the five files of one release" >&2
    echo "  KEYRING    has the maintainers' public keys: gpg --export maintainer@example.com > KEYRING" >&2
    exit 2
fi
directory=$(realpath "$1") keyring=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$directory"
tarballs=(intercloud-vpn-*.tar.gz)
tarball=${tarballs[0]}
for file in "${tarballs[@]}" SHA256SUMS SHA256SUMS.asc "${tarball%.tar.gz}.MANIFEST.json.asc"; do
    [[ -f $file ]] || { echo "verify_release: $directory has no $file" >&2; exit 1; }
done
[[ ${#tarballs[@]} -eq 1 ]] || { echo "verify_release: $directory has several releases: ${tarballs[*]}" >&2; exit 1; }
# Only keys of the keyring count, whatever the user's own keyring has.
gpgv --keyring "$keyring" SHA256SUMS.asc SHA256SUMS 2>"$work/gpgv.log" || { cat "$work/gpgv.log" >&2; echo "verify_release: SHA256SUMS: no valid signature" >&2; exit 1; }
sha256sum --check --strict --quiet SHA256SUMS
# The keys may have signed digests of other files, too.
grep -qxF "$(sha256sum "$tarball")" SHA256SUMS || { echo "verify_release: SHA256SUMS does not list $tarball" >&2; exit 1; }
tar -xzOf "$tarball" MANIFEST.json >"$work/MANIFEST.json"
gpgv --keyring "$keyring" "${tarball%.tar.gz}.MANIFEST.json.asc" "$work/MANIFEST.json" 2>"$work/gpgv.log" \
    || { cat "$work/gpgv.log" >&2; echo "verify_release: MANIFEST.json: no valid signature" >&2; exit 1; }
echo "verify_release: $tarball: digests and signatures are valid"
