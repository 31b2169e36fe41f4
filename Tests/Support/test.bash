#!/usr/bin/env bash
# `make test`: sets up what the tests need on a fresh Debian or Ubuntu with Swift 6, then runs them.
set -euo pipefail
cd "$(dirname "$0")/../.."
source Tests/Support/setup.bash
need_swift
need_packages "${BUILD_PACKAGES[@]}" make curl openssl man-db mandoc zsh fish nginx-light tinyproxy-bin procps
# Not every release has it, and not in version 2; its library stands in for it there.
if apt-cache policy awscli 2>/dev/null | grep -q 'Candidate: 2\.'; then need_packages awscli; fi
python_venv .venv-tests Tests/EndToEnd/requirements.txt
exec .venv-tests/bin/python Tests/Support/suites.py "$@"
