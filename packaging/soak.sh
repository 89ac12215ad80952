#!/usr/bin/env bash
# The long forms of what the gate tests shortly: hundreds of killed servers and stores, many more random cases. Repeats until the time is over, and every
# part runs at least once. `--minutes N` (60).
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

minutes=60
case "${1:-}" in
    --minutes) minutes=${2:?--minutes needs a number} ;;
    "") ;;
    *) fail "soak.sh [--minutes N]" ;;
esac
[[ "$minutes" =~ ^[0-9]+$ ]] || fail "--minutes needs a whole number, not '$minutes'"

# Damaged input that got a new answer is kept, and damaged further by the next round and the next run.
export LASTBUY_CORPUS="${LASTBUY_CORPUS:-$(realpath -m "${CARGO_TARGET_DIR:-target}")/corpus}"
export LASTBUY_SOAK=1 PROPTEST_CASES="${PROPTEST_CASES:-20000}"
cargo test --locked --no-run </dev/null
until=$((SECONDS + minutes * 60))
round=0
while [ $round -eq 0 ] || [ $SECONDS -lt $until ]; do
    round=$((round + 1))
    printf '\n== soak, round %d, after %d s\n' $round $SECONDS
    cargo test --locked --test durability --test receive --test senders --test notify --test store --test crash --test document --test backup --test retention -- --nocapture </dev/null
    cargo test --locked --lib --test impact_properties --test impact_money </dev/null
done
printf '\n== how right readings are\n'
for set in tests/notices/*/; do
    "${CARGO_TARGET_DIR:-target}/debug/lastbuy" eval "$set" </dev/null
done
printf 'soak: %d round(s) in %d s without a failure\n' $round $SECONDS
