"""After an update, only versions differ: the structure and the types of all scalars stay."""

import re
from difflib import SequenceMatcher

import ruamel.yaml

from case import need
from tree import documents, number_as_printed, scalars, types


def check_edits(case, update):
    if update.refused == "needs-quotes":
        would_change_type(update)
    for path, after in update.files.items():
        before = case.files[path]
        check_bytes(path, before, after)
        if path.endswith((".yaml", ".yml", ".json")) or path == "Kustomization":
            same_tree(path, before, after)
            same_types(path, before, after)


def check_bytes(path, before, after):
    """The lines are the same but for characters that a tag or a digest can have."""
    old, new = before.split("\n"), after.split("\n")
    need(len(old) == len(new), path, "has more or fewer lines after the update")
    for a, b in zip(old, new):
        for what, _, _, start, end in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
            written = "" if what == "equal" else b[start:end]
            need(re.fullmatch(r"[A-Za-z0-9_.:@-]*", written), path, "gets other characters:", written)


def same_tree(path, before, after):
    one, two = (documents(text, path.endswith(".json")) for text in (before, after))
    need(one[1] == two[1], path, "can be read differently after the update")
    for old, new in zip(one[0], two[0], strict=True):
        for (place, a), (other, b) in zip(scalars(old), scalars(new), strict=True):
            need(place == other and a.style == b.style, path, "has another structure at", b.start_mark)
            need(types(a) == types(b), path, "has another type:", a.value, "→", b.value)
            if a.value != b.value and types(a) != ("text", "text"):
                need(number_as_printed(b) in (None, b.value), path, "has a number that changes:", b.value)


def same_types(path, before, after):
    """ruamel.yaml reads YAML 1.2: the same types of all values in the same order."""
    read = []
    for text in (before, after):
        yaml = ruamel.yaml.YAML(typ="safe", pure=True)
        yaml.allow_duplicate_keys = True
        yaml.constructor.add_multi_constructor("!", lambda _, suffix, node: suffix)
        try:
            read.append([kinds(doc) for doc in yaml.load_all(text)])
        except ruamel.yaml.error.MarkedYAMLError:
            read.append(None)
    need(read[0] == read[1], path, "has other types under YAML 1.2")


def kinds(data):
    if isinstance(data, dict):
        return {str(key): kinds(value) for key, value in data.items()}
    if isinstance(data, list):
        return [kinds(value) for value in data]
    return type(data).__name__


def would_change_type(update):
    """As a plain scalar, the new tag is of another type than the old one, or a number that does not print as itself."""
    old, new = update.old[0], update.new[0]
    need(old and new, "needs-quotes is about tags")
    (one,), (two,) = documents(old)[0], documents(new)[0]
    changed = types(one) != types(two) or number_as_printed(two) not in (None, new)
    need(changed, old, "→", new, "does not need quotes")
