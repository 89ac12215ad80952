"""Writes labelled notices to train and to test an adapter on: NAME.txt or NAME.eml with NAME.json beside it.

Every notice is put together from a kind, a language, a maker, a way of writing dates, a layout of its fields, a layout of its parts and traps. Layouts named in HELD_OUT
are written only to the test folder: an adapter is never trained on them. The same seed writes the same files.
"""
import argparse
import json
import pathlib
import random
from datetime import date, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from datetime import datetime, timezone

from words import (
    ADDRESSEES, CATEGORIES, EXTRA_COLUMNS, FIELDS, KIND_TEXT, LABELS, MAKER_STEMS, MAKER_TAILS, MAKERS, MONTHS, NOISE, NOTHING, PART_TRAPS, PART_WORDS, PEOPLE, SENTENCES, SIGNED, TRAPS,
)

FIELD_LAYOUTS = ["labels", "dotted", "pipes", "sentences", "aligned", "brief", "two_lines", "bullets", "row_over", "boxed", "glued", "numbered"]
PART_LAYOUTS = ["list", "columns", "pipes", "sentence", "arrows", "labelled", "commas", "bullets", "per_part", "inline"]
HELD_OUT = {"fields": {"brief", "boxed"}, "parts": {"arrows"}}
LANGUAGES = ["en"] * 12 + ["de"] * 3 + ["fr"] * 2 + ["es"] * 2 + ["ja"] * 2 + ["zh"] * 2
KINDS = ["PDN"] * 10 + ["PCN"] * 7 + ["NRND"] * 2 + ["retraction"] * 2 + ["OTHER"] * 7


def written(day: date, language: str, rng: random.Random, style: float) -> str:
    """A notice writes its dates in one way, mostly: `style` between 0 and 1 picks it."""
    pick = lambda forms: forms[int(style * len(forms))] if rng.random() < 0.9 else rng.choice(forms)
    if language in ("ja", "zh"):
        return pick([f"{day.year}年{day.month}月{day.day}日", f"{day:%Y/%m/%d}", f"{day:%Y-%m-%d}", f"{day.year}年{day.month:02}月{day.day:02}日"])
    month = MONTHS[language][day.month - 1]
    if language == "de":
        return pick([f"{day:%d.%m.%Y}", f"{day.day}. {month} {day.year}", f"{day:%Y-%m-%d}", f"{day:%d.%m.%y}"])
    if language in ("fr", "es"):
        of = " de " if language == "es" else " "
        return pick([f"{day:%d/%m/%Y}" if day.day > 12 else f"{day.day}{of}{month}{of}{day.year}", f"{day.day}{of}{month}{of}{day.year}", f"{day:%Y-%m-%d}"])
    return pick([
        f"{day:%Y-%m-%d}", f"{day.day} {month} {day.year}", f"{month} {day.day}, {day.year}", f"{day.day:02}-{month[:3]}-{day.year}", f"{day.day:02}{month[:3]}{day.year}",
        f"{day.month}/{day.day}/{day.year}" if day.day > 12 else f"{day.day} {month[:3]} {day.year}", f"{day.year}.{day.month}.{day.day}", f"{month[:3]} {day.day:02}, {day.year}",
        f"{day.day} {month[:3]} {day.year}",
    ])


def numbers(rng: random.Random, count: int, stem: str = "") -> list[str]:
    letters = "ABCDEFGHKLMNPRSTVWX"
    stem = stem or rng.choice([
        lambda: "".join(rng.choice(letters) for _ in range(rng.randint(2, 3))) + str(rng.randint(100, 99999)),
        lambda: str(rng.randint(10, 99)) + "".join(rng.choice(letters) for _ in range(2)) + str(rng.randint(10, 999)),
        lambda: "".join(rng.choice(letters) for _ in range(rng.randint(1, 4))) + "-" + str(rng.randint(10, 9999)),
        lambda: str(rng.randint(10000, 999999)),
        lambda: "".join(rng.choice(letters) for _ in range(2)) + " " + str(rng.randint(100, 9999)),
    ])()
    suffixes = ["-TR", "F", "D", "AQ1", "-3.3", "/NOPB", "#PBF", "E", "-T", "-8", "DGKR", "PWR", "ADJ", "B-1", "-GE3", "LT1G", "Z-R7", "-E/SN", "MX", "-12", "/A7", "-1", "-2", "-5", "C,115", ".4", "-50T"]
    return [stem + suffix for suffix in rng.sample(suffixes, count)]


