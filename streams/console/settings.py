"""Settings of the console alone: ``ASSAY_CONSOLE_*``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from schemas.errors import SettingsError
from streams.console.access.person import Role
from streams.settings import Settings


class ConsoleSettings(BaseSettings):
    """How the console keeps, lets in and shows. Everything has a default that is safe on one machine."""

    model_config = SettingsConfigDict(env_prefix="ASSAY_CONSOLE_", env_file=".env", extra="ignore")

    database: SecretStr | None = Field(None, description="postgresql://... ; SQLite in the state folder without it")
    url: str | None = Field(None, description="the address that people type, such as https://assay.customs.example")
    proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="addresses of reverse proxies whose X-Forwarded-For counts; comma between them"
    )
    idle_minutes: float = Field(60, gt=0, description="a session ends so long after the last act of its person")
    session_hours: float = Field(12, gt=0, le=24 * 31, description="and so long after log-in in any case")
    workers: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="addresses of workers' health, http://host:port; comma between them"
    )
    requests_per_minute: float = Field(600, ge=10, description="of one session or address")

    oidc_issuer: str | None = Field(None, description="issuer of an OpenID Connect provider")
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None
    oidc_scope: str = "openid profile email"
    oidc_roles_claim: str = Field("roles", description="claim with roles or groups; dots go into objects")
    oidc_roles: Annotated[dict[str, Role], NoDecode] = Field(
        default_factory=dict, description="value of the claim = role; comma between them"
    )
    oidc_name_claim: str = Field("preferred_username", description="claim that becomes the name in the console")

    @field_validator("proxies", "workers", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("oidc_roles", mode="before")
    @classmethod
    def _mapped(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        found: dict[str, Role] = {}
        for part in value.split(","):
            claim, equals, role = part.rpartition("=")
            if not part.strip():
                continue
            if not equals or role.strip() not in Role.__members__:
                raise ValueError(f"{part.strip()!r} is not value=role; roles are {', '.join(Role.__members__)}")
            found[claim.strip()] = Role[role.strip()]
        return found

    @field_validator("url", "oidc_issuer")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if not value:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{value!r} is no address, such as https://assay.customs.example")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.oidc_issuer and not (self.oidc_client_id and self.oidc_client_secret):
            raise ValueError(
                "ASSAY_CONSOLE_OIDC_ISSUER needs ASSAY_CONSOLE_OIDC_CLIENT_ID and _CLIENT_SECRET beside it"
            )
        if self.oidc_issuer and not self.oidc_roles:
            raise ValueError("ASSAY_CONSOLE_OIDC_ROLES says who may do what, such as customs-analysts=analyst")
        return self

    @property
    def secure(self) -> bool:
        """Whether people come by HTTPS: then cookies go by nothing else."""
        return bool(self.url and self.url.startswith("https:"))

    def database_url(self, chosen: Settings) -> str:
        """Return the address of the database."""
        if self.database is not None and self.database.get_secret_value().strip():
            return self.database.get_secret_value().strip()
        path = (chosen.state_dir / "console" / "console.sqlite").expanduser().absolute()
        return f"sqlite:///{path}"


def load_console(**given: Any) -> ConsoleSettings:
    """Read the settings; what is given goes before the environment. SettingsError names the variable."""
    try:
        return ConsoleSettings(**given)
    except ValidationError as error:
        told = []
        for problem in error.errors():
            where = "_".join(str(part) for part in problem["loc"]).upper()
            said = str(problem["msg"]).removeprefix("Value error, ")
            told.append(f"ASSAY_CONSOLE_{where}: {said}" if where else said)
        raise SettingsError("\n".join(told)) from None


def sqlite_file(url: str) -> Path | None:
    """Return the file of a SQLite address, None for another database."""
    return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None
