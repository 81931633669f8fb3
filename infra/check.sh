#!/bin/sh
# Everything that has to hold before a change goes in; one line a step, and the tool's own words when one fails.
#
#   BIN=.venv/bin sh infra/check.sh            all of it
#   BIN=.venv/bin sh infra/check.sh -k review  further arguments go to pytest
set -u
BIN=${BIN:-.venv/bin}
PACKAGES="skills graph channels infra api evals"
said=$(mktemp)
trap 'rm -f "$said"' EXIT

step() { # step NAME COMMAND…
    name=$1
    shift
    began=$(date +%s)
    if "$@" >"$said" 2>&1; then
        printf '  ok    %-12s %4ss  %s\n' "$name" "$(($(date +%s) - began))" "$(summary)"
    else
        printf '  FAIL  %-12s %4ss\n\n' "$name" "$(($(date +%s) - began))"
        cat "$said"
        printf '\nrun it alone: %s\n' "$*"
        exit 1
    fi
}

# What is worth knowing of a step that went well: a gap that it had to leave, or the tests' last line.
summary() { grep -E '^not audited|[0-9]+ passed|^TOTAL' "$said" | tr '\n' ' '; }

# Unused names are found with certainty only among imports, arguments and unreachable code: frameworks call the rest.
unused() { "$BIN/vulture" $PACKAGES tests --min-confidence 80 --ignore-names trace,client_address,serialized; }

# pytest-cov puts the children's figures together and holds the lower limit of pyproject.toml.
tests() { "$BIN/python" -m pytest ${PARALLEL:-} --cov --cov-report=term "$@"; }

step lint "$BIN/ruff" check .
step format "$BIN/ruff" format --check .
step types "$BIN/mypy"
step imports "$BIN/lint-imports" --no-cache
step unused unused
step licences "$BIN/python" -m tests.architecture.licences
step audit "$BIN/python" -m tests.architecture.audit
step secrets "$BIN/python" -m tests.architecture.leaks
step tests tests "$@"
