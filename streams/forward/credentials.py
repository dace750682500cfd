"""Secrets of receivers: from a file or an environment variable, never from the command line."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from schemas.errors import SettingsError
from streams.forward.progress import log


@dataclass(frozen=True)
class Secret:
    """Where a secret stands. A file is read each time, so a rotated one is taken up without a restart."""

    variable: str
    file: Path | None = None
    given: str | None = None

    def value(self) -> str | None:
        """Return the secret without the line's end, or None where there is none; SettingsError if the file cannot be read."""
        if self.file is not None:
            try:
                found = self.file.read_text("utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError(f"cannot read the secret in {self.file}: {error}") from None
            if not found:
                raise SettingsError(f"the secret's file {self.file} is empty")
            return found
        return os.environ.get(self.variable, "").strip() or self.given


@dataclass(frozen=True)
class Address:
    """A URL without credentials, and those that stood in it."""

    url: str
    user: str | None = None
    password: str | None = None


def address(url: str) -> Address:
    """Return the address of a receiver; SettingsError if it is no HTTP address.

    A password in it is warned of: everyone on this machine can read a command line.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(f"{url.rpartition('@')[2]!r} is no address: http://HOST[:PORT]/PATH or https://...")
    host = parts.netloc.rpartition("@")[2]
    bare = urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        log.warning("alerts and credentials go in clear: the address is http", host=parts.hostname)
    if parts.password:
        log.warning(
            "the password in the address can be seen in the list of processes; use --user and ASSAY_FORWARD_PASSWORD"
        )
    return Address(
        bare, unquote(parts.username) if parts.username else None, unquote(parts.password) if parts.password else None
    )
