# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planning, with an index in memory in place of uv."""

from __future__ import annotations

import copy
import dataclasses
import datetime
import html
import re

import pytest
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._advisories import Advisories
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._comparison import compare_plans
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._compatibility import build_matrix
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._demands import list_fix_constraints
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._document import describe_blocked
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._errors import (
    CopiesNeededError,
    PlanError,
    WheelsNeededError,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._hosts import PlannedHost
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._interpreter_choice import choose_interpreter
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._nearest import (
    InvalidLimitError,
    classify_move,
    select_limits,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._plan import Obtaining, Planner
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._steps import collect_earlier_steps
from ansible_collections.oxzep7.python.plugins.plugin_utils._report._plan import format_plan_markdown, render_plan_page
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from .world import Made, World

PACKAGES = {
    "stable": {"1.0": Made(), "2.0": Made()},
    "ages": {
        "1.0": Made(range(6, 10)),
        "1.1": Made(range(6, 11)),
        "1.2": Made(range(8, 12)),
        "2.0": Made(range(9, 20)),
    },
    "odd": {"0.9": Made(), "1.0": Made(range(6, 11)), "3.0": Made(range(11, 20))},
}


def planner(target, *arguments, **options):
    return Planner(target, World(PACKAGES).locker(), *arguments, **options)


def make_package(name, version):
    return {"name": name, "version": version, "editable": False, "direct_url": None}


def make_archive_source(minor):
    return {"source": "archive", "version": f"3.{minor}", "url": f"http://x/3.{minor}.tar.gz", "sha256": "0" * 64}


def list_findings(plan):
    return plan.document["notes"]["host1"]["app"]["findings"]


def host(name="host1", python="3.8.18", packages=(("ages", "1.0"), ("stable", "1.0")), **options):
    return PlannedHost(
        name=name,
        facts={"architecture": "x86_64", "libc": {"name": "glibc", "version": "2.36"}},
        applications=[
            {
                "name": "app",
                "findings": options.get("findings", []),
                "environment": {
                    "path": "/srv/app/venv",
                    "python": python,
                    "packages": [make_package(*row) for row in packages],
                },
            }
        ],
        found_interpreters=options.get("found", []),
        interpreters=options.get(
            "interpreters",
            [make_archive_source(minor) for minor in range(9, 13)],
        ),
        constraints=options.get("constraints", []),
    )


def steps_of(plan, name="host1"):
    return plan.document["hosts"][name]["applications"][0]["steps"]


def blocked_lines(plan):
    """What blocks, as it is told; the texts of the plan have it, too."""
    rows = plan.list_blocked()
    readable, page = format_plan_markdown(plan.document), render_plan_page(plan.document, {"packages": {}})
    assert all(row["key"] in readable and row["key"] in page for row in rows)
    return describe_blocked(rows)


def only_line(plan):
    (line,) = blocked_lines(plan)
    return line


def test_every_minor_is_visited_and_a_package_moves_only_for_a_reason():
    steps = steps_of(planner("3.11").plan([host()]))
    assert [(step["from"], step["to"]) for step in steps] == [("3.8", "3.9"), ("3.9", "3.10"), ("3.10", "3.11")]
    assert [[(change["package"], change["from"], change["to"]) for change in step["changes"]] for step in steps] == [
        [],
        [("ages", "1.0", "1.1")],
        [("ages", "1.1", "1.2")],
    ]
    assert "no wheel for Python 3.10" in steps[1]["changes"][0]["reason"]


def test_a_constraint_moves_a_package_and_gives_its_reason():
    limits = [{"requirement": "stable>=2.0", "python": ">=3.10", "reason": "breaks"}]
    steps = steps_of(planner("3.10").plan([host(constraints=limits)]))
    assert steps[0]["changes"] == []
    assert {change["package"]: change["reason"] for change in steps[1]["changes"]}[
        "stable"
    ] == "constraint stable>=2.0: breaks"


def test_equal_environments_share_locks():
    plan = planner("3.11").plan([host("a"), host("b"), host("c", packages=(("stable", "1.0"),))])
    assert [step["lock"] for step in steps_of(plan, "a")] == [step["lock"] for step in steps_of(plan, "b")]
    assert steps_of(plan, "a")[0]["lock"] != steps_of(plan, "c")[0]["lock"]
    assert set(plan.locks) == {step["lock"] for name in "abc" for step in steps_of(plan, name)}


def test_nothing_to_do_is_no_plan():
    plan = planner("3.11").plan([host(python="3.11.2")])
    assert plan.identifier is None and plan.count_steps() == {"host1": 0}


@pytest.mark.parametrize(
    "given_host, expected",
    [
        (host(python="3.12.1"), "target-below-current"),
        (host(interpreters=[]), "interpreter-source-missing"),
        (
            host(packages=(("odd", "1.0"), ("ages", "1.0")), constraints=[{"requirement": "odd<3"}]),
            "odd<3.*package-blocked",
        ),
        (
            host(
                findings=[
                    {
                        "key": "service-not-found",
                        "detail": "no web.service",
                        "blocking": True,
                        "remediation": "correct it",
                    }
                ]
            ),
            "service-not-found",
        ),
    ],
)
def test_what_blocks_an_application_is_named_and_keeps_no_other_from_being_planned(given_host, expected):
    plan = planner("3.11").plan([given_host, host("other")])
    (row,) = plan.list_blocked()
    line = only_line(plan)
    assert re.search(expected, line) and line.startswith("host1: ") and "me:secret" not in str(plan.document)
    assert (row["host"], row["application"]) == ("host1", "app") and row["cause"] and row["remediation"]
    assert len(steps_of(plan, "other")) == 3 and plan.count_steps()["host1"] == len(steps_of(plan)) < 3


def elsewhere(version="1.0"):
    """A host with one package that came from a repository."""
    made = host(packages=(("ages", version), ("stable", "1.0")))
    made.applications[0]["environment"]["packages"][0]["direct_url"] = "https://me:secret@git.example.org/x"
    return made


def copied(made, **row):
    """*made* with what a copy of that package came to."""
    made.applications[0]["copies"] = {"ages": row}
    return made


WHEEL = {
    "wheel": "ages-1.0-0_ab-py3-none-any.whl",
    "sha256": "a" * 64,
    "version": "1.0",
    "requires": [],
    "requires_python": None,
}


def test_a_package_that_no_source_has_is_to_be_copied_unless_the_operator_provides_it():
    with pytest.raises(CopiesNeededError) as caught:
        planner("3.11").plan([elsewhere(), host("other")])
    assert caught.value.wanted == {"host1": {"app": ["ages"]}}
    world = World(PACKAGES)
    world.own.add(("ages", "1.0"))
    assert steps_of(Planner("3.9", world.locker()).plan([elsewhere()]))[0]["changes"] == []


def test_a_package_that_cannot_be_copied_blocks_its_application_and_says_why():
    plan = planner("3.11").plan([copied(elsewhere(), reason="it has compiled code (x.so)")])
    line = only_line(plan)
    assert "package-not-from-index" in line and "oxzep7_find_links" in line and "compiled code (x.so)" in line
    assert "me:secret" not in str(plan.document)


def test_a_copy_stays_as_it_is_at_every_step_and_no_other_file_may_stand_for_it():
    plan = planner("3.12").plan([copied(elsewhere(), **WHEEL)])
    for step in steps_of(plan):
        assert (
            step["copied"] == ["ages"]
            and step["built"] == []
            and "ages" not in {row["package"] for row in step["changes"]}
        )
        block = plan.locks[step["lock"]].split("stable==")[0]
        assert block.startswith("ages==1.0") and block.count("--hash") == 1 and "a" * 64 in block
    assert "copied: ages" in format_plan_markdown(plan.document)
    assert [entry["key"] for entry in list_findings(plan) if "copied" in entry["key"]] == ["package-copied"]
    other = planner("3.12").plan([copied(elsewhere(), **{**WHEEL, "sha256": "b" * 64})])
    assert other.document["id"] != plan.document["id"]


def test_a_copy_that_a_constraint_forbids_gives_way_to_what_sources_have():
    forbidden = dataclasses.replace(
        copied(elsewhere(), **WHEEL), constraints=[{"requirement": "ages>1.0", "reason": "it is broken"}]
    )
    (step, *_more) = steps_of(planner("3.12").plan([forbidden]))
    assert (
        step["copied"] == []
        and next(row for row in step["changes"] if row["package"] == "ages")["evidence"] == "constraint"
    )


def test_a_package_that_no_index_knows_is_to_be_copied_and_what_was_copied_is_asked_again():
    given_host = copied(elsewhere(), **WHEEL)
    given_host.applications[0]["environment"]["packages"].append(
        {**given_host.applications[0]["environment"]["packages"][1], "name": "Own.Thing"}
    )
    with pytest.raises(CopiesNeededError) as caught:
        planner("3.11").plan([given_host])
    assert caught.value.wanted == {"host1": {"app": ["ages", "own-thing"]}}
    given_host.applications[0]["copies"]["own-thing"] = {"reason": "it does not record its files"}
    line = only_line(planner("3.11").plan([given_host]))
    assert "no source has Own.Thing 1.0, and it cannot be copied: it does not record its files" in line


def test_deprecations_that_the_last_step_met_are_a_finding_of_the_next():
    warned = host()
    warned.applications[0]["deprecations"] = [f"lib/x.py:{number}: goes" for number in range(5)]
    findings = list_findings(planner("3.9").plan([warned]))
    (found,) = [entry for entry in findings if entry["key"] == "deprecations-met"]
    assert (
        "lib/x.py:0: goes; lib/x.py:1: goes; lib/x.py:2: goes and 2 more" in found["detail"] and not found["blocking"]
    )


def test_a_local_version_is_taken_as_it_is():
    row = {**WHEEL, "wheel": "ages-1.0+vendor.3-0_ab-py3-none-any.whl", "version": "1.0+vendor.3"}
    with pytest.raises(CopiesNeededError):
        planner("3.11").plan([host(packages=(("ages", "1.0+vendor.3"),))])
    plan = planner("3.11").plan([copied(host(packages=(("ages", "1.0+vendor.3"),)), **row)])
    assert all(step["changes"] == [] for step in steps_of(plan))


def test_every_finding_is_listed_at_once():
    lines = blocked_lines(planner("3.11").plan([host("a", python="3.12.1"), host("b", python="3.13.0")]))
    assert len(lines) == 2 and all("target-below-current" in line for line in lines)


versions = {name: st.sampled_from(sorted(entries)) for name, entries in PACKAGES.items()}
environments = st.dictionaries(st.sampled_from(sorted(PACKAGES)), st.none(), min_size=1).flatmap(
    lambda names: st.fixed_dictionaries({name: versions[name] for name in names})
)


def plan_packages(packages, order=None):
    given_host = host(packages=tuple(packages.items()))
    if order is not None:
        order.shuffle(given_host.applications[0]["environment"]["packages"])
    return planner("3.12").plan([given_host])


@given(environments, st.randoms())
def test_the_plan_is_deterministic_whatever_the_order(packages, order):
    first, second = plan_packages(packages), plan_packages(copy.copy(packages), order)
    assert first.document["hosts"] == second.document["hosts"]


@given(environments)
def test_no_package_goes_down_and_each_that_moves_had_to(packages):
    plan = plan_packages(packages)
    for step in steps_of(plan):
        for change in step["changes"]:
            assert Version(change["to"]) > Version(change["from"])
            assert int(step["to"].split(".")[1]) not in PACKAGES[change["package"]][change["from"]].wheels


@given(environments)
def test_an_unrelated_package_changes_no_other_row(packages):
    without = {name: version for name, version in packages.items() if name != "stable"}
    first, second = plan_packages({**without, "stable": "1.0"}), plan_packages(without) if without else None
    if second:
        assert [step["changes"] for step in steps_of(first)] == [step["changes"] for step in steps_of(second)]


@pytest.mark.parametrize(
    "entries, minor, patch, expected",
    [
        ([{"source": "archive", "version": "3.9", "url": "u", "sha256": "s"}], (3, 9), None, "3.9"),
        ([{"source": "archive", "version": "3.9.18", "url": "u", "sha256": "s"}], (3, 9), None, "3.9.18"),
        ([{"source": "archive", "version": "3.9", "url": "u", "sha256": "s"}], (3, 9), 18, "3.9.18"),
        ([{"source": "archive", "version": "3.9.17", "url": "u", "sha256": "s"}], (3, 9), 18, None),
        ([{"source": "archive", "version": "3.1", "url": "u", "sha256": "s"}], (3, 11), None, None),
        ([{"source": "existing"}], (3, 9), None, "3.9.10"),
        ([{"source": "existing"}], (3, 10), None, None),
        (
            [
                {"source": "existing", "version": "3.10", "path": "/p"},
                {"source": "archive", "version": "3.9", "url": "u", "sha256": "s"},
            ],
            (3, 9),
            None,
            "3.9",
        ),
    ],
)
def test_the_first_source_that_fits_is_chosen(entries, minor, patch, expected):
    versions = ("3.9.2", "3.9.10", "3.8.1")
    found = [{"path": f"/p{version}", "version": version, "implementation": "CPython"} for version in versions]
    chosen = choose_interpreter(host(interpreters=entries, found=found), minor, patch)
    assert (chosen and chosen["version"]) == expected


def test_constraints_hold_for_their_versions_only():
    limits = [
        {"requirement": "a>=1", "python": ">=3.10"},
        {"requirement": "b<2", "date": "2026-01-02", "reason": "breaks"},
    ]
    assert [(limit.requirement, limit.date, limit.reason) for limit in select_limits(limits, (3, 9))] == [
        ("b<2", "2026-01-02", "breaks")
    ]
    assert [limit.requirement for limit in select_limits(limits, (3, 10))] == ["a>=1", "b<2"]
    with pytest.raises(InvalidLimitError, match="oxzep7_constraints"):
        select_limits([{"requirement": "not a requirement"}], (3, 9))


@pytest.mark.parametrize(
    "target, today, keys",
    [
        ("3.10", "2026-11-21", ["target-end-of-life"]),
        ("3.11", "2026-11-21", ["target-end-of-life-soon"]),
        ("3.12", "2026-11-21", []),
        ("3.12", "2027-06-01", ["release-data-stale"]),
    ],
)
def test_a_target_that_ends_and_data_that_age_are_findings(target, today, keys):
    plan = planner(target, datetime.date.fromisoformat(today)).plan([host(packages=[("stable", "1.0")])])
    assert [(entry["key"], entry["blocking"]) for entry in plan.document["findings"]] == [(key, False) for key in keys]
    assert all(entry["detail"] in format_plan_markdown(plan.document) for entry in plan.document["findings"])


def advisories(*affected):
    found = Advisories()
    for number, (name, *fixed) in enumerate(affected):
        events = [{"introduced": "0"}, *({"fixed": version} for version in fixed)]
        found.add(
            {
                "id": f"ID-{number}",
                "aliases": [f"CVE-{number}"],
                "modified": "2026-01-01",
                "affected": [
                    {
                        "package": {"ecosystem": "PyPI", "name": name},
                        "ranges": [{"type": "ECOSYSTEM", "events": events}],
                    }
                ],
            }
        )
    return found


def test_advisories_move_packages_to_the_nearest_version_that_fixes_them_all():
    known = advisories(("stable", "1.5"), ("stable", "2.0"), ("ages",), ("other", "9"))
    assert list_fix_constraints({"stable": "1.0", "ages": "1.0"}, known) == [
        {"requirement": "stable>=2.0", "reason": "fixes CVE-0, CVE-1", "evidence": "advisory"}
    ]
    chained = advisories(("stable", "1.5"))
    chained.add(
        {
            "id": "ID-9",
            "modified": "2026-01-01",
            "affected": [
                {
                    "package": {"ecosystem": "PyPI", "name": "stable"},
                    "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "1.5"}, {"fixed": "2.0"}]}],
                }
            ],
        }
    )
    assert list_fix_constraints({"stable": "1.0"}, chained) == [
        {"requirement": "stable>=2.0", "reason": "fixes CVE-0, ID-9", "evidence": "advisory"}
    ]
    steps = steps_of(planner("3.10", advisories=known).plan([host()]))
    assert [(change["package"], change["to"], change["evidence"]) for change in steps[0]["changes"]] == [
        ("stable", "2.0", "advisory")
    ]
    assert steps[0]["changes"][0]["reason"] == "constraint stable>=2.0: fixes CVE-0, CVE-1"
    assert [change["package"] for change in steps[1]["changes"]] == ["ages"]
    plain = steps_of(planner("3.10").plan([host()]))
    assert plain[0]["changes"] == []


def review(reviewed, hosts, target="3.11", world=None):
    """The plan for *hosts* by the *reviewed* one."""
    earlier = collect_earlier_steps(reviewed.document, reviewed.locks.get)
    locker = (world or World(PACKAGES)).locker()
    return Planner(target, locker, earlier=earlier, review=reviewed.document).plan(hosts)


def test_what_is_left_of_a_reviewed_plan_is_that_plan():
    reviewed = planner("3.11").plan([host("a"), host("b")])
    assert review(reviewed, [host("a"), host("b")]).document == reviewed.document
    left = review(
        reviewed,
        [host("a", python="3.10.1", packages=(("ages", "1.1"), ("stable", "1.0"))), host("b", python="3.11.1")],
    )
    assert left.document["id"] != reviewed.document["id"] and left.list_blocked() == []
    assert left.count_steps() == {"a": 1, "b": 0}


@pytest.mark.parametrize(
    "changed",
    [
        host(packages=(("ages", "1.2"), ("stable", "1.0"))),
        host("new"),
        host(constraints=[{"requirement": "stable>=2.0"}], packages=(("ages", "1.0"), ("stable", "0.9"))),
        host(interpreters=[{**make_archive_source(minor), "url": "http://other/"} for minor in range(9, 12)]),
    ],
)
def test_an_application_that_would_take_other_steps_than_reviewed_is_blocked_alone(changed):
    reviewed = planner("3.11").plan([host(), host("same")])
    plan = review(reviewed, [changed, host("same")])
    (row,) = plan.list_blocked()
    assert (row["host"], row["key"]) == (changed.name, "steps-not-reviewed") and reviewed.identifier in row["cause"]
    assert steps_of(plan, changed.name) == [] and len(steps_of(plan, "same")) == 3


def test_a_reviewed_plan_is_for_one_target():
    with pytest.raises(PlanError, match="the target is 3.10, and 3.11 was reviewed"):
        review(planner("3.11").plan([host()]), [host()], "3.10")


def without_interpreters(*minors):
    return host(interpreters=[make_archive_source(minor) for minor in range(9, 13) if minor not in minors])


def test_what_became_blocked_after_the_review_stops_nothing_else():
    reviewed = planner("3.11").plan([host(), host("same")])
    plan = review(reviewed, [without_interpreters(11), host("same")])
    (row,) = plan.list_blocked()
    assert row["key"] == "interpreter-source-missing"
    assert [step["to"] for step in steps_of(plan)] == ["3.9", "3.10"] and len(steps_of(plan, "same")) == 3


@pytest.mark.parametrize("missing, reviewed_steps", [((11,), ["3.9", "3.10"]), ((9,), [])])
def test_what_became_plannable_after_the_review_is_to_be_reviewed(missing, reviewed_steps):
    reviewed = planner("3.11").plan([without_interpreters(*missing), host("same")])
    plan = review(reviewed, [host(), host("same")])
    (row,) = plan.list_blocked()
    assert row["key"] == "steps-not-reviewed" and "were blocked in the reviewed plan" in row["cause"]
    assert [step["to"] for step in steps_of(plan)] == reviewed_steps and len(steps_of(plan, "same")) == 3
    assert plan.document["id"] == reviewed.document["id"]


def test_steps_are_planned_up_to_the_first_that_is_blocked():
    odd = host(packages=(("odd", "1.0"),), constraints=[{"requirement": "odd<3"}])
    plan = planner("3.11").plan([odd, host("other")])
    part = plan.document["hosts"]["host1"]["applications"][0]
    (reason,) = part["blocked"]
    assert [(step["from"], step["to"]) for step in part["steps"]] == [("3.8", "3.9"), ("3.9", "3.10")]
    assert (reason["from"], reason["to"], reason["key"]) == ("3.10", "3.11", "package-blocked")
    assert set(plan.locks) == {step["lock"] for name in ("host1", "other") for step in steps_of(plan, name)}
    assert plan.representatives == ["host1", "other"]
    text = format_plan_markdown(plan.document)
    text = format_plan_markdown(plan.document)
    assert "| app | host1 | 3.10 -> 3.11 | package-blocked |" in text
    assert text.index("What blocks") > text.index("Steps") and "Nothing to do" not in text
    table = build_matrix(plan.document, plan.locks, [], datetime.date(2026, 11, 21))
    assert table["pythons"] == ["3.9", "3.10", "3.11"] and part["blocked"][0]["packages"] == ["odd"]
    cell = table["packages"]["odd"]["3.11"]
    assert (cell["state"], cell["from"], cell["reason"]) == ("blocked", "1.0", reason["cause"])
    assert '<td class="blocked">blocked 1.0</td>' in render_plan_page(plan.document, table)


def test_the_identity_of_a_plan_is_what_it_does():
    blocked = host("z", findings=[{"key": "unhealthy", "detail": "x", "blocking": True, "remediation": "y"}])
    other = host("z", findings=[{"key": "unhealthy", "detail": "z", "blocking": True, "remediation": "y"}])
    plans = [planner("3.11").plan([host(), made]) for made in (blocked, other)]
    assert plans[0].document["id"] == plans[1].document["id"] and plans[0].identifier
    alone = planner("3.11").plan([blocked])
    assert alone.identifier and alone.count_steps() == {"z": 0} and alone.representatives == []
    changed = planner("3.11").plan([other]).document
    assert compare_plans(alone.document, changed) == ["z: app: blocked unhealthy: x -> z"]


def test_what_is_not_to_be_had_blocks_its_application_after_it_was_asked_for_once():
    plan = planner("3.11", obtaining=Obtaining(copies=False)).plan([elsewhere(), host("other")])
    assert "no source has ages (package-not-from-index); copy them with" in only_line(plan)
    assert len(steps_of(plan, "other")) == 3
    world = World({**PACKAGES, "sole": {"1.0": Made(range(0), True, elsewhere=True)}})
    hosts = [host(packages=(("sole", "1.0"),)), host("other")]
    with pytest.raises(WheelsNeededError) as caught:
        Planner("3.10", world.locker()).plan(hosts)
    asked = caught.value.wanted
    assert asked
    for obtaining, expected in [
        (Obtaining(wheels=False), "must be compiled"),
        (Obtaining(built=asked, building={"msg": "no route"}), "the builder: no route"),
        (Obtaining(built=asked, building={"problems": [{**asked[0], "cause": "no cc"}]}), "no cc"),
    ]:
        plan = Planner("3.10", world.locker(), obtaining=obtaining).plan(hosts)
        assert expected in only_line(plan) and "package-not-built" in only_line(plan)
        table = build_matrix(plan.document, plan.locks, [], datetime.date(2026, 11, 21))
        assert table["packages"]["sole"]["3.9"]["state"] == "blocked"
        assert len(steps_of(plan, "other")) == 2


def test_data_that_cannot_be_read_block_their_application_alone():
    broken = host()
    broken.applications[0]["environment"]["packages"] = [{"name": "ages"}]
    plan = planner("3.11").plan([broken, host("other")])
    assert "KeyError" in only_line(plan) and "application-not-planned" in only_line(plan)
    assert len(steps_of(plan, "other")) == 3


@pytest.mark.parametrize(
    "before, after, expected",
    [
        (None, "1.0", "added"),
        ("1.0", "2.0", "major"),
        ("1.0", "1.1", "minor"),
        ("1.1", "1.1.1", "patch"),
        ("1.1.1", "1.1.1.post1", "other"),
        ("0.9", "1", "major"),
        ("legacy-x", "1.0", "other"),
        ("1!1.0", "1.0", "other"),
    ],
)
def test_how_far_a_package_moves(before, after, expected):
    assert classify_move(before, after) == expected


def test_a_symbolic_target_is_resolved_before_planning():
    sources = [make_archive_source(minor) for minor in range(9, 15)]
    plan = planner("newest-1", datetime.date(2026, 11, 21)).plan(
        [host(packages=[("stable", "1.0")], interpreters=sources)]
    )
    assert plan.document["target"] == "3.13" and [step["to"] for step in steps_of(plan)] == [
        "3.9",
        "3.10",
        "3.11",
        "3.12",
        "3.13",
    ]
    assert plan.document["phases"] == {
        "3.9": "end-of-life",
        "3.10": "end-of-life",
        "3.11": "security",
        "3.12": "security",
        "3.13": "security",
    }
    later = planner("3.13", datetime.date(2030, 1, 1)).plan([host(packages=[("stable", "1.0")], interpreters=sources)])
    assert later.document["id"] == plan.document["id"] and later.document["phases"]["3.13"] == "end-of-life"


def test_a_person_can_read_it():
    text = format_plan_markdown(planner("3.10").plan([host()]).document)
    assert (
        "- 3.9 -> 3.10 (end-of-life, end of life 2026-10-01, newest patch 3.10." in text
        and "ages 1.0 -> 1.1 (minor): 1.0 has no wheel" in text
    )


def test_the_page_escapes_what_hosts_say_and_shows_waves_and_the_matrix():
    plan = planner("3.10").plan([host("<script>alert(1)</script>")])
    plan.document["waves"] = [["<script>alert(1)</script>"]]
    text = render_plan_page(plan.document, build_matrix(plan.document, plan.locks, [], datetime.date(2026, 11, 21)))
    assert "<script>" not in text and "&lt;script&gt;" in text and "moves 1.0 -&gt; 1.1 (no-wheel, 2021-01-02)" in text
    assert "1. <script>" in format_plan_markdown(plan.document)


def test_two_plans_are_compared_line_by_line():
    before = planner("3.10").plan([host()]).document
    constrained = host(constraints=[{"requirement": "stable>=2.0", "reason": "breaks"}])
    after = planner("3.10").plan([constrained]).document
    assert compare_plans(before, before) == []
    lines = compare_plans(before, after)
    expected = "host1: app: 3.9 stable: nothing -> 1.0 to 2.0, constraint stable>=2.0: breaks"
    assert any(line.startswith(expected) for line in lines)
    assert compare_plans(before, planner("3.10").plan([host("other")]).document)[0].startswith("host1: app: 3.10 ")


def test_steps_of_an_earlier_plan_stay_where_they_are_asked_the_same():
    first = planner("3.11").plan([host()])
    world = World(PACKAGES)
    again = Planner("3.11", world.locker(), earlier=collect_earlier_steps(first.document, first.locks.get)).plan(
        [host()]
    )
    assert again.document["id"] == first.document["id"] and world.questions == []
    other = Planner("3.11", world.locker(), earlier=collect_earlier_steps(first.document, first.locks.get)).plan(
        [host(packages=(("odd", "1.0"),))]
    )
    assert other.document["id"] != first.document["id"] and world.questions


def test_a_reviewed_plan_holds_for_a_host_that_is_half_way():
    first = planner("3.11").plan([host()])
    world = World({**PACKAGES, "ages": {**PACKAGES["ages"], "1.15": Made()}})
    half = host(python="3.10.1", packages=(("ages", "1.1"), ("stable", "1.0")))
    kept = review(first, [half], world=world)
    assert kept.list_blocked() == [] and kept.count_steps() == {"host1": 1} and world.questions == []


def test_one_host_stands_for_all_with_equal_environments():
    assert planner("3.11").plan([host("a"), host("b"), host("c", packages=(("stable", "1.0"),))]).representatives == [
        "a",
        "c",
    ]


def test_risk_shows_its_terms_and_the_source_gives_findings():
    given = host()
    given.applications[0].update(
        declared={"tests": ["pytest"], "services": [{"name": "web.service"}], "criticality": "high"},
        scan={
            "uses": [["app.py", "collections.Mapping", 3, [0, 99], True, True]],
            "imports": {"collections": "app.py"},
            "problems": [],
            "dynamic": [["x.py", 7]],
        },
    )
    document = planner("3.10").plan([given]).document
    note = document["notes"]["host1"]["app"]
    assert [entry["key"] for entry in note["findings"]] == ["source-uses-removed", "source-imports-dynamically"]
    assert "app.py:3: collections.Mapping is gone in Python 3.10 (on import)" in note["findings"][0]["detail"]
    assert set(note["risk"]["terms"]) == {
        "other moves",
        "findings",
        "dependents",
        "criticality",
        "no checks",
        "no backup",
    }
    assert (
        note["risk"]["score"] == sum(term["points"] for term in note["risk"]["terms"].values())
        and note["restarts"] == 2
    )
    removed = note["python"][1]["removed"]
    assert "collections.Mapping" in removed and not any(name.startswith("asyncio") for name in removed)
    assert "collections.Mapping is gone" in format_plan_markdown(document)
    unknown = planner("3.10").plan([host()]).document["notes"]["host1"]["app"]
    assert [entry["key"] for entry in unknown["findings"]] == ["source-unknown"] and "no tests" in unknown["risk"][
        "terms"
    ]


def test_a_goal_of_security_moves_what_advisories_are_about():
    given = host(packages=(("stable", "1.0"),))
    plain = Planner("3.9", World(PACKAGES).locker(), advisories=advisories(("stable", "2.0")), fix=False)
    assert steps_of(plain.plan([given]))[0]["changes"] == []
    given.applications[0]["goal"] = "security"
    assert (
        steps_of(
            Planner("3.9", World(PACKAGES).locker(), advisories=advisories(("stable", "2.0")), fix=False).plan([given])
        )[0]["changes"][0]["to"]
        == "2.0"
    )
    missing = planner("3.9").plan([given]).document["notes"]["host1"]["app"]["findings"]
    assert "advisories-missing" in [entry["key"] for entry in missing]


def test_a_newer_patch_of_the_same_minor_is_a_step_of_its_own():
    sources = [{"source": "archive", "version": "3.11.9", "url": "http://x/3.11.tar.gz", "sha256": "0" * 64}]
    made = host(python="3.11.4", packages=(("ages", "1.2"),), interpreters=sources)
    plan = planner("3.11.9").plan([made])
    (step,) = steps_of(plan)
    assert (step["from"], step["to"], step["changes"], step["interpreter"]["version"]) == (
        "3.11.4",
        "3.11.9",
        [],
        "3.11.9",
    )
    table = build_matrix(plan.document, plan.locks, [], datetime.date(2026, 1, 1))
    assert table["pythons"] == ["3.11"]
    assert "3.11.4 -> 3.11.9" in format_plan_markdown(plan.document)


@pytest.mark.parametrize("python", ["3.11.9", "3.11.4"])
def test_a_patch_that_nobody_asked_for_is_no_step(python):
    target = "3.11.9" if python == "3.11.9" else "3.11"
    assert planner(target).plan([host(python=python)]).count_steps() == {"host1": 0}


def test_a_patch_is_not_taken_back():
    line = only_line(planner("3.11.4").plan([host(python="3.11.9")]))
    assert re.search("3.11.4 is below the current version 3.11.9.*target-below-current", line)


def declare(made, **declared):
    made.applications[0]["declared"] = declared
    return made


def test_an_application_goes_to_its_own_target():
    hosts = [
        declare(host("lower"), target="3.9"),
        declare(host("higher"), target="3.12"),
        declare(host("patched", python="3.11.2"), target="3.11.4"),
        host("plain"),
    ]
    plan = planner("3.10").plan(hosts)
    reached = {name: [step["to"] for step in steps_of(plan, name)] for name in plan.document["hosts"]}
    assert reached == {
        "lower": ["3.9"],
        "higher": ["3.9", "3.10", "3.11", "3.12"],
        "patched": ["3.11.4"],
        "plain": ["3.9", "3.10"],
    }
    assert plan.list_blocked() == [] and steps_of(plan, "patched")[0]["interpreter"]["version"] == "3.11.4"
    assert steps_of(plan, "plain") == steps_of(planner("3.10").plan([host("plain")]), "plain")
    assert plan.document["target"] == "3.10"
    parts = plan.document["hosts"]
    assert parts["lower"]["applications"][0]["target"] == "3.9" and "target" not in parts["plain"]["applications"][0]


@pytest.mark.parametrize("own, expected", [("3.99", "3.99 is not a released version"), ("3.7", "below the current")])
def test_an_own_target_that_cannot_be_reached_blocks_its_application_alone(own, expected):
    plan = planner("3.10").plan([declare(host(), target=own), host("other")])
    assert expected in only_line(plan) and len(steps_of(plan, "other")) == 2


@pytest.mark.parametrize("until, expired", [("2026-11-21", False), ("2026-11-20", True)])
def test_an_application_stays_even_after_its_day(until, expired):
    blocking = {"key": "unhealthy", "detail": "x", "blocking": True, "remediation": "y"}
    made = declare(host(findings=[blocking]), stay={"reason": "its vendor <ends> it", "until": until})
    plan = planner("3.10", datetime.date(2026, 11, 21)).plan([made, host("other")])
    part = plan.document["hosts"]["host1"]["applications"][0]
    assert part["steps"] == [] and part["stay"] == {"reason": "its vendor <ends> it", "until": until}
    assert plan.list_blocked() == [] and len(steps_of(plan, "other")) == 2
    assert [entry["key"] for entry in list_findings(plan)] == (["stay-expired"] if expired else [])
    line = f"host1: app stays at Python 3.8.18 until {until}: its vendor <ends> it"
    text, page = format_plan_markdown(plan.document), render_plan_page(plan.document, {"packages": {}})
    assert f"- {line}" in text and html.escape(line) in page and "Nothing to do" not in text
    assert ("(stay-expired)" in text) is expired and ("(stay-expired)" in page) is expired
    later = planner("3.10", datetime.date(2027, 1, 1)).plan([made, host("other")])
    assert later.document["id"] == plan.document["id"]


def loose(carry=None, diff="@@ -1 +1 @@\n-a\n+b\n", missing=False, **counts):
    """A host whose environment has files in no package, a changed one and, with *missing*, a removed one."""
    made = host()
    made.applications[0]["environment"].update(
        unmanaged=[
            {"path": "lib/python3.8/site-packages/local.py", "kind": "module"},
            {"path": "lib/python3.8/site-packages/~ip/", "kind": "leftover"},
        ],
        modified=[
            {
                "path": "lib/python3.8/site-packages/ages.py",
                "package": "ages",
                "version": "1.0",
                "recorded": "sha256=x",
                "diff": diff,
            }
        ],
        missing=[{"path": "lib/python3.8/site-packages/stable.py", "package": "stable"}] if missing else [],
        counts={"unmanaged": 2, "modified": 1, "missing": int(missing), **counts},
    )
    made.applications[0]["declared"] = {"carry": carry} if carry else {}
    return made


def test_what_would_be_lost_forbids_a_plan_until_somebody_decides():
    lines = blocked_lines(planner("3.9").plan([loose()]))
    assert len(lines) == 2 and "(unmanaged-files)" in lines[0] and "(modified-files)" in lines[1]
    assert "site-packages/local.py (unmanaged module)" in lines[0] and "ages.py (modified, ages 1.0)" in lines[1]
    assert "~ip" not in lines[0] and all("`carry` of the application to copy, patch or drop" in line for line in lines)


def test_files_that_differ_are_one_decision_told_file_by_file():
    made = loose(missing=True)
    made.applications[0]["environment"]["unmanaged"][0].update(size=7, digest="sha256:" + "ab" * 32)
    made.applications[0]["environment"]["modified"][0].update(size=9, digest="sha256:" + "cd" * 32)
    lines = blocked_lines(planner("3.9").plan([made]))
    assert "local.py (unmanaged module, 7 bytes, sha256 abababababab)" in lines[0]
    assert "ages.py (modified, ages 1.0, 9 bytes, sha256 cdcdcdcdcdcd)" in lines[1]
    assert "stable.py (missing, stable 1.0) (missing-files)" in lines[2]
    for carry in ("copy", "patch", "drop"):
        made.applications[0]["declared"] = {"carry": carry}
        cargo = planner("3.9").plan([made]).document["hosts"]["host1"]["applications"][0].get("cargo")
        assert (cargo and cargo["removed"]) == (
            None
            if carry == "drop"
            else [{"path": "lib/python3.8/site-packages/stable.py", "package": "stable", "version": "1.0"}]
        )


@pytest.mark.parametrize(("carry", "kept"), [("patch", {"diff": "@@ -1 +1 @@\n-a\n+b\n"}), ("copy", {})])
def test_what_is_taken_along_is_in_the_plan(carry, kept):
    document = planner("3.9").plan([loose(carry)]).document
    assert document["hosts"]["host1"]["applications"][0]["cargo"] == {
        "policy": carry,
        "files": ["lib/python3.8/site-packages/local.py"],
        "changes": [{"path": "lib/python3.8/site-packages/ages.py", "package": "ages", "version": "1.0", **kept}],
    }
    assert "local.py" in format_plan_markdown(document)


def test_what_is_dropped_is_not_in_the_plan():
    assert "cargo" not in planner("3.9").plan([loose("drop")]).document["hosts"]["host1"]["applications"][0]


@pytest.mark.parametrize(
    ("made", "key"),
    [(loose("patch", diff=None), "change-unknown"), (loose("copy", unmanaged=500), "too-many-to-carry")],
)
def test_what_cannot_be_taken_along_forbids_a_plan(made, key):
    assert key in only_line(planner("3.9").plan([made]))


def make_uv_row(version):
    return {"version": version, "key": f"cpython-{version}-linux-x86_64-gnu", "url": "https://x"}


UV = [make_uv_row(version) for version in ("3.11.2", "3.11.10", "3.11.9", "3.12.1")]


@pytest.mark.parametrize(
    ("entry", "patch", "expected"),
    [
        ({}, None, "3.11.10"),
        ({"version": "3.11"}, None, "3.11.10"),
        ({"version": "3.11.9"}, None, "3.11.9"),
        ({}, 2, "3.11.2"),
        ({"version": "3.11"}, 9, "3.11.9"),
        ({"version": "3.11.9"}, 2, None),
        ({"version": "3.12"}, None, None),
        ({}, 5, None),
    ],
)
def test_uv_gives_the_newest_patch_unless_another_is_asked_for(entry, patch, expected):
    chosen = choose_interpreter(
        host(interpreters=[{"source": "uv", "mirror": "file:///m", **entry}]),
        (3, 11),
        patch,
        lambda _entry, _architecture: UV,
    )
    assert chosen == (expected and {"source": "uv", "version": expected, "mirror": "file:///m"})


@pytest.mark.parametrize(
    ("system", "minor", "names"),
    [
        ({"id": "debian", "version": "12"}, 11, ["python3.11", "python3.11-venv"]),
        ({"id": "rocky", "version": "8.10"}, 9, ["python39"]),
        ({"id": "fedora", "version": "42"}, 12, ["python3.12"]),
        ({"id": "sles", "version": "15.6"}, 11, ["python311"]),
        ({"id": "debian", "version": "12"}, 12, None),
        ({"id": "plan9", "version": "4"}, 11, None),
        ({}, 11, None),
    ],
)
def test_packages_have_the_distributions_names(system, minor, names):
    made = host(interpreters=[{"source": "package"}])
    chosen = choose_interpreter(dataclasses.replace(made, facts={**made.facts, "os": system}), (3, minor), None)
    assert chosen == (
        names and {"source": "package", "version": f"3.{minor}", "path": f"/usr/bin/python3.{minor}", "packages": names}
    )


def test_packages_may_be_named():
    entry = {"source": "package", "version": "3.11", "packages": ["acme-python311"], "path": "/opt/acme/bin/python3.11"}
    assert choose_interpreter(host(interpreters=[entry]), (3, 11), None) == {**entry}


def test_the_signature_of_an_archive_is_in_the_plan():
    entry = {
        "source": "archive",
        "version": "3.11",
        "url": "http://x/y",
        "sha256": "0" * 64,
        "signature": "http://x/y.sig",
        "key": "/k.pub",
    }
    assert choose_interpreter(host(interpreters=[entry]), (3, 11), None) == entry


def vendored(carry=None, shared=True, new=()):
    """A host whose environment sees a module of its interpreter's distribution; its next interpreter has *new* ones."""

    def interpreter(minor, modules):
        return {
            "path": f"/opt/py3.{minor}/bin/python3.{minor}",
            "version": f"3.{minor}.1",
            "implementation": "CPython",
            "architecture": "x86_64",
            "origin": "other",
            "unmanaged": [{"path": f"lib/python3.{minor}/site-packages/{name}", "kind": "module"} for name in modules],
        }

    made = host(
        interpreters=[{"source": "existing"}],
        found=[interpreter(8, ["acme_vendor/", "_acme.cpython-38-x86_64-linux-gnu.so"]), interpreter(9, new)],
    )
    made.applications[0]["environment"].update(system_site_packages=shared, interpreter="/opt/py3.8/bin/python3.8")
    made.applications[0]["declared"] = {"carry": carry} if carry else {}
    return made


def test_modules_of_the_distribution_that_the_next_interpreter_lacks_forbid_a_plan():
    assert "lacks: _acme, acme_vendor (vendor-modules-missing)" in only_line(planner("3.9").plan([vendored()]))
    assert "lacks: _acme (" in only_line(planner("3.9").plan([vendored(new=["acme_vendor/"])]))


@pytest.mark.parametrize(
    "made",
    [vendored("drop"), vendored(shared=False), vendored(new=["acme_vendor/", "_acme.cpython-39-x86_64-linux-gnu.so"])],
)
def test_modules_that_are_not_lost_forbid_nothing(made):
    assert planner("3.9").plan([made]).identifier


def test_a_plan_has_urls_without_credentials():
    entry = {
        "source": "archive",
        "version": "3.9",
        "url": "http://me:Planted7@x/y?token=Planted7",
        "sha256": "https://Planted7@x/z",
    }
    plan = planner("3.9").plan([host(interpreters=[entry])])
    chosen = steps_of(plan)[0]["interpreter"]
    assert (chosen["url"], chosen["sha256"]) == ("http://x/y?token=***", "https://x/z")
    assert "Planted7" not in str(plan.document)


def test_installed_files_of_packages_without_a_wheel_are_copied_where_that_is_allowed():
    packages = {"sole": {"1.0": Made(range(0), True)}, "stable": {"1.0": Made()}}
    made = host(packages=(("sole", "1.0"), ("stable", "1.0")))
    with pytest.raises(CopiesNeededError) as caught:
        Planner("3.9", World(packages).locker(), copying=True).plan([made])
    assert caught.value.wanted == {"host1": {"app": ["sole"]}}
    (step,) = steps_of(Planner("3.9", World(packages).locker()).plan([made]))
    assert step["built"] == ["sole"] and "kept" not in step
    made.applications[0]["copies"] = {"sole": {**WHEEL, "wheel": "sole-1.0-0_ab-py3-none-any.whl"}}
    plan = Planner("3.9", World(packages).locker(), copying=True).plan([made])
    (step,) = steps_of(plan)
    assert (
        step["kept"] == ["sole"]
        and step["built"] == []
        and "installed files taken: sole" in format_plan_markdown(plan.document)
    )


@pytest.mark.parametrize(
    "present, problem",
    [
        (["libxml2.so.2", "libz.so.1"], None),
        (None, None),
        (
            ["libz.so.1"],
            r"the wheel of sole that was built for it links to libxml2\.so\.2 \(Debian: libxml2, RPM: libxml2, "
            r"SUSE: .*\), which the host lacks.*\(library-missing\)",
        ),
    ],
)
def test_a_built_wheel_that_needs_a_library_that_the_host_lacks_is_refused(present, problem):
    world = World({"sole": {"1.0": Made(range(0), True)}})
    world.libraries = {"sole": ["libxml2.so.2", "libz.so.1"]}
    made = host(packages=(("sole", "1.0"),))
    made = dataclasses.replace(made, facts={**made.facts, "libraries": present})
    if problem is None:
        (step,) = steps_of(Planner("3.9", world.locker()).plan([made]))
        assert step["libraries"] == {"sole": ["libxml2.so.2", "libz.so.1"]}
        return
    assert re.search(problem, only_line(Planner("3.9", world.locker()).plan([made])))


def test_what_a_constraint_drops_is_neither_copied_nor_a_reason_to_refuse():
    leaving = [{"requirement": "ages", "drop": True, "reason": "nothing runs it"}]
    for made in (elsewhere(), copied(elsewhere(), reason="it has compiled code (x.so)")):
        (step, *_more) = steps_of(planner("3.12").plan([dataclasses.replace(made, constraints=leaving)]))
        (row,) = [row for row in step["changes"] if row["package"] == "ages"]
        assert row["to"] is None and "nothing runs it" in row["reason"]
    later = [{**leaving[0], "python": ">=3.12"}]
    with pytest.raises(CopiesNeededError):
        planner("3.12").plan([dataclasses.replace(elsewhere(), constraints=later)])
