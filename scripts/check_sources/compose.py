"""Compose: the table of the specification's chapter "Interpolation", `.env` files, and which files and services count.

Every value is checked against podman-compose, which interpolates on its own.
"""

import os.path
import re

import podman_compose

from case import REFERENCE, need
from tree import documents, empty, entries, get, is_list, is_map, is_plain, is_scalar, is_text, items, line

MAIN = re.compile(r"(.*/)?(docker-)?compose[^/]*\.ya?ml")
NAME = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
OPERATOR = re.compile(r":?[-+?]")
ASSIGNMENT = re.compile(r"""(?:export\s+)?([\w.\-\[\]]+)\s*[=:]\s*(?:'([^']*)'|"((?:\\.|[^"\\])*)"|(.*?))\s*(?:\s#.*)?""")


class Unresolved(Exception):
    """A variable without a value, where one is needed."""


def interpolate(text, env):
    """The value of a text; `${X}` of an unknown variable is unresolved, because the shell could set it."""
    out, at = [], 0
    while at < len(text):
        if text[at] != "$":
            out.append(text[at])
            at += 1
        elif text.startswith("$$", at):
            out.append("$")
            at += 2
        elif match := NAME.match(text, at + 1):
            out.append(value(match[0], env))
            at = match.end()
        elif text.startswith("${", at) and (match := NAME.match(text, at + 2)):
            end = closing(text, at + 2)
            out.append(braced(match[0], text[match.end() : end], env))
            at = end + 1
        else:
            out.append("$")
            at += 1
    return "".join(out)


def closing(text, at):
    depth = 1
    while depth:
        need(at < len(text), "a brace is not closed:", text)
        depth += text.startswith("${", at) - (text[at] == "}")
        at += 1
    return at - 1


def value(name, env):
    if name not in env:
        raise Unresolved
    return env[name]


def braced(name, rest, env):
    if not rest:
        return value(name, env)
    operator = OPERATOR.match(rest)
    need(operator, "not an operator of Compose:", rest)
    argument = rest[operator.end() :]
    is_set = name in env and (env[name] != "" or operator[0][0] != ":")
    if operator[0][-1] == "-":
        return env[name] if is_set else interpolate(argument, env)
    if operator[0][-1] == "+":
        return interpolate(argument, env) if is_set else ""
    if not is_set:
        raise Unresolved
    return env[name]


def dotenv(text):
    """The variables of a `.env`; the values of earlier ones are known in later ones."""
    env = {}
    for one in text.split("\n"):
        match = ASSIGNMENT.fullmatch(one.strip())
        if one.lstrip().startswith("#") or not match:
            continue
        name, single, double, plain = match.groups()
        try:
            env[name] = single if single is not None else interpolate(double if double is not None else plain, env)
        except Unresolved:
            env.pop(name, None)
    return env


class Compose:
    """Walks a Compose file with everything that belongs to it."""

    def __init__(self, files, walks):
        self.files, self.walks, self.done, self.told = files, walks, set(), set()

    def main(self, path):
        folder = os.path.dirname(path)
        env = dotenv(self.files.get(os.path.join(folder, ".env"), ""))
        stem, end = os.path.splitext(path)
        others = [f"{stem}.override{end}"] if f"{stem}.override{end}" in self.files else []
        if stem.endswith(".override"):
            others = [stem.removesuffix(".override") + end]
        built = {}
        for other in [path, *others]:
            for name, service in self.services(other).items():
                if "build" in entries(service):
                    reset = get(service, "build").tag == "!reset"
                    built[name] = not reset and built.get(name, True)
        self.file(path, env, {name for name, is_built in built.items() if is_built})

    def services(self, path):
        found = {}
        for doc in documents(self.files.get(path, ""))[0]:
            services = entries(get(doc, "services")) if "services" in entries(doc) else entries(doc)
            old = "services" not in entries(doc)
            if not old or all(is_map(s) and {"image", "build"} & set(entries(s)) for s in services.values()):
                found.update(services)
        return found

    def file(self, path, env, built):
        if path in self.done or path not in self.files:
            return
        self.done.add(path)
        for doc in documents(self.files[path])[0]:
            names = [key.value for key, _ in getattr(get(doc, "services"), "value", [])]
            for key, _ in getattr(get(doc, "services"), "value", []):
                if names.count(key.value) > 1:
                    key = [k for k, _ in get(doc, "services").value if k.value == key.value][-1]
                    self.walks[path].wrong.append((path, line(key), ""))
                    return
            for include in items(get(doc, "include")):
                self.include(path, include)
        for name, service in self.services(path).items():
            self.service(path, name, service, env, built)

    def include(self, path, include):
        folder = os.path.dirname(path)
        target = os.path.normpath(os.path.join(folder, (get(include, "path") or include).value))
        given = get(include, "env_file")
        env_file = os.path.join(folder, given.value) if given else os.path.join(os.path.dirname(target), ".env")
        self.file(target, dotenv(self.files.get(env_file, "")), set())

    def service(self, path, name, service, env, built):
        walk = self.walks[path]
        parent = get(service, "extends")
        if get(parent, "file") is not None and get(service, "image") is None:
            other = os.path.normpath(os.path.join(os.path.dirname(path), get(parent, "file").value))
            base = get(parent, "service").value
            if other in self.files:
                self.service(other, base, self.services(other)[base], env, built)
        image = get(service, "image")
        if name in built:
            if is_text(image):
                self.told.add((path, line(image), "built-here"))
        else:
            self.reference(walk, "compose-image", image, env)
        for volume in items(get(service, "volumes")):
            if is_map(volume) and get(volume, "type").value == "image":
                self.reference(walk, "compose-volume", get(volume, "source"), env)
        contexts = get(service, "build", "additional_contexts")
        for context in items(contexts) if is_list(contexts) else entries(contexts).values():
            found = re.search("docker-image://(.*)", context.value)
            if found:
                self.reference(walk, "compose-context", context, env, found[1])

    def reference(self, walk, kind, node, env, raw=None):
        if node is None or empty(node) or id(node) in walk.seen:
            return
        walk.seen.add(id(node))
        if not is_text(node):
            walk.wrong.append((walk.path, line(node), ""))
            return
        raw = node.value if raw is None else raw
        try:
            text, code = interpolate(raw, env), None
            theirs = podman_compose.var_interpolate(raw.replace("$1", "1"), env)
            need(theirs == text.replace("$1", "1"), "podman-compose reads", raw, "as", theirs, "and not", text)
        except Unresolved:
            text, code = raw, "unresolved-arg"
        if code is None and not REFERENCE.fullmatch(text):
            text, code = raw, "invalid-reference"
        elif code is None and not is_plain(node):
            code = "not-plain"
        walk.add(kind, node, node, text, code)


def walk_compose(files, walks):
    """Fills the walks of all files that Compose would read; returns the remarks."""
    compose = Compose(files, walks)
    for path in sorted(files):
        if MAIN.fullmatch(path) and is_compose(files[path]):
            compose.main(path)
    return compose.told


def is_compose(text):
    docs, broken = documents(text)
    return broken is None and bool(docs) and all(is_map(doc) and not is_scalar(doc) for doc in docs)
