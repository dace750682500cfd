#!/usr/bin/env bash
# What the console's pages take from others (htmx, d3-geo, a map of the world; axe-core for the tests), by npm at the
# versions and hashes of deploy/console/package-lock.json, from the registry npm is configured with. The few files that a
# browser loads are put into streams/console/pages/vendor, which git ignores, and are served from there: pages ask no other host.
# axe-core, which is not served, goes beside the lock; nothing else is kept.
# Without npm the console works too: no land on the map, whole pages instead of parts; it says so.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
from=deploy/console
into=streams/console/pages/vendor
stamp="$into/.installed"
lock="$(cat "$from/package-lock.json" deploy/setup-console.sh | cksum)"
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$lock" ] && exit 0

if ! command -v npm >/dev/null; then
  echo "setup: npm was not found; the console will do without the map's land and partial updates (Debian: apt-get" \
       "install npm, then make setup)" >&2
  exit 0
fi
echo "setup: installing the console's $(grep -c '"node_modules/' "$from/package-lock.json") npm packages"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cp "$from/package.json" "$from/package-lock.json" "$work/"
# No scripts of packages are run; nothing is told to anybody. The lock names hashes, not addresses.
if ! npm ci --prefix "$work" --ignore-scripts --no-audit --no-fund --loglevel=error --replace-registry-host=always; then
  echo "setup: npm could not install the console's packages; going on without them" >&2
  exit 0
fi
rm -rf "$into"
mkdir -p "$into"
take() { cp "$work/node_modules/$1" "$into/$2"; }
take htmx.org/dist/htmx.min.js htmx.min.js
take d3-array/dist/d3-array.min.js d3-array.min.js
take d3-geo/dist/d3-geo.min.js d3-geo.min.js
take topojson-client/dist/topojson-client.min.js topojson-client.min.js
take world-atlas/countries-110m.json countries-110m.json
cp "$work/node_modules/axe-core/axe.min.js" "$from/axe.min.js"
echo "$lock" >"$stamp"
