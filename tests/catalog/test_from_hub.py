"""The catalog of a Hub, read with the real client: who is in it, and how far each is trusted."""

import json

import pytest
from catalog_reports import REPORT_NAME, TAGGED, newer, publish, report_bytes_of, report_of, rows_in

from hubmaxact.report.document import MAX_REPORT_BYTES


@pytest.fixture
def built(from_hub, tmp_path):
    """Build without the paper's rows; the rows and the manifest of what came out."""

    def build(*options, **how):
        done = from_hub("--no-paper", *options, **how)
        assert done.code == 0, done.said
        manifest = json.loads((tmp_path / "catalog" / "manifest.json").read_bytes())
        return rows_in(tmp_path / "catalog"), manifest, done

    return build


def trust(rows):
    return {key: (row["trust"], row["copied_from"]) for key, row in rows.items()}


def reasons(manifest):
    return {left["name"]: left["reason"] for left in manifest["quarantine"]}


def requests(hub):
    """The requests for single repositories since the last call."""
    asked = [r for r in hub.requests if "/api/models?" not in r.target]
    hub.requests.clear()
    return asked


def test_repositories_on_many_pages_become_rows(hub, built):
    hub.page_size = 20
    for number in range(48):
        publish(hub, f"org-{number % 7}/model-{number:03}")
    hub.create_repo("org-0/untagged", files={"README.md": b"# x\n", REPORT_NAME: b"{}"})
    rows, manifest, done = built()
    assert len(rows) == manifest["counts"]["measured"] == 48
    assert manifest["counts"]["trust"] == {"current": 48}
    assert "48 measured (48 current)" in done.stderr
    assert len(hub.asked("GET", "/api/models?")) == 3
    row = rows["org-3/model-003"]
    repo = hub.repos["model", "org-3/model-003"]
    assert (row["repo_id"], row["commit"]) == ("org-3/model-003", repo.resolve("main").sha)
    assert row["last_modified"].startswith("2025-")

    assert len(requests(hub)) == 96
    rows_again, manifest_again, done = built()
    assert requests(hub) == []
    assert (rows_again, manifest_again) == (rows, manifest)
    assert "48 sources unchanged" in done.stderr


def test_only_what_changed_is_asked_for_again(hub, built):
    for name in "abc":
        publish(hub, f"org/{name}")
    built()
    requests(hub)
    repo = hub.repos["model", "org/b"]
    head = repo.commit({"README.md": TAGGED + b"More words.\n"}).sha
    rows, _, _ = built()
    assert [r.target for r in requests(hub)] == [f"/api/models/org/b/revision/{head}?blobs=true"]
    assert (rows["org/b"]["commit"], rows["org/b"]["trust"]) == (head, "current")
    repo.commit(
        {
            REPORT_NAME: report_bytes_of(
                "org/b", weights={"model.safetensors": b"org/b"}, id="org/b", stage="base"
            )
        }
    )
    rows, _, _ = built()
    assert len(requests(hub)) == 2
    assert rows["org/b"]["stage"] == "base"


def test_a_changed_weight_file_makes_the_report_stale_and_a_new_report_current(hub, built):
    repo = publish(hub, "org/a")
    rows, _, _ = built()
    assert trust(rows) == {"org/a": ("current", None)}
    repo.commit({"model.safetensors": b"trained on"})
    rows, _, _ = built()
    assert trust(rows) == {"org/a": ("stale", None)}
    assert "holds other weights than the report was measured on" in rows["org/a"]["trust_detail"]
    weights = {"model.safetensors": b"trained on"}
    repo.commit({REPORT_NAME: report_bytes_of("org/a", weights=weights, id="org/a")})
    rows, _, _ = built()
    assert trust(rows) == {"org/a": ("current", None)}
    assert rows["org/a"]["trust_detail"] is None


def test_a_copied_report_names_where_it_is_from_and_never_takes_its_row(hub, built):
    publish(hub, "org/original")
    report = hub.repos["model", "org/original"].read(REPORT_NAME, "main")
    publish(hub, "thief/copy", report=report)
    rows, _, _ = built()
    assert trust(rows) == {
        "org/original": ("current", None),
        "thief/copy": ("copied", "org/original"),
    }


