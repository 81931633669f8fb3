#!/bin/sh
# Everything that has to hold before a change goes in; one line a step, and the tool's own words when one fails.
#
#   BIN=.venv/bin sh infra/check.sh            all of it
#   BIN=.venv/bin sh infra/check.sh -k review  further arguments go to pytest
set -u
BIN=${BIN:-.venv/bin}
PACKAGES="skills graph channels infra api evals"
folder=$(mktemp -d)
types=
trap 'kill $types 2>/dev/null; rm -rf "$folder"' EXIT

run() { # run NAME COMMAND…: keeps what it said, how it ended and how long it took
    place=$folder/$1
    shift
    echo "$*" >"$place.command"
    began=$(date +%s)
    "$@" >"$place.said" 2>&1
    echo $? >"$place.code"
    echo $(($(date +%s) - began)) >"$place.seconds"
}

tell() { # tell NAME: how it went; nothing comes after a failure
    place=$folder/$1
    if [ "$(cat "$place.code")" = 0 ]; then
        printf '  ok    %-12s %4ss  %s\n' "$1" "$(cat "$place.seconds")" "$(summary "$place.said")"
    else
        printf '  FAIL  %-12s %4ss\n\n' "$1" "$(cat "$place.seconds")"
        cat "$place.said"
        printf '\nrun it alone: %s\n' "$(cat "$place.command")"
        exit 1
    fi
}

step() { # step NAME COMMAND…
    run "$@"
    tell "$1"
}

# What is worth knowing of a step that went well: a gap that it had to leave, or the tests' last line.
summary() { grep -E '^not audited|[0-9]+ passed|^TOTAL' "$1" | tr '\n' ' '; }

# Unused names are found with certainty only among imports, arguments and unreachable code: frameworks call the rest.
unused() { "$BIN/vulture" $PACKAGES tests --min-confidence 80 --ignore-names trace,client_address,serialized; }

# pytest-cov puts the children's figures together and holds the lower limit of pyproject.toml.
tests() { "$BIN/python" -m pytest ${PARALLEL:-} --cov --cov-report=term "$@"; }

step lint "$BIN/ruff" check .
step format "$BIN/ruff" format --check .
run types "$BIN/mypy" & # for most of a minute, on one processor
types=$!
step imports "$BIN/lint-imports" --no-cache
step unused unused
step licences "$BIN/python" -m tests.architecture.licences
step audit "$BIN/python" -m tests.architecture.audit
step secrets "$BIN/python" -m tests.architecture.leaks
wait $types
tell types
step tests tests "$@"
