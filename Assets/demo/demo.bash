#!/usr/bin/env bash
# `make demo`: a real S3 server on loopback with sample buckets, and pail open on it.
# `demo.bash clean` removes what it keeps, all of it in ${XDG_DATA_HOME:-~/.local/share}/pail-demo.
#
# PAIL_DEMO_BINARY      a pail that is built already; without it the release binary is built
# PAIL_DEMO_PYTHON      a Python that has demo/requirements.txt; without it a private one is made
# PAIL_DEMO_OBJECTS     how many small objects one prefix gets (5000)
# PAIL_DEMO_LARGE_MB    the size of the large object in MB (200)
set -euo pipefail
cd "$(dirname "$0")/../.."
source Tests/Support/setup.bash

home=${XDG_DATA_HOME:-$HOME/.local/share}/pail-demo
if [[ ${1:-} == clean ]]; then
  say "Removing the demo's data in $home"
  if [[ -e $home/lock ]]; then
    exec 9>"$home/lock"
    flock -n 9 || fail "the demo is still running" "Leave pail with q, then run this again."
  fi
  rm -rf -- "$home"
  exit 0
fi

[[ -t 0 && -t 1 ]] || fail "the demo opens pail on your terminal, and there is none here" \
  "Run 'make demo' in a terminal, with neither input nor output redirected."
need_swift
need_packages "${BUILD_PACKAGES[@]}"
if [[ -z ${PAIL_DEMO_BINARY:-} ]]; then
  make --no-print-directory build
  PAIL_DEMO_BINARY=$PWD/.build/release/pail
fi

umask 077
mkdir -p "$home"
exec 9>"$home/lock"
flock -n 9 || fail "the demo is already running in another terminal" "Leave that pail with q first."
if [[ -z ${PAIL_DEMO_PYTHON:-} ]]; then
  python_venv "$home/venv" Assets/demo/requirements.txt
  PAIL_DEMO_PYTHON=$home/venv/bin/python
fi
exec "$PAIL_DEMO_PYTHON" Assets/demo/demo.py "$home" "$PAIL_DEMO_BINARY"
