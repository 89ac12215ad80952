"""Writes labelled notices to train and to test an adapter on: NAME.txt or NAME.eml with NAME.json beside it.

Every notice is put together from a kind, a language, a maker, a way of writing dates, a layout of dates, a layout of parts and traps. Families of layouts named in
HELD_OUT are written only to the test folder: an adapter is never trained on them. The same seed writes the same files.
"""
import argparse
import json
import pathlib
import random
from datetime import date, timedelta

from words import KIND_TEXT, LABELS, MAKERS, MONTHS, NOISE, PART_WORDS, SENTENCES, TRAPS

DATE_LAYOUTS = ["labels", "dotted", "pipes", "sentences", "aligned", "brief", "two_lines", "bullets"]
PART_LAYOUTS = ["list", "columns", "pipes", "sentence", "arrows", "labelled", "commas", "bullets"]
HELD_OUT = {"dates": {"two_lines", "brief"}, "parts": {"arrows", "labelled"}}
LANGUAGES = ["en"] * 10 + ["de"] * 3 + ["fr"] * 2 + ["es"] * 2 + ["ja"] * 2 + ["zh"] * 2
KINDS = ["PDN"] * 10 + ["PCN"] * 5 + ["NRND"] * 2 + ["retraction"] * 2 + ["OTHER"] * 3


def written(day: date, language: str, rng: random.Random) -> str:
    if language in ("ja", "zh"):
        forms = [f"{day.year}年{day.month}月{day.day}日", f"{day:%Y/%m/%d}", f"{day:%Y-%m-%d}", f"{day.year}年{day.month:02}月{day.day:02}日"]
        return rng.choice(forms)
    month = MONTHS[language][day.month - 1]
    if language == "de":
        return rng.choice([f"{day:%d.%m.%Y}", f"{day.day}. {month} {day.year}", f"{day:%Y-%m-%d}"])
    if language in ("fr", "es"):
        of = " de " if language == "es" else " "
        return rng.choice([f"{day:%d/%m/%Y}" if day.day > 12 else f"{day.day}{of}{month}{of}{day.year}", f"{day.day}{of}{month}{of}{day.year}", f"{day:%Y-%m-%d}"])
    return rng.choice([
        f"{day:%Y-%m-%d}", f"{day.day} {month} {day.year}", f"{month} {day.day}, {day.year}", f"{day.day:02}-{month[:3]}-{day.year}", f"{day.day:02}{month[:3]}{day.year}",
        f"{day.month}/{day.day}/{day.year}" if day.day > 12 else f"{day.day} {month[:3]} {day.year}", f"{day.year}.{day.month}.{day.day}", f"{month[:3]} {day.day:02}, {day.year}",
    ])


def numbers(rng: random.Random, count: int) -> list[str]:
    letters = "ABCDEFGHKLMNPRSTVWX"
    stem = "".join(rng.choice(letters) for _ in range(rng.randint(2, 3))) + str(rng.randint(100, 99999))
    suffixes = ["", "-TR", "F", "D", "AQ1", "-3.3", "/NOPB", "#PBF", "E", "-T", "-8", "DGKR", "PWR", "ADJ", "B-1", "-GE3", "LT1G", "Z-R7", "-E/SN", "MX"]
    return [stem + suffix for suffix in rng.sample(suffixes, count)]


