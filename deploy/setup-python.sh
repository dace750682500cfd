#!/usr/bin/env bash
# Create (or bring up to date) the virtual environment of the development tree: setup-python.sh [.venv]
#
# Installs exactly what requirements.lock pins, by hash, and Assay itself in place. The package index is the one pip
# is configured with.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
venv="${1:-.venv}"

fail() { printf 'setup: %s\n' "$@" >&2; exit 1; }

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

# Built with profile-guided optimisation: a third faster at what Assay does. Distributions build theirs so; pyenv and a plain
# ./configure do not.
optimised() {
  "$1" -c 'import ensurepip, sys, sysconfig
built_so = "enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or "")
sys.exit(not (built_so or sys.prefix == "/usr"))' >/dev/null 2>&1
}

find_python() {
  local candidate
  if [ -n "${PYTHON:-}" ] && new_enough "$PYTHON"; then echo "$PYTHON"; return; fi
  local candidates=(python3 /usr/bin/python3 python3.13 python3.12 python3.11)
  for candidate in "${candidates[@]}"; do
    if new_enough "$candidate" && optimised "$candidate"; then echo "$candidate"; return; fi
  done
  for candidate in "${candidates[@]}"; do
    if new_enough "$candidate"; then echo "$candidate"; return; fi
  done
  fail "Assay needs Python 3.11 or newer; $(python3 --version 2>&1 || echo 'python3 was not found')." \
       "Install it (Debian 12: apt-get install python3 python3-venv) or name one: make setup PYTHON=/path/to/python3.12"
}

create() {
  local python="$1"
  "$python" -m venv --clear "$venv" && return
  # Debian keeps ensurepip in a package of its own.
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "setup: installing python3-venv (this Python has no ensurepip)"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      "python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv" python3-venv >/dev/null
    "$python" -m venv --clear "$venv" && return
  fi
  fail "'$python -m venv' did not work. On Debian and Ubuntu: apt-get install python3-venv, then make setup again."
}

if ! new_enough "$venv/bin/python" || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
  python="$(find_python)"
  echo "setup: creating $venv with $("$python" --version) ($(command -v "$python"))"
  create "$python"
fi
echo "setup: installing $(grep -c '^[A-Za-z0-9]' requirements.lock) pinned packages"
"$venv/bin/python" -m pip install --no-input --disable-pip-version-check --require-hashes -r requirements.lock
"$venv/bin/python" -m pip install --no-input --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
"$venv/bin/assay" --version
