# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan as people read it: tables first, equal environments once, a picture, and a page for training."""

from __future__ import annotations

import datetime
import functools
import html.parser
import pathlib
import re
import xml.etree.ElementTree as ElementTree

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import parse_pins
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._pages import PackageFile
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._compatibility import Evidence, build_matrix
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._document import describe_blocked
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._plan import Planner
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._proofs import (
    collect_proofs,
    find_release_facts,
    list_step_locks,
    merge_facts,
    select_missing_facts,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._report._plan import format_plan_markdown, render_plan_page
from ansible_collections.oxzep7.python.plugins.plugin_utils._report._plan_groups import group_environments
from ansible_collections.oxzep7.python.plugins.plugin_utils._report._training import format_training_markdown
from ansible_collections.oxzep7.python.plugins.plugin_utils._wording import compress_names
from hypothesis import given
from hypothesis import strategies as st

from .planted_fleet import FACTS, SOURCES, PlannedHost, plan_fleet
from .world import Made, World

TODAY = datetime.date(2026, 11, 30)
ROOT = pathlib.Path(__file__).resolve().parents[4]
EVIL = "<img src=x onerror=alert(1)>|`&"
PAGE_TAGS = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "strong", "div", "a", "ul", "ol", "li"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td", "svg", "path", "text"),
}


def make_plan(count=2, unique=1, **options):
    plan = plan_fleet(count, unique, **options)
    plan.document["proofs"] = collect_proofs(plan.document, plan.locks, [], {})
    return plan


def render(plan):
    return render_plan_page(plan.document, build_matrix(plan.document, plan.locks, [], TODAY))


@functools.cache
def thousand():
    return make_plan(1000, 25)


class Structure(html.parser.HTMLParser):
    """The tags of a page; fails for one that is closed by another."""

    def __init__(self, text):
        super().__init__()
        self.open, self.found = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "path", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag != "path":
            assert self.open.pop() == tag


def read_table(text, title):
    """The rows of the table below the heading *title* of a Markdown text, each by column."""
    lines = text.split(f"\n## {title}\n\n")[1].split("\n\n")[0].splitlines()
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [dict(zip(rows[0], row, strict=True)) for row in rows[2:]]


def test_the_first_table_tells_of_each_step_what_moves_leaves_is_built_and_proven():
    plan = make_plan(packages=60)
    text = format_plan_markdown(plan.document)
    rows = read_table(text, "Steps")
    (group,) = group_environments(plan.document)
    assert [row["step"] for row in rows] == ["3.8 -> 3.9", "3.9 -> 3.10", "3.10 -> 3.11", "3.11 -> 3.12"]
    for row, step in zip(rows, group.steps, strict=True):
        moved = [change for change in step["changes"] if change["from"] and change["to"]]
        major = [change for change in moved if change["move"] == "major"]
        assert row["moves (major)"] == (f"{len(moved)} ({len(major)})" if moved else "0")
        assert row["built"] == str(len(step["built"])) and row["leave"] == "0"
        assert row["proof"] == "index only" and "rehearse" in row["to decide"]
        assert (row["application"], row["hosts"]) == ("app", "web1, web2")
    assert any(row["built"] != "0" for row in rows) and any("(0)" not in row["moves (major)"] for row in rows)
    assert text.index("## Steps") < text.index("## 1. app")


def test_what_was_rehearsed_is_told_with_its_date_and_what_was_not_with_its_age():
    plan = make_plan()
    locks = sorted(list_step_locks(plan.document), key=lambda pair: int(pair[1].split(".")[1]))
    evidence, released = [], {}
    for (lock, python), kinds in zip(locks, (("run", "import"), ("import",), (), ()), strict=True):
        pins = parse_pins(plan.locks[lock])
        for number, (name, version) in enumerate(pins.items()):
            date = "2015-03-01" if number < 17 else "2026-01-01"
            # Two of them have wheels that were compiled for 3.12.
            compiled = ["3.9", "3.12"] if number in (15, 16) else ["3.9"]
            released.setdefault(name, {})[version] = {"date": date, "compiled": compiled}
            if kinds and not (python == "3.10" and number < 2):
                kind = kinds[number % len(kinds)]
                evidence.append(Evidence(name, version, python, "works", kind, f"2026-11-{10 + number % 9}", "web1"))
            if python == "3.10" and number == 0:
                evidence.append(Evidence(name, version, python, "breaks", "import", "2026-11-20", "web1"))
    plan.document["proofs"] = collect_proofs(plan.document, plan.locks, evidence, released)
    text = format_plan_markdown(plan.document)
    rows = read_table(text, "Steps")
    count = len(parse_pins(plan.locks[locks[0][0]]))
    assert [row["proof"] for row in rows] == [
        "rehearsed on 2026-11-10",
        f"rehearsed on 2026-11-10: {count - 2} of {count} packages",
        "index only",
        "index only",
    ]
    first = sorted(parse_pins(plan.locks[locks[0][0]]))[0]
    assert f"replace or constrain {first}, which broke there" in rows[1]["to decide"]
    assert "15 packages unproven on 3.12, youngest release 2015-03-01: " in text
    assert "unproven on 3.9," not in text and "2 packages unproven on 3.10" in text


