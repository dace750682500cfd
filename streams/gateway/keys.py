"""API keys: who may send what, how often and how much. Only a hash of a key is kept; the key itself is shown once."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from schemas.errors import SettingsError
from schemas.types import UtcTime

SOURCE: Final = r"^[a-z0-9][a-z0-9._-]{0,62}$"
_KEY: Final = re.compile(r"assay_([0-9a-f]{12})_([A-Za-z0-9_-]{43})\Z")
#: Compared with where no key has the id, so that a wrong id takes as long as a wrong secret.
_NOBODY: Final = hashlib.sha256(b"nobody").hexdigest()


class Key(BaseModel):
    """One API key.

    Attributes
    ----------
    id : the public part, for logs and ``revoke``; ``hash`` is the SHA-256 of the secret one (256 random bits: no salt needed).
    source : the path under which it may post; ``system`` the source system of what it posts, None: that of the format.
    format : a codec's name, ``auto``, or "" where ``mapping`` (YAML) says how to read.
    rate : messages a second; ``burst`` how many may come at once after a pause. ``max_bytes`` of one request.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    hash: str
    source: Annotated[str, Field(pattern=SOURCE)]
    format: str = "auto"
    system: str | None = None
    mapping: str | None = None
    rate: Annotated[float, Field(gt=0)] = 50.0
    burst: Annotated[float, Field(ge=1)] = 100.0
    max_bytes: Annotated[int, Field(ge=1)] = 20_000_000
    created_at: UtcTime
    revoked_at: UtcTime | None = None


_KEYS: Final = TypeAdapter(list[Key])


class KeyFile:
    """The file of keys. Changes by another process are seen at the next question."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: tuple[int, int, int] | None = None
        self._keys: dict[str, Key] = {}

    def all(self) -> list[Key]:
        """Return every key, the oldest first; SettingsError if the file is not one of keys."""
        self._refresh()
        return list(self._keys.values())

    def find(self, given: str) -> Key | None:
        """Return the key that this text is, if it is one and not revoked."""
        self._refresh()
        parts = _KEY.match(given)
        found = self._keys.get(parts[1]) if parts else None
        secret = hashlib.sha256((parts[2] if parts else "").encode()).hexdigest()
        same = hmac.compare_digest(secret, found.hash if found is not None else _NOBODY)
        return found if found is not None and same and found.revoked_at is None else None

    def create(self, now: datetime, **wanted: object) -> tuple[str, Key]:
        """Make a key, and return its text with what is kept of it; SettingsError for bad wishes."""
        identity, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        try:
            key = Key.model_validate(
                {"id": identity, "hash": hashlib.sha256(secret.encode()).hexdigest(), "created_at": now} | wanted
            )
        except ValidationError as error:
            problem = error.errors()[0]
            raise SettingsError(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}") from None
        with self._locked():
            self._write([*self._read(), key])
        return f"assay_{identity}_{secret}", key

    def revoke(self, identity: str, now: datetime) -> Key:
        """Revoke a key by its id; SettingsError if there is none. A running gateway refuses it from its next request on."""
        with self._locked():
            keys = self._read()
            found = next((key for key in keys if key.id == identity), None)
            if found is None:
                raise SettingsError(f"no key has the id {identity!r}; `assay gateway key list` shows them")
            revoked = found.model_copy(update={"revoked_at": found.revoked_at or now})
            self._write([revoked if key is found else key for key in keys])
        return revoked

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _read(self) -> list[Key]:
        try:
            return _KEYS.validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return []
        except (OSError, ValidationError) as error:
            raise SettingsError(f"{self.path} is not a file of keys: {str(error).splitlines()[0]}") from None

    def _write(self, keys: list[Key]) -> None:
        fresh = self.path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(_KEYS.dump_json(keys, indent=1))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)

    def _refresh(self) -> None:
        """Read the file again if it is another one. A file that cannot be read leaves the keys as they were."""
        try:
            found = self.path.stat()
            stamp = (found.st_ino, found.st_size, found.st_mtime_ns)
        except FileNotFoundError:
            self._stamp, self._keys = None, {}
            return
        if stamp != self._stamp:
            self._keys = {key.id: key for key in self._read()}
            self._stamp = stamp


def now() -> datetime:
    """Return the present time, UTC."""
    return datetime.now(UTC)
