# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draws receipts in the background; ``--once`` draws what waits and ends (the cron job does that)."""

import os
import sys
import time

from ledger import settings
from ledger.documents import receipt
from ledger.store import Store


def draw(store, directory):
    """Draw every waiting receipt into *directory*; returns how many."""
    os.makedirs(directory, exist_ok=True)
    waiting = store.without_receipt()
    for entry in waiting:
        path = os.path.join(directory, "%d.png" % entry["id"])
        with open(path, "wb") as stream:
            stream.write(receipt(entry))
        store.set_receipt(entry["id"], path)
    return len(waiting)


def main():
    """Run until stopped, or once."""
    store = Store(settings.DATABASE_URL)
    while True:
        draw(store, settings.RECEIPTS)
        if "--once" in sys.argv:
            return
        time.sleep(1)


if __name__ == "__main__":
    main()
