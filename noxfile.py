# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sessions of antsibull-nox that need no containers; ``make lint`` runs them."""

import nox
from antsibull_nox import load_antsibull_nox_toml

load_antsibull_nox_toml()

if __name__ == "__main__":
    nox.main()
