#!/usr/bin/env bash
# Verifies a release as a user does: verify_release.sh DIRECTORY KEYRING. The keyring is a file with the maintainers' public keys.
set -euo pipefail
directory=$(realpath "$1") keyring=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$directory"
# Only keys of the keyring count, whatever the user's own keyring has.
gpgv --keyring "$keyring" SHA256SUMS.asc SHA256SUMS 2>"$work/gpgv.log" || { cat "$work/gpgv.log" >&2; echo "verify_release: SHA256SUMS: no valid signature" >&2; exit 1; }
sha256sum --check --strict --quiet SHA256SUMS
tarball=$(echo intercloud-vpn-*.tar.gz)
# The keys may have signed digests of other files, too.
grep -qxF "$(sha256sum "$tarball")" SHA256SUMS || { echo "verify_release: SHA256SUMS does not list $tarball" >&2; exit 1; }
tar -xzOf "$tarball" MANIFEST.json >"$work/MANIFEST.json"
gpgv --keyring "$keyring" "${tarball%.tar.gz}.MANIFEST.json.asc" "$work/MANIFEST.json" 2>"$work/gpgv.log" \
    || { cat "$work/gpgv.log" >&2; echo "verify_release: MANIFEST.json: no valid signature" >&2; exit 1; }
echo "verify_release: $tarball: digests and signatures are valid"
