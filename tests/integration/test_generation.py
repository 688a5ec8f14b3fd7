# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a generation has besides its packages, in which order they come, and for whom it is."""

from __future__ import annotations

import hashlib
import os
import pathlib
import shutil
import stat
import subprocess

import pytest

from tests.integration.conftest import make_lock, write_wheel
from tests.integration.place import name_generation

PATCHED = "@@ -1,2 +1,2 @@\n LIMIT = 'low'\n-SIZE = 1\n+SIZE = 100\n"


@pytest.fixture
def site(place):
    """The live environment's packages, with what somebody put there by hand."""
    place.install_wheel(place.build_wheel("1.5", "old", **{"settings.py": "LIMIT = 'low'\nSIZE = 1\n"}))
    found = place.home / "venv" / "lib" / f"python{place.interpreters[0][0]}" / "site-packages"
    (found / "settings.py").write_text("LIMIT = 'low'\nSIZE = 100\n")
    (found / "local").mkdir()
    (found / "local" / "__init__.py").write_text("NAME = 'known to nobody'\n")
    (place.home / "venv" / "bin" / "nightly").write_text("#!/bin/sh\n")
    (place.home / "venv" / "bin" / "nightly").chmod(0o755)
    return found


def cargo(place, policy, diff=PATCHED, **options):
    below = f"lib/python{place.interpreters[0][0]}/site-packages/"
    return {
        "policy": policy,
        "files": [below + "local/", "bin/nightly"],
        "changes": [
            {
                "path": below + "settings.py",
                "package": "greeter",
                "version": "1.5",
                **({"diff": diff} if policy == "patch" else {}),
            }
        ],
        **options,
    }


def built(place):
    """The new generation and its packages."""
    path = place.home / "venv.generations" / name_generation(place)
    return path, path / "lib" / f"python{place.interpreters[1][0]}" / "site-packages"


def test_what_was_changed_by_hand_is_changed_again_in_the_new_version(module, place, site, uv):
    new = place.build_wheel("2.0", "new", **{"settings.py": "# Version 2.\nLIMIT = 'low'\nSIZE = 1\nOTHER = 2\n"})
    results = module.run_four_times(
        "environment",
        uv=uv,
        cargo=cargo(place, "patch"),
        **place.make_build_options(new, tests=["python -c 'import local'"]),
    )
    actions = "\n".join(results[0]["actions"])
    assert "bin/nightly" in actions and "settings.py of greeter" in actions
    path, packages = built(place)
    assert (packages / "settings.py").read_text() == "# Version 2.\nLIMIT = 'low'\nSIZE = 100\nOTHER = 2\n"
    assert (packages / "local" / "__init__.py").read_text() == "NAME = 'known to nobody'\n" and not (
        packages / "local" / "__pycache__" / "x"
    ).exists()
    assert os.access(path / "bin" / "nightly", os.X_OK)
    assert (site / "settings.py").read_text() == "LIMIT = 'low'\nSIZE = 100\n"
    assert place.read_state()["generations"][0]["carried"][-1].endswith("settings.py")


def test_a_changed_file_is_kept_where_its_package_stays(module, place, site):
    same = place.build_wheel("1.5", "old", **{"settings.py": "LIMIT = 'low'\nSIZE = 1\n"})
    assert not module("environment", cargo=cargo(place, "copy"), **place.make_build_options(same)).get("failed")
    assert (built(place)[1] / "settings.py").read_text() == "LIMIT = 'low'\nSIZE = 100\n"
    # What is installed from the same wheel elsewhere is not changed with it.
    assert b"SIZE = 100" not in same.read_bytes()


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("moved", "was kept from greeter 1.5, but the new generation has 2.0"),
        ("otherwise", "hunk 1 of 1 does not apply"),
        ("compiled", "was compiled for another Python"),
        ("gone", "does not exist any more"),
        ("taken", "a package of the new generation has it, too"),
        ("outside", "is not a path inside the environment"),
    ],
)
def test_what_cannot_be_taken_along_leaves_no_generation(module, place, site, case, expected):
    new = place.build_wheel(
        "2.0",
        "new",
        **{"settings.py": "SIZE = 1\n", **({"local/__init__.py": "NAME = 'mine'\n"} if case == "taken" else {})},
    )
    given = cargo(
        place,
        "copy" if case == "moved" else "patch",
        files=["../home/secret"] if case == "outside" else cargo(place, "copy")["files"],
    )
    if case == "compiled":
        (site / "local" / f"fast.cpython-{place.interpreters[0][0].replace('.', '')}-x86_64-linux-gnu.so").write_bytes(
            b"\x7fELF"
        )
    if case == "gone":
        shutil.rmtree(site / "local")
    result = module("environment", cargo=given, **place.make_build_options(new))
    assert result["failed"] and expected in result["msg"], result["msg"]
    assert not built(place)[0].exists() and place.read_greeting() == "old"


