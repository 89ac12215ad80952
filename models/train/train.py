"""Trains a LoRA adapter for the default model on lessons that `lastbuy eval DIR --lessons` prints, and writes it as GGUF.

The base is the very file that Lastbuy runs, dequantised: what the adapter learns corrects the weights it will meet. The loss compares only the answers that a question
allows, at the one place where the answer stands; the vocabulary's other words are no answers. The same lessons, seed, steps and threads give the same adapter on the same
machine.
"""
import argparse
import json
import pathlib
import time

import gguf
import numpy as np
import torch
import torch.nn.functional as F

LINEARS = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
TOKENS_MAX = 160
# No answer of a kind of question is learnt from more lessons than this: `no` would drown `yes`.
ANSWER_MAX = 1200
EXCLUDED = -1e30


class Llama(torch.nn.Module):
    """The base in bfloat16, frozen, with a low-rank correction of every linear layer."""

    def __init__(self, path, rank, scale):
        super().__init__()
        reader = gguf.GGUFReader(path)
        number = lambda key: reader.fields[f"llama.{key}"].parts[-1][0].item()
        tensors = {t.name: torch.from_numpy(gguf.quants.dequantize(t.data, t.tensor_type).astype(np.float32)) for t in reader.tensors}
        self.layers, self.heads, self.kv = number("block_count"), number("attention.head_count"), number("attention.head_count_kv")
        self.eps, self.base, self.scale = number("attention.layer_norm_rms_epsilon"), number("rope.freq_base"), scale
        self.weights = {name: tensor.bfloat16() if tensor.ndim == 2 else tensor for name, tensor in tensors.items()}
        self.embed = tensors["token_embd.weight"]
        self.head = tensors.get("output.weight", self.embed)
        self.down, self.up = torch.nn.ParameterDict(), torch.nn.ParameterDict()
        for layer in range(self.layers):
            for name in LINEARS:
                out, into = tensors[f"blk.{layer}.{name}.weight"].shape
                self.down[f"{layer}-{name}"] = torch.randn(rank, into) * into**-0.5
                self.up[f"{layer}-{name}"] = torch.zeros(out, rank)

    def linear(self, layer, name, x):
        key = f"{layer}-{name}"
        return torch.addmm(F.linear(x, self.weights[f"blk.{layer}.{name}.weight"]), self.scale * F.linear(x, self.down[key]), self.up[key].t())

    def norm(self, name, x):
        return F.rms_norm(x, x.shape[-1:], self.weights[f"{name}.weight"], self.eps)

    def attend(self, q, k, v):
        """Written out: for sequences this short torch's own is the slower one."""
        later = torch.ones(q.shape[2], q.shape[2], dtype=torch.bool).triu(1)
        weight = (q @ k.transpose(2, 3) * q.shape[-1] ** -0.5).masked_fill(later, EXCLUDED)
        return weight.softmax(-1).to(v.dtype) @ v

    def rotate(self, x):
        """Rotates neighbours, as GGUF of this architecture lays queries and keys out. `x`: rows, heads, places, dimensions."""
        half = x.shape[-1] // 2
        angle = torch.arange(x.shape[2])[:, None] / self.base ** (torch.arange(half) / half)
        even, odd = x[..., 0::2].float(), x[..., 1::2].float()
        cos, sin = angle.cos(), angle.sin()
        return torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1).flatten(-2).to(x.dtype)

    def forward(self, tokens, last, choices, allowed):
        """Log odds of each allowed answer. Sequences are filled up at their end, which causal attention never looks at."""
        rows, length = tokens.shape
        x = self.embed[tokens.flatten()]
        for layer in range(self.layers):
            h = self.norm(f"blk.{layer}.attn_norm", x).bfloat16()
            split = lambda name, heads: self.linear(layer, name, h).view(rows, length, heads, -1).transpose(1, 2)
            q, k, v = self.rotate(split("attn_q", self.heads)), self.rotate(split("attn_k", self.kv)), split("attn_v", self.kv)
            k, v = (t.repeat_interleave(self.heads // self.kv, 1) for t in (k, v))
            x = x + self.linear(layer, "attn_output", self.attend(q, k, v).transpose(1, 2).reshape(rows * length, -1))
            h = self.norm(f"blk.{layer}.ffn_norm", x).bfloat16()
            x = x + self.linear(layer, "ffn_down", F.silu(self.linear(layer, "ffn_gate", h)) * self.linear(layer, "ffn_up", h))
        x = self.norm("output_norm", x.view(rows, length, -1)[torch.arange(rows), last])
        with torch.autocast("cpu", enabled=False):
            odds = torch.einsum("bd,bcd->bc", x, self.head[choices])
        return odds.masked_fill(~allowed, EXCLUDED)

    def write(self, path, alpha, description):
        writer = gguf.GGUFWriter(path, "llama")
        writer.add_type("adapter")
        writer.add_string("adapter.type", "lora")
        writer.add_float32("adapter.lora.alpha", alpha)
        writer.add_name("Lastbuy questions")
        writer.add_license("Apache-2.0")
        writer.add_string("general.description", description)
        for layer in range(self.layers):
            for name in LINEARS:
                for side, parameters in (("a", self.down), ("b", self.up)):
                    writer.add_tensor(f"blk.{layer}.{name}.weight.lora_{side}", parameters[f"{layer}-{name}"].detach().numpy().astype(np.float16))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()


def read_lessons(path):
    """Each question once an answer: what a thousand notices say in the same words is not a thousand lessons."""
    lessons = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        lesson = json.loads(line)["lesson"]
        # An answer of several tokens is decided by its first.
        if len(lesson["tokens"]) <= TOKENS_MAX:
            lessons.setdefault((lesson["question"], lesson["right"]), lesson)
    return list(lessons.values())


def balanced(lessons, rng):
    kept, counts = [], {}
    for at in rng.permutation(len(lessons)):
        answer = (lessons[at]["question"].split(":")[0], lessons[at]["right"])
        counts[answer] = counts.get(answer, 0) + 1
        if counts[answer] <= ANSWER_MAX:
            kept.append(lessons[at])
    return kept


def batch_of(lessons):
    """tokens, place of the last, choices, which of them are allowed; and the right ones."""
    length, most = max(len(lesson["tokens"]) for lesson in lessons), max(len(lesson["choices"]) for lesson in lessons)
    fill = lambda items, to: items + [0] * (to - len(items))
    tokens = torch.tensor([fill(lesson["tokens"], length) for lesson in lessons])
    last = torch.tensor([len(lesson["tokens"]) - 1 for lesson in lessons])
    choices = torch.tensor([fill([choice[0] for choice in lesson["choices"]], most) for lesson in lessons])
    allowed = torch.tensor([[at < len(lesson["choices"]) for at in range(most)] for lesson in lessons])
    return (tokens, last, choices, allowed), torch.tensor([lesson["right"] for lesson in lessons])


def batches(lessons, rows, rng):
    """Of neighbours in length, so that little is filled up; in random order."""
    order = sorted(rng.permutation(len(lessons)), key=lambda at: len(lessons[at]["tokens"]))
    groups = [order[at : at + rows] for at in range(0, len(order), rows)]
    rng.shuffle(groups)
    return [[lessons[at] for at in group] for group in groups]


@torch.no_grad()
def odds_of(model, lessons, rows):
    """Log odds by lesson."""
    order = sorted(range(len(lessons)), key=lambda at: len(lessons[at]["tokens"]))
    found = [None] * len(lessons)
    for at in range(0, len(order), rows):
        group = order[at : at + rows]
        with torch.autocast("cpu", torch.bfloat16):
            odds = model(*batch_of([lessons[place] for place in group])[0])
        for place, row in zip(group, odds):
            found[place] = row[: len(lessons[place]["choices"])].tolist()
    return found


def accuracy(model, lessons, rows):
    right, sure, sure_right = {}, 0, 0
    for lesson, odds in zip(lessons, odds_of(model, lessons, rows)):
        hit = int(np.argmax(odds)) == lesson["right"]
        counts = right.setdefault(lesson["question"].split(":")[0], [0, 0])
        counts[0] += hit
        counts[1] += 1
        if 1 / np.exp(np.array(odds) - max(odds)).sum() >= 0.95:
            sure, sure_right = sure + 1, sure_right + hit
    told = ", ".join(f"{about} {hits}/{count}" for about, (hits, count) in sorted(right.items()))
    return f"{told}; of {sure} at 95 % or more {sure_right} right"


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--base", type=pathlib.Path, required=True)
    arguments.add_argument("--lessons", type=pathlib.Path, required=True)
    arguments.add_argument("--test", type=pathlib.Path, nargs="*", default=[])
    arguments.add_argument("--out", type=pathlib.Path, required=True)
    arguments.add_argument("--steps", type=int, required=True)
    arguments.add_argument("--until", type=int, help="step after which to end, with the learning rate as for all steps")
    arguments.add_argument("--rows", type=int, default=16)
    arguments.add_argument("--rank", type=int, default=8)
    arguments.add_argument("--rate", type=float, default=6e-4)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--save-every", type=int, default=100, help="steps after which the adapter so far is written, usable as it is")
    options = arguments.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    rng = np.random.default_rng(options.seed)
    model = Llama(options.base, options.rank, scale=2.0)
    optimiser = torch.optim.AdamW(model.parameters(), lr=options.rate, betas=(0.9, 0.99), weight_decay=0.0)
    # A tenth up, then down by a cosine.
    warm = max(1, options.steps // 20)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: min(1.0, (step + 1) / warm) * (0.5 + 0.5 * np.cos(np.pi * step / options.steps)))
    lessons = balanced(read_lessons(options.lessons), rng)
    tests = [(path.name, read_lessons(path)) for path in options.test]
    print(f"{len(lessons)} lessons, {sum(len(lesson['tokens']) for lesson in lessons)} tokens, {sum(p.numel() for p in model.parameters())} parameters", flush=True)
    save = lambda step: model.write(options.out, 2.0 * options.rank, f"LoRA r={options.rank}, {step} steps of {options.rows} of {len(lessons)} lessons of models/train, seed {options.seed}")
    begin, seen, queue, recent = time.time(), 0, [], []
    last = options.until or options.steps
    for step in range(1, last + 1):
        queue = queue or batches(lessons, options.rows, rng)
        inputs, right = batch_of(queue.pop())
        with torch.autocast("cpu", torch.bfloat16):
            loss = F.cross_entropy(model(*inputs), right)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        seen += inputs[0].numel()
        recent.append(loss.item())
        if step % 20 == 0 or step == 3:
            print(f"step {step} of {options.steps}: loss {np.mean(recent[-20:]):.3f}, {seen / (time.time() - begin):.0f} tokens/s", flush=True)
        if step % options.save_every == 0:
            save(step)
    save(last)
    for name, test in tests:
        print(f"{name}: {accuracy(model, test, options.rows)}", flush=True)


if __name__ == "__main__":
    main()
