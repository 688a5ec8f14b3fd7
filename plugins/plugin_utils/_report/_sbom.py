# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fleet as a software bill of materials: a CycloneDX document per host, with environments and interpreters."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError

try:
    from cyclonedx.model import Property
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6
    from packageurl import PackageURL

    CYCLONEDX_ERROR: ImportError | None = None
except ImportError as error:
    CYCLONEDX_ERROR = error

# Any fixed value makes equal inventories give equal serial numbers.
NAMESPACE = uuid.UUID("6f0ff4a3-3d0c-5d4b-8f43-9f0a3c1de0a7")


ORIGIN_KEYS = ("installer", "direct_url", "os_package")


class SbomError(CollectionError):
    """cyclonedx-python-lib is not installed on the controller."""


def _make_component(package: Mapping[str, Any], reference: str) -> Any:
    version = package["version"] or ""
    return Component(
        name=package["name"],
        version=version,
        type=ComponentType.LIBRARY,
        bom_ref=reference,
        purl=PackageURL("pypi", name=package["name"], version=version or None),
        properties=[Property(name=f"oxzep7:{key}", value=str(package[key])) for key in ORIGIN_KEYS if package[key]],
    )


def render_sbom(name: str, inventory: Mapping[str, Any]) -> str:
    """The bill of host *name* as CycloneDX 1.6 JSON. Raises SbomError."""
    if CYCLONEDX_ERROR:
        raise SbomError(
            f"bills of materials need the collection's requirements.txt on the controller: {CYCLONEDX_ERROR}"
        )
    root = Component(name=name, type=ComponentType.DEVICE, bom_ref="host")
    bom = Bom(serial_number=uuid.uuid5(NAMESPACE, f"{name} {inventory['taken']}"))
    bom.metadata.timestamp = datetime.datetime.strptime(inventory["taken"], "%Y-%m-%dT%H:%M:%SZ").replace(
        tzinfo=datetime.timezone.utc
    )
    bom.metadata.component = root
    parts = []
    bases = {}
    for entry in inventory["interpreters"]:
        reference = f"interpreter:{entry['path']}"
        component = Component(
            name=entry["implementation"],
            version=entry["version"] or "",
            type=ComponentType.PLATFORM,
            bom_ref=reference,
            properties=[
                Property(name="oxzep7:path", value=entry["path"]),
                Property(name="oxzep7:origin", value=entry["origin"]),
            ],
        )
        bases[entry["resolved"]] = component
        parts.append(component)
        bom.components.add(component)
    for entry in inventory["environments"]:
        reference = f"environment:{entry['path']}"
        component = Component(
            name=entry["path"],
            version=entry["python"] or "",
            type=ComponentType.APPLICATION,
            bom_ref=reference,
            properties=[
                Property(name="oxzep7:kind", value=entry["kind"]),
                Property(name="oxzep7:fingerprint", value=entry["fingerprint"]),
            ],
        )
        packages = {f"{reference}#{package['name']}@{package['version']}": package for package in entry["packages"]}
        below = [_make_component(package, key) for key, package in packages.items()]
        for one in below:
            component.components.add(one)
        bom.components.add(component)
        bom.register_dependency(
            component, [*below, *([bases[entry["interpreter"]]] if entry["interpreter"] in bases else [])]
        )
        parts.append(component)
    bom.register_dependency(root, parts)
    return str(JsonV1Dot6(bom).output_as_string(indent=1))
