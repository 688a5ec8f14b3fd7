# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Locks by the genuine uv that leave packages out, although others require them."""

from __future__ import annotations

import zipfile

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import parse_left_out, parse_pins
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._builder import WheelBuilder
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._index import PackageIndex
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._resolver import Resolver, find_uv
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._sources import PackageSources
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._locking import StepLocker
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._nearest import select_limits
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._package_set import PackageSet


def make_wheel(folder, name, version, *requires):
    info = f"{name}-{version}.dist-info"
    lines = "".join(f"Requires-Dist: {line}\n" for line in requires)
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{lines}")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")


@pytest.mark.parametrize(
    "order, pins",
    [
        ({"drop": True}, {"acmeapp": "1.0"}),
        ({"replaced_by": "acmenew"}, {"acmeapp": "1.0", "acmenew": "2.0"}),
        ({"replaced_by": "acmenew==1.0"}, {"acmeapp": "1.0", "acmenew": "1.0"}),
    ],
)
def test_uv_leaves_out_what_another_package_requires(tmp_path, order, pins):
    make_wheel(tmp_path, "acmeapp", "1.0", "acmeold>=1")
    make_wheel(tmp_path, "acmeold", "1.0")
    for version in ("1.0", "2.0"):
        make_wheel(tmp_path, "acmenew", version)
    cache, uv = tmp_path / "cache", find_uv()
    sources = PackageSources((), (str(tmp_path),), True)
    locker = StepLocker(
        Resolver(cache, uv, sources), PackageIndex(sources, cache), WheelBuilder(cache, uv, sources, {})
    )
    start = PackageSet({"acmeapp": "1.0", "acmeold": "1.0"}, {"acmeold": {"acmeapp"}}, frozenset({"acmeapp"}))
    limits = select_limits([{"requirement": "acmeold", **order}], (3, 11))
    found = locker.lock(start, limits, (3, 11), "x86_64-manylinux_2_36")
    assert parse_pins(found.text) == pins and parse_left_out(found.text) == ["acmeold"]
