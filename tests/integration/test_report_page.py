# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fleet's page in a real browser: it renders, searches and sorts, complains about nothing and asks nobody."""

from __future__ import annotations

import datetime
import shutil

import pytest
from ansible_collections.oxzep7.python.plugins.plugin_utils._report import _fleet, _html

from tests.unit.plugins.plugin_utils.inventories import dependent, environment, interpreter, inventory, package

CHROMIUM = shutil.which("chromium")
HOSTS = 1000
NASTY = "</script><img src=x onerror=\"document.title='planted'\"><b>&amp;"


def made_up():
    """A thousand hosts, one of which was not seen this time and one of which has names that are markup."""
    found = {}
    for number in range(HOSTS):
        version = "3.8.18" if number % 3 else "3.13.9"
        base = interpreter(f"/opt/python/bin/python{version[:-3].rstrip('.')}", version)
        packages = [package(f"package{index}", f"1.{number % 5}") for index in range(40)]
        found[f"host{number:04}"] = inventory(
            interpreters=[base],
            environments=[
                environment(
                    f"/srv/app{index}/venv",
                    version,
                    packages,
                    interpreter=base["path"],
                    fingerprint=f"{number % 5:016x}",
                )
                for index in range(3)
            ],
            dependents=[
                dependent(name=f"app{index}.service", environment=f"/srv/app{index}/venv") for index in range(3)
            ],
        )
    found["host0007"]["environments"][0]["unmanaged"] = [{"path": NASTY, "kind": "module", "files": 1, "size": 1}]
    fleet = _fleet.summarize_fleet(
        found, [name for name in found if name != "host0003"], ["lost.example.org"], None, datetime.date(2026, 11, 21)
    )
    return {
        **fleet,
        "made": "2026-11-21T12:00:00Z",
        "runs": [
            {
                "run": "nightly",
                "kind": "upgrade",
                "began": "2026-11-21T01:00:00Z",
                "ended": None,
                "closed": NASTY,
                "counts": {"reverted": 1, "upgraded": 4},
            }
        ],
    }


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine; `make fleet` installs it")
    from playwright.sync_api import sync_playwright

    path = tmp_path_factory.mktemp("page") / "fleet.html"
    path.write_text(_html.render_fleet_page(made_up()), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.problems, page.requests_made = [], []
        page.on("console", lambda message: page.problems.append(message.text))
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("request", lambda request: page.requests_made.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready='1']")
        yield page
        assert page.problems == []
        assert [url for url in page.requests_made if not url.startswith(("file://", "data:"))] == []
        browser.close()


def rows(page, section):
    return page.locator(f"#{section} tbody tr").all_inner_texts()


def test_it_renders(page):
    assert page.title() == "Python on the fleet"
    assert (
        f"{HOSTS} hosts" in page.locator("#totals").inner_text()
        and "unknown: lost.example.org" in page.locator("#totals").inner_text()
    )
    (ended,) = rows(page, "end-of-life")
    users = rows(page, "ended-users")
    assert [text.split("\t")[:6] for text in users] == [
        ["service", f"app{index}.service", "3.8", "2024-10-07", "CPython 3.8", "666"] for index in range(3)
    ]
    assert all("host0001" in text and text.endswith("and 646 more") for text in users)
    picture = page.locator("#timeline svg")
    assert picture.get_attribute("role") == "img"
    assert picture.get_attribute("aria-label") == (
        "Python 3.8 ends 2024-10-07 (CPython 3.8), 666 hosts; Python 3.13 ends 2029-10-01 (CPython 3.13), 334 hosts"
    )
    bars = {kind: picture.locator(f"rect.{kind}") for kind in ("ended", "soon", "later")}
    assert {kind: found.count() for kind, found in bars.items()} == {"ended": 1, "soon": 0, "later": 1}
    now = picture.locator("line.now").bounding_box()["x"]
    ends = [bars[kind].bounding_box() for kind in ("ended", "later")]
    assert ends[0]["x"] + ends[0]["width"] < now < ends[1]["x"] + ends[1]["width"]
    first = page.locator("main section").first
    assert first.get_attribute("id") == "ended-users"
    assert ended.startswith("3.8\t2024-10-07") and page.locator("#hosts details").count() == HOSTS
    assert "what is vulnerable is unknown" in page.locator("#made").inner_text()


def test_a_long_table_comes_in_portions(page):
    assert len(rows(page, "versions")) == 300
    page.locator("#versions button.more").click()
    assert len(rows(page, "versions")) == 600


def test_sorting(page):
    heading = page.locator("#versions th button", has_text="Host")
    heading.click()
    assert rows(page, "versions")[0].startswith("host0999")
    heading.click()
    assert rows(page, "versions")[0].startswith("host0000")
    page.locator("#versions th button", has_text="3.13").click()
    assert page.locator("#versions th[aria-sort=ascending]").inner_text().startswith("3.13")
    assert "host0001" in rows(page, "versions")[0]


def test_searching(page):
    page.fill("#search", "host0042")
    page.get_by_text("1 of 1000 hosts").wait_for()
    assert page.locator("#hosts details:visible").count() == 1 and len(rows(page, "versions")) == 1
    page.select_option("#severity", "error")
    assert all(text.startswith("error") for text in rows(page, "findings"))
    page.fill("#search", "")
    page.select_option("#severity", "")
    page.locator("#host-host0999").wait_for(state="visible")
    assert page.locator("#hosts details:visible").count() == HOSTS


def test_findings_of_a_kind_are_one_row_with_the_hosts_behind_it(page):
    kinds = rows(page, "findings")
    assert [text.split("\t")[:3] for text in kinds][0] == ["error", "end-of-life", "666"]
    page.fill("#search", "host0001")
    page.get_by_text("1 of 1000 hosts").wait_for()
    (kind,) = [row for row in page.locator("#findings > div tbody > tr").all() if "end-of-life" in row.inner_text()]
    assert "1 on host0001" in kind.inner_text()
    kind.locator("summary").click()
    kind.locator("table").wait_for()
    assert "upgrade what uses it" in kind.locator("table").inner_text()
    page.fill("#search", "")
    page.locator("#host-host0999").wait_for(state="visible")


def test_a_host_opens_with_everything(page):
    page.evaluate("location.hash = '#host-host0007'")
    host = page.locator("#host-host0007")
    host.locator("summary").first.click() if not host.evaluate("node => node.open") else None
    assert "Environments (3)" in host.inner_text() and "Dependents (3)" in host.inner_text()
    host.locator("details summary").first.click()
    assert "Packages (40)" in host.inner_text() and NASTY in host.inner_text()
    assert page.title() == "Python on the fleet"


def test_an_old_inventory_says_so(page):
    assert "last seen 2026-11-21T12:00:00Z" in page.locator("#host-host0003 summary").inner_text()


def test_dark_and_light(page):
    def colour():
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    page.emulate_media(color_scheme="light")
    light = colour()
    page.emulate_media(color_scheme="dark")
    assert colour() != light


def test_printing_opens_every_host(page):
    page.fill("#search", "host000")
    page.get_by_text("10 of 1000 hosts").wait_for()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#hosts details[open]:visible >> text=Interpreters").count() >= 10
    assert len(page.pdf()) > 10000


def test_runs_that_have_a_record(page):
    row = page.locator("#runs tbody tr").inner_text()
    assert (
        "nightly" in row and "1 reverted, 4 upgraded" in row and "not seen to its end" in row and NASTY.strip() in row
    )
