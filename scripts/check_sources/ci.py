"""CI definitions and dev containers: where their documentation has images. Variables are left as they are written."""

import re

from tree import documents, empty, entries, get, is_list, is_map, is_scalar, items, judge, line, number_as_printed
from walk import every

MATRIX = re.compile(r"([^${}]*)\$\{\{ *matrix\.([\w.-]+) *\}\}([^${}]*)")
GITLAB_RESERVED = {"default", "include", "stages", "variables", "workflow", "spec"}


def text(node):
    return node.value if is_scalar(node) else ""


def workflow(walk, doc):
    for job in entries(get(doc, "jobs")).values():
        container = get(job, "container")
        workflow_image(walk, job, "workflow-container", get(container, "image") if is_map(container) else container)
        for service in entries(get(job, "services")).values():
            workflow_image(walk, job, "workflow-service", get(service, "image"))
        steps(walk, get(job, "steps"))


def workflow_image(walk, job, kind, node):
    """An image; one per element if its only variable is one of the job's matrix."""
    match = MATRIX.fullmatch(text(node))
    values = matrix(job, match[2].split(".")) if match else []
    for value in values:
        printed = number_as_printed(value) or value.value
        whole = match[1] + value.value + match[3]
        code = judge(whole, [value, node])
        walk.add(kind, node, value, whole if printed == value.value else node.value, code)
    if not values:
        walk.image(kind, node)


def matrix(job, path):
    """The elements of a matrix that give a variable its value, in their order."""
    strategy = get(job, "strategy", "matrix")
    found = [get(element, *path[1:]) for element in items(get(strategy, path[0]))]
    found += [get(element, *path) for element in items(get(strategy, "include"))]
    return [node for node in found if node is not None]


def steps(walk, node):
    for step in items(node):
        if text(get(step, "uses")).startswith("docker://"):
            walk.image("workflow-uses", get(step, "uses"), "docker://")


def action(walk, doc):
    runs = get(doc, "runs")
    steps(walk, get(runs, "steps"))
    if text(get(runs, "image")).startswith("docker://"):
        walk.image("action-image", get(runs, "image"), "docker://")


def gitlab(walk, doc):
    entry(walk, doc)
    entry(walk, get(doc, "default"))
    for name, job in entries(doc).items():
        if name not in GITLAB_RESERVED and is_map(job):
            if name not in ("image", "services"):
                entry(walk, job)


def entry(walk, node):
    """The image and the services of a GitLab job, of `default`, or at the top of the file."""
    image, services = get(node, "image"), get(node, "services")
    gitlab_image(walk, "gitlab-image", image)
    if services is not None and not is_list(services) and not services.tag.startswith("!r"):
        walk.wrong.append((walk.path, line(services), ""))
    for service in items(services) if services is not None and not services.tag.startswith("!r") else []:
        gitlab_image(walk, "gitlab-service", service)


def gitlab_image(walk, kind, node):
    if node is None or node.tag.startswith("!r"):
        return
    node = get(node, "name") if is_map(node) else node
    if is_scalar(node) and node.value == "" and node.style is not None and id(node) not in walk.seen:
        walk.seen.add(id(node))
        walk.wrong.append((walk.path, line(node), ""))
    else:
        walk.image(kind, node)


def gitlab_files(files):
    """`.gitlab-ci.yml`, the local files that it includes, and the components."""
    waiting, seen = [".gitlab-ci.yml"], []
    waiting += [path for path in files if re.fullmatch(r"templates/(?:[^/]+|[^/]+/template)\.yml", path)]
    while waiting:
        path = waiting.pop().removeprefix("/")
        if path in seen or path not in files:
            continue
        seen.append(path)
        docs, _ = documents(files[path])
        for doc in docs:
            triggers = [get(job, "trigger", "include") for job in entries(doc).values()]
            for one in [one for part in (get(doc, "include"), *triggers) for one in items(part) or [part]]:
                local = text(get(one, "local")) if is_map(one) else text(one)
                if local and "://" not in local:
                    glob = re.escape(local.removeprefix("/")).replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
                    waiting += [other for other in files if re.fullmatch(glob, other)]
    return seen


def circleci(walk, doc):
    for part in (doc, *entries(get(doc, "orbs")).values()):
        for owner in [*entries(get(part, "jobs")).values(), *entries(get(part, "executors")).values()]:
            docker_list(walk, get(owner, "docker"))
    for alias in items(get(doc, "aliases")):
        docker_list(walk, get(alias, "docker"))


def docker_list(walk, docker):
    if docker is not None and not is_list(docker) and not empty(docker):
        walk.wrong.append((walk.path, line(docker), ""))
    for container in items(docker):
        walk.image("circleci-image", get(container, "image"))


def azure(walk, doc):
    resources = items(get(doc, "resources", "containers"))
    names = {text(get(resource, "container")) for resource in resources}
    for resource in resources:
        walk.image("azure-image", get(resource, "image"))
    jobs = items(get(doc, "jobs"))
    for stage in items(get(doc, "stages")):
        jobs = jobs + items(get(stage, "jobs"))
    for owner in (doc, *jobs):
        container = get(owner, "container")
        container = get(container, "image") if is_map(container) else container
        if text(container) not in names:
            walk.image("azure-image", container)


def bitbucket(walk, doc):
    bitbucket_image(walk, get(doc, "image"))
    for service in entries(get(doc, "definitions", "services")).values():
        bitbucket_image(walk, get(service, "image"))
    for node in every(get(doc, "pipelines")) if get(doc, "pipelines") is not None else []:
        bitbucket_image(walk, get(node, "step", "image"))
        for script in (get(node, "step", "script"), get(node, "step", "after-script")):
            for command in items(script):
                if text(get(command, "pipe")).startswith("docker://"):
                    walk.image("bitbucket-pipe", get(command, "pipe"), "docker://")


def bitbucket_image(walk, node):
    walk.image("bitbucket-image", get(node, "name") if is_map(node) else node)


def woodpecker(walk, doc):
    for key in ("steps", "pipeline", "services", "clone"):
        part = get(doc, key)
        for step in items(part) if is_list(part) else entries(part).values():
            walk.image("woodpecker-image", get(step, "image"))


def devcontainer(walk, doc):
    walk.image("devcontainer-image", get(doc, "image"))


FORMATS = [
    (r"\.(github|gitea|forgejo)/workflows/[^/]+\.ya?ml", workflow),
    (r"(.*/)?action\.ya?ml", action),
    (r"\.circleci/[^/]+\.yml", circleci),
    (r"(.*/)?azure-pipelines[^/]*\.ya?ml|\.azuredevops/.*\.ya?ml", azure),
    (r"bitbucket-pipelines\.yml", bitbucket),
    (r"\.woodpecker\.ya?ml|\.(woodpecker|crow)/.*\.ya?ml|\.drone\.yml|\.vela\.yml", woodpecker),
    (r"\.devcontainer\.json|\.devcontainer/([^/]+/)?devcontainer\.json", devcontainer),
]


def walk_ci(walk, docs, files):
    for pattern, reader in FORMATS:
        if re.fullmatch(pattern, walk.path):
            for doc in docs:
                reader(walk, doc)
    if walk.path in gitlab_files(files):
        for doc in docs:
            gitlab(walk, doc)
