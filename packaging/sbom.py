#!/usr/bin/env python3
"""Writes what is in the program: a CycloneDX 1.5 bill of materials and the licences of everything, with their texts.

Both come from `cargo metadata` for one target: the crates that are linked into the program or build it, not those that only test it. Written here because the
tools at hand give one of the two, and neither knows the C++ code inside a crate nor the models.
"""
import argparse, hashlib, json, os, pathlib, subprocess, uuid

arguments = argparse.ArgumentParser()
arguments.add_argument("--target", required=True)
arguments.add_argument("--sbom", required=True)
arguments.add_argument("--licences", required=True)
arguments.add_argument("--models", required=True, help="lines `NAME BYTES bytes, SHA-256 SUM`, as `release carry` prints them")
given = arguments.parse_args()

command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", given.target]
metadata = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
packages = {package["id"]: package for package in metadata["packages"]}
nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
root = metadata["resolve"]["root"]


def needed(node):
    """Of a node, what is not only for tests."""
    return sorted(dep["pkg"] for dep in node["deps"] if any(kind["kind"] != "dev" for kind in dep["dep_kinds"]) and dep["pkg"] != root)


order, open_ = [], [root]
while open_:
    found = open_.pop()
    if found not in order:
        order.append(found)
        open_ += needed(nodes[found])
order.sort(key=lambda found: (found != root, packages[found]["name"], packages[found]["version"]))
assert len(order) > 100, f"only {len(order)} crates were found"


def reference(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def licence(package):
    # `/` was how two licences to choose from were written once.
    text = (package["license"] or "").replace("/", " OR ")
    return text or f"see {package['license_file']}"


def component(found):
    package = packages[found]
    entry = {
        "type": "application" if found == root else "library",
        "bom-ref": reference(package),
        "name": package["name"],
        "version": package["version"],
        "purl": reference(package),
        "licenses": [{"expression": licence(package)}] if package["license"] else [{"license": {"name": licence(package)}}],
    }
    if package["description"]:
        entry["description"] = " ".join(package["description"].split())
    if package["repository"]:
        entry["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return entry


components = [component(found) for found in order[1:]]
dependencies = [{"ref": reference(packages[found]), "dependsOn": sorted({reference(packages[dep]) for dep in needed(nodes[found])})} for found in order]
engine = next(packages[found] for found in order if packages[found]["name"] == "llama-cpp-sys-2")
components.append({
    "type": "library", "bom-ref": "llama.cpp", "name": "llama.cpp", "version": f"as in llama-cpp-sys-2 {engine['version']}",
    "description": "C++ code inside llama-cpp-sys-2, with ggml", "licenses": [{"license": {"id": "MIT"}}],
})
models = []
for line in pathlib.Path(given.models).read_text().splitlines():
    name, size, _, _, digest = line.split(" ")
    models.append({
        "type": "machine-learning-model", "bom-ref": f"model:{name}", "name": name, "version": digest[:12],
        "hashes": [{"alg": "SHA-256", "content": digest}], "licenses": [{"license": {"id": "Apache-2.0"}}],
        "properties": [{"name": "lastbuy:bytes", "value": size}],
    })
lock = hashlib.sha256(pathlib.Path("Cargo.lock").read_bytes() + given.target.encode()).hexdigest()
moment = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
stamp = subprocess.run(["date", "-u", "-d", f"@{moment}", "+%Y-%m-%dT%H:%M:%SZ"], check=True, capture_output=True, text=True).stdout.strip()
bom = {
    "bomFormat": "CycloneDX", "specVersion": "1.5", "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, lock)}", "version": 1,
    "metadata": {"timestamp": stamp, "component": component(root)}, "components": components + models, "dependencies": dependencies,
}
pathlib.Path(given.sbom).write_text(json.dumps(bom, indent=1) + "\n")

texts, without = {}, []
with open(given.licences, "w") as out:
    out.write("Lastbuy: Apache-2.0, see LICENSE. What it is made of, and under which licences; the texts follow.\n\n")
    for found in order[1:]:
        package = packages[found]
        out.write(f"{package['name']} {package['version']}: {licence(package)}\n")
        folder = pathlib.Path(package["manifest_path"]).parent
        own = sorted(path for path in folder.iterdir() if path.is_file() and path.name.lower().startswith(("licen", "copying", "notice", "unlicense")))
        for path in own:
            texts.setdefault(path.read_text(errors="replace").strip(), []).append(f"{package['name']} {package['version']}")
        if not own:
            without.append(f"{package['name']} {package['version']}")
    inside = pathlib.Path(engine["manifest_path"]).parent / "llama.cpp" / "LICENSE"
    if inside.exists():
        texts.setdefault(inside.read_text(errors="replace").strip(), []).append("llama.cpp")
    for model in models:
        out.write(f"{model['name']} (model): Apache-2.0\n")
    out.write(f"\nWithout a text of their own in their package, so that only the name above tells: {', '.join(without) or 'none'}\n")
    for text, owners in texts.items():
        out.write(f"\n{'=' * 100}\n{', '.join(owners)}\n{'-' * 100}\n{text}\n")
print(f"{len(order)} crates, {len(models)} models, {len(texts)} licence texts, {len(without)} crates without one")
