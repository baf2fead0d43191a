"""Checks the cases of fixtures/sources against readers that are not ours; scripts/check-sources runs it."""

import collections
import json
import re
import sys
import tomllib
from pathlib import Path

import hcl2

from case import Wrong, need, read, updated
from ci import walk_ci
from compose import walk_compose
from data import walk_data
from edits import check_edits
from other import check_others
from tree import documents
from walk import Walk

WALKED = re.compile(r"compose-.*|(k8s|kustomize|helm|gitlab|workflow|action|woodpecker|circleci|azure)-.*|"
                    r"(bitbucket|tekton|argo)-.*|devcontainer-image")
VARIABLE = re.compile(r"\$\{\{.*?\}\}|\$\[\[.*?\]\]|\$\(.*?\)|\{\{.*?\}\}|<<.*?>>|\$\{[^}]*\}|\$\w+|%\w+%")
# What a line that is not walked must look like; the group is the reference's text.
LINES = {
    "from": r"\s*FROM\s+(?:--\S+\s+)*(\S+).*",
    "copy-from": r"\s*COPY\s.*--from=(\S+).*",
    "mount-from": r"\s*RUN\s.*from=([^,\s]+).*",
    "syntax": r"\s*#\s*syntax=(\S+).*",
    "bake-context": r'.*"docker-image://([^"]+)".*',
    "quadlet-image": r"\s*Image\s*=\s*(?:docker://)?(\S+)",
}


def is_data(path):
    return path.endswith((".yaml", ".yml", ".json")) or path == "Kustomization"


def is_yaml(path):
    return is_data(path) and not re.fullmatch(r"(.*/)?(docker-bake.*|build)\.json", path)


def walks(files):
    """All references that the walks find, the parts that are skipped, and the remarks on Compose files."""
    of = {path: Walk(path) for path in files}
    told = walk_compose(files, of)
    wrong = []
    for path, text in files.items():
        if not is_yaml(path):
            continue
        docs, broken = documents(text, path.endswith(".json"))
        if broken:
            wrong.append((path, broken, ""))
            # The documents after the broken one.
            rest = text.split("\n---\n")
            if len(rest) > 1:
                docs = [doc for part in shifted(rest) for doc in documents(part)[0] if not documents(part)[1]]
        walk_data(of[path], docs, files)
        walk_ci(of[path], docs, files)
    for walk in of.values():
        wrong += walk.wrong
    return [reference for path in sorted(of) for reference in of[path].references()], sorted(set(wrong)), told


def shifted(parts):
    """Documents as texts of their own, with empty lines before them, so that their lines stay."""
    before = 0
    for part in parts:
        yield "\n" * before + part + "\n"
        before += part.count("\n") + 2


def agree(case, files, expected):
    found, wrong, told = walks(files)
    left = collections.deque(reference for reference in expected if WALKED.fullmatch(reference.kind))
    for index, one in enumerate(found):
        need(left and fits(one, left[0]), "found", one, "and not", left[0] if left else "nothing")
        left.popleft()
        following = found[index + 1] if index + 1 < len(found) else None
        same = lambda: (left[0].path, left[0].line, left[0].kind) == (one.path, one.line, one.kind)
        while left and same() and not (following and fits(following, left[0])) and fits(one, left[0]):
            left.popleft()
    need(not left, "not found:", *left)
    data = [place for place in case.passed if is_yaml(place[0])]
    need(wrong == data, "passed over:", wrong, "and not", data)
    remarks = {remark for remark in case.told if remark[2] == "built-here"}
    if not any("dockerfile_inline" in text for text in files.values()):
        need(told == remarks, "built here:", told, "and not", remarks)
    for reference in expected:
        if not WALKED.fullmatch(reference.kind):
            on_its_line(files, reference)
    check_others(case, files, expected)


def fits(one, expected):
    if (one.path, one.line, one.kind) != (expected.path, expected.line, expected.kind):
        return False
    if not VARIABLE.search(one.text) or one.kind.startswith("compose-"):
        return (one.text, one.code) == (expected.text, expected.code)
    return matches(one.text, expected)


def matches(text, expected):
    """Whether a text with variables can be this reference; an unknown one is the text itself."""
    if expected.text == text:
        return expected.code is not None
    known = "[^ ]*".join(re.escape(part) for part in VARIABLE.split(text))
    return expected.code is None and re.fullmatch(known, expected.text) is not None


def on_its_line(files, reference):
    line = files[reference.path].split("\n")[reference.line - 1]
    need(reference.code != "not-plain" or "\\" in line, "this line is plain:", line)
    if reference.kind in LINES:
        match = re.fullmatch(LINES[reference.kind], line)
        if match is None and reference.code == "not-plain" or "dockerfile-inline = \"" in line:
            return
        need(match, "no", reference.kind, "on this line:", line)
        text = match[1].replace("$$", "$")
        need(reference.text in (match[1], text) or matches(text, reference), line, "is not", reference)
        return
    _, tag, digest = re.fullmatch(r"(.*?)(?::([^:@/]+))?(?:@(.*))?", reference.text).groups()
    need((tag or digest).removeprefix("v") in line, "not on its line:", reference)


def check_syntax(case):
    """What is not YAML is read by a reader of its format, unless the case says that it cannot be read."""
    broken = {path for path, *_ in case.passed}
    for path, text in case.files.items():
        reader = {"hcl": hcl2.loads, "tf": hcl2.loads, "toml": tomllib.loads}.get(path.rsplit(".", 1)[-1])
        if path.endswith(".json") and not is_yaml(path):
            reader = json.loads
        if reader is None or path in broken and is_data(path):
            continue
        try:
            reader(text)
        except Exception as error:
            need(path in broken, path, "cannot be read:", error)
        else:
            # Targets that inherit each other are not an error of the syntax.
            need(path not in broken or "inherits" in text, path, "can be read")


def check(path):
    case = read(path.stem, path.read_text())
    check_syntax(case)
    agree(case, case.files, case.references)
    for update in case.updates:
        if not update.refused:
            agree(case, case.files | update.files, updated(update, case.references))
        check_edits(case, update)
    return case


def main(root):
    cases, failed, edits = collections.Counter(), 0, 0
    for path in sorted(root.glob("*/*.case")):
        try:
            edits += len(check(path).updates)
        except Wrong as wrong:
            failed += 1
            print(f"{path}: {wrong}", file=sys.stderr)
        cases[path.parent.name] += 1
    need(cases, "no cases in", root)
    print(", ".join(f"{name} {count}" for name, count in sorted(cases.items())))
    if failed:
        raise SystemExit(f"{failed} of {cases.total()} cases are wrong")
    print(f"{cases.total()} cases and {edits} updates agree with PyYAML, ruamel.yaml, python-hcl2 and podman-compose")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