def test_a_copy_with_a_forged_name_is_known_by_its_weights(hub, built):
    publish(hub, "org/original")
    weights = {"model.safetensors": b"org/original"}
    forged = report_bytes_of("x", weights=weights, id="thief/copy")
    nameless = report_bytes_of("x", weights=weights)
    publish(hub, "thief/copy", report=forged)
    publish(hub, "thief/nameless", report=nameless)
    rows, _, _ = built()
    assert trust(rows)["thief/copy"] == ("copied", "org/original")
    assert trust(rows)["thief/nameless"] == ("copied", "org/original")

    hub.repos["model", "org/original"].commit({"README.md": b"# untagged\n"})
    rows, _, _ = built()
    assert trust(rows) == {"thief/copy": ("stale", None), "thief/nameless": ("stale", None)}


def test_a_renamed_repository_keeps_its_place_and_is_no_copy_of_itself(hub, built):
    publish(hub, "org/old")
    publish(hub, "org/other")
    built()
    hub.rename("org/old", "lab/new")
    publish(hub, "thief/copy", report=hub.repos["model", "lab/new"].read(REPORT_NAME, "main"))
    rows, manifest, _ = built()
    assert list(rows) == list(manifest["sources"]) == ["lab/new", "org/other", "thief/copy"]
    assert trust(rows)["lab/new"] == ("current", None)
    assert trust(rows)["thief/copy"][0] == "copied"

    # A listing that is cut lacks its new name: the old one leads there all the same.
    hub.rename("org/other", "lab/other")
    hub.faults.add("GET", r"/api/models\?", status=200, body=b"[]")
    rows, _, _ = built()
    assert list(rows) == ["lab/new", "lab/other", "thief/copy"]
    assert trust(rows)["lab/other"] == ("current", None)


def test_a_mirror_that_holds_the_weights_is_current_under_its_own_name(hub, built):
    publish(hub, "org/original")
    weights = {"model.safetensors": b"org/original"}
    report = report_bytes_of("x", weights=weights, id="mirror/copy")
    publish(hub, "mirror/copy", report=report, **weights)
    rows, _, _ = built()
    assert {row["trust"] for row in rows.values()} == {"current"}


def test_a_repo_id_in_another_case_is_the_same_repository(hub, built):
    weights = {"model.safetensors": b"Org/Model"}
    publish(hub, "Org/Model", report=report_bytes_of("x", weights=weights, id="org/model"))
    rows, _, _ = built()
    assert trust(rows) == {"Org/Model": ("current", None)}


def test_without_digests_a_report_is_unverified(hub, built):
    report = report_bytes_of("x", id="org/empty")
    hub.create_repo("org/empty", files={"README.md": TAGGED, REPORT_NAME: report})
    plain = {f"{number}.safetensors": b"w" for number in range(9)}
    report = report_bytes_of("x", weights=plain, id="org/plain")
    files = {"README.md": TAGGED, REPORT_NAME: report, **plain}
    hub.create_repo("org/plain", files=files, gitattributes=b"")
    rows, _, _ = built()
    assert trust(rows) == dict.fromkeys(("org/empty", "org/plain"), ("unverified", None))
    assert rows["org/empty"]["trust_detail"] == "the repository holds no safetensors"
    assert not any(".safetensors" in r.target for r in hub.requests)


def test_weights_outside_lfs_are_compared_when_they_are_few(hub, built):
    weights = {"model.safetensors": b"small"}
    report = report_bytes_of("x", weights=weights, id="org/plain")
    files = {"README.md": TAGGED, REPORT_NAME: report, **weights}
    hub.create_repo("org/plain", files=files, gitattributes=b"")
    rows, _, _ = built()
    assert trust(rows) == {"org/plain": ("current", None)}


