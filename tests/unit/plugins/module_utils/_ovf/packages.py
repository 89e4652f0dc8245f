# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages for tests, made when they are needed: folders and archives, with manifests and signatures."""

from __future__ import annotations

import datetime
import hashlib
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.facts import Hosts
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.load import load_packages

VENDORS = Path(__file__).parents[3] / "ovf"
TODAY = datetime.datetime(2026, 3, 1, tzinfo=datetime.timezone.utc)
DISK = b"twelve bytes"

SPACES = (
    'xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" '
    'xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData" '
    'xmlns:vcloud="http://www.vmware.com/vcloud/v1.5"'
)


def vm(name: str, address: str = "10.10.0.21", network: str = "lan", nics: str | None = None, more: str = "") -> str:
    """A VirtualSystem with one adapter, or with these."""
    item = f"<Item><rasd:Connection>{network}</rasd:Connection><rasd:ResourceType>10</rasd:ResourceType></Item>"
    said = f'<ProductSection><Property ovf:key="ip0" ovf:value="{address}"/></ProductSection>' if address else ""
    return (
        f'<VirtualSystem ovf:id="{name}"><Info/>{said}{more}<VirtualHardwareSection><Info/>'
        f"{item if nics is None else nics}</VirtualHardwareSection></VirtualSystem>"
    )


def nic(network: str = "lan", more: str = "", attributes: str = "", connection: str = "") -> str:
    """An Item that is an adapter."""
    return (
        f"<Item{attributes}>{more}<rasd:Connection{connection}>{network}</rasd:Connection>"
        "<rasd:ResourceType>10</rasd:ResourceType></Item>"
    )


def envelope(*systems: str, networks: tuple[str, ...] = ("lan",), references: str = "", more: str = "") -> bytes:
    """A descriptor."""
    named = "".join(f'<Network ovf:name="{name}"/>' for name in networks)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Envelope {SPACES}>\n<References>{references}</References>\n'
        f"<NetworkSection><Info/>{named}</NetworkSection>\n{more}" + "\n".join(systems) + "\n</Envelope>\n"
    ).encode()


def manifest(files: Mapping[str, bytes], algorithm: str = "SHA256") -> bytes:
    """Of all of these files."""
    lines = (
        f"{algorithm}({name})= {hashlib.new(algorithm.lower(), body).hexdigest()}\n" for name, body in files.items()
    )
    return "".join(lines).encode()


def whole(files: Mapping[str, bytes], stem: str, algorithm: str = "SHA256") -> dict[str, bytes]:
    """The files, the manifest after the descriptor."""
    names = list(files)
    return {names[0]: files[names[0]], f"{stem}.mf": manifest(files, algorithm), **files}


def vendor(name: str, disks: tuple[str, ...] = ()) -> dict[str, bytes]:
    """The files of a vendor's package."""
    return whole({f"{name}.ovf": (VENDORS / f"{name}.ovf").read_bytes(), **dict.fromkeys(disks, DISK)}, name)


def folder(path: Path, files: Mapping[str, bytes]) -> Path:
    """The files in a folder; the path of the descriptor."""
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path / next(iter(files))


def archive(path: Path, files: Mapping[str, bytes], *, form: int = tarfile.USTAR_FORMAT) -> Path:
    """An OVA."""
    with tarfile.open(path, "w", format=form) as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


def load(path: Path, **options: Any) -> Hosts:
    """The hosts of one package, or of all in a folder. IntentErrors with all that is wrong."""
    return load_all([str(path)], **options)


def load_all(packages: Any, **options: Any) -> Hosts:
    """The hosts of packages, in the cloud east."""
    problems = Problems()
    found = load_packages(packages, {"cloud": "east", **options}, "/", TODAY, problems)
    problems.raise_if_any()
    return found


def refusals(path: Path | list[Any], **options: Any) -> list[str]:
    """Everything for which packages are refused."""
    try:
        load_all(path if isinstance(path, list) else [str(path)], **options)
    except IntentErrors as error:
        return [str(one) for one in error.errors]
    return []


class Signer:
    """Someone with a key and a certificate, issued by another, or by themselves."""

    def __init__(
        self,
        name: str,
        by: Signer | None = None,
        *,
        authority: bool = False,
        days: tuple[int, int] = (-30, 30),
        purpose: Any = ExtendedKeyUsageOID.CODE_SIGNING,
    ) -> None:
        self.key = _KEYS.setdefault(name, rsa.generate_private_key(65537, 2048)) if name not in _KEYS else _KEYS[name]
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = by or self
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(issuer.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(TODAY + datetime.timedelta(days=days[0]))
            .not_valid_after(TODAY + datetime.timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if not authority:
            builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        self.certificate = builder.sign(issuer.key, hashes.SHA256())

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def sign(self, name: str, content: bytes, *others: Signer) -> bytes:
        """A .cert file for a manifest."""
        signature = self.key.sign(content, padding.PKCS1v15(), hashes.SHA256())
        return f"SHA256({name})= {signature.hex()}\n".encode() + b"".join(one.pem for one in (self, *others))


_KEYS: dict[str, rsa.RSAPrivateKey] = {}