def test_a_build_asks_about_files_that_no_plan_has_decided(module, place, site):
    (site / "extra.py").write_text("MINE = 1\n")
    same = place.build_wheel("1.6", "old", **{"settings.py": "LIMIT = 'low'\nSIZE = 1\n", "unused.py": ""})
    place.install_wheel(same)
    (site / "settings.py").write_text("LIMIT = 'low'\nSIZE = 100\n")
    (site / "unused.py").unlink()
    message = module.expect_failure("environment", **place.make_build_options(same))
    below = f"lib/python{place.interpreters[0][0]}/site-packages/"
    assert "`carry` is ask" in message and "set `carry` of the application to copy, patch or drop" in message
    for text in (
        "bin/nightly (unmanaged script, 10 bytes",
        f"{below}extra.py (unmanaged module, 9 bytes, sha256 ",
        f"{below}local/ (unmanaged module, ",
        f"{below}settings.py (modified, greeter 1.6, 25 bytes, sha256 ",
        f"{below}unused.py (missing, greeter 1.6)",
    ):
        assert text in message, message
    assert not built(place)[0].exists()
    given = cargo(place, "copy")
    given["changes"][0]["version"] = "1.6"
    message = module.expect_failure("environment", cargo=given, **place.make_build_options(same))
    assert "extra.py (unmanaged" in message and "unused.py (missing" in message and "local/" not in message
    given["files"].append(below + "extra.py")
    given["removed"] = [{"path": below + "unused.py", "package": "greeter", "version": "1.6"}]
    results = module.run_four_times("environment", cargo=given, **place.make_build_options(same))
    assert f"leave out {below}unused.py of greeter, which was removed" in results[0]["actions"]
    packages = built(place)[1]
    assert (packages / "extra.py").read_text() == "MINE = 1\n" and not (packages / "unused.py").exists()
    assert (packages / "settings.py").read_text() == "LIMIT = 'low'\nSIZE = 100\n"


def test_what_is_dropped_is_not_in_a_generation(module, place, site):
    new = place.build_wheel("2.0", "new", **{"settings.py": "SIZE = 1\n"})
    module.run_four_times("environment", **place.make_build_options(new, carry="drop"))
    packages = built(place)[1]
    assert (packages / "settings.py").read_text() == "SIZE = 1\n" and not (packages / "local").exists()


def test_a_generation_with_an_older_state_of_a_file_is_not_used(module, place, site):
    same = place.build_wheel("1.5", "old", **{"settings.py": "LIMIT = 'low'\nSIZE = 1\n"})
    order = {"cargo": cargo(place, "copy"), **place.make_build_options(same)}
    assert module("environment", **order)["generation"] == name_generation(place)
    (site / "local" / "__init__.py").write_text("NAME = 'another'\n")
    results = module.run_four_times("environment", **order)
    assert results[1]["generation"] == name_generation(place, 2)
    path = place.home / "venv.generations" / name_generation(place, 2)
    (copied,) = path.glob("lib/python*/site-packages/local/__init__.py")
    assert copied.read_text() == "NAME = 'another'\n"


def test_a_diff_of_an_older_state_of_a_file_is_refused(module, place, site):
    new = place.build_wheel("2.0", "new", **{"settings.py": "LIMIT = 'low'\nSIZE = 1\n"})
    given = cargo(place, "patch")
    given["changes"][0]["digest"] = "sha256:" + hashlib.sha256((site / "settings.py").read_bytes()).hexdigest()
    (site / "settings.py").write_text("LIMIT = 'none'\nSIZE = 100\n")
    message = module.expect_failure("environment", cargo=given, **place.make_build_options(new))
    assert "settings.py (modified" in message and "run oxzep7.python.plan again" in message
    (site / "settings.py").write_text("LIMIT = 'low'\nSIZE = 100\n")
    module.run_four_times("environment", cargo=given, **place.make_build_options(new))


