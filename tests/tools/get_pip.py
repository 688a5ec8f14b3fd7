# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stands in for the pip bootstrap script that ansible-test would download: installs the pip that Python carries."""

import ensurepip
import os
import subprocess
import sys


def main() -> None:
    """Give this interpreter pip, then the packages that are asked for, as the downloaded script does."""
    # ensurepip changes this process's environment, for one to read no configuration of pip's.
    environment = {name: value for name, value in os.environ.items() if name != "GET_PIP"}
    ensurepip.bootstrap(default_pip=True)
    packages = [argument for argument in sys.argv[1:] if not argument.startswith("--no-")]
    sys.exit(subprocess.call([sys.executable, "-m", "pip", "install"] + packages, env=environment))


if __name__ == "__main__":
    main()
