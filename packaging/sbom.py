#!/usr/bin/env python3
"""Writes what is in the program: a CycloneDX 1.5 bill of materials and the licences of everything, with their texts.

Both come from `cargo metadata` for one target: the crates that are linked into the program or build it, not those that only test it; and from
`licences/parts.toml` what Cargo does not know. Written here because the tools at hand give one of the two, and neither knows the C++ code inside a crate nor
the models.
"""
import argparse, hashlib, json, os, pathlib, subprocess, sys, tomllib, uuid

arguments = argparse.ArgumentParser()
arguments.add_argument("--target", required=True)
arguments.add_argument("--sbom", required=True)
arguments.add_argument("--licences", required=True)
arguments.add_argument("--models", required=True, help="lines `NAME BYTES bytes, SHA-256 SUM`, as `release carry` prints them")
arguments.add_argument("--program", required=True, help="to find fonts in that a crate brought along")
given = arguments.parse_args()
here = pathlib.Path(__file__).parent

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
by_name = {packages[found]["name"]: packages[found] for found in order}


def folder_of(package):
    return pathlib.Path(package["manifest_path"]).parent


def fonts(program):
    """Fonts of crates that are in the program: the linker leaves out what nothing names. Sought by bytes from the middle of each."""
    for found in order[1:]:
        for path in sorted(folder_of(packages[found]).rglob("*")):
            if path.suffix.lower() in (".ttf", ".otf", ".pfb", ".woff", ".woff2") and path.stat().st_size > 4096:
                bytes_ = path.read_bytes()
                if bytes_[len(bytes_) // 2 :][:512] in program:
                    yield packages[found]["name"], path.name


parts = tomllib.loads((here / "licences/parts.toml").read_text())["part"]
named = {part["crate"] for part in parts if "crate" in part}
builders = {packages[found]["name"] for found in order if any(packages[dep["pkg"]]["name"] in ("cc", "cmake") for dep in nodes[found]["deps"])} - {"cmake"}
missing = sorted(builders - named) + [f"the font {font} of {crate}" for crate, font in fonts(pathlib.Path(given.program).read_bytes()) if crate not in named]
if missing:
    sys.exit(f"sbom.py: packaging/licences/parts.toml does not tell of {', '.join(missing)}")
for part in parts:
    if "crate" in part:
        part["version"] = f"as in {part['crate']} {by_name[part['crate']]['version']}"
    else:
        part["version"] = subprocess.run(part["version_of"], check=True, capture_output=True, text=True).stdout.strip()
    components.append({
        "type": "library", "bom-ref": f"part:{part['name']}", "name": part["name"], "version": part["version"], "description": part["description"],
        "licenses": [{"expression": part["licence"]}],
    })
models = []
for line in pathlib.Path(given.models).read_text().splitlines():
    name, size, _, _, digest = line.split(" ")
    models.append({
        "type": "machine-learning-model", "bom-ref": f"model:{name}", "name": name, "version": digest[:12],
        "hashes": [{"alg": "SHA-256", "content": digest}], "licenses": [{"license": {"id": "Apache-2.0"}}],
        "properties": [{"name": "lastbuy:bytes", "value": size}],
    })
for path in sorted(pathlib.Path("models").glob("*.adapter.gguf")):
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    models.append({
        "type": "machine-learning-model", "bom-ref": f"model:{path.name}", "name": path.name, "version": digest[:12], "description": "part of the program itself",
        "hashes": [{"alg": "SHA-256", "content": digest}], "licenses": [{"license": {"id": "Apache-2.0"}}],
        "properties": [{"name": "lastbuy:bytes", "value": str(path.stat().st_size)}],
    })
lock = hashlib.sha256(pathlib.Path("Cargo.lock").read_bytes() + given.target.encode()).hexdigest()
moment = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
stamp = subprocess.run(["date", "-u", "-d", f"@{moment}", "+%Y-%m-%dT%H:%M:%SZ"], check=True, capture_output=True, text=True).stdout.strip()
bom = {
    "bomFormat": "CycloneDX", "specVersion": "1.5", "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, lock)}", "version": 1,
    "metadata": {"timestamp": stamp, "component": component(root)}, "components": components + models, "dependencies": dependencies,
}
pathlib.Path(given.sbom).write_text(json.dumps(bom, indent=1) + "\n")

texts, standard = {}, []


def standard_text(package):
    """Of a package that brings none: the text of its licence, with its authors."""
    if "Apache-2.0" in licence(package):
        return pathlib.Path("LICENSE").read_text().strip()
    path = here / f"licences/{licence(package)}.txt"
    if not path.exists():
        sys.exit(f"sbom.py: {package['name']} {package['version']} brings no text of its licence ({licence(package)}), and {path} is not there")
    return path.read_text().replace("HOLDERS", ", ".join(package["authors"]) or f"the authors of {package['name']}").strip()


with open(given.licences, "w") as out:
    out.write("Lastbuy: Apache-2.0, see LICENSE. What it is made of, and under which licences; the texts follow.\n\n")
    for found in order[1:]:
        package = packages[found]
        name = f"{package['name']} {package['version']}"
        out.write(f"{name}: {licence(package)}\n")
        own = sorted(path for path in folder_of(package).iterdir() if path.is_file() and path.name.lower().startswith(("licen", "copying", "notice", "unlicense")))
        for path in own:
            texts.setdefault(path.read_text(errors="replace").strip(), []).append(name)
        if not own:
            standard.append(name)
            texts.setdefault(standard_text(package), []).append(name)
    for part in parts:
        out.write(f"{part['name']} ({part['version']}; {part['description']}): {part['licence']}\n")
        for path in part.get("texts", []):
            lines = (folder_of(by_name[part["crate"]]) / path).read_text(errors="replace").splitlines()
            texts.setdefault("\n".join(lines[: part.get("lines")]).strip(), []).append(part["name"])
    for model in models:
        out.write(f"{model['name']} (model): Apache-2.0\n")
    out.write(f"\nWithout a text of their own in their package, so that the usual text stands for them: {', '.join(standard) or 'none'}\n")
    for text, owners in texts.items():
        out.write(f"\n{'=' * 100}\n{', '.join(owners)}\n{'-' * 100}\n{text}\n")
print(f"{len(order)} crates, {len(parts)} parts, {len(models)} models, {len(texts)} licence texts, {len(standard)} crates with the usual text")
