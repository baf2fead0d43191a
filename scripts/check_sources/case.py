"""A case: files, the references in them, and what updates do. fixtures/sources/README.md describes the text."""

import re
from dataclasses import dataclass, field

KINDS = set(
    """from copy-from mount-from syntax onbuild-from compose-image compose-volume compose-context bake-context k8s-image k8s-volume kustomize-image
    helm-image gitlab-image gitlab-service workflow-container workflow-service workflow-uses action-image
    devcontainer-image devcontainer-feature quadlet-image woodpecker-image circleci-image azure-image bitbucket-image
    bitbucket-pipe tekton-image tekton-bundle argo-image annotated source""".split()
)
CODES = set(
    """unresolved-arg invalid-reference computed-value not-plain template replaced-by-context expression
    unquoted-number local-transport unit-too-large""".split()
)
REMARKS = {"built-here", "set-by-setter", "setters-differ", "outside-value", "source-idle", "comment-idle", "not-read"}
REFUSALS = set(
    """not-found shared-arg not-expressible needs-quotes missing-digest ambiguous computed-value
    set-by-args""".split()
)

HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]+)?/)?"
PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
DIGEST = r"sha256:[0-9a-f]{64}"
REFERENCE = re.compile(f"(?P<name>{HOST}{PART}(?:/{PART})*)(?::(?P<tag>{TAG}))?(?:@(?P<digest>{DIGEST}))?")
VERSION = re.compile(f"-|(?P<tag>{TAG})?(?:@(?P<digest>{DIGEST}))?")


class Wrong(Exception):
    """What is wrong with a case."""


def need(condition, *what):
    if not condition:
        raise Wrong(" ".join(str(part) for part in what))


@dataclass(frozen=True)
class Reference:
    path: str
    line: int
    kind: str
    text: str
    code: str | None = None

    def __str__(self):
        return f"{self.path}:{self.line} {self.kind} {self.text}" + (f" {self.code}" if self.code else "")


@dataclass
class Update:
    image: str
    old: tuple
    new: tuple
    files: dict = field(default_factory=dict)
    refused: str | None = None


@dataclass
class Case:
    name: str
    files: dict = field(default_factory=dict)
    flags: dict = field(default_factory=dict)
    references: list = field(default_factory=list)
    told: list = field(default_factory=list)
    passed: list = field(default_factory=list)
    updates: list = field(default_factory=list)


def read(name, text):
    """Reads a case, and checks what can be checked without reading its files."""
    need(text.endswith("\n"), "the last line has no end")
    lines = text.split("\n")[:-1]
    case, here, comment = Case(name), None, []
    for line in lines:
        if line.startswith("=== "):
            path, *flags = line[4:].split(" ")
            need(set(flags) <= {"crlf", "bom"}, "unknown flags:", line)
            files = case.updates[-1].files if case.updates else case.files
            need(path not in files, "a file twice:", path)
            need(not case.updates or case.flags.get(path) == flags, "a new file, or other flags:", line)
            case.flags[path] = flags
            here = files[path] = []
        elif line.startswith("--- update "):
            _, _, image, old, new = line.split(" ")
            case.updates.append(Update(image, version(old), version(new)))
            here = None
        elif line in ("--- references", "--- told", "--- passed"):
            need(not case.updates, "after an update:", line)
            here = getattr(case, line[4:])
        elif here is not None:
            here.append(line)
        elif case.updates:
            need(line.startswith("refused "), "neither a file nor a refusal:", line)
            case.updates[-1].refused = line.removeprefix("refused ")
        else:
            need(line.startswith("# "), "not a comment:", line)
            comment.append(line)
    need(comment, "no comment")
    for files in [case.files, *(update.files for update in case.updates)]:
        for path, content in files.items():
            files[path] = "".join(f"{line}\n" for line in content)
    case.references = [reference(line) for line in case.references]
    case.told = [place(line, REMARKS) for line in case.told]
    case.passed = [place(line) for line in case.passed]
    check(case)
    return case


def reference(line):
    where, kind, text = line.split(" ", 2)
    path, number = where.rsplit(":", 1)
    need(kind in KINDS, "unknown kind:", line)
    rest, _, last = text.rpartition(" ")
    if last in CODES:
        return Reference(path, int(number), kind, rest, last)
    need(REFERENCE.fullmatch(text), "a known reference is not one:", line)
    return Reference(path, int(number), kind, text)


def place(line, codes=None):
    where, _, code = line.partition(" ")
    path, number = where.rsplit(":", 1)
    need(code in codes if codes else not code, "unknown code:", line)
    return path, int(number), code


def version(text):
    match = VERSION.fullmatch(text)
    need(text and match, "neither tag nor digest:", text)
    return match["tag"], match["digest"]


def check(case):
    for what in (case.references, case.told, case.passed):
        places = [(r.path, r.line) if isinstance(r, Reference) else r for r in what]
        need(places == sorted(places), "not in order:", what)
        for path, line, *_ in places:
            need(path in case.files, "unknown file:", path)
            need(1 <= line <= case.files[path].count("\n"), "no such line:", path, line)
    for update in case.updates:
        title = f"update {update.image} {update.old} {update.new}"
        need(bool(update.files) != bool(update.refused), title, "changes nothing and is not refused")
        meant = [r for r in case.references if concerns(update, r)]
        if update.refused:
            need(update.refused in REFUSALS, "unknown refusal:", update.refused)
            need((update.refused == "not-found") == (not meant), title, "is refused for another reason")
        else:
            need(meant, title, "concerns nothing")
            for path, content in update.files.items():
                need(content != case.files[path], title, "does not change", path)


def concerns(update, reference):
    match = REFERENCE.fullmatch(reference.text)
    return bool(match) and (match["name"], match["tag"], match["digest"]) == (update.image, *update.old)


def updated(update, references):
    """The references after an update."""
    tag, digest = update.new
    text = update.image + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    return [
        Reference(r.path, r.line, r.kind, text, r.code) if concerns(update, r) else r for r in references
    ]
