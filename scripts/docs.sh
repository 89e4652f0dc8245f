#!/usr/bin/env bash
# The documentation site, build/site/index.html: docs/ and what the collection says of its plugins and roles. A warning is an error.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH" ANSIBLE_COLLECTIONS_PATH="$PWD/.collections"
pages=build/docs
mkdir -p "$pages/reference/plugins"
rsync -a --delete --exclude /reference/plugins/ --exclude /reference/playbooks.md --exclude __pycache__ docs/ "$pages/"
# antsibull-docs names each plugin whose documentation is wrong, and goes on with a page that says so: here that is the end.
antsibull-docs collection --use-current --cleanup everything --squash-hierarchy --no-add-antsibull-docs-version --no-breadcrumbs --fail-on-error \
    --dest-dir "$pages/reference/plugins" intercloud.vpn
python docs/_site/generated.py "$pages/reference"
# All of it each time: a page that did not change would keep the titles of others in its contents.
sphinx-build -W --keep-going -q -E -a -b html -d build/doctrees "$pages" build/site