def part_lines(rng, layout, language, parts, replacements, held):
    words = PART_WORDS[language]
    part, new, none = rng.choice(words["part"]), rng.choice(words["replacement"]), rng.choice(words["none"])
    pair = [(number, replacements.get(number)) for number in parts]
    told = any(other is not None or number in replacements for number, other in pair)
    shown = lambda other: other or none
    if layout == "columns":
        lines = [f"{part:<26}{new if told else ''}".rstrip()]
        lines += [f"{number:<26}{shown(other) if told else ''}".rstrip() for number, other in pair]
    elif layout == "pipes":
        lines = [f"| {part} | {new} |" if told else f"| {part} |"]
        lines += [f"| {number} | {shown(other)} |" if told else f"| {number} |" for number, other in pair]
    elif layout == "arrows":
        lines = [f"{part}:"] + [f"  {number} -> {shown(other)}" if told else f"  {number}" for number, other in pair]
    elif layout == "labelled":
        lines = [line for number, other in pair for line in ([f"{part}: {number}", f"{new}: {shown(other)}", ""] if told else [f"{part}: {number}"])]
    elif layout == "sentence":
        lines = [rng.choice(words["sentence"]).format(parts=", ".join(parts))]
        lines += [rng.choice(words["replaced"]).format(old=number, new=other) for number, other in pair if other]
        replacements = {number: other for number, other in pair if other}
    else:
        mark = {"bullets": "- ", "commas": "", "list": ""}[layout]
        lines = [f"{part}:"] + ([", ".join(parts)] if layout == "commas" else [mark + number for number in parts])
        others = [other for _, other in pair if other]
        lines += [f"{new}:"] + ([", ".join(others)] if layout == "commas" else [mark + other for other in others]) if others else []
        replacements = {number: other for number, other in pair if other}
    return lines, replacements


def date_lines(rng, layout, language, roles):
    """`roles` as (role, text of the date)."""
    labels = [(rng.choice(LABELS[language][role]), role, text) for role, text in roles]
    if layout == "sentences":
        return [rng.choice(SENTENCES[language][role]).format(date=text) for _, role, text in labels]
    colon = "：" if language in ("ja", "zh") and rng.random() < 0.6 else ":"
    return {
        "labels": lambda: [f"{label}{colon} {text}" for label, _, text in labels],
        "dotted": lambda: [f"{label} {'.' * rng.randint(3, 20)} {text}" for label, _, text in labels],
        "pipes": lambda: [f"| {label} | {text} |" for label, _, text in labels],
        "aligned": lambda: [f"{label:<34}{text}" for label, _, text in labels],
        "bullets": lambda: [f"- {label} {text}" for label, _, text in labels],
        "two_lines": lambda: [line for label, _, text in labels for line in (label, text, "")],
        "brief": lambda: [" / ".join(f"{label} {text}" for label, _, text in labels)],
    }[layout]()


