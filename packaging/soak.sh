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
    cargo test --locked --test access attacked </dev/null
    cargo test --locked --lib --test impact_properties --test impact_money </dev/null
done
# The API by a tool that is not ours, where it is installed (pip install schemathesis): a server with the sample factory, asked what its description allows and what it
# does not. A body that is right may still name what is not there, so that being refused is no failure.
attack() {
    local dir program="${CARGO_TARGET_DIR:-target}/debug/lastbuy" token served status=0
    dir=$(mktemp -d)
    "$program" --data-dir "$dir" data import assets/factory
    "$program" --data-dir "$dir" ingest --wait --source siliconexpert assets/notices/radar.siliconexpert.json
    "$program" --data-dir "$dir" user add root --role admin
    token=$("$program" --data-dir "$dir" token add soak --user root --scope read --scope ingest --scope work --scope review --scope decide --scope data --scope notify --scope audit --scope upkeep)
    "$program" --data-dir "$dir" serve --listen 127.0.0.1:18788 2>"$dir/said" &
    served=$!
    local common=(run http://127.0.0.1:18788/openapi.json --wait-for-schema 30 --exclude-path /v1/stream --exclude-checks positive_data_acceptance --no-shrink --continue-on-failure --max-examples 100 --seed 1)
    schemathesis "${common[@]}" --header "Authorization: Bearer $token" && schemathesis "${common[@]}" || status=$?
    kill $served && wait $served || status=$?
    rm -rf "$dir"
    return $status
}
if command -v schemathesis >/dev/null; then
    printf '\n== the API against its description, by schemathesis\n'
    attack
else
    printf '\nschemathesis is not installed: the API was tried by our own test only\n'
fi
printf '\n== how right readings are\n'
for set in tests/notices/*/; do
    "${CARGO_TARGET_DIR:-target}/debug/lastbuy" eval "$set" </dev/null
done
printf 'soak: %d round(s) in %d s without a failure\n' $round $SECONDS
