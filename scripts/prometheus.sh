#!/usr/bin/env bash
# Prometheus for tests: Debian's package, unpacked below build/ and not installed. Prints the directory of its programs.
set -euo pipefail
cd "$(dirname "$0")/.."
programs=$PWD/build/prometheus/usr/bin
if [[ ! -x $programs/promtool ]]; then
    rm -rf build/prometheus
    mkdir -p build/prometheus
    cd build/prometheus
    # As root, apt-get hands over to a user of its own, who may not write here.
    apt-get -qq -o APT::Sandbox::User=root download prometheus >&2 || { apt-get -qq update >&2 && apt-get -qq -o APT::Sandbox::User=root download prometheus >&2; }
    dpkg-deb -x prometheus_*.deb .
fi
echo "$programs"
