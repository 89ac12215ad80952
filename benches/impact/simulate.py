"""The simulation of an assessment by numpy, vectorised over the trials: the same model, its own random numbers.

    python3 simulate.py MODEL.json     prints one JSON object: seconds, and mean, error and P90 of each answer's cost and value
"""

import json
import math
import sys
import time

import numpy as np


def play(model):
    trials = model["trials"]
    random = np.random.default_rng(model["seed"])
    z = random.standard_normal((model["streams"], trials))
    luck = random.random(trials)
    variance = math.log1p(model["weeks_cv"] ** 2)
    factor = np.exp(math.sqrt(variance) * random.standard_normal(trials) - variance / 2)
    starts, discount = np.array(model["starts"]), np.array(model["discount"])
    months = len(discount)
    needs, totals = [], []
    for item in model["items"]:
        need = [s["pieces"] * np.maximum(0.0, 1.0 + s["cv"] * z[s["stream"]]) for s in item["slices"]]
        needs.append(need)
        totals.append(np.sum(need, axis=0))
    results = []
    for course in model["courses"]:
        cost, value = np.full(trials, course["cost"]), np.full(trials, course["value"])
        lost_units = {}
        for leg in course["legs"]:
            item, need, total = model["items"][leg["item"]], needs[leg["item"]], totals[leg["item"]]
            fails = luck >= (1.0 if leg["probability"] is None else leg["probability"])
            if leg["takeover"] is None:
                ready = np.full(trials, np.inf)
            else:
                days = leg["takeover"] * factor
                at = np.minimum(np.searchsorted(starts, days, side="right") - 1, months - 1)
                ready = at + (days - starts[at]) / (starts[at + 1] - starts[at])
                ready = np.where(days >= starts[-1], len(starts), ready)
                if not leg["order_fails"]:
                    ready = np.where(fails, np.inf, ready)
            order = np.where(fails, 0.0, leg["order"]) if leg["order_fails"] else np.full(trials, leg["order"])
            in_time = not np.any(ready)
            cover = sum(pieces for _, pieces in item["supplies"])
            served, before = np.zeros((months, trials)), np.zeros(trials)
            if not in_time:
                there = [np.full(trials, pieces) for _, pieces in item["supplies"]]
                there[0] = there[0] + order
                last, uncut = ready.max(), np.all(np.isinf(ready))
                for s, wanted in zip(item["slices"], need):
                    month = s["month"]
                    if month >= last:
                        continue
                    if not uncut:
                        wanted = wanted * np.clip(ready - month, 0.0, 1.0)
                    left = wanted
                    for at in range(len(there) - 1, -1, -1):
                        if not s["waits"] and item["supplies"][at][0] > month:
                            continue
                        taken = np.minimum(left, there[at])
                        left = left - taken
                        there[at] = there[at] - taken
                    before += wanted
                    served[month] += wanted - left
                    if leg["spot"] and s["on_spot"]:
                        cost += left * item["spot_premium"]
                        value += left * (item["spot_premium"] * discount[month])
                    else:
                        units = left / s["per_unit"]
                        key = s["key"]
                        lost_units[key] = np.maximum(lost_units[key], units) if key in lost_units else units
            if leg["order"] > 0:
                used = np.clip(np.cumsum(served, axis=0) - cover, 0.0, order)
                taken = np.diff(used, axis=0, prepend=0.0)
                value += item["price"] * order - item["price"] * (discount @ taken)
                left = order - used[-1]
                end = leg["order_end"]
                if "Held" in model["carried"]:
                    held = model["carried"]["Held"]
                    years = np.diff(starts) / 365.25
                    middle = order - (used - taken / 2.0)
                    weight = np.where(np.arange(months) <= end, years, 0.0) * item["price"] * held["rate"]
                    cost += weight @ middle
                    value += (weight * discount * held["paid"]) @ middle
                cost += left * (item["price"] - item["salvage"])
                value -= item["salvage"] * left * discount[end]
            if leg["difference"] != 0.0:
                pieces = np.where(np.isfinite(ready), np.maximum(0.0, total - np.maximum(before, cover)), 0.0)
                cost += leg["difference"] * pieces
                value += leg["difference"] * leg["difference_discount"] * pieces
        for key, units in lost_units.items():
            row = model["keys"][key]
            cost += units * row["value"]
            value += units * (row["value"] * discount[row["month"]])
        results.append((course["name"], cost, value))
    return results


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        model = json.load(file)
    best = None
    for _ in range(3):
        begun = time.perf_counter()
        results = play(model)
        seconds = time.perf_counter() - begun
        best = seconds if best is None else min(best, seconds)
    rows = []
    for name, cost, value in results:
        rows.append({
            "name": name,
            "cost": float(cost.mean()),
            "cost_error": float(cost.std() / math.sqrt(len(cost))),
            "value": float(value.mean()),
            "value_error": float(value.std() / math.sqrt(len(value))),
            "p90": float(np.quantile(cost, 0.9)),
        })
    print(json.dumps({"seconds": best, "numpy": np.__version__, "answers": rows}))


if __name__ == "__main__":
    main()