def test_releases_are_asked_for_once():
    class Index:
        asked: list = []

        def load(self, names):
            self.asked += names

        def list_files(self, name):
            dates = {
                f"{name}-1.0.tar.gz": "2015-02-03",
                f"{name}-1.0-cp39-cp39-manylinux_2_17_x86_64.whl": "2014-02-03",
                f"{name}-1.0-cp38-abi3-manylinux_2_17_x86_64.whl": "2014-02-04",
                f"{name}-1.0-py3-none-any.whl": "2014-02-04",
                f"{name}-1.1-cp312-cp312-manylinux_2_17_x86_64.whl": "2025-02-03",
                f"{name}-nonsense.txt": "2001-01-01",
            }
            return [PackageFile(entry, "", date, False, "memory", None) for entry, date in dates.items()]

    locks = ["one==1.0 \\\n    --hash=sha256:0\ntwo==1.0 \\\n    --hash=sha256:0\n"]
    known = {"one": {"1.0": {"date": "2013-01-01", "compiled": []}}, "gone": {"1": {"date": "2000-01-01"}}}
    missing = select_missing_facts(locks, known)
    assert missing == {"two": {"1.0"}}
    found = merge_facts(locks, known, find_release_facts(Index(), missing))
    assert found == {"one": known["one"], "two": {"1.0": {"date": "2014-02-03", "compiled": ["3.9"]}}}
    assert Index.asked == ["two"]


def test_what_blocks_is_a_table_with_the_remedy_and_each_reason_once():
    packages = {"odd": {"1.0": Made(range(6, 10))}}
    environment = {
        "path": "/srv/app/venv",
        "python": "3.8.18",
        "packages": [{"name": "odd", "version": "1.0", "editable": False, "direct_url": None}],
    }
    applications = [{"name": "app", "findings": [], "environment": environment}]
    hosts = [PlannedHost(f"web{number}", FACTS, applications, [], SOURCES, []) for number in range(1, 1001)]
    plan = Planner("3.12", World(packages).locker()).plan(hosts)
    (line,) = describe_blocked(plan.list_blocked())
    assert line.startswith("web[1:1000]: app: no lock for the step from Python 3.9 to 3.10")
    plan.document["unknown"] = ["far1"]
    text = format_plan_markdown(plan.document)
    (row,) = read_table(text, "What blocks")
    assert row["hosts"] == "web[1:1000]" and row["key"] == "package-blocked" and "odd" in row["why"] and row["remedy"]
    assert row["from step"] == "3.9 -> 3.10" and "Unknown, because there is no inventory: far1." in text
    page = render(plan)
    assert "What blocks" in page and "inventory: far1." in page and Structure(page).found


def test_a_thousand_hosts_with_25_environments_are_25_sections():
    plan = thousand()
    text, page = format_plan_markdown(plan.document), render(plan)
    assert len(re.findall(r"^## \d+\. ", text, re.MULTILINE)) == 25 == page.count('<h2 id="environment-')
    assert len(read_table(text, "Steps")) == 100
    # What there is of each host is in plan.json; pages grow with environments.
    few = make_plan(25, 25)
    assert len(text) < 1.3 * len(format_plan_markdown(few.document)) and len(page) < 1.1 * len(render(few))
    assert len(page) < 600_000


def test_the_matrix_counts_hosts_and_makes_each_cell_once(monkeypatch):
    from ansible_collections.oxzep7.python.plugins.plugin_utils._planning import _compatibility

    made = []
    original = _compatibility._build_cell
    monkeypatch.setattr(_compatibility, "_build_cell", lambda *given: made.append(1) or original(*given))
    plan = thousand()
    matrix = build_matrix(plan.document, plan.locks, [], TODAY)
    assert len(made) <= 25 * 4 * 125
    counts = {name: cells["3.9"]["hosts"] for name, cells in matrix["packages"].items()}
    # Each of 25 packages is absent from one environment of 40 hosts.
    assert set(counts.values()) == {1000, 960}


