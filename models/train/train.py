"""Trains a LoRA adapter for the default model on lessons that `lastbuy eval DIR --lessons` prints, and writes it as GGUF.

The base is the very file that Lastbuy runs, dequantised: what the adapter learns corrects the weights it will meet. The loss compares only the answers that a question
allows, at the one place where the answer stands; the vocabulary's other words are no answers. The same lessons, seed and steps give the same adapter on the same machine.
"""
import argparse
import json
import pathlib
import time

import gguf
import jax
import jax.numpy as jnp
import numpy as np

LINEARS = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
CHOICES_MAX = 5
LENGTHS = (32, 48, 72, 112)


def load(path):
    reader = gguf.GGUFReader(path)
    number = lambda key: reader.fields[key].parts[-1][0].item()
    tensors = {t.name: gguf.quants.dequantize(t.data, t.tensor_type).astype(np.float32) for t in reader.tensors}
    config = {
        "layers": int(number("llama.block_count")), "heads": int(number("llama.attention.head_count")), "kv": int(number("llama.attention.head_count_kv")),
        "eps": float(number("llama.attention.layer_norm_rms_epsilon")), "base": float(number("llama.rope.freq_base")),
    }
    names = [*LINEARS, "attn_norm", "ffn_norm"]
    layers = {name: np.stack([tensors[f"blk.{i}.{name}.weight"] for i in range(config["layers"])]) for name in names}
    head = tensors.get("output.weight", tensors["token_embd.weight"])
    return config, {"layers": layers, "embed": tensors["token_embd.weight"], "norm": tensors["output_norm.weight"], "head": head}


def rms(x, weight, eps):
    return x * jax.lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + eps) * weight


def rope(x, base):
    """Rotates neighbours, as GGUF of this architecture lays queries and keys out."""
    half = x.shape[-1] // 2
    angle = jnp.arange(x.shape[1])[:, None] / base ** (jnp.arange(half) / half)
    cos, sin = jnp.cos(angle)[None, :, None], jnp.sin(angle)[None, :, None]
    even, odd = x[..., 0::2], x[..., 1::2]
    return jnp.stack([even * cos - odd * sin, even * sin + odd * cos], -1).reshape(x.shape)


