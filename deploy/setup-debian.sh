#!/usr/bin/env bash
# System packages of a development machine: Java 17+ and Maven (they fetch and run the local Kafka), kcat (a test reads the
# alerts with it), npm (what the console's pages are made of) and chromium (the tests drive it). Installs what is missing when root on Debian or Ubuntu; otherwise says what to install and
# goes on, since a running Kafka named by ASSAY_KAFKA does as well.
set -euo pipefail

java_is_new_enough() {
  local version
  command -v java >/dev/null || return 1
  version="$(java -version 2>&1 | sed -nE 's/.*version "([0-9]+).*/\1/p')"
  [ "${version:-0}" -ge 17 ]
}

missing=()
if ! java_is_new_enough; then missing+=(default-jre-headless); fi   # 17 on Debian 12, 21 on 13
if ! command -v mvn >/dev/null; then missing+=(maven); fi
if ! command -v kcat >/dev/null; then missing+=(kcat); fi
if ! command -v npm >/dev/null; then missing+=(npm); fi
if ! command -v chromium >/dev/null; then missing+=(chromium); fi
# A real syslog server for the tests of delivery, which run it as a process of their own. Only in containers: on a machine with an
# init system it would become that machine's system log, and drive out another one.
if [ ! -d /run/systemd/system ] && [ ! -x /usr/sbin/rsyslogd ]; then missing+=(rsyslog rsyslog-openssl); fi
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "setup: installing ${missing[*]} with apt-get"
  if apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  then exit 0
  fi
  echo "setup: apt-get could not install them; going on without" >&2
fi
echo "setup: missing ${missing[*]} (Debian: apt-get install ${missing[*]}); Java and Maven run the local Kafka of the" \
     "demo and the integration tests (or set ASSAY_KAFKA to a running cluster), npm and chromium serve the console and its" \
     "tests" >&2
