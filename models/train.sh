#!/usr/bin/env bash
# Trains the adapter of the default model from nothing: installs what the trainer needs, writes the notices, has Lastbuy put its questions to them, trains, and measures.
#   bash models/train.sh [STEPS]      the adapter comes out as target/train/adapter.gguf; it is used once it lies beside the model as NAME.adapter.gguf
# Seeds are fixed. A step learns 16 questions.
set -euo pipefail
cd "$(dirname "$0")/.."
steps="${1:-900}"
model=models/SmolLM2-135M-Instruct.Q4_1.gguf
work=target/train
lastbuy="${LASTBUY:-target/debug/lastbuy}"

bash packaging/setup.sh
[ -n "${LASTBUY:-}" ] || cargo build --locked --bin lastbuy --test layers
mkdir -p "$work"
[ -d "$work/venv" ] || python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --requirement models/train/requirements.txt

write() { # folder, count, seed, flags
  rm -rf "${work:?}/$1"
  python3 models/train/generate.py "$work/$1" --count "$2" --seed "$3" ${4:-}
  "$lastbuy" eval "$work/$1" --lessons >"$work/$1.jsonl"
}
write lessons 3200 1
write held 120 2 --held-out
"$lastbuy" eval tests/data/reading/dev --lessons >"$work/dev.jsonl"

"$work/venv/bin/python" models/train/train.py --base "$model" --lessons "$work/lessons.jsonl" --test "$work/held.jsonl" "$work/dev.jsonl" \
  --out "$work/adapter.gguf" --steps "$steps"

# The same documents by the words alone, by the untrained model, and with the adapter.
cp "$model" "$work/"
rm -f "$work"/SmolLM2-*.adapter.gguf
for set in "$work/held" tests/data/reading/dev; do
  "$lastbuy" --model "$work/${model##*/}" eval "$set" --model-off
  "$lastbuy" --model "$work/${model##*/}" eval "$set"
done
adapter="$work/$(basename "$model" .gguf).adapter.gguf"
cp "$work/adapter.gguf" "$adapter"
for set in "$work/held" tests/data/reading/dev; do
  "$lastbuy" --model "$work/${model##*/}" eval "$set"
done
