"""YAML and JSON as PyYAML reads them: nodes with their marks, so that a value's place and style are known."""

import re

import yaml

from case import REFERENCE

JSON_COMMENT = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
NUMBER_11 = {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}
# YAML 1.2.2, section 10.3.2.
CORE = [
    ("null", r"null|Null|NULL|~|"),
    ("bool", r"true|True|TRUE|false|False|FALSE"),
    ("number", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"),
    ("number", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"),
    ("number", r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"),
]
MERGE = "tag:yaml.org,2002:merge"


class Loader(yaml.SafeLoader):
    """Composes nodes; `!reference` and the like stay tags."""


def documents(text, json=False):
    """The documents of a text, and the line at which it cannot be read any further, if any."""
    if json:
        blank = lambda match: match[1] or re.sub(r"[^\n]", " ", match[0])
        text = JSON_COMMENT.sub(blank, text).replace("\t", " ")
    loader, read = Loader(text), []
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is not None and not empty(node):
                read.append(node)
    except yaml.MarkedYAMLError as error:
        return read, error.problem_mark.line + 1
    return read, None


def empty(node):
    return isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null") and node.value in ("", "~", "null")


def is_map(node):
    return isinstance(node, yaml.MappingNode)


def is_list(node):
    return isinstance(node, yaml.SequenceNode)


def is_scalar(node):
    return isinstance(node, yaml.ScalarNode)


def entries(node):
    """The entries of a map: own keys win, then what `<<` merges. The last of equal keys counts."""
    if not is_map(node):
        return {}
    own, merged = {}, []
    for key, value in node.value:
        if key.tag == MERGE:
            merged.extend(value.value if is_list(value) else [value])
        elif is_scalar(key):
            own[key.value] = value
    for other in merged:
        for key, value in entries(other).items():
            own.setdefault(key, value)
    return own


def get(node, *keys):
    for key in keys:
        node = entries(node).get(key)
    return node


def items(node):
    return node.value if is_list(node) else []


def line(node):
    return node.start_mark.line + 1


def is_text(node):
    """Whether it is text that is not empty."""
    return is_scalar(node) and node.value != "" and (node.style is not None or not is_typed(node))


def is_typed(node):
    """Whether a plain scalar is a number, a boolean, null or a date."""
    return not node.tag.endswith(":str") and not node.tag.startswith("!")


def is_plain(node):
    """Whether the bytes in the file are the value, quotes aside."""
    raw = node.start_mark.buffer[node.start_mark.pointer : node.end_mark.pointer]
    raw = re.sub(r"^(?:[&!]\S*\s+)+", "", raw)
    if node.style in ("'", '"'):
        raw = raw[1:-1]
    return node.style in (None, "'", '"') and raw == node.value


def core_type(value):
    """The type of a plain scalar under the core schema of YAML 1.2."""
    return next((kind for kind, pattern in CORE if re.fullmatch(pattern, value)), "text")


def types(node):
    """The types of a scalar under YAML 1.1 and 1.2."""
    if node.style is not None:
        return "text", "text"
    old = node.tag.rsplit(":", 1)[-1]
    return {"int": "number", "float": "number", "str": "text"}.get(old, old), core_type(node.value)


def number_as_printed(node, helm=False):
    """How a reader that keeps only its value prints a number; None if the scalar is not a number."""
    if "number" not in types(node):
        return None
    value = yaml.safe_load(node.value)
    value = float(value) if isinstance(value, str) else value
    if helm and abs(value) >= 1e6:
        return f"{float(value):e}"
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)


def judge(text, nodes, helm=False):
    """The code of a reference with this text, made of these scalars."""
    printed = [(number_as_printed(node, helm), node.value) for node in nodes]
    if "{{" in text:
        return "template"
    if any(number not in (None, value) for number, value in printed):
        return "unquoted-number"
    if not REFERENCE.fullmatch(text):
        return "invalid-reference"
    return None if all(is_plain(node) for node in nodes) else "not-plain"


def scalars(node, path=()):
    """All scalars of a tree with their paths, keys included; an alias is visited where it is used."""
    if is_scalar(node):
        yield path, node
    for index, child in enumerate(node.value if not is_scalar(node) else []):
        if is_map(node):
            yield from scalars(child[0], (*path, index, "key"))
            yield from scalars(child[1], (*path, index, "value"))
        else:
            yield from scalars(child, (*path, index))