def test_what_one_step_carried_is_carried_by_the_next(module, place, site):
    first, second, third = (
        place.build_wheel(version, version, **{"settings.py": f"# {version}\nLIMIT = 'low'\nSIZE = 1\n"})
        for version in ("2.0", "3.0", "4.0")
    )
    given = cargo(place, "patch")
    given["changes"][0]["digest"] = "sha256:" + hashlib.sha256((site / "settings.py").read_bytes()).hexdigest()
    # As a rehearsal does: two generations are built from the original.
    for number, wheel in ((1, first), (2, second)):
        built_one = module("environment", cargo=given, **place.make_build_options(wheel))
        assert built_one.get("generation") == name_generation(place, number), built_one
    promoted = module("promotion", **place.make_promotion_options(name_generation(place, 1)))
    assert not promoted.get("failed") and place.read_greeting() == "2.0", promoted
    again = module("environment", cargo=given, **place.make_build_options(second))
    assert (again["generation"], again["changed"]) == (name_generation(place, 2), False)
    results = module.run_four_times("environment", cargo=given, **place.make_build_options(third))
    assert results[1]["generation"] == name_generation(place, 3)
    (changed,) = (place.home / "venv.generations" / name_generation(place, 3)).glob("lib/*/site-packages/settings.py")
    assert changed.read_text() == "# 4.0\nLIMIT = 'low'\nSIZE = 100\n"
    # What is changed after the promotion is known to no plan.
    (live,) = (place.home / "venv").glob("lib/*/site-packages/settings.py")
    live.write_text("# 2.0\nLIMIT = 'high'\nSIZE = 100\n")
    message = module.expect_failure("environment", cargo=given, **place.make_build_options(third))
    assert "settings.py (modified, greeter 2.0" in message and "run oxzep7.python.plan again" in message


def test_of_what_breaks_the_tier_is_named(module, place, tmp_path):
    base = write_wheel(place.wheels, "base", "1.0", {"base.py": "import no_such_module\n"})
    new = place.build_wheel("2.0", "new")
    text = make_lock(base) + "    # required by: greeter\n" + make_lock(new)
    name = hashlib.sha256(text.encode()).hexdigest()
    (place.state / "locks" / f"{name}.txt").write_text(text)
    result = module("environment", **{**place.make_build_options(new), "lock": name})
    assert result["failed"] and "base already with tier 1 of 2 (base) alone" in result["msg"], result["msg"]
    result = module("environment", tiers=[["greeter"]], **{**place.make_build_options(new), "lock": name})
    assert result["failed"] and "alone" not in result["msg"], result["msg"]


def test_a_generation_is_for_those_whom_the_environment_was_for(module, place, uv):
    live = place.home / "venv"
    live.chmod(0o2750)
    (live / "pyvenv.cfg").chmod(0o640)
    if os.geteuid() == 0:
        os.chown(live, -1, 4242)
    assert not module("environment", uv=uv, **place.make_build_options(place.build_wheel("2.0", "new"))).get("failed")
    path, packages = built(place)
    assert all(stat.S_IMODE(entry.lstat().st_mode) == 0o2750 for entry in (path, packages, packages / "__pycache__"))
    assert stat.S_IMODE((packages / "greeter.py").lstat().st_mode) == 0o640
    assert {entry.lstat().st_gid for entry in (path, packages / "greeter.py", path / "bin" / "python")} == {
        live.stat().st_gid
    }


def test_modules_of_the_distribution_that_a_new_interpreter_lacks_forbid_an_upgrade(module, place, tmp_path):
    minor, interpreter = place.interpreters[0]
    prefix = tmp_path / "vendored"
    for name in ("bin", "lib", "include"):
        (prefix / name).mkdir(parents=True)
    real = pathlib.Path(interpreter).resolve()
    shutil.copy2(real, prefix / "bin" / f"python{minor}")
    library = prefix / "lib" / f"python{minor}"
    shutil.copytree(
        real.parent.parent / "lib" / f"python{minor}",
        library,
        ignore=shutil.ignore_patterns("site-packages", "test", "__pycache__"),
    )
    for path in (real.parent.parent / "lib").glob("libpython*"):
        shutil.copy2(path, prefix / "lib")
    (library / "site-packages" / "plant_vendor").mkdir(parents=True)
    (library / "site-packages" / "plant_vendor" / "__init__.py").touch()
    place.control_service("stop")
    shutil.rmtree(place.home / "venv")
    subprocess.run(
        [prefix / "bin" / f"python{minor}", "-m", "venv", "--system-site-packages", place.home / "venv"],
        check=True,
        env={**os.environ, "LD_LIBRARY_PATH": str(prefix / "lib")},
    )
    new = place.build_wheel("2.0", "new")
    place.install_wheel(new)
    message = module.expect_failure("environment", **place.make_build_options(new))
    assert "vendor-modules-missing): plant_vendor;" in message
    assert not module("environment", **place.make_build_options(new, carry="drop")).get("failed")
