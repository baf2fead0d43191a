"""What is not YAML: which lines of Dockerfiles, Quadlet files and Bake files have references, by other readers."""

import configparser
import json
import re

import hcl2

from case import need

DOCKERFILE = re.compile(r"(.*/)?(Dockerfile[^/]*|[^/]+\.(docker|Dockerfile))")
QUADLET = re.compile(r"(.*/)?[^/]+\.(container|image|volume)(\.d/[^/]+\.conf)?")
BAKE = re.compile(r"docker-bake(\.override)?\.(hcl|json)")
NOTE = re.compile(r"(?m)^\s*(?:#|//|--|;|<!--) (?:imagebot: .*\bimage=|renovate: datasource=docker )")


def check_others(case, files, references):
    lines = {}
    for reference in references:
        lines.setdefault((reference.path, reference.kind), set()).add(reference.line)
    contexts = sum(len(found) for (_, kind), found in lines.items() if kind == "bake-context")
    for path, text in files.items():
        if DOCKERFILE.fullmatch(path):
            froms = lines.get((path, "from"), set())
            need(froms == dockerfile(text), path, "has FROM on lines", dockerfile(text), "and not", froms)
        if QUADLET.fullmatch(path):
            found = [r.text for r in references if r.path == path]
            need(found == quadlet(text), path, "has", quadlet(text), "and not", found)
        broken = any(place[0] == path for place in case.passed) and "inherits" not in text
        if BAKE.fullmatch(path) and not broken:
            contexts -= bake_contexts(text, path.endswith(".json"))
    need(contexts == 0, "more or fewer bake contexts:", contexts)
    notes = sum(len(NOTE.findall(text)) for text in files.values())
    annotated = sum(reference.kind == "annotated" for reference in references)
    need(notes == annotated, "annotations:", notes, "and not", annotated)


def dockerfile(text):
    """The lines of the FROMs that do not name a stage."""
    stages, lines = set(), set()
    for number, line in enumerate(text.split("\n"), 1):
        match = re.match(r"(?i)\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?", line)
        if match:
            if match[1].lower() not in stages | {"scratch"}:
                lines.add(number)
            stages.add((match[2] or "").lower())
    return lines


def quadlet(text):
    """The image that the section of the file's type sets last; units are left out."""
    reader = configparser.RawConfigParser(strict=False, delimiters="=", interpolation=None)
    reader.optionxform = str
    try:
        reader.read_string(text)
    except configparser.MissingSectionHeaderError:
        return []
    found = [reader[section].get("Image") for section in ("Container", "Image", "Volume") if section in reader]
    images = [image for image in found if image and not image.endswith((".image", ".build"))]
    return [image.removeprefix("docker://") for image in images]


def bake_contexts(text, is_json):
    """How many contexts of all targets are images."""
    data = json.loads(text) if is_json else hcl2.loads(text)
    targets = data.get("target", {})
    targets = [targets] if is_json else targets
    return sum(
        "docker-image://" in str(value)
        for blocks in targets
        for target in blocks.values()
        for value in target.get("contexts", {}).values()
    )
