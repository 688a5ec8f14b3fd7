# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs by a base interpreter, at the lowest priority: compiles ``all`` of files and directories, or some.

For some, the load average of the host is given up to which it goes on, until its standard input ends. A low priority alone does not keep it from what runs
in other containers.

Python 3.6 and later.
"""

import compileall
import os
import select
import sys
from typing import Optional


def compile_below(path: str, load: Optional[float]) -> bool:
    """Compile the file *path*, or every file below it; False when there is no more time, or more than *load*, if that limits it."""
    for folder, below, names in (
        os.walk(path) if os.path.isdir(path) else [(os.path.dirname(path), [], [os.path.basename(path)])]
    ):
        below.sort(reverse=True)
        for name in names:
            if load is not None and (select.select([sys.stdin], [], [], 0)[0] or os.getloadavg()[0] > load):
                return False
            if name.endswith(".py"):
                compileall.compile_file(os.path.join(folder, name), quiet=2)
    return True


def main() -> None:
    """Compile what the arguments after the first name, in their order."""
    os.nice(19)
    load = None if sys.argv[1] == "all" else float(sys.argv[1])
    all(compile_below(path, load) for path in sys.argv[2:])


if __name__ == "__main__":
    main()
