# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Entries and jobs, kept with SQLAlchemy."""

from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, func, select

metadata = MetaData()
entries = Table(
    "entries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account", String(80)),
    Column("cents", Integer),
    Column("receipt", String(200)),
)


class Store:
    """The ledger in the database at *url*."""

    def __init__(self, url):
        self.engine = create_engine(url)
        metadata.create_all(self.engine)

    def add(self, account, cents):
        """Book *cents* to *account*; returns the entry's id."""
        with self.engine.begin() as connection:
            return connection.execute(entries.insert().values(account=account, cents=cents)).inserted_primary_key[0]

    def balance(self, account):
        """Sum of the account's entries."""
        with self.engine.connect() as connection:
            query = select([func.coalesce(func.sum(entries.c.cents), 0)]).where(entries.c.account == account)
            return connection.execute(query).scalar()

    def all(self):
        """Every entry, oldest first."""
        with self.engine.connect() as connection:
            return [
                dict(row._mapping if hasattr(row, "_mapping") else row)
                for row in connection.execute(select([entries]).order_by(entries.c.id))
            ]

    def without_receipt(self):
        """Entries whose receipt was not drawn yet."""
        return [entry for entry in self.all() if not entry["receipt"]]

    def set_receipt(self, identifier, path):
        """Note where the receipt of an entry is."""
        with self.engine.begin() as connection:
            connection.execute(entries.update().where(entries.c.id == identifier).values(receipt=path))
