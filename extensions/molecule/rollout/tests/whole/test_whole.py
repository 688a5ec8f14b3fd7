# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""After everything that can go wrong has."""


def test_runs_wholly_on_the_target(one):
    one.assert_whole("1-py3.9", "3.9")
