"""Fits how much the words' evidence and the model's answers count, for each kind of question, on lessons that hold both; prints what it finds; `src/reading/weights.rs` says what is in use.

    p(answer) ~ exp(words * evidence + model * log odds + lean of the answer)

Figures are of cross-validation by layout family: no family is judged by weights that were fitted on it.
"""
import argparse
import json
import pathlib

import gguf
import numpy as np
import torch

from train import Llama, odds_of

HEADS = ["Date", "Part", "Notice", "Maker", "Number"]
FOLDS = 8


def with_adapter(base, adapter):
    tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(adapter).tensors}
    rank = tensors["blk.0.attn_q.weight.lora_a"].data.shape[0]
    model = Llama(base, rank, scale=2.0)
    for side, parameters in (("a", model.down), ("b", model.up)):
        for key, parameter in parameters.items():
            layer, name = key.split("-")
            parameter.data = torch.from_numpy(np.array(tensors[f"blk.{layer}.{name}.weight.lora_{side}"].data, np.float32)).reshape(parameter.shape)
    return model


def family(document):
    """A one-off is its own."""
    return document[:3] if document[1:3].isdigit() else document


class Weights(torch.nn.Module):
    def __init__(self, answers):
        super().__init__()
        self.words, self.model = torch.nn.Parameter(torch.tensor(0.5)), torch.nn.Parameter(torch.tensor(0.5))
        self.lean = torch.nn.Parameter(torch.zeros(answers))

    def forward(self, words, model):
        return self.words * words + self.model * model + self.lean

    def fit(self, words, model, right, uses):
        with torch.no_grad():
            self.words *= "words" in uses
            self.model *= "model" in uses
        self.words.requires_grad_("words" in uses)
        self.model.requires_grad_("model" in uses)
        optimiser = torch.optim.LBFGS([p for p in self.parameters() if p.requires_grad], max_iter=200, line_search_fn="strong_wolfe")

        def loss():
            optimiser.zero_grad()
            value = torch.nn.functional.cross_entropy(self(words, model), right) + 0.01 * (self.lean**2).mean()
            value.backward()
            return value

        optimiser.step(loss)
        return self


def judged(p, right):
    best = p.argmax(1)
    hit = (best == right).float()
    sure = p.max(1).values
    parts = [f"{100 * hit.mean():.1f} % right, log loss {-p[torch.arange(len(p)), right].clamp_min(1e-9).log().mean():.3f}"]
    for low, high in ((0.5, 0.7), (0.7, 0.85), (0.85, 0.95), (0.95, 0.99), (0.99, 1.01)):
        inside = (sure >= low) & (sure < high)
        if inside.any():
            parts.append(f"{low:.2f}-{min(high, 1):.2f}: {int(hit[inside].sum())}/{int(inside.sum())}")
    return "; ".join(parts)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--base", type=pathlib.Path, required=True)
    arguments.add_argument("--adapter", type=pathlib.Path, required=True)
    arguments.add_argument("--lessons", type=pathlib.Path, required=True)
    arguments.add_argument("--threads", type=int, default=2)
    options = arguments.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    lines = [json.loads(line) for line in options.lessons.read_text(encoding="utf-8").splitlines()]
    lessons, families = [line["lesson"] for line in lines], np.array([family(line["document"]) for line in lines])
    odds = odds_of(with_adapter(options.base, options.adapter), lessons, 32)
    for head in HEADS:
        of = [at for at, lesson in enumerate(lessons) if lesson["question"].startswith(f"{head}:")]
        words = torch.tensor([lessons[at]["evidence"] for at in of], dtype=torch.float32)
        model = torch.tensor([odds[at] for at in of], dtype=torch.float32)
        model = model - model.mean(1, keepdim=True)
        right, groups = torch.tensor([lessons[at]["right"] for at in of]), families[of]
        names = sorted(set(groups))
        np.random.default_rng(1).shuffle(names)
        fold_of = {name: at % FOLDS for at, name in enumerate(names)}
        folds = np.array([fold_of[name] for name in groups])
        print(f"{head}: {len(of)} questions of {len(names)} families")
        for uses in (("words",), ("model",), ("words", "model")):
            p = torch.zeros_like(words)
            for fold in range(FOLDS):
                rest, own = torch.from_numpy(folds != fold), torch.from_numpy(folds == fold)
                weights = Weights(words.shape[1]).fit(words[rest], model[rest], right[rest], uses)
                p[own] = weights(words[own], model[own]).softmax(1).detach()
            print(f"  {' and '.join(uses)}: {judged(p, right)}")
            all_of_it = Weights(words.shape[1]).fit(words, model, right, uses)
            lean = all_of_it.lean.detach() - all_of_it.lean.detach().mean()
            print(f"    words {all_of_it.words.item():.2f}, model {all_of_it.model.item():.2f}, lean [{', '.join(f'{value:.2f}' for value in lean)}]")


if __name__ == "__main__":
    main()