def maker_name(rng: random.Random, language: str) -> str:
    if rng.random() < 0.3:
        return rng.choice(MAKERS)
    stem = rng.choice(MAKER_STEMS[language if language in ("ja", "zh") else "other"])
    return stem + rng.choice(MAKER_TAILS[language])


def notice_number(rng: random.Random, kind: str, day: date, language: str) -> str:
    if language in ("ja", "zh") and rng.random() < 0.25:
        return rng.choice([f"第{rng.randint(2, 900)}号", f"{day.year}-{rng.randint(1, 99):02}号"])
    words = {"PCN": ["PCN", "CN", "PC", "CHG", "EN"], "NRND": ["PCN", "LC", "ST", ""], "OTHER": ["RE", "IN", "AB", ""]}.get(kind, ["PCN", "PDN", "EOL", "PD", "DN", "OBS", "LTB", "TN", "QI"])
    word = rng.choice(words + ["".join(rng.choice("ABCDEFGHKLMNPRST") for _ in range(rng.randint(1, 4)))] * 4)
    year = day.year % 100
    return rng.choice([
        f"{word}-{year}-{rng.randint(10, 999)}", f"{word}{rng.randint(1000, 99999)}", f"{word}-{rng.randint(100, 9999)}{rng.choice(['', '-A', '.1', '-02'])}", f"{word}_{rng.randint(10, 999)}_{year}",
        f"{rng.randint(10, 999)}/{year}", f"{day:%Y%m%d}{rng.randint(100, 9999):04}", f"{word}{rng.randint(10, 999)}/{year}", f"{word}-{day.year}-{rng.randint(1, 999):03}", f"{word} {year}-{rng.randint(10, 400)}" if word else f"{year}-{rng.randint(100, 400)}",
    ])


def part_lines(rng, layout, language, kind, parts, replacements, days):
    words = PART_WORDS[language]
    part, new, none = rng.choice(words["part"]), rng.choice(words["replacement"]), rng.choice(words["none"])
    pair = [(number, replacements.get(number)) for number in parts]
    told = bool(replacements)
    shown = lambda other: other or none
    if layout in ("columns", "pipes", "per_part"):
        heads, rows = [part], [[number] for number in parts]
        # Columns that are neither: the customer's numbers, packages, quantities.
        extras = rng.sample(EXTRA_COLUMNS, rng.choice([0, 0, 1, 2]))
        if told:
            heads.append(new)
            rows = [row + [shown(other)] for row, (_, other) in zip(rows, pair)]
        if layout == "per_part" and days:
            for role, texts in days.items():
                heads.append(rng.choice(LABELS[language][role]))
                rows = [row + [rng.choice(texts)] for row in rows]
        for head, values in extras:
            at = rng.randint(0, len(heads))
            heads.insert(at, head)
            for index, row in enumerate(rows):
                row.insert(at, values(rng, index))
        if layout == "pipes":
            return ["| " + " | ".join(row) + " |" for row in [heads, *rows]], replacements
        widths = [max(len(row[at]) for row in [heads, *rows]) + 3 for at in range(len(heads))]
        return ["".join(text.ljust(width) for text, width in zip(row, widths)).rstrip() for row in [heads, *rows]], replacements
    if layout == "arrows":
        return [f"{part}:"] + [f"  {number} -> {shown(other)}" if told else f"  {number}" for number, other in pair], replacements
    if layout == "labelled":
        return [line for number, other in pair for line in ([f"{part}: {number}", f"{new}: {shown(other)}", ""] if told else [f"{part}: {number}"])], replacements
    replacements = {number: other for number, other in pair if other}
    if layout in ("sentence", "inline"):
        end = rng.choice(words["inline"] if layout == "inline" and kind == "PDN" else words["sentence"])
        lines = [end.format(parts=", ".join(parts))] + [rng.choice(words["replaced"]).format(old=number, new=other) for number, other in replacements.items()]
        return ([" ".join(lines)] if rng.random() < 0.5 else lines), replacements
    mark = {"bullets": rng.choice(["- ", "* ", "• "]), "commas": "", "list": rng.choice(["", "  "])}[layout]
    lines = [f"{part}:"] + ([", ".join(parts)] if layout == "commas" else [mark + number for number in parts])
    others = list(replacements.values())
    lines += ([f"{new}:"] + ([", ".join(others)] if layout == "commas" else [mark + other for other in others])) if others else []
    if layout == "commas":
        lines = [" ".join(lines[at : at + 2]) for at in range(0, len(lines), 2)]
    return lines, replacements


