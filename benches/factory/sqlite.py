"""The where-used questions of benches/factory in SQLite: python3 sqlite.py FOLDER ITEM,ITEM,... ...

Prints for each question the median seconds of five answers and the sum of the pieces, as the other side computes them.
"""

import csv
import pathlib
import sqlite3
import statistics
import sys
import time

folder, questions = pathlib.Path(sys.argv[1]), sys.argv[2:]
ON = "2027-01-15"
numbers: dict[str, int] = {}


def rows(name):
    return csv.DictReader(open(folder / name, newline="", encoding="utf-8"))


def number(name):
    return numbers.setdefault(name, len(numbers))


yields = {row["item"]: float(row["yield"] or 1) for row in rows("items.csv")}
db = sqlite3.connect(":memory:")
db.execute("CREATE TABLE bom (child INTEGER, parent INTEGER, factor REAL)")
db.execute("CREATE TABLE product (node INTEGER PRIMARY KEY)")
db.executemany("INSERT INTO product VALUES (?)", ((number(row["sku"]),) for row in rows("products.csv")))
db.executemany(
    "INSERT INTO bom VALUES (?, ?, ?)",
    (
        (
            number(row["child"]),
            number(row["parent"]),
            float(row["quantity"]) * (1 + float(row["scrap"] or 0)) / yields.get(row["parent"], 1.0),
        )
        for row in rows("bom.csv")
        if (row["valid_from"] or "0") <= ON <= (row["valid_to"] or "9")
    ),
)
db.execute("CREATE INDEX up ON bom (child, parent, factor)")
db.execute("ANALYZE")
QUESTION = """
WITH RECURSIVE up (node, pieces) AS (
    SELECT ?, ?
    UNION ALL
    SELECT bom.parent, up.pieces * bom.factor FROM up JOIN bom ON bom.child = up.node
)
SELECT node, sum(pieces) FROM up JOIN product USING (node) GROUP BY node
"""
for question in questions:
    items = question.split(",")
    times, reached = [], 0.0
    for _ in range(5):
        started = time.perf_counter()
        answers = [db.execute(QUESTION, (numbers.get(item, -1), 1 / yields[item])).fetchall() for item in items]
        times.append(time.perf_counter() - started)
        reached = sum(pieces for answer in answers for _, pieces in answer)
    print(statistics.median(times), reached)
