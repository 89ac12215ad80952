#!/usr/bin/env bash
# Measures on this machine and prints the figures; nothing is kept.
#   bash packaging/bench.sh ingest [--seconds=5] [--jobs=1000,100000,1000000]
# PROFILE=dev takes the development profile, which is built already where the tests ran; the default is a release. TMPDIR names the disk to measure.
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in
ingest)
    shift
    cargo bench --locked --quiet --profile "${PROFILE:-release}" --bench ingest -- "$@"
    ;;
*)
    echo "usage: bash packaging/bench.sh ingest [--seconds=N] [--jobs=N,N,N]" >&2
    exit 2
    ;;
esac
