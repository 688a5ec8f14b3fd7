# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wheels that are really built, with interpreters of the hosts that are unpacked for it."""

from __future__ import annotations

import io
import pathlib
import shutil
import subprocess
import tarfile
import tempfile
import zipfile

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._libraries import SharedLibraries
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import compute_sha256
from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import parse_pins
from ansible_collections.oxzep7.python.plugins.module_utils._packages._wheel_build import (
    WheelBuildError,
    find_build_account,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters._build_interpreters import (
    BuildInterpreters,
    choose_unpack_directory,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters._source import UnpackPlace
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._builder import (
    RemoteBuildError,
    RequiredWheel,
    WheelBuilder,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._index import PackageIndex
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._resolver import Resolver, find_uv
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._sources import DEFAULT_SOURCES, PackageSources
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._wheel_libraries import (
    find_missing_libraries,
    list_needed_libraries,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._locking import StepLocker
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._package_set import PackageSet

from tests.fleet.archives import pack_interpreter

PLATFORM = "x86_64-manylinux_2_40"
MINOR = (3, 11)
SETUP = """
from setuptools import setup, Extension
setup(name="acmec", version="{version}", ext_modules=[Extension("_acmec", ["_acmec.c"]{extra})])
"""
SOURCE = """
#include <Python.h>
#if PY_VERSION_HEX >= 0x030B0000 && {old}
#error "this version is for older Pythons"
#endif
static struct PyModuleDef module = {{PyModuleDef_HEAD_INIT, "_acmec", 0, -1, 0}};
#if {linked}
extern const char *zlibVersion(void);
#else
static const char *zlibVersion(void) {{ return ""; }}
#endif
PyMODINIT_FUNC PyInit__acmec(void) {{ zlibVersion(); return PyModule_Create(&module); }}
"""


def make_source(folder, version, old, linked=False):
    """A source archive of acmec *version*, which does not compile for Python 3.11 if *old*."""
    stem = f"acmec-{version}"
    extra = ', libraries=["z"]' if linked else ""
    files = {
        "setup.py": SETUP.format(version=version, extra=extra),
        "_acmec.c": SOURCE.format(old=int(old), linked=int(linked)),
        "PKG-INFO": f"Metadata-Version: 1.0\nName: acmec\nVersion: {version}\n",
    }
    with tarfile.open(folder / f"{stem}.tar.gz", "w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"{stem}/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))


@pytest.fixture(name="place")
def place_fixture():
    """A directory that the account that builds can enter."""
    with tempfile.TemporaryDirectory(prefix="oxzep7-builds-", dir="/var/tmp") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture(name="entry", scope="module")
def entry_fixture():
    """An entry of oxzep7_interpreters with an archive of Python 3.11."""
    archive = pack_interpreter("3.11")
    if archive is None:
        pytest.skip("this machine has no Python 3.11 to pack")
    return {"source": "archive", "version": "3.11", "path": str(archive), "sha256": compute_sha256(str(archive))}


def make_builder(place, entries, sources=DEFAULT_SOURCES, interpreters=None):
    here = BuildInterpreters(entries, UnpackPlace(place / "cache", place / "unpacked"), lambda entry, machine: ())
    return WheelBuilder(place / "cache", find_uv(), sources, interpreters or {}, here.provide)


def test_the_hosts_interpreter_is_unpacked_once_and_compiles_what_none_on_the_controller_could(place, entry):
    (place / "links").mkdir()
    for number in range(12):
        make_source(place / "links", f"1.{number}", number < 7)
    sources = PackageSources((), (str(place / "links"),), False)
    builder = make_builder(place, [entry, entry], sources)
    locker = StepLocker(Resolver(place / "cache", find_uv(), sources), PackageIndex(sources, place / "cache"), builder)
    start = PackageSet({"acmec": "1.0"}, {}, frozenset({"acmec"}))
    found = locker.lock(start, (), MINOR, PLATFORM)
    assert parse_pins(found.text) == {"acmec": "1.7"} and found.built == ("acmec",)
    (wheel,) = (place / "cache" / "built").glob("acmec-1.7-*.whl")
    assert "cp311-cp311" in wheel.name
    (python,) = builder.list_interpreters(MINOR).paths
    assert python.startswith(str(place / "unpacked")) and "1.0 could not be built" in found.reasons["acmec"].text
    before = pathlib.Path(python).stat().st_ctime_ns
    assert make_builder(place, [entry]).list_interpreters(MINOR).paths == (python,)
    assert pathlib.Path(python).stat().st_ctime_ns == before


def test_interpreters_are_unpacked_in_the_cache_unless_the_account_that_builds_cannot_enter_it(place):
    assert choose_unpack_directory(place / "cache") == place / "cache" / "interpreters-here"
    (place / "closed").mkdir(mode=0o700)
    elsewhere = choose_unpack_directory(place / "closed" / "cache")
    inside = elsewhere.is_relative_to(place / "closed")
    assert inside is (find_build_account().uid == (place / "closed").stat().st_uid)


def required(name, version, minor=MINOR, platform=PLATFORM):
    index = PackageIndex(DEFAULT_SOURCES, pathlib.Path(tempfile.mkdtemp()))
    release = index.find_release(name, version, minor, platform)
    return RequiredWheel(name, version, release.source, minor, platform)


def test_an_archive_without_headers_gives_way_to_the_next_interpreter_and_is_told(place, entry):
    whole = make_builder(place, [entry]).list_interpreters(MINOR).paths[0]
    prefix = pathlib.Path(whole).parents[1]
    bare = place / "bare"
    shutil.copytree(prefix, bare, symlinks=True, ignore=shutil.ignore_patterns("include"))
    (place / "links").mkdir()
    make_source(place / "links", "1.0", False)
    sources = PackageSources((), (str(place / "links"),), False)
    release = PackageIndex(sources, place / "cache").find_release("acmec", "1.0", MINOR, PLATFORM)
    wanted = RequiredWheel("acmec", "1.0", release.source, MINOR, PLATFORM)
    bare_entry = {"source": "existing", "version": "3.11", "path": str(bare / "bin" / "python3.11")}
    with pytest.raises(RemoteBuildError, match=r"it needs Python\.h \(Debian: python3-dev, RPM: python3-devel"):
        make_builder(place, [bare_entry], sources).get_wheel(wanted)
    name, _digest = make_builder(place, [bare_entry], sources, {MINOR: [whole]}).get_wheel(wanted)
    assert "cp311" in name


def test_why_interpreters_are_of_no_use_is_told(place):
    wanted = required("ujson", "1.35")
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    (closed / "python3.11").symlink_to("/usr/bin/python3.11")
    moved = place / "moved"
    moved.write_text(
        "#!/bin/sh\necho 'x: error while loading shared libraries: libpython3.11.so.1.0: no' >&2; exit 127\n"
    )
    moved.chmod(0o755)
    builder = make_builder(place, [], interpreters={MINOR: [str(closed / "python3.11"), str(moved)]})
    with pytest.raises(RemoteBuildError) as caught:
        builder.get_wheel(wanted)
    text = str(caught.value)
    assert "does not find its library libpython3.11.so.1.0" in text and "oxzep7_builder" in text
    if pathlib.Path("/root").owner() == "root" and not closed.stat().st_uid:
        assert f"nobody, who builds, cannot enter {closed}" in text


def test_other_platforms_need_a_builder_whatever_is_here(place, entry):
    builder = make_builder(place, [entry])
    with pytest.raises(RemoteBuildError, match=r"glibc 2\.\d+, is newer\); correct that, or name a host"):
        builder.get_wheel(required("ujson", "1.35", platform="x86_64-manylinux_2_17"))


def test_a_source_of_its_day_is_built_with_the_tools_of_that_day(place, entry):
    """Its setup asks for use_2to3, which newer setuptools refuses."""
    name, _digest = make_builder(place, [entry]).get_wheel(required("suds-jurko", "0.6"))
    with zipfile.ZipFile(place / "cache" / "built" / name) as archive:
        made = archive.read(next(entry for entry in archive.namelist() if entry.endswith("/WHEEL"))).decode()
        text = archive.read("suds/client.py").decode()
    assert name.endswith("-none-any.whl") and "except Exception, e" not in text and "bdist_wheel (0.33" in made


def test_a_build_that_lacks_a_header_says_so_once(place, entry):
    with pytest.raises(WheelBuildError, match=r"it needs .*(mysql|config).*RPM: mariadb-connector-c-devel"):
        make_builder(place, [entry]).get_wheel(required("mysqlclient", "1.4.6"))


def test_libraries_that_a_wheel_links_to_are_those_that_the_linker_finds(place, entry):
    (place / "links").mkdir()
    make_source(place / "links", "1.0", False, linked=True)
    sources = PackageSources((), (str(place / "links"),), False)
    builder = make_builder(place, [entry], sources)
    release = PackageIndex(sources, place / "cache").find_release("acmec", "1.0", MINOR, PLATFORM)
    name, _digest = builder.get_wheel(RequiredWheel("acmec", "1.0", release.source, MINOR, PLATFORM))
    said = subprocess.run(
        ["sh", "-c", 'unzip -p "$0" "*.so" > "$1" && ldd "$1"', place / "cache" / "built" / name, place / "a.so"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "libz.so.1 =>" in said
    assert builder.list_libraries(name) == ["libz.so.1"] == list_needed_libraries(place / "cache" / "built" / name)
    names = SharedLibraries().list_library_names()
    assert find_missing_libraries(["libz.so.1"], names) == []
    assert find_missing_libraries(["libz.so.1", "libacme.so.3"], names) == ["libacme.so.3"]
