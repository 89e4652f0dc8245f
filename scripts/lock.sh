#!/usr/bin/env bash
# requirements-dev.lock: what requirements-dev.txt stands for today, with hashes, for Python 3.11 and later. CI installs that.
#   lock.sh            keeps the versions that still fit
#   lock.sh --upgrade  takes the newest
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH" UV_CUSTOM_COMPILE_COMMAND=scripts/lock.sh
# Index addresses are the machine's own affair.
uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
    --output-file requirements-dev.lock "$@" requirements-dev.txt
