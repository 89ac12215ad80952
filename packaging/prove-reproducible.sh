#!/usr/bin/env bash
# Shows whether two builds of this commit give the same bytes: two clones in folders of different names, each with a target folder of its own, each built and packed by
# packaging/release.sh, compared artefact by artefact. What differs is named, and fails, but for the signature in the bundle, which minisign salts.
#   bash packaging/prove-reproducible.sh
#   FROM=folder    takes the dependencies from a target folder of release.sh (target/release-build) instead of building them twice: their paths are mapped
#                  away, so where they were built does not show, and our own code is what is compared. Said in the verdict.
#   PROGRAM=path   packs this program twice and builds nothing: only the packaging is compared
# Ends with "reproducible: passed" or "reproducible: FAILED".
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
command -v minisign >/dev/null || { echo "reproducible: FAILED at setup: minisign is missing (Debian: apt-get install minisign)"; exit 1; }
from=${FROM:+$(realpath "$FROM")} program=${PROGRAM:+$(realpath "$PROGRAM")} model=$(realpath "$here"/models/*-Instruct.*[0-9].gguf)
folder=$(mktemp -d)
finish() {
    local status=$?
    if [ $status -eq 0 ]; then echo "reproducible: passed"; else echo "reproducible: FAILED"; fi
    rm -rf "$folder"
}
trap finish EXIT
printf 'of this run only\n' >"$folder/password"
printf 'of this run only\nof this run only\n' | minisign -G -p "$folder/release.pub" -s "$folder/release.key" >/dev/null 2>&1

built() {
    git clone -q "$here" "$2"
    mkdir -p "$3"
    if [ -n "$from" ]; then
        mkdir -p "$3/release-build/release"
        cp -a "$from/release/"{build,deps,.fingerprint} "$3/release-build/release/"
        # Our own code, however it was built there, is built anew.
        rm -rf "$3/release-build/release/.fingerprint/lastbuy-"* "$3/release-build/release/deps/"{liblastbuy,lastbuy}*
    fi
    (cd "$2" && env LASTBUY_MODEL="$model" CARGO_TARGET_DIR="$3" ${program:+PROGRAM="$program"} \
        bash packaging/release.sh --key "$folder/release.key" --password-file "$folder/password" >"$folder/$1.log" 2>&1) || { tail -n 20 "$folder/$1.log" >&2; return 1; }
    mv "$3"/release-*/ "$folder/$1" 2>/dev/null || mv "$3"/release-[0-9]* "$folder/$1"
    rm -rf "$2" "$3"
}
echo "first build"
built first "$folder/somewhere" "$folder/target"
echo "second build"
built second "$folder/quite/another/place" "$folder/other/builds"

differs=0
for file in "$folder/first"/*; do
    name=${file##*/} other="$folder/second/${file##*/}"
    if cmp -s "$file" "$other"; then
        printf 'same     %s\n' "$name"
    elif [[ "$name" = *.lastbuy ]]; then
        mkdir -p "$folder/a" "$folder/b"
        tar -xzf "$file" -C "$folder/a" && tar -xzf "$other" -C "$folder/b"
        inside=$(diff -rq "$folder/a" "$folder/b" | sed "s|$folder/||g" || true)
        if [ "$(wc -l <<<"$inside")" = 1 ] && [[ "$inside" = *sig* ]]; then
            printf 'same     %s, but for its signature\n' "$name"
        else
            printf 'DIFFERS  %s\n%s\n' "$name" "$inside" && differs=1
        fi
    elif [[ "$name" = SHA256SUMS ]]; then
        # Holds the sums of what stands above and below.
        printf 'follows  %s: %s line(s) differ\n' "$name" "$(diff "$file" "$other" | grep -c '^<' || true)"
    else
        printf 'DIFFERS  %s, first at byte %s\n' "$name" "$(cmp "$file" "$other" | sed 's/.*byte \([0-9]*\).*/\1/')" && differs=1
    fi
done
[ -z "$from" ] || echo "the dependencies came from $from; our own code was built twice"
[ -z "$program" ] || echo "the program was given; only the packaging was done twice"
[ $differs = 0 ]
