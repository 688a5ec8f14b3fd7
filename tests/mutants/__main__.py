# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes each mutant in a copy of the tree, and runs the tests that must notice it.

``python -m tests.mutants [WORD …]``: with words, only mutants whose file or effect has one of them. It fails when a
mutant survives, when its text does not occur exactly once, and when the tests fail without any mutant.
"""

from __future__ import annotations

import concurrent.futures
import os
import pathlib
import queue
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from tests.mutants.mutations import MUTATIONS, TESTS, Mutation

ROOT = pathlib.Path(__file__).resolve().parents[2]
COPIED = ("galaxy.yml", "meta", "plugins", "pyproject.toml", "tests")
WORKERS = 2
TIMEOUT = 300
# Statuses of pytest.
PASSED, FAILED = 0, 1


class MutantError(Exception):
    """A mutant that cannot be made or tried; the text says why."""


def find_problem(mutation: Mutation, root: pathlib.Path = ROOT) -> str:
    """Why *mutation* cannot be made in the tree *root*; an empty text where it can."""
    path = root / "plugins" / mutation.file
    if not path.is_file():
        return f"{mutation.file} does not exist"
    text = path.read_text(encoding="utf-8")
    count = text.count(mutation.old)
    if count != 1:
        return f"{mutation.file} has the text {count} times: {mutation.old!r}"
    try:
        compile(text.replace(mutation.old, mutation.new), mutation.file, "exec")
    except SyntaxError as error:
        return f"{mutation.file} is not valid with {mutation.new!r}: {error}"
    missing = [name for name in mutation.tests if not (root / TESTS / name).exists()]
    return f"{', '.join(missing)} does not exist" if missing else ""


def copy_tree(place: pathlib.Path) -> pathlib.Path:
    """A copy of what tests need in the new directory *place*; returns its root, a collection's directory."""
    root = place / "collections" / "ansible_collections" / "oxzep7" / "python"
    root.mkdir(parents=True)
    quiet = shutil.ignore_patterns("__pycache__", ".hypothesis")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=quiet)
        else:
            shutil.copy2(source, root / name)
    return root


def run_tests(root: pathlib.Path, names: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run the test files *names* in the copy *root*, up to the first failure. Raises subprocess.TimeoutExpired."""
    collections = root.parents[2]
    paths = f"{root}:{collections}"
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *(f"{TESTS}/{name}" for name in names)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": paths, "ANSIBLE_COLLECTIONS_PATH": str(collections)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


def is_killed(root: pathlib.Path, mutation: Mutation) -> bool:
    """Whether a test notices *mutation* in the copy *root*, which is as before afterwards. Raises MutantError."""
    path = root / "plugins" / mutation.file
    text, times = path.read_text(encoding="utf-8"), path.stat()
    path.write_text(text.replace(mutation.old, mutation.new), encoding="utf-8")
    # Compiled modules are recognized by the second in which their source was written.
    os.utime(path, (times.st_mtime + 10, times.st_mtime + 10))
    try:
        done = run_tests(root, mutation.tests)
    except subprocess.TimeoutExpired:
        return True
    finally:
        path.write_text(text, encoding="utf-8")
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    if done.returncode not in (PASSED, FAILED):
        raise MutantError(
            f"the tests of {mutation.effect!r} cannot be run:\n{done.stdout[-2000:]}{done.stderr[-1000:]}"
        )
    return done.returncode == FAILED


def try_mutations(chosen: Sequence[Mutation], copies: Sequence[pathlib.Path]) -> list[Mutation]:
    """Those of *chosen* that survive, tried in all *copies* at once. Raises MutantError."""
    free: queue.Queue[pathlib.Path] = queue.Queue()
    for root in copies:
        free.put(root)

    def attempt(mutation: Mutation) -> bool:
        root = free.get()
        try:
            return is_killed(root, mutation)
        finally:
            free.put(root)

    survivors = []
    with concurrent.futures.ThreadPoolExecutor(len(copies)) as pool:
        for mutation, killed in zip(chosen, pool.map(attempt, chosen), strict=True):
            if not killed:
                survivors.append(mutation)
                print(f"mutants: survives: {mutation.file}: {mutation.effect}", file=sys.stderr, flush=True)
    return survivors


def main() -> None:
    """The command line."""
    words = sys.argv[1:]
    chosen = [one for one in MUTATIONS if not words or any(word in f"{one.file} {one.effect}" for word in words)]
    problems = [problem for problem in map(find_problem, chosen) if problem]
    if problems or not chosen:
        sys.exit("mutants: " + ("\nmutants: ".join(problems) or f"none has {' or '.join(words)}"))
    with tempfile.TemporaryDirectory(prefix="oxzep7-mutants-") as directory:
        copies = [copy_tree(pathlib.Path(directory).resolve() / str(number)) for number in range(WORKERS)]
        files = sorted({name for mutation in chosen for name in mutation.tests})
        done = run_tests(copies[0], files)
        if done.returncode != PASSED:
            sys.exit(f"mutants: the tests fail without any mutant:\n{done.stdout[-4000:]}")
        try:
            survivors = try_mutations(chosen, copies)
        except MutantError as error:
            sys.exit(f"mutants: {error}")
    print(f"mutants {len(chosen)}, killed {len(chosen) - len(survivors)}")
    sys.exit(1 if survivors else 0)


if __name__ == "__main__":
    main()
