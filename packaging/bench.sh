#!/usr/bin/env bash
# Measures on this machine and prints the figures; nothing is kept.
#   bash packaging/bench.sh ingest [--seconds=5] [--jobs=1000,100000,1000000]
#   bash packaging/bench.sh documents [--seconds=5]     beside pdftotext where that is installed (poppler-utils)
#   bash packaging/bench.sh factory [--lines=1000000]   import, cold open and where-used, beside SQLite where python3 has it
#   bash packaging/bench.sh read [--documents=12]      reading beside generation of the whole JSON under a grammar
#   bash packaging/bench.sh impact      beside numpy, where python3 (or the interpreter that PYTHON names) has it
#   bash packaging/bench.sh pages [--cases=10000]      each page and list over HTTP with as many cases in the store; the goal is 200 ms
# PROFILE=dev takes the development profile, which is built already where the tests ran; the default is a release. TMPDIR names the disk to measure.
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in
ingest | documents | factory | impact | pages | read)
    bench=$1
    shift
    cargo bench --locked --quiet --profile "${PROFILE:-release}" --bench "$bench" -- "$@"
    ;;
*)
    echo "usage: bash packaging/bench.sh ingest [--seconds=N] [--jobs=N,N,N] | documents [--seconds=N] | factory [--lines=N] | impact | pages [--cases=N] | read [--documents=N]" >&2
    exit 2
    ;;
esac