def test_the_picture_has_a_mark_for_everything_that_happens():
    plan = make_plan(3, 3)
    page = render(plan)
    (picture,) = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    root = ElementTree.fromstring(picture)
    assert root.get("role") == "img" and root.get("aria-label") == root.find("title").text
    happened = dict.fromkeys(("small", "major", "new", "built"), 1)
    for group in group_environments(plan.document):
        for step in group.steps:
            happened["built"] += len(step["built"])
            for row in step["changes"]:
                kind = "new" if row["from"] is None else "major" if row["move"] == "major" else "small"
                happened[kind] += 1
    # The legend is a path of its own for each kind.
    counts = {}
    for path in root.iter("path"):
        counts[path.get("class")] = counts.get(path.get("class"), 0) + path.get("d").count("M")
    assert {kind: counts[kind] for kind in happened} == happened and min(happened.values()) > 1
    labels = [text.text for text in root.iter("text") if text.get("class") == "label"]
    named = set()
    for group in group_environments(plan.document):
        for step in group.steps:
            named |= {row["package"] for row in step["changes"]} | set(step["built"])
    assert labels == sorted(named)
    assert "<script" not in page and not re.search(r"(?:src|href)=[\"'](?!#)", page)


def test_everything_from_hosts_and_packages_is_escaped():
    plan = make_plan(2, 1, applications=("app",))
    document = plan.document
    document["findings"] = [{"title": EVIL, "detail": EVIL, "remediation": EVIL}]
    document["hosts"][EVIL] = document["hosts"].pop("web2")
    document["notes"][EVIL] = document["notes"].pop("web2")
    for host in document["hosts"]:
        application = document["hosts"][host]["applications"][0]
        application["name"], application["environment"] = EVIL, f"/srv/{EVIL}"
        note = document["notes"][host].pop("app")
        note["local"] = [f"lib/{EVIL}.py (modified)"]
        note["findings"][0] = {**note["findings"][0], "detail": EVIL, "remediation": EVIL, "key": EVIL}
        note["services"], note["success"] = [EVIL], [EVIL]
        note["python"][0]["used"] = [EVIL]
        document["notes"][host][EVIL] = note
        for step in application["steps"]:
            step["interpreter"] = {"source": EVIL}
            step["built"] = [EVIL]
            for row in step["changes"]:
                row.update(package=EVIL, reason=EVIL, **{"from": EVIL, "to": EVIL})
    document["waves"] = [[EVIL], ["web1"]]
    document["hosts"][EVIL]["applications"][0]["blocked"] = [
        {"key": EVIL, "cause": EVIL, "remediation": EVIL, "from": EVIL, "to": EVIL}
    ]
    document["unknown"] = [EVIL]
    matrix = build_matrix(document, plan.locks, [], TODAY)
    page = render_plan_page(document, matrix)
    assert "<img" not in page and page.count("&lt;img src=x") > 10
    assert {tag for tag, _given in Structure(page).found} == PAGE_TAGS
    rows = read_table(format_plan_markdown(document), "What blocks")
    assert rows[0]["why"] == EVIL.replace("|", "\\|")


def test_news_are_on_the_page_for_training_and_what_goes_and_is_used_in_the_plan():
    plan = make_plan(2, 1)
    note = plan.document["notes"]["web1"]["app"]
    note["findings"], note["met"] = [], []
    note["python"] = [
        {"to": "3.10", "removed": ["collections.Mapping", "formatter"], "used": ["collections.Mapping"],
         "changed": ["bisect.bisect: is otherwise"], "new": ["bisect.key"], "more": 0},
    ]  # fmt: skip
    text, page = format_plan_markdown(plan.document), render(plan)
    training = format_training_markdown(plan.document)
    assert "- gone, and used: collections.Mapping\n" in text and "collections.Mapping" in page
    assert all("bisect.key" not in shown and "formatter" not in shown for shown in (text, page))
    assert "## Python 3.10\n\nNew:\n\n- `bisect.key` (app)" in training and "- `formatter` (app)" in training
    assert "No source was read of app." in training


