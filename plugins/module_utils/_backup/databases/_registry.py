# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All kinds of databases. Imports are static, because Ansible sends only files to hosts that are imported by name."""

import textwrap
from typing import Any, Dict, Sequence, Tuple, Type

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import DatabaseSettings
from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._command import CommandDatabase
from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._database import Database, DatabaseError
from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._mysql import MysqlDatabase
from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._postgresql import PostgresqlDatabase
from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._sqlite import SqliteDatabase
from ansible_collections.oxzep7.python.plugins.module_utils._names import DATABASE_FILE

KNOWN_DATABASES: Tuple[Type[Database], ...] = (SqliteDatabase, PostgresqlDatabase, MysqlDatabase, CommandDatabase)
DATABASE_KINDS: Dict[str, Type[Database]] = {known.kind: known for known in KNOWN_DATABASES}

# The argument spec of the option `backup.databases` of an application, and the YAML that documents it.
DATABASES_ARGUMENT: Dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": dict({"name": {"type": DATABASE_FILE}}, **{known.kind: known.argument for known in KNOWN_DATABASES}),
    "mutually_exclusive": [sorted(DATABASE_KINDS)],
    "required_one_of": [sorted(DATABASE_KINDS)],
}
DATABASES_DOCUMENTATION = """\
databases:
  description: Databases of the layer V(databases). Each is dumped by its own tool, and therefore consistent.
  type: list
  elements: dict
  default: []
  suboptions:
    name:
      description: Name of the file in the backup. Default is the name of the database.
      type: str
""" + textwrap.indent("".join(known.documentation for known in KNOWN_DATABASES), "    ")


def _parse_database(entry: Dict[str, Any]) -> DatabaseSettings:
    kind = next(kind for kind in DATABASE_KINDS if entry.get(kind) is not None)
    options = DATABASE_KINDS[kind].parse_options(entry[kind])
    name = entry.get("name") or DATABASE_KINDS[kind].get_default_name(options)
    if not DATABASE_FILE.matches(name):
        raise DatabaseError("%r cannot be the name of a database's file; give it another `name`" % name)
    return DatabaseSettings(name, kind, options)


def parse_databases(entries: Sequence[Dict[str, Any]]) -> Tuple[DatabaseSettings, ...]:
    """The databases of the validated option ``backup.databases``. Raises DatabaseError, ValueError."""
    databases = tuple(_parse_database(entry) for entry in entries)
    names = [database.name for database in databases]
    for name in names:
        if names.count(name) > 1:
            raise DatabaseError("two databases are called %s; give one of them another `name`" % name)
    return databases


def create_database(name: str, kind: str, options: Dict[str, Any]) -> Database:
    """The database that a declaration or a manifest describes so. Raises DatabaseError."""
    if kind not in DATABASE_KINDS:
        raise DatabaseError(
            "database %s is of the kind %s, which this version does not know; update the collection" % (name, kind)
        )
    return DATABASE_KINDS[kind](name, options)
