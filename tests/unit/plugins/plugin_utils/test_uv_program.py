# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The uv of hosts with another architecture."""

import os
import platform
import stat
import zipfile

import pytest
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages import _uv_program
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._pages import PackageFile
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._resolver import UvMissingError, find_uv
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._sources import PackageSources
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._wheels import DownloadError

# As uv's releases name them.
NAMES = (
    "uv-{}-py3-none-macosx_11_0_arm64.whl",
    "uv-{}-py3-none-manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64.whl",
    "uv-{}-py3-none-manylinux_2_17_ppc64le.manylinux2014_ppc64le.whl",
    "uv-{}-py3-none-manylinux_2_28_aarch64.whl",
    "uv-{}-py3-none-manylinux_2_31_riscv64.whl",
    "uv-{}-py3-none-musllinux_1_1_x86_64.whl",
)


def list_files(*versions):
    names = [name.format(version) for version in versions for name in NAMES]
    return [PackageFile(name, "", None, False, f"https://index/{name}", "0" * 64) for name in names]


@pytest.fixture
def version():
    return _uv_program.read_uv_version(find_uv())


def write_wheel(folder, version, *members, architecture="aarch64"):
    folder.mkdir(exist_ok=True)
    path = folder / f"uv-{version}-py3-none-manylinux_2_17_{architecture}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member in members:
            archive.writestr(member, b"program of another architecture")
    return PackageSources(folders=(str(folder),), offline=True)


def test_the_wheel_is_of_the_version_and_for_the_oldest_glibc():
    chosen = _uv_program.choose_wheel(list_files("0.5.1", "0.5.2"), "0.5.1", "aarch64")
    assert chosen.name == NAMES[1].format("0.5.1")


@pytest.mark.parametrize(("version", "architecture"), [("0.5.3", "aarch64"), ("0.5.1", "riscv64"), ("0.5.1", "s390x")])
def test_without_such_a_wheel_the_message_names_it(version, architecture):
    with pytest.raises(
        UvMissingError, match=f"no source has a wheel of uv {version} for {architecture}.*oxzep7_ship_uv"
    ):
        _uv_program.choose_wheel(list_files("0.5.1"), version, architecture)


def test_hosts_like_the_controller_get_its_own(tmp_path):
    found = _uv_program.obtain_uv(platform.machine(), PackageSources(offline=True), tmp_path)
    assert str(found) == find_uv() and list(tmp_path.iterdir()) == []


def test_another_architecture_gets_the_program_of_its_wheel(tmp_path, version):
    sources = write_wheel(
        tmp_path / "wheels", version, f"uv-{version}.data/scripts/uv", f"uv-{version}.data/scripts/uvx"
    )
    found = _uv_program.obtain_uv("aarch64", sources, tmp_path / "cache")
    assert found.read_bytes() == b"program of another architecture" and stat.S_IMODE(found.stat().st_mode) == 0o755
    assert os.listdir(found.parent) == ["uv"]
    # It is kept, also where the wheel is not any more.
    assert _uv_program.obtain_uv("aarch64", PackageSources(offline=True), tmp_path / "cache") == found


def test_a_wheel_without_a_program_leaves_nothing(tmp_path, version):
    sources = write_wheel(tmp_path / "wheels", version, "uv/__init__.py")
    with pytest.raises(DownloadError, match="has no program of uv in it"):
        _uv_program.obtain_uv("aarch64", sources, tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache" / "uv").rglob("*") if path.is_file()] == [".lock"]
