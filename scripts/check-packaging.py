"""Checks packaging/ with what others wrote: Helm, kubectl, and the schemas of Kubernetes, Compose, GitLab and GitHub."""

import pathlib
import subprocess
import sys
import tempfile

import kubernetes_validate
import yaml

KUBERNETES = ("1.25", "1.33")
PACKAGING = pathlib.Path("packaging")
CHART = PACKAGING / "helm/imagebot"
CLAIM = {"cache": {"existingClaim": "mine"}, "image": {"repository": "r.example.com/i", "digest": "sha256:" + "0" * 64}}


def main():
    base = documents(run("kubectl", "kustomize", PACKAGING / "kubernetes/example"))
    check_manifests("kustomize", base, {"ConfigMap", "CronJob", "PersistentVolumeClaim"})
    check_chart({}, {"ConfigMap", "CronJob", "PersistentVolumeClaim"}, base)
    check_chart(CLAIM, {"ConfigMap", "CronJob"})
    refused()
    check_schema("vendor.compose-spec", PACKAGING / "compose/compose.yaml")
    check_schema("vendor.github-actions", PACKAGING / "github/action.yml")
    check_schema("vendor.github-workflows", PACKAGING / "github/.github/workflows/imagebot.yml")
    check_schema("vendor.gitlab-ci", PACKAGING / "gitlab-ci/.gitlab-ci.yml")
    check_component(PACKAGING / "gitlab-ci/templates/imagebot.yml")


def run(*command):
    return subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE, text=True).stdout


def documents(text):
    return [document for document in yaml.safe_load_all(text) if document]


def check_manifests(what, manifests, kinds):
    found = {manifest["kind"] for manifest in manifests}
    if found != kinds:
        raise SystemExit(f"{what}: {found}, not {kinds}")
    for manifest in manifests:
        for version in KUBERNETES:
            kubernetes_validate.validate(manifest, version, strict=True)
    print(f"{what}: {len(manifests)} manifests are valid in Kubernetes {' and '.join(KUBERNETES)}")


def check_chart(values, kinds, base=None):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump(values, file)
        file.flush()
        run("helm", "lint", "--strict", CHART, "--values", file.name)
        rendered = run("helm", "template", "imagebot", CHART, "--values", file.name)
    manifests = documents(rendered)
    check_manifests(f"helm with {values}", manifests, kinds)
    if base and pod(base) != pod(manifests):
        raise SystemExit(f"the chart and the kustomize base differ:\n{pod(manifests)}\n{pod(base)}")


def pod(manifests):
    """The container of the job, which is the same however it is installed, but for the generated name of its configuration."""
    job = next(manifest for manifest in manifests if manifest["kind"] == "CronJob")
    spec = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return {**spec, "volumes": [volume["name"] for volume in spec["volumes"]]}


def refused():
    command = ["helm", "template", "imagebot", str(CHART), "--set", "shedule=@daily"]
    result = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if result.returncode == 0 or "shedule" not in result.stderr:
        raise SystemExit(f"the chart accepts values that it does not know: {result.stderr}")


def check_schema(schema, *paths):
    subprocess.run([sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, paths)], check=True)


def check_component(path):
    """Both documents of a component, the second as GitLab fills it in."""
    header, job = path.read_text().split("\n---\n")
    for name, value in yaml.safe_load(header)["spec"]["inputs"].items():
        job = job.replace(f"$[[ inputs.{name} ]]", value["default"])
    if "$[[" in job:
        raise SystemExit(f"{path}: an input is not declared")
    with tempfile.TemporaryDirectory() as folder:
        parts = {"spec.yml": header, "job.yml": job}
        paths = [pathlib.Path(folder, name) for name in parts]
        for file, text in zip(paths, parts.values()):
            file.write_text(text)
        check_schema("vendor.gitlab-ci", *paths)


if __name__ == "__main__":
    main()
