#!/usr/bin/env bash
# Trains the adapter of the default model from nothing: installs what the trainer needs, writes the notices, has Lastbuy put its questions to them, trains, and fits how
# much the words and the model count. About an hour and a half on two cores.
#   bash models/train.sh [STEPS]      the adapter comes out as target/train/candidate.adapter.gguf
# Seeds are fixed. A step learns 16 questions; 900 steps are the lessons once; the last 60, at hardly any learning rate, are left out.
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

# A byte more makes it another model, to which Lastbuy adds no adapter.
plain="$work/plain.gguf"
cp "$model" "$plain"
printf '\0' >>"$plain"

write() { # folder, count, seed, flags
  rm -rf "${work:?}/$1"
  python3 models/train/generate.py "$work/$1" --count "$2" --seed "$3" ${4:-}
  "$lastbuy" --model "$plain" eval "$work/$1" --lessons >"$work/$1.jsonl"
}
write lessons 3200 1
write held 120 2 --held-out
"$lastbuy" --model "$plain" eval tests/data/reading/dev --lessons >"$work/dev.jsonl"

cp "$model" "$work/candidate.gguf"
adapter="$work/candidate.adapter.gguf"
"$work/venv/bin/python" models/train/train.py --base "$model" --lessons "$work/lessons.jsonl" --test "$work/held.jsonl" --out "$adapter" --steps "$steps" --until "$((steps * 14 / 15))" --threads 1
# Prints weights for words and model, and how right questions are answered by the words, by the model and by both, never judged by a family fitted on.
"$work/venv/bin/python" models/train/fit.py --base "$model" --adapter "$adapter" --lessons "$work/dev.jsonl"

# The same documents by the words alone, by the untrained model, and with the adapter.
"$lastbuy" --model "$work/candidate.gguf" eval tests/data/reading/dev --model-off
"$lastbuy" --model "$plain" eval tests/data/reading/dev
"$lastbuy" --model "$work/candidate.gguf" eval tests/data/reading/dev