def field_lines(rng, layout, language, fields):
    """`fields` as (label, role, text); those of a role can also be said in a sentence."""
    if layout == "sentences":
        said = [rng.choice(SENTENCES[language][role]).format(date=text) if role in SENTENCES[language] else f"{label}: {text}" for label, role, text in fields]
        return [" ".join(said)] if rng.random() < 0.4 and all(role in SENTENCES[language] for _, role, _ in fields) else said
    colon = "：" if language in ("ja", "zh") and rng.random() < 0.6 else rng.choice([":", ":", " :"])
    caps = rng.random() < 0.15
    fields = [(label.upper() if caps else label, role, text) for label, role, text in fields]
    wide = max((len(label) for label, _, _ in fields), default=0) + rng.randint(2, 8)
    return {
        "labels": lambda: [f"{label}{colon} {text}" for label, _, text in fields],
        "dotted": lambda: [f"{label} {'.' * (wide + 3 - len(label))} {text}" for label, _, text in fields],
        "pipes": lambda: [f"| {label} | {text} |" for label, _, text in fields],
        "aligned": lambda: [f"{label}{colon if wide % 2 else ''}".ljust(wide + 2) + text for label, _, text in fields],
        "bullets": lambda: [f"- {label} {text}" for label, _, text in fields],
        "numbered": lambda: [f"{at}. {label}{colon} {text}" for at, (label, _, text) in enumerate(fields, 1)],
        "two_lines": lambda: [line for label, _, text in fields for line in (label, text, "")],
        "brief": lambda: [" / ".join(f"{label} {text}" for label, _, text in fields)],
        "boxed": lambda: ["+" + "-" * 60 + "+"] + [f"| {label.ljust(wide)}| {text.ljust(56 - wide)} |" for label, _, text in fields],
        "glued": lambda: ["".join(f"{label.replace(' ', '')}:{text}" for label, _, text in fields[at : at + 2]) for at in range(0, len(fields), 2)],
        "row_over": lambda: ["   ".join(label.ljust(max(len(label), len(text))) for label, _, text in fields), "   ".join(text.ljust(max(len(label), len(text))) for label, _, text in fields)],
    }[layout]()