def test_weights_that_nothing_loads_leave_a_report_current(hub, built):
    index = "model.safetensors.index.json"
    names = ("a.safetensors", "b.safetensors")
    weights = dict.fromkeys(names, b"w")
    report = report_bytes_of("x", weights=weights)

    def put(name, loaded, **more):
        content = json.dumps({"weight_map": dict(enumerate(loaded))}).encode()
        files = {"README.md": TAGGED, REPORT_NAME: report, index: content, **weights, **more}
        hub.create_repo(name, files=files)

    put("org/beside", names, **{"mtp.safetensors": b"m"})
    put("org/loaded", (*names, "mtp.safetensors"), **{"mtp.safetensors": b"m"})
    put("org/broken", names, **{"mtp.safetensors": b"m", index: b"["})
    publish(hub, "org/single", **{"mtp.safetensors": b"m"})
    rows, _, _ = built()
    assert {name: row["trust"] for name, row in rows.items()} == {
        "org/beside": "current",
        "org/loaded": "copied",  # its weights are those of another, but not all
        "org/broken": "copied",
        "org/single": "current",
    }
    hub.repos["model", "org/beside"].commit({REPORT_NAME: None})
    rows, _, _ = built()
    assert rows["org/loaded"]["trust"] == "stale"
    assert "mtp.safetensors (sha256 " in rows["org/loaded"]["trust_detail"]
    assert rows["org/broken"]["trust"] == "unverified"
    assert "index.json of org/broken is not JSON" in rows["org/broken"]["trust_detail"]


def test_bad_reports_are_quarantined_and_newer_ones_kept_apart(hub, built):
    publish(hub, "org/good")
    publish(hub, "org/html", report=b"<!doctype html><script>alert(1)</script>")
    publish(hub, "org/huge", report=b" " * (MAX_REPORT_BYTES + 1))
    publish(hub, "org/newer", report=newer(report_of("x")))
    publish(hub, "org/none", report=b"")
    publish(hub, "org/nan", report=report_bytes_of("x").replace(b"61.0", b"NaN"))
    rows, manifest, _ = built()
    assert list(rows) == ["org/good"]
    found = reasons(manifest)
    assert found.pop("org/none") == "has no activation_maxima.json"
    assert found.pop("org/html").startswith("not JSON at line 1")
    assert found.pop("org/huge") == "larger than 2,097,152 bytes; a report is far smaller"
    assert "NaN; write null" in found.pop("org/nan")
    assert found == {}
    assert [left["name"] for left in manifest["newer"]] == ["org/newer"]
    assert not any("huge/resolve" in r.target for r in hub.requests)

    requests(hub)
    assert built()[1] == manifest
    assert requests(hub) == []


def test_private_and_gated_repositories_are_not_published(hub, built):
    publish(hub, "alice/private").private = True
    publish(hub, "org/gated").gated = "manual"
    rows, manifest, _ = built()
    assert rows == reasons(manifest) == {}
    (left,) = manifest["unread"]
    assert left["name"] == "org/gated"
    assert left["reason"].startswith("org/gated is gated. Accept its terms at")
    assert not any("alice/private" in r.target for r in hub.requests)


def test_a_namespace_has_its_cap_and_who_came_first_stays(hub, built):
    for number in range(5):
        publish(hub, f"flood/{9 - number}")
    publish(hub, "org/a")
    rows, manifest, done = built("--per-namespace", "2")
    assert list(rows) == ["flood/8", "flood/9", "org/a"]
    assert manifest["over_cap"] == {"flood": 3}
    assert "beyond the cap: 3 of flood" in done.stderr


def test_another_tag_lists_other_repositories(hub, built):
    publish(hub, "org/a")
    publish(hub, "org/b", **{"README.md": b"---\ntags: [internal]\n---\n"})
    rows, manifest, _ = built("--tag", "internal")
    assert list(rows) == ["org/b"]
    assert manifest["built_from"] == {"kind": "hub", "tag": "internal"}


def test_a_deleted_or_untagged_repository_leaves_the_table(hub, built):
    for name in "abcd":
        publish(hub, f"org/{name}")
    built()
    del hub.repos["model", "org/a"]
    hub.repos["model", "org/b"].commit({"README.md": b"# x\n"})
    hub.repos["model", "org/d"].private = True
    requests(hub)
    rows, manifest, _ = built()
    assert list(rows) == list(manifest["sources"]) == ["org/c"]
    assert [r.target.partition("?")[0] for r in sorted(requests(hub), key=lambda r: r.target)] == [
        f"/api/models/org/{name}" for name in ("a", "b", "d")
    ]
