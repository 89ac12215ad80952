#!/usr/bin/env bash
# Builds Lastbuy and runs its demo: a sample factory and sample notices through the whole pipeline. Arguments go to `lastbuy demo` (`--serve`, `--json`).
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

program="${CARGO_TARGET_DIR:-target}/debug/lastbuy"
if [ ! -x "$program" ]; then
    printf 'Building; the first time takes 10 to 20 minutes on two cores, llama.cpp being the largest part.\n' >&2
fi
# With one test beside the program Cargo chooses the features of the dependencies as the gate does, so that both share one build of them.
build=(cargo build --locked --bin lastbuy --test layers)
if [ -t 2 ]; then
    "${build[@]}"
else
    # Cargo shows no progress bar here: a line for every fifty crates instead of one for each.
    "${build[@]}" 2>&1 </dev/null | awk '
        /^ *Compiling/ { if (++crates % 50 == 0) { printf "  %d crates are compiled or begun\n", crates; fflush() } next }
        /^ *(Downloading|Downloaded|Updating|Locking|Finished|Blocking)/ { next }
        { print; fflush() }' >&2
fi
# A program built outside this folder would not find the model by itself.
export LASTBUY_MODEL="${LASTBUY_MODEL:-$PWD/$model}"
exec "$program" demo "$@"