def notice(rng: random.Random, held: bool) -> tuple[str | EmailMessage, dict]:
    language, kind = rng.choice(LANGUAGES), rng.choice(KINDS)
    maker = maker_name(rng, language)
    pick = lambda layouts, out: rng.choice([layout for layout in layouts if (layout in out) == held])
    by_fields, by_parts = pick(FIELD_LAYOUTS, HELD_OUT["fields"]), pick(PART_LAYOUTS, HELD_OUT["parts"])
    issue = date(2017, 1, 1) + timedelta(days=rng.randint(0, 3600))
    days = {"issue": issue, "buy": issue + timedelta(days=rng.randint(40, 400))}
    days["ship"] = days["buy"] + timedelta(days=rng.randint(60, 250))
    days["effective"] = issue + timedelta(days=rng.randint(91, 200))
    days["form"] = issue - timedelta(days=rng.randint(200, 2500))
    days["reply"] = issue + timedelta(days=rng.randint(20, 40))
    days["mail"] = issue + timedelta(days=rng.randint(1, 9))
    style = rng.random()
    text = {role: written(day, language, rng, style) for role, day in days.items()}
    number = notice_number(rng, kind, issue, language)
    parts = numbers(rng, rng.choice([1, 1, 1, 2, 2, 3, 4, 5, 7]))
    replacements: dict = {}
    if kind in ("PDN", "NRND") and rng.random() < 0.65:
        new = numbers(rng, len(parts), parts[0][:2] + str(rng.randint(100, 9999)) if rng.random() < 0.5 else "")
        replacements = {old: (other if rng.random() < 0.85 else None) for old, other in zip(parts, new)}
    words = KIND_TEXT[language][kind]
    fill = dict(number=number, maker=maker, parts=", ".join(parts[:2]), part=parts[0], date=text["issue"])
    title = rng.choice(words["title"]).format(**fill)
    # A change notice over an end, as many makers have one form for both.
    if kind == "PDN" and rng.random() < 0.12:
        title = rng.choice(KIND_TEXT[language]["PCN"]["title"][:2]).format(**fill)

    named_by = rng.choice(["head", "head", "label", "signature", "sentence", "sender", "footer", "title"])
    fields = []
    if named_by == "label":
        fields.append((rng.choice(FIELDS[language]["maker"]), "maker", maker))
    if number not in title and (kind != "OTHER" or rng.random() < 0.4) or rng.random() < 0.3:
        fields.append((rng.choice(FIELDS[language]["number"]), "number", number))
    if rng.random() < 0.75:
        fields.append((rng.choice(LABELS[language]["issue"]), "issue", text["issue"]))
    if kind == "PDN":
        fields += [(rng.choice(LABELS[language]["buy"]), "buy", text["buy"])] if rng.random() < 0.93 else []
        fields += [(rng.choice(LABELS[language]["ship"]), "ship", text["ship"])] if rng.random() < 0.75 else []
    elif kind in ("PCN", "NRND") and rng.random() < 0.12:
        fields += [(rng.choice(LABELS[language]["buy"]), "none", rng.choice(NOTHING[language]))]
    if kind == "PCN" and rng.random() < 0.85 or (kind in ("NRND", "PDN") and rng.random() < 0.12):
        fields.append((rng.choice(LABELS[language]["effective"]), "effective", text["effective"]))
    if rng.random() < 0.3:
        fields.append((rng.choice(LABELS[language]["form"]), "form", text["form"]))
    if rng.random() < 0.25:
        fields.append((rng.choice(LABELS[language]["reply"]), "reply", text["reply"]))
    if rng.random() < 0.35:
        fields.insert(rng.randint(0, len(fields)), (rng.choice(FIELDS[language]["category"]), "category", rng.choice(CATEGORIES[language])))
    if rng.random() < 0.25:
        fields.append((rng.choice(FIELDS[language]["contact"]), "contact", rng.choice(PEOPLE[language])))
    if kind == "OTHER":
        fields = [field for field in fields if field[1] not in ("effective",)]
    rows = by_parts == "per_part" and kind == "PDN" and any(role == "buy" for _, role, _ in fields)
    per_part = {role: [text[role]] for _, role, _ in fields if role in ("buy", "ship")} if rows else {}
    if rows:
        fields = [field for field in fields if field[1] not in ("buy", "ship")]
    roles = {role for _, role, _ in fields} | set(per_part)
    field_block = field_lines(rng, by_fields, language, fields) if fields else []
    part_block, replacements = part_lines(rng, by_parts, language, kind, parts, replacements, per_part) if kind != "OTHER" else ([], {})

    prose = [rng.choice(words["body"]).format(**fill)]
    if named_by == "sentence" and not any(maker in line for line in [title, *prose]):
        prose = [rng.choice(SIGNED[language]["sentence"]).format(maker=maker)] + prose
    if "issue" not in roles and rng.random() < 0.4 and kind != "OTHER":
        prose.append(rng.choice(SENTENCES[language]["issue"]).format(date=text["issue"]))
        roles.add("issue")
    traps = []
    trap = lambda name: traps.append(rng.choice(TRAPS[language][name]).format(date=text["buy"], ship=text["ship"], old=text["form"], number=numbers(rng, 1)[0], earlier=notice_number(rng, kind, issue, language)))
    if kind == "PCN" and rng.random() < 0.5:
        trap("old_material")
    if kind in ("PCN", "NRND") and rng.random() < 0.35:
        trap("no_end")
    if kind in ("PDN", "PCN") and rng.random() < 0.25:
        trap("superseded")
    if kind == "retraction":
        trap("void")
    if kind == "OTHER" and rng.random() < 0.8:
        trap("elsewhere")
    if rng.random() < 0.35:
        part_trap = rng.choice(PART_TRAPS[language])
        traps.append(part_trap.format(number=numbers(rng, 1)[0], count=rng.randint(2, 900) * 10))
    blocks = [block for block in (prose, field_block, part_block, traps) if block]
    if rng.random() < 0.6:
        blocks = [prose] * (rng.random() < 0.5) + [block for block in (field_block, part_block, traps) if block] + []
        if prose not in blocks:
            blocks.insert(rng.randint(0, len(blocks)), prose)
    else:
        rng.shuffle(blocks)

    body: list[str] = []
    if named_by == "head":
        body += [rng.choice([maker, maker.upper(), f"{maker}    {rng.choice(NOISE[language])}", f"{maker} - {rng.choice(CATEGORIES[language])}", f"{maker} | {title}"]), ""]
    elif rng.random() < 0.2:
        body += [rng.choice(ADDRESSEES[language]), ""]
    if named_by == "title":
        title = rng.choice([f"{maker} - {title}", f"{title} - {maker}", f"{maker}: {title}"])
    if not body or title not in body[0]:
        body.append(title)
    if "issue" not in roles and rng.random() < 0.6:
        body.append(text["issue"])
        roles.add("issue")
    body += [rng.choice(SIGNED[language]["greeting"]), ""] if rng.random() < 0.4 else []
    for block in blocks:
        body += ["", *block]
    body += ["", rng.choice(NOISE[language])]
    if named_by == "signature":
        body += ["", rng.choice(SIGNED[language]["close"]), rng.choice(PEOPLE[language]), rng.choice([maker, f"{rng.choice(SIGNED[language]['post'])}, {maker}"])]
    elif rng.random() < 0.4:
        body += ["", rng.choice(SIGNED[language]["close"]), rng.choice(PEOPLE[language]), rng.choice(SIGNED[language]["post"])]
    if named_by == "footer":
        body += ["", rng.choice([f"© {issue.year} {maker}", f"{maker}, {rng.choice(['12 Harbour Road', 'Industriestraße 4', '3-1 Minato', 'P.O. Box 77'])}", f"Copyright {maker}. All rights reserved."])]
    content = "\n".join(body) + "\n"

    is_mail = named_by == "sender" or rng.random() < 0.25
    if is_mail:
        mail = EmailMessage()
        sender = rng.choice([maker, f"{maker} {rng.choice(['Notices', 'PCN', 'Quality'])}"]) if named_by == "sender" else rng.choice([*PEOPLE["en"], "Product notices", "Purchasing", "None"])
        mail["From"] = f"{sender} <{rng.choice(['notice', 'pcn', 'info', 'sales'])}@mail.example>"
        mail["To"] = "components@factory.example"
        mail["Subject"] = rng.choice(["", "", "FW: ", "WG: ", "Re: "]) + title
        mail["Date"] = format_datetime(datetime(days["mail"].year, days["mail"].month, days["mail"].day, rng.randint(6, 18), rng.randint(0, 59), tzinfo=timezone.utc))
        mail.set_content(content)
    said = content + (f"{title}\n{sender}" if is_mail else "")
    named = maker in said or maker.upper() in said
    ends = kind == "PDN"
    flat_kind = "OTHER" if kind == "retraction" else kind
    label = {
        "kind": kind, "notice_type": flat_kind, "manufacturer": maker if named else None, "notice_id": number if number in said else None, "language": language,
        "layout": f"{by_fields}+{by_parts}", "issue_date": str(days["issue"]) if "issue" in roles else None,
        "last_time_buy": str(days["buy"]) if ends and "buy" in roles else None, "last_time_ship": str(days["ship"]) if ends and "ship" in roles else None,
        "affected_parts": [] if flat_kind == "OTHER" else parts, "replacements": {} if flat_kind == "OTHER" else replacements,
        "other_dates": [{"role": "effective", "date": str(days["effective"])}] if "effective" in roles else [],
    }
    return (mail if is_mail else content), label


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
        content, label = notice(rng, options.held_out)
        name = options.folder / f"{index:05}"
        if isinstance(content, EmailMessage):
            name.with_suffix(".eml").write_bytes(content.as_bytes())
        else:
            name.with_suffix(".txt").write_text(content, encoding="utf-8")
        name.with_suffix(".json").write_text(json.dumps(label, ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
