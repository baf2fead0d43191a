"""Reads and writes everything that imagebot uses of GitLab's REST, on the fake of the tests, with python-gitlab."""

import json
import subprocess

import gitlab
import requests

SOURCE = "imagebot/a-00000001"


def main():
    command = "cargo test --locked --quiet --test forge serve_fake_gitlab -- --ignored --nocapture"
    server = subprocess.Popen(
        command.split(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        for line in server.stdout:
            if line.startswith("fake-gitlab "):
                check(json.loads(line.split(" ", 1)[1]))
                break
        else:
            raise SystemExit("the fake did not start")
    finally:
        server.stdin.close()
        server.stdout.read()
    if server.wait() != 0:
        raise SystemExit("the fake was asked for something that it does not know")
    print("the fake GitLab is one to python-gitlab")


def check(world):
    gl = gitlab.Gitlab(world["url"], private_token=world["token"])
    reads(gl, world)
    app = gl.projects.get("team/app")
    branches(app)
    merge_requests(gl, app)
    merging(gl)
    issues(app)


def fails(code, act):
    try:
        act()
    except gitlab.exceptions.GitlabError as error:
        assert error.response_code == code, error
        return str(error)
    raise AssertionError(f"not refused with {code}")


def reads(gl, world):
    gl.auth()
    assert gl.user.username == "imagebot"
    assert gl.version()[0].startswith("19.")
    assert gl.personal_access_tokens.get("self").scopes == ["api"]
    assert [user.username for user in gl.users.list(username="ann")] == ["ann"]
    assert gl.users.list(username="nobody") == []
    fleet = gl.groups.get("fleet")
    deep = fleet.projects.list(include_subgroups=True, get_all=True, per_page=100)
    assert len(deep) == 130 and len({project.id for project in deep}) == 130
    assert fleet.projects.list(get_all=True) == []
    assert {"team", "fleet", "fleet/deep"} <= {g.full_path for g in gl.groups.list(get_all=True)}
    member = gl.projects.list(membership=True, get_all=True)
    assert len(member) == 133
    page = gl.projects.list(page=2, per_page=500, get_all=False)
    assert len(page) == 33
    app = gl.projects.get("team/app")
    assert gl.projects.get(app.id).path_with_namespace == "team/app"
    assert app.topics == ["docker"] and app.default_branch == "main" and not app.archived
    assert app.container_registry_image_prefix == "registry.example.org/team/app"
    assert [v.key for v in app.variables.list(get_all=True)] == ["KEY"]
    assert [b.name for b in app.protectedbranches.list(get_all=True)] == ["main"]
    assert [m.title for m in app.milestones.list(title="v1")] == ["v1"]
    assert app.files.raw("Dockerfile", ref="main") == b"FROM a:1"
    fails(404, lambda: gl.projects.get("team/nothing"))
    fails(404, lambda: gl.groups.get("nothing"))
    wrong = gitlab.Gitlab(world["url"], private_token="wrong")
    fails(401, wrong.auth)
    moved = requests.get(
        f"{world['url']}/api/v4/projects/team%2Fold",
        headers={"PRIVATE-TOKEN": world["token"]},
        allow_redirects=False,
        timeout=10,
    )
    assert moved.status_code == 301, moved
    assert moved.headers["location"].endswith(f"/projects/{world['moved']}")


def branches(app):
    assert [b.name for b in app.branches.list(search="^imagebot/")] == [SOURCE]
    app.branches.create({"branch": "imagebot/b-00000002", "ref": "main"})
    main = app.branches.get("main")
    assert app.branches.get("imagebot/b-00000002").commit["id"] == main.commit["id"]
    assert main.protected and main.default
    app.branches.delete("imagebot/b-00000002")
    fails(404, lambda: app.branches.get("imagebot/b-00000002"))


def merge_requests(gl, app):
    ann = gl.users.list(username="ann")[0].id
    new = {
        "source_branch": SOURCE,
        "target_branch": "main",
        "title": "Draft: one",
        "description": "text\r\n",
        "labels": ["a", "b"],
        "assignee_ids": [ann],
        "reviewer_ids": [ann],
        "milestone_id": app.milestones.list(title="v1")[0].id,
        "remove_source_branch": True,
        "squash": True,
    }
    one = app.mergerequests.create(new)
    assert one.iid == 1 and one.draft and one.description == "text", one
    assert one.labels == ["a", "b"] and one.squash and one.milestone["title"] == "v1"
    assert one.assignees[0]["username"] == one.reviewers[0]["username"] == "ann"
    said = fails(409, lambda: app.mergerequests.create(new))
    assert "Another open merge request already exists for this source branch: !1" in said
    fails(400, lambda: app.mergerequests.create({**new, "source_branch": "imagebot/nothing"}))
    mine = gl.mergerequests.list(scope="created_by_me", state="opened", get_all=True)
    assert [(mr.project_id, mr.iid) for mr in mine] == [(app.id, 1)]
    assert len(app.mergerequests.list(source_branch=SOURCE, state="all", get_all=True)) == 1
    one.title, one.labels = "two", ["c"]
    one.save()
    one = app.mergerequests.get(1)
    assert one.title == "two" and not one.draft and one.labels == ["c"]
    note = one.notes.create({"body": "said"})
    assert [n.body for n in one.notes.list(get_all=True)] == ["said"] and note.id
    sha = app.branches.get(SOURCE).commit["id"]
    pipelines = app.pipelines.list(sha=sha, get_all=True)
    assert [p.status for p in pipelines] == ["running"]
    assert app.pipelines.list(sha="0" * 40, get_all=True) == []
    # With a pipeline that runs it is only set to merge.
    one.merge(sha=sha, merge_when_pipeline_succeeds=True)
    assert app.mergerequests.get(1).merge_when_pipeline_succeeds
    one.state_event = "close"
    one.save()
    assert app.mergerequests.get(1).state == "closed"
    fails(405, lambda: one.merge(sha=sha))
    one.state_event = "reopen"
    one.save()
    assert app.mergerequests.get(1).state == "opened"


def merging(gl):
    quick = gl.projects.get("team/quick")
    new = {"source_branch": SOURCE, "target_branch": "main", "title": "one"}
    one = quick.mergerequests.create(new)
    fails(409, lambda: one.merge(sha="0" * 40))
    before = quick.branches.get("main").commit["id"]
    one.merge(sha=one.sha, merge_when_pipeline_succeeds=True)
    one = quick.mergerequests.get(1)
    # Without any pipeline GitLab merges at once.
    assert one.state == "merged" and one.merge_commit_sha != before
    assert quick.branches.get("main").commit["id"] == one.merge_commit_sha


def issues(app):
    issue = app.issues.create({"title": "broken", "description": "text"})
    assert [i.iid for i in app.issues.list(state="opened", search="broken", get_all=True)] == [1]
    issue.description, issue.state_event = "other", "close"
    issue.save()
    issue = app.issues.list(state="closed", get_all=True)[0]
    assert issue.description == "other" and issue.state == "closed"


if __name__ == "__main__":
    main()
