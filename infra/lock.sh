#!/bin/sh
# Compiles the lock files: hashes, every platform, no download addresses. Plain pip installs them.
set -eu
compile() { uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --override overrides.txt pyproject.toml "$@"; }
compile --group install --output-file requirements.lock
compile --group install --group dev --output-file requirements-dev.lock
