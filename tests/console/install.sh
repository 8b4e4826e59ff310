#!/bin/sh
# Installs what drives the console in a browser, pinned by package-lock.json; nothing of it runs at that.
# Exit: 0 there, 2 it cannot be had: ctest then shows the test of the console as skipped.
set -eu

here=$(cd "$(dirname "$0")" && pwd)

missing() {
    echo "console: the browser tests cannot be had: $1; they are skipped" >&2
    exit 2
}

if [ ! -e "$here/node_modules/.package-lock.json" ] || [ "$here/package-lock.json" -nt "$here/node_modules/.package-lock.json" ]; then
    command -v npm >/dev/null || missing "npm is missing (apt-get install npm)"
    (cd "$here" && npm ci --silent --no-progress --ignore-scripts) || missing "npm ci failed in $here; is its registry reachable?"
fi
command -v chromium >/dev/null || missing "chromium is missing (apt-get install chromium)"
echo "console: the browser tests are installed"