def test_files_changed_by_hand_are_in_the_table_and_the_details():
    plan = make_plan(2, 1)
    plan.document["notes"]["web2"]["app"]["local"] = ["bin/nightly (unmanaged script)", "x.py (modified, a 1)"]
    plan.document["hosts"]["web2"]["applications"][0]["cargo"] = {"policy": "patch", "files": [], "changes": []}
    text = format_plan_markdown(plan.document)
    assert "2 files changed by hand: carry is patch" in read_table(text, "Steps")[0]["to decide"]
    assert "changed by hand" not in read_table(text, "Steps")[1]["to decide"]
    assert "- changed by hand: x.py (modified, a 1); carried to the new version (on web2)" in text


@pytest.mark.parametrize(
    "names, expected",
    [
        ([], ""),
        (["web1"], "web1"),
        (["web1", "web2"], "web1, web2"),
        (["web1", "web2", "web3", "db"], "web[1:3], db"),
        (["web09", "web10", "web11"], "web[09:11]"),
        (["web9", "web10", "web11"], "web[9:11]"),
        (["web009", "web10", "web11"], "web009, web10, web11"),
        (["a1.example", "a2.example", "a3.example", "a4.other"], "a[1:3].example, a4.other"),
        (["web1", "web3", "web5"], "web1, web3, web5"),
        (["b", "a", "c", "d"], "b, a, c and 1 more"),
    ],
)
def test_names_with_consecutive_numbers_are_ranges(names, expected):
    assert compress_names(names, 3) == expected


@given(st.lists(st.from_regex(r"\A[a-c]{1,2}[0-9]{0,3}[.x]?\Z"), max_size=12))
def test_no_name_is_lost_in_ranges(names):
    expanded = []
    for part in compress_names(names, 99).split(", ") if names else []:
        match = re.fullmatch(r"(.*)\[(\d+):(\d+)\](.*)", part)
        if not match:
            expanded.append(part)
            continue
        first, last = match[2], match[3]
        for number in range(int(first), int(last) + 1):
            expanded.append(f"{match[1]}{str(number).zfill(len(first) if first.startswith('0') else 0)}{match[4]}")
    assert expanded == names


def make_example():
    """The plan in the documentation: two different environments on four hosts, one of which was rehearsed."""
    packages = {
        "flask": {"1.1.2": Made(), "2.0.3": Made()},
        "greenlet": {"0.4.17": Made(range(6, 9)), "1.1.3": Made(range(6, 11)), "2.0.2": Made(range(6, 12))},
        "wikitools": {"0.8": Made(range(6, 10), source=True)},
        "sqlalchemy": {"1.3.20": Made(range(6, 9), source=True), "1.3.24": Made(range(6, 10), source=True)},
    }
    environments = {
        "billing": ("flask", "greenlet", "sqlalchemy"),
        "wiki": ("wikitools", "flask"),
    }
    hosts = []
    for name, application in (("web1", "billing"), ("web2", "billing"), ("web3", "billing"), ("docs", "wiki")):
        pins = []
        for package in environments[application]:
            version = next(iter(packages[package]))
            pins.append({"name": package, "version": version, "editable": False, "direct_url": None})
        environment = {"path": f"/srv/{application}/venv", "python": "3.8.18", "packages": pins}
        scan = {"uses": [], "imports": {}, "problems": [], "dynamic": []}
        if application == "wiki":
            scan["uses"] = [["wiki/forms.py", "collections.Mapping", 12, [0, 99], True, True]]
        entry = {"name": application, "findings": [], "environment": environment, "scan": scan, "declared": {}}
        hosts.append(PlannedHost(name, FACTS, [entry], [], SOURCES, []))
    plan = Planner("3.10", World(packages).locker(), TODAY).plan(hosts)
    evidence = []
    for step in plan.document["hosts"]["web1"]["applications"][0]["steps"]:
        for name, version in parse_pins(plan.locks[step["lock"]]).items():
            evidence.append(Evidence(name, version, step["to"], "works", "test", "2026-11-21", "web1"))
    plan.document["proofs"] = collect_proofs(plan.document, plan.locks, evidence, {})
    return plan


def test_the_table_in_the_documentation_is_that_of_a_plan():
    text = (ROOT / "docs" / "plan-and-rehearse.md").read_text(encoding="utf-8")
    table = format_plan_markdown(make_example().document).split("## Steps\n\n")[1].split("\n\n")[0]
    assert table in text.replace("\n   |", "\n|"), table
