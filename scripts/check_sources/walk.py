"""What a walk through a file collects: references and parts of a wrong type, in the order of their places."""

from case import Reference
from tree import empty, is_scalar, is_text, judge, line


class Walk:
    def __init__(self, path):
        self.path = path
        self.found = []
        self.wrong = []
        self.seen = set()

    def image(self, kind, node, strip=""):
        """A whole reference in one scalar, after a prefix such as `docker://`."""
        if node is None or empty(node) or id(node) in self.seen:
            return
        self.seen.add(id(node))
        if not is_text(node):
            self.wrong.append((self.path, line(node), ""))
            return
        text = node.value.removeprefix(strip)
        self.add(kind, node, node, text, judge(text, [node]))

    def fields(self, kind, name, version, parts, helm=False):
        """A reference in several fields, each with the text before it; its place is that of its version."""
        if (id(name), id(version)) in self.seen:
            return
        self.seen.add((id(name), id(version)))
        for node, _ in parts:
            if not is_scalar(node):
                self.wrong.append((self.path, line(node), ""))
                return
        text = "".join(before + node.value for node, before in parts)
        self.add(kind, version, name, text, judge(text, [node for node, _ in parts], helm))

    def add(self, kind, node, name, text, code):
        order = (node.start_mark.index, name.start_mark.index)
        self.found.append((order, Reference(self.path, line(node), kind, text, code)))

    def references(self):
        return [reference for _, reference in sorted(self.found, key=lambda found: found[0])]


def every(node, seen=None):
    """A node and all below it, each once."""
    seen = set() if seen is None else seen
    if id(node) in seen:
        return
    seen.add(id(node))
    yield node
    if not is_scalar(node):
        for child in node.value:
            for part in child if isinstance(child, tuple) else (child,):
                yield from every(part, seen)
