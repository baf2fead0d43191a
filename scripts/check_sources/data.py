"""Kubernetes, Kustomize, Helm, Flux, Argo CD, Tekton and Argo Workflows: where their documentation has images."""

import re

from case import REFERENCE
from tree import documents, empty, entries, get, is_list, is_map, is_scalar, is_text, items, line
from walk import every

CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
WORKFLOWS = {"Workflow", "WorkflowTemplate", "CronWorkflow", "ClusterWorkflowTemplate"}
KUSTOMIZATIONS = {"kustomization.yaml", "kustomization.yml", "Kustomization"}


def text(node, key):
    node = get(node, key)
    return node.value if is_scalar(node) else ""


def manifests(docs):
    """The documents, if all of them are resources of Kubernetes."""
    return docs if all(text(doc, "apiVersion") and text(doc, "kind") for doc in docs) else []


def kubernetes(walk, docs):
    for doc in manifests(docs):
        group, kind = text(doc, "apiVersion"), text(doc, "kind")
        if group.startswith("argoproj.io/") and kind in WORKFLOWS:
            argo(walk, doc)
            continue
        if kind == "CustomResourceDefinition":
            continue
        if ".tekton.dev/" in group or group.startswith("tekton.dev/"):
            tekton(walk, doc)
        for node in every(doc):
            for key in CONTAINERS:
                for container in items(get(node, key)):
                    walk.image("k8s-image", get(container, "image"))
            for volume in items(get(node, "volumes")):
                walk.image("k8s-volume", get(volume, "image", "reference"))
        for values in helm_values(doc, group, kind):
            helm(walk, values)


def helm_values(doc, group, kind):
    """The Helm values inside of a HelmRelease of Flux, and of an Application or ApplicationSet of Argo CD."""
    if group.startswith("helm.toolkit.fluxcd.io/") and kind == "HelmRelease":
        return [get(doc, "spec", "values")]
    if not group.startswith("argoproj.io/") or kind not in ("Application", "ApplicationSet"):
        return []
    spec = get(doc, "spec") if kind == "Application" else get(doc, "spec", "template", "spec")
    sources = [get(spec, "source"), *items(get(spec, "sources"))]
    found = [get(source, "helm", "valuesObject") for source in sources]
    for source in sources:
        values = get(source, "helm", "values")
        if is_scalar(values) and values.style == "|":
            mark = values.start_mark
            blank = "\n" * (line(values) - 1)
            docs, _ = documents(blank + mark.buffer[mark.buffer.index("\n", mark.pointer) : values.end_mark.pointer])
            found.extend(docs)
    return found


def helm(walk, values):
    for node in every(values) if values is not None else []:
        for key, image in entries(node).items():
            if not re.search("image$", key, re.IGNORECASE):
                continue
            if is_map(image):
                helm_map(walk, image)
            elif is_text(image):
                match = REFERENCE.fullmatch(image.value)
                if match and (match["tag"] or match["digest"]):
                    walk.image("helm-image", image)


def helm_map(walk, image):
    given = {key: node for key, node in entries(image).items() if not empty(node) and getattr(node, "value", 1) != ""}
    name, tag, digest = given.get("repository"), given.get("tag") or given.get("version"), given.get("digest")
    if name is None or not (tag or digest):
        return
    parts = [(given["registry"], ""), (name, "/")] if "registry" in given else [(name, "")]
    parts += [(tag, ":")] if tag else []
    parts += [(digest, "@")] if digest else []
    walk.fields("helm-image", name, tag or digest, parts, helm=True)


def kustomize(walk, docs):
    for doc in docs:
        if text(doc, "kind") not in ("", "Kustomization", "Component"):
            continue
        for entry in items(get(doc, "images")):
            if not is_map(entry):
                walk.wrong.append((walk.path, line(entry), ""))
                continue
            given = {k: n for k, n in entries(entry).items() if not empty(n) and n.value != ""}
            name, tag, digest = given.get("newName") or given.get("name"), given.get("newTag"), given.get("digest")
            if name is not None and (tag or digest):
                parts = [(name, "")] + ([(tag, ":")] if tag else []) + ([(digest, "@")] if digest else [])
                walk.fields("kustomize-image", name, tag or digest, parts)
            elif "newName" in given and re.search("[:@][^/]*$", name.value):
                walk.image("kustomize-image", name)


def tekton(walk, doc):
    for node in every(doc):
        for step in items(get(node, "steps")) + items(get(node, "sidecars")):
            walk.image("tekton-image", get(step, "image"))
        walk.image("tekton-image", get(node, "stepTemplate", "image"))
        if text(node, "resolver") == "bundles":
            for param in items(get(node, "params")):
                if text(param, "name") == "bundle":
                    walk.image("tekton-bundle", get(param, "value"))
    if text(doc, "kind") == "StepAction":
        walk.image("tekton-image", get(doc, "spec", "image"))


def argo(walk, doc):
    for spec in (get(doc, "spec"), get(doc, "spec", "workflowSpec")):
        for template in items(get(spec, "templates")):
            for key in ("container", "script"):
                walk.image("argo-image", get(template, key, "image"))
            lists = [get(template, "initContainers"), get(template, "sidecars")]
            for container in [c for some in (*lists, get(template, "containerSet", "containers")) for c in items(some)]:
                walk.image("argo-image", get(container, "image"))


def walk_data(walk, docs, files):
    folder, _, name = walk.path.rpartition("/")
    beside = f"{folder}/Chart.yaml" if folder else "Chart.yaml"
    if name in KUSTOMIZATIONS:
        kustomize(walk, docs)
    if re.fullmatch(r"values.*\.ya?ml", name) and beside in files:
        for doc in docs:
            helm(walk, doc)
    if docs and all(is_map(doc) for doc in docs) and not is_list(docs[0]):
        kubernetes(walk, docs)