def notice(rng: random.Random, held: bool) -> tuple[str, str, dict]:
    language, kind, maker = rng.choice(LANGUAGES), rng.choice(KINDS), rng.choice(MAKERS)
    def pick(layouts, out):
        return rng.choice([layout for layout in layouts if (layout in out) == held])
    by_dates, by_parts = pick(DATE_LAYOUTS, HELD_OUT["dates"]), pick(PART_LAYOUTS, HELD_OUT["parts"])
    issue = date(2019, 1, 1) + timedelta(days=rng.randint(0, 2900))
    days = {"issue": issue, "buy": issue + timedelta(days=rng.randint(40, 400))}
    days["ship"] = days["buy"] + timedelta(days=rng.randint(60, 250))
    days["effective"] = issue + timedelta(days=rng.randint(91, 200))
    days["other"] = issue - timedelta(days=rng.randint(200, 2500))
    days["mail"] = issue + timedelta(days=rng.randint(1, 9))
    text = {role: written(day, language, rng) for role, day in days.items()}
    number = rng.choice(["PCN", "CN", "N", ""] if kind in ("PCN", "NRND") else ["PCN", "PDN", "EOL", "PD", "N", "DN"]) + rng.choice(["-", " ", "_", ""]) + f"{rng.randint(10, 9999)}" + rng.choice(["", "-A", "/26", ".1", "-02"])
    parts = numbers(rng, rng.randint(1, 6))
    replacements: dict = {}
    if kind in ("PDN", "NRND") and rng.random() < 0.65:
        new = numbers(rng, len(parts))
        replacements = {old: (other if rng.random() < 0.8 else None) for old, other in zip(parts, new)}
    words = KIND_TEXT[language][kind]
    body = [rng.choice([maker, maker.upper(), f"{maker}    {rng.choice(NOISE[language])}"]), "", rng.choice(words["title"]).format(number=number, maker=maker)]
    if rng.random() < 0.5 and kind != "OTHER":
        body.append(f"No. {number}" if language == "en" else number)
    roles = [("issue", text["issue"])] if rng.random() < 0.9 else []
    if kind == "PDN":
        roles += [("buy", text["buy"])] if rng.random() < 0.93 else []
        roles += [("ship", text["ship"])] if rng.random() < 0.75 else []
    if kind == "PCN" or (kind in ("NRND", "PDN") and rng.random() < 0.12):
        roles.append(("effective", text["effective"]))
    if rng.random() < 0.3:
        roles.append(("form", text["other"]))
    label_roles = {role for role, _ in roles}
    date_block = date_lines(rng, by_dates, language, roles)
    part_block, replacements = part_lines(rng, by_parts, language, parts, replacements, held) if kind != "OTHER" else ([], {})
    prose = [rng.choice(words["body"]).format(maker=maker, number=number, parts=", ".join(parts[:2]))]
    traps = []
    if kind == "PCN" and rng.random() < 0.6:
        traps.append(rng.choice(TRAPS[language]["old_material"]).format(date=text["buy"], ship=text["ship"]))
    if kind in ("PDN", "PCN") and rng.random() < 0.25:
        traps.append(rng.choice(TRAPS[language]["superseded"]).format(date=text["other"]))
    if kind == "retraction":
        traps.append(rng.choice(TRAPS[language]["void"]).format(date=text["buy"], ship=text["ship"]))
    if kind == "PCN" and rng.random() < 0.5:
        traps.append(rng.choice(TRAPS[language]["material"]).format(number=numbers(rng, 1)[0]))
    if kind == "OTHER" and rng.random() < 0.8:
        traps.append(rng.choice(TRAPS[language]["elsewhere"]).format(date=text["buy"], number=numbers(rng, 1)[0]))
    blocks = [prose, date_block, part_block, traps]
    rng.shuffle(blocks)
    for block in blocks:
        body += ["", *block] if block else []
    body += ["", rng.choice(NOISE[language])]
    ends = kind == "PDN"
    flat_kind = "OTHER" if kind == "retraction" else kind
    label = {
        "kind": kind, "notice_type": flat_kind, "manufacturer": maker, "notice_id": number if any(number in line for line in body) else None, "language": language,
        "layout": f"{by_dates}+{by_parts}", "issue_date": str(days["issue"]) if "issue" in label_roles else None,
        "last_time_buy": str(days["buy"]) if ends and "buy" in label_roles else None, "last_time_ship": str(days["ship"]) if ends and "ship" in label_roles else None,
        "affected_parts": [] if flat_kind == "OTHER" else parts, "replacements": {} if flat_kind == "OTHER" else replacements,
        "other_dates": [{"role": "effective", "date": str(days["effective"])}] if "effective" in label_roles else [],
    }
    content, ending = "\n".join(body) + "\n", "txt"
    if rng.random() < 0.3:
        # A chain that was forwarded: the days of its mails are no days of the notice.
        head = {"en": "From: {m}\nSent: {d}\nSubject: {s}\n\n", "de": "Von: {m}\nGesendet: {d}\nBetreff: {s}\n\n", "fr": "De : {m}\nEnvoyé : {d}\nObjet : {s}\n\n", "es": "De: {m}\nEnviado: {d}\nAsunto: {s}\n\n"}
        content = head.get(language, head["en"]).format(m=f"Purchasing <buyer@{maker.split()[0].lower().replace('ü', 'u')}.example>", d=text["mail"], s=body[2]) + content
    return content, ending, label


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("folder", type=pathlib.Path)
    arguments.add_argument("--count", type=int, required=True)
    arguments.add_argument("--seed", type=int, required=True)
    arguments.add_argument("--held-out", action="store_true", help="write only layouts that are never trained on")
    options = arguments.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(options.seed)
    for index in range(options.count):
        content, ending, label = notice(rng, options.held_out)
        (options.folder / f"{index:05}.{ending}").write_text(content, encoding="utf-8")
        (options.folder / f"{index:05}.json").write_text(json.dumps(label, ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