def scores(lora, base, batch, config, scale):
    """Log odds of each allowed answer. Sequences are filled up at their end, which causal attention never looks at."""
    tokens, last, choices = batch["tokens"], batch["last"], batch["choices"]
    rows, length = tokens.shape
    causal = jnp.tril(jnp.ones((length, length), bool))

    def layer(x, both):
        weights, extra = both
        linear = lambda name, x: x @ weights[name].T + scale * ((x @ extra[name]["a"].T) @ extra[name]["b"].T)
        h = rms(x, weights["attn_norm"], config["eps"])
        split = lambda x, heads: x.reshape(rows, length, heads, -1)
        q, k, v = split(linear("attn_q", h), config["heads"]), split(linear("attn_k", h), config["kv"]), split(linear("attn_v", h), config["kv"])
        q, k = rope(q, config["base"]), rope(k, config["base"])
        k, v = (jnp.repeat(t, config["heads"] // config["kv"], axis=2) for t in (k, v))
        weight = jnp.einsum("bqhd,bkhd->bhqk", q, k) / q.shape[-1] ** 0.5
        weight = jax.nn.softmax(jnp.where(causal, weight, -1e30), -1)
        x = x + linear("attn_output", jnp.einsum("bhqk,bkhd->bqhd", weight, v).reshape(rows, length, -1))
        h = rms(x, weights["ffn_norm"], config["eps"])
        return x + linear("ffn_down", jax.nn.silu(linear("ffn_gate", h)) * linear("ffn_up", h)), None

    x, _ = jax.lax.scan(layer, base["embed"][tokens], (base["layers"], lora))
    x = rms(x[jnp.arange(rows), last], base["norm"], config["eps"])
    odds = jnp.einsum("bd,bcd->bc", x, base["head"][choices])
    return jnp.where(batch["allowed"], odds, -1e30)


def loss(lora, base, batch, config, scale):
    logs = jax.nn.log_softmax(scores(lora, base, batch, config, scale), -1)
    picked = jnp.take_along_axis(logs, batch["right"][:, None], 1)[:, 0]
    return -(picked * batch["weight"]).sum() / batch["weight"].sum()


def read_lessons(path):
    lessons = [json.loads(line)["lesson"] for line in path.open(encoding="utf-8")]
    if any(len(choice) != 1 for lesson in lessons for choice in lesson["choices"]):
        raise SystemExit("an answer of several tokens: give each answer one token, the trainer compares one place")
    return [lesson for lesson in lessons if len(lesson["tokens"]) <= LENGTHS[-1]]


def batch_of(lessons, rows):
    length = next(length for length in LENGTHS if max(len(lesson["tokens"]) for lesson in lessons) <= length)
    batch = {
        "tokens": np.zeros((rows, length), np.int32), "last": np.zeros(rows, np.int32), "choices": np.zeros((rows, CHOICES_MAX), np.int32),
        "allowed": np.zeros((rows, CHOICES_MAX), bool), "right": np.zeros(rows, np.int32), "weight": np.zeros(rows, np.float32),
    }
    batch["allowed"][:, 0] = True
    for row, lesson in enumerate(lessons):
        tokens, choices = lesson["tokens"], [choice[0] for choice in lesson["choices"]]
        batch["tokens"][row, : len(tokens)], batch["last"][row] = tokens, len(tokens) - 1
        batch["choices"][row, : len(choices)], batch["allowed"][row, : len(choices)] = choices, True
        batch["right"][row], batch["weight"][row] = lesson["right"], 1
    return batch


def batches(lessons, rows, rng):
    """Of neighbours in length, so that little is filled up; in random order."""
    order = sorted(rng.permutation(len(lessons)), key=lambda i: next(length for length in LENGTHS if len(lessons[i]["tokens"]) <= length))
    groups = [order[at : at + rows] for at in range(0, len(order), rows)]
    rng.shuffle(groups)
    return [batch_of([lessons[i] for i in group], rows) for group in groups]


def accuracy(step, lessons, rows):
    right, sure_right, sure = {}, 0, 0
    for at in range(0, len(lessons), rows):
        group = lessons[at : at + rows]
        odds = np.asarray(step(batch_of(group, rows)))
        for lesson, row in zip(group, odds):
            about = lesson["question"].split(":")[0]
            hit = int(row.argmax()) == lesson["right"]
            counts = right.setdefault(about, [0, 0])
            counts[0] += hit
            counts[1] += 1
            p = np.exp(row - row.max())
            if p.max() / p.sum() >= 0.95:
                sure, sure_right = sure + 1, sure_right + hit
    told = {about: f"{hits}/{count}" for about, (hits, count) in sorted(right.items())}
    return f"{told}, of {sure} at 95 % or more {sure_right} right"


def write(path, lora, rank, alpha, lessons, seed):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    writer.add_name("Lastbuy questions")
    writer.add_license("Apache-2.0")
    writer.add_string("general.description", f"LoRA r={rank} on {lessons} lessons of models/train, seed {seed}")
    for name in LINEARS:
        for layer in range(lora[name]["a"].shape[0]):
            writer.add_tensor(f"blk.{layer}.{name}.weight.lora_a", np.asarray(lora[name]["a"][layer], np.float16))
            writer.add_tensor(f"blk.{layer}.{name}.weight.lora_b", np.asarray(lora[name]["b"][layer], np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--base", type=pathlib.Path, required=True)
    arguments.add_argument("--lessons", type=pathlib.Path, required=True)
    arguments.add_argument("--test", type=pathlib.Path, nargs="*", default=[])
    arguments.add_argument("--out", type=pathlib.Path, required=True)
    arguments.add_argument("--steps", type=int, required=True)
    arguments.add_argument("--rows", type=int, default=16)
    arguments.add_argument("--rank", type=int, default=16)
    arguments.add_argument("--rate", type=float, default=4e-4)
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    config, base = load(options.base)
    base = jax.tree.map(jnp.asarray, base)
    rng = np.random.default_rng(options.seed)
    alpha, scale = 2.0 * options.rank, 2.0
    lora = {
        name: {
            "a": jnp.asarray(rng.normal(0, base["layers"][name].shape[2] ** -0.5, (config["layers"], options.rank, base["layers"][name].shape[2])), jnp.float32),
            "b": jnp.zeros((config["layers"], base["layers"][name].shape[1], options.rank), jnp.float32),
        }
        for name in LINEARS
    }
    lessons = read_lessons(options.lessons)
    tests = [(path.name, read_lessons(path)) for path in options.test]
    # The base is an argument: closed over, its half gigabyte would be compiled in as constants.
    odds = jax.jit(lambda lora, base, batch: scores(lora, base, batch, config, scale))
    both = jax.jit(jax.value_and_grad(lambda lora, base, batch: loss(lora, base, batch, config, scale)))

    @jax.jit
    def update(lora, mean, square, gradient, step, rate):
        norm = jnp.sqrt(sum(jnp.sum(g * g) for g in jax.tree.leaves(gradient)))
        gradient = jax.tree.map(lambda g: g * jnp.minimum(1.0, 1.0 / (norm + 1e-9)), gradient)
        mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradient)
        square = jax.tree.map(lambda s, g: 0.99 * s + 0.01 * g * g, square, gradient)
        move = lambda w, m, s: w - rate * (m / (1 - 0.9**step)) / (jnp.sqrt(s / (1 - 0.99**step)) + 1e-8)
        return jax.tree.map(move, lora, mean, square), mean, square

    for name, test in tests:
        print(f"before training, {name}: {accuracy(lambda batch: odds(lora, base, batch), test, options.rows)}", flush=True)
    mean = square = jax.tree.map(jnp.zeros_like, lora)
    begin, seen, done, queue, recent = time.time(), 0, 0, [], []
    while done < options.steps:
        queue = queue or batches(lessons, options.rows, rng)
        batch = queue.pop()
        done += 1
        rate = options.rate * min(1.0, done / 10) * (0.5 + 0.5 * np.cos(np.pi * done / options.steps))
        value, gradient = both(lora, base, batch)
        lora, mean, square = update(lora, mean, square, gradient, float(done), float(rate))
        seen += int(batch["last"].sum())
        recent.append(float(value))
        if done % 10 == 0 or done < 4:
            print(f"step {done} of {options.steps}: loss {np.mean(recent[-10:]):.3f}, {seen / (time.time() - begin):.0f} tokens/s", flush=True)
    write(options.out, lora, options.rank, alpha, len(lessons), options.seed)
    for name, test in tests:
        print(f"after training, {name}: {accuracy(lambda batch: odds(lora, base, batch), test, options.rows)}", flush=True)


if __name__ == "__main__":
    main()
