# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run by a base interpreter at the lowest priority: compiles files and directories.

The first argument is ``all``, or the load average of the host above which it ends; then it also ends with its standard
input. A low priority alone does not protect processes in other containers. Python 3.6 and later.
"""

import compileall
import os
import select
import sys
from typing import List, Optional, Tuple


def compile_below(path: str, load: Optional[float]) -> bool:
    """Compile the file *path*, or every file below it; False if *load* is exceeded or standard input has ended."""
    alone: List[Tuple[str, List[str], List[str]]] = [(os.path.dirname(path), [], [os.path.basename(path)])]
    for folder, below, names in os.walk(path) if os.path.isdir(path) else alone:
        below.sort(reverse=True)
        for name in names:
            if load is not None and (select.select([sys.stdin], [], [], 0)[0] or os.getloadavg()[0] > load):
                return False
            if name.endswith(".py"):
                compileall.compile_file(os.path.join(folder, name), quiet=2)
    return True


def main() -> None:
    """Compile the arguments after the first, in their order."""
    os.nice(19)
    load = None if sys.argv[1] == "all" else float(sys.argv[1])
    for path in sys.argv[2:]:
        if not compile_below(path, load):
            break


if __name__ == "__main__":
    main()
