#!/bin/sh
# Takes the console's one library from npm, pinned by package-lock.json; nothing of it runs here. For the build.
# Exit: 0 there, 2 it cannot be had: the hub is then built without the console, and says so to who asks for it.
set -eu

here=$(cd "$(dirname "$0")" && pwd)

missing() {
    echo "console: its library cannot be had: $1; the hub is built without the console" >&2
    exit 2
}

if [ ! -e "$here/node_modules/.package-lock.json" ] || [ "$here/package-lock.json" -nt "$here/node_modules/.package-lock.json" ]; then
    command -v npm >/dev/null || missing "npm is missing (apt-get install npm)"
    (cd "$here" && npm ci --silent --no-progress --ignore-scripts) || missing "npm ci failed in $here; is its registry reachable?"
fi
