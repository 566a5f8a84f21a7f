"""config.xml: settings that are read at the start and written in place."""

from __future__ import annotations

import secrets
from pathlib import Path
from xml.etree import ElementTree

from ..place import Place
from .flavours import Flavour

# Settings that an environment variable can override: name -> section, key.
_OVERRIDES = {
    "ApiKey": "AUTH__APIKEY",
    "AuthenticationMethod": "AUTH__METHOD",
    "AuthenticationRequired": "AUTH__REQUIRED",
    "TrustCgnatIpAddresses": "AUTH__TRUSTCGNATIPADDRESSES",
    "UrlBase": "SERVER__URLBASE",
    "BindAddress": "SERVER__BINDADDRESS",
    "Port": "SERVER__PORT",
    "AllowedHosts": "SERVER__ALLOWEDHOSTS",
    "TrustedNetworks": "SERVER__TRUSTEDNETWORKS",
    "InstanceName": "APP__INSTANCENAME",
    "LogLevel": "LOG__LEVEL",
    "Branch": "UPDATE__BRANCH",
}
_METHODS = ("None", "Basic", "Forms", "External")
_REQUIRED = ("Enabled", "DisabledForLocalAddresses")
# These two are compared with letter case when they come from a variable.
_STRICT = {
    "AuthenticationMethod": _METHODS,
    "AuthenticationRequired": _REQUIRED,
}


class Configuration:
    """The settings of config.xml under the environment's overrides.

    Raises:
        ValueError: the file is there and cannot be read as XML.
    """

    def __init__(self, place: Place, flavour: Flavour) -> None:
        self._place = place
        self._flavour = flavour
        self.path = place.path("/config/config.xml")
        self._values = self._read()
        self._fill()

    def _read(self) -> dict[str, str]:
        if not self.path.exists():
            return {}
        try:
            tree = ElementTree.fromstring(self.path.read_text())
        except ElementTree.ParseError as error:
            name = self._flavour.name
            raise ValueError(
                f"{self.path} is corrupt or empty. Please delete the config"
                f" file and {name} will recreate it."
            ) from error
        names = [child.tag for child in tree]
        return {
            child.tag: child.text or ""
            for child in tree
            if names.count(child.tag) == 1 and child.tag in self._defaults()
        }

    def _defaults(self) -> dict[str, str]:
        flavour = self._flavour
        return {
            "BindAddress": "*",
            "Port": str(flavour.port),
            "SslPort": str(flavour.ssl_port),
            "EnableSsl": "False",
            "LaunchBrowser": "True",
            "ApiKey": "",
            "AuthenticationMethod": "None",
            "AuthenticationRequired": "Enabled",
            "Branch": flavour.branch,
            "LogLevel": "debug",
            "SslCertPath": "",
            "SslCertPassword": "",
            "UrlBase": "",
            "InstanceName": flavour.name,
            "AllowedHosts": "",
            "TrustedNetworks": "",
        }

    def _fill(self) -> None:
        for name, default in self._defaults().items():
            if name == "ApiKey":
                # A key from the environment is never written to the file.
                if not self._values.get(name) and not self.override(name):
                    self._values[name] = secrets.token_hex(16)
            else:
                self._values.setdefault(name, default)
        self.save()

    def override(self, name: str) -> str:
        """The value that the environment forces, or an empty text."""
        key = _OVERRIDES.get(name)
        if key is None:
            return ""
        prefix = self._flavour.name.upper()
        value = self._place.env_folded(f"{prefix}__{key}")
        if name in _STRICT and value not in _STRICT[name]:
            return ""
        return value

    def get(self, name: str) -> str:
        """The value in force."""
        return self.override(name) or self._values.get(name, "")

    def set(self, name: str, value: str) -> None:
        """Change the file's value; an override stays in force."""
        self._values[name] = value
        self.save()

    def save(self) -> None:
        """Write config.xml, readable for its owner only."""
        root = ElementTree.Element("Config")
        for name, value in self._values.items():
            ElementTree.SubElement(root, name).text = value
        ElementTree.indent(root)
        write_private(self.path, ElementTree.tostring(root, "unicode") + "\n")

    @property
    def url_base(self) -> str:
        """Empty, or with a leading and without a trailing slash."""
        base = self.get("UrlBase").strip("/")
        return f"/{base}" if base else ""


def write_private(path: Path, text: str) -> None:
    """Replace a file by one that only its owner can read."""
    draft = path.with_name(path.name + ".tmp")
    draft.touch(0o600)
    draft.write_text(text)
    draft.replace(path)
