"""Settings, from the environment (``ASSAY_*``) or a ``.env`` file: one object for every part that talks to Kafka."""

from __future__ import annotations

import ssl
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from platformdirs import user_cache_path, user_state_path
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from schemas.errors import SettingsError


class Settings(BaseSettings):
    """How to reach Kafka, and how the workers behave. ``ASSAY_KAFKA`` names the bootstrap servers."""

    model_config = SettingsConfigDict(env_prefix="ASSAY_", env_file=".env", extra="ignore")

    kafka: str | None = Field(None, description="bootstrap servers, host:port[,host:port]")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    ssl_cafile: Path | None = Field(None, description="PEM file of the authority; the system's authorities without it")
    ssl_certfile: Path | None = Field(None, description="PEM file of the client's certificate, for mutual TLS")
    ssl_keyfile: Path | None = Field(None, description="PEM file of the client's private key")
    ssl_keypassword: SecretStr | None = Field(None, description="password of the private key")

    topic_prefix: str = Field("", max_length=200, description="put before every topic name, to share a cluster")
    group: str = Field("assay", min_length=1, description="consumer group (and Faust app id) of the workers")
    partitions: int = Field(4, ge=1, le=10_000)
    replication: int = Field(1, ge=1, le=32_767)

    sources: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="names of source systems with a raw topic, beside those of the codecs; comma between them"
    )
    intake_wait_seconds: float = Field(900.0, ge=0, description="how long a message waits for what it speaks of")
    intake_waiting: int = Field(10_000, ge=1, description="messages that wait at once in one raw topic")
    intake_days: float = Field(180.0, gt=0, description="days after its last message that a declaration is forgotten")
    raw_retention_days: int = Field(400, ge=1, description="how long raw topics keep messages")

    lateness_hours: float = Field(
        720.0, gt=0, description="how late a declaration may come and count in its own window"
    )
    profile_days: int = Field(
        400, ge=120, description="days after its last declaration that a profile key is forgotten"
    )
    suppressions: Path | None = Field(
        None, description="YAML file of grounds not to be told of, each with reason and end"
    )
    merges: Path | None = Field(None, description="YAML file of parties that are, or are not, the same")

    party_pepper: SecretStr = Field(
        SecretStr(""), description="secret mixed into every party's key, 64 bytes at most; the same for all workers"
    )

    cache_dir: Path = Field(default_factory=lambda: user_cache_path("assay"))
    state_dir: Path = Field(default_factory=lambda: user_state_path("assay"))

    personal_data: bool = Field(False, description="keep personal data in alerts")
    mlflow: str | None = Field(None, description="URI of an MLflow server with the models; a local store without it")
    alert_threshold: int = Field(25, ge=0, le=100, description="risk from which a declaration becomes an alert")

    @field_validator("kafka")
    @classmethod
    def _servers(cls, value: str | None) -> str | None:
        """Return the servers without spaces, an empty text as none; every one must be ``host:port``."""
        if value is None or not value.strip():
            return None
        servers = [server.strip() for server in value.split(",") if server.strip()]
        for server in servers:
            host, _, port = server.rpartition(":")
            if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
                raise ValueError(f"{server!r} is not host:port")
        return ",".join(servers)

    @field_validator("sources", mode="before")
    @classmethod
    def _systems(cls, value: Any) -> Any:
        """Return names as a tuple; a source system names a topic (``raw.<system>``) and stands before a colon in ids."""
        names = value.split(",") if isinstance(value, str) else value
        found = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
        for name in found:
            if len(name) > 100 or not all(
                letter.isascii() and (letter.isalnum() or letter in "._-") for letter in name
            ):
                raise ValueError(f"{name!r} is no name of a source: ASCII letters, digits, '.', '_' and '-' only")
        return found

    @field_validator("topic_prefix")
    @classmethod
    def _prefix(cls, value: str) -> str:
        if not all(letter.isascii() and (letter.isalnum() or letter in "._-") for letter in value):
            raise ValueError("a topic name holds ASCII letters, digits, '.', '_' and '-' only")
        return value

    @field_validator("ssl_cafile", "ssl_certfile", "ssl_keyfile", "merges", "suppressions")
    @classmethod
    def _file(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError(f"there is no file {value}")
        return value

    @field_validator("party_pepper")
    @classmethod
    def _short(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value().encode()) > 64:
            raise ValueError("a secret of at most 64 bytes is wanted")
        return value

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.security_protocol != "PLAINTEXT" and self.kafka is None:
            raise ValueError(
                f"ASSAY_SECURITY_PROTOCOL={self.security_protocol} needs ASSAY_KAFKA: the local Kafka speaks PLAINTEXT only"
            )
        if self.security_protocol.startswith("SASL") and not (self.sasl_username and self.sasl_password):
            raise ValueError(
                f"ASSAY_SECURITY_PROTOCOL={self.security_protocol} needs ASSAY_SASL_USERNAME and ASSAY_SASL_PASSWORD"
            )
        if self.ssl_keyfile and not self.ssl_certfile:
            raise ValueError("ASSAY_SSL_KEYFILE needs ASSAY_SSL_CERTFILE beside it")
        if self.ssl_cafile and not self.tls:
            raise ValueError("ASSAY_SSL_CAFILE has no effect unless ASSAY_SECURITY_PROTOCOL is SSL or SASL_SSL")
        return self

    @property
    def pepper(self) -> bytes:
        """What is mixed into every key of a party (see :class:`detectors.parties.Resolver`)."""
        return self.party_pepper.get_secret_value().encode()

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.security_protocol in ("SSL", "SASL_SSL")


@cache
def settings() -> Settings:
    """Return the settings of this process.

    Raises
    ------
    SettingsError : a variable is malformed, or two of them contradict each other; the message names them.
    """
    return load()


def load(**given: Any) -> Settings:
    """Read the settings anew; what is given goes before the environment. Raises SettingsError as `settings` does."""
    try:
        return Settings(**given)
    except ValidationError as error:
        raise SettingsError("\n".join(_sentence(problem) for problem in error.errors())) from None


def _sentence(problem: Any) -> str:
    said = str(problem["msg"]).removeprefix("Value error, ")
    where = "_".join(str(part) for part in problem["loc"]).upper()
    return f"ASSAY_{where}: {said}" if where else said


def ssl_context(chosen: Settings) -> ssl.SSLContext | None:
    """Return the TLS context of these settings (host names are checked), or none where the protocol has no TLS."""
    if not chosen.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=chosen.ssl_cafile)
    except (ssl.SSLError, OSError) as error:
        raise SettingsError(
            f"ASSAY_SSL_CAFILE {chosen.ssl_cafile}: not the certificate of an authority: {error}"
        ) from None
    if chosen.ssl_certfile:
        password = chosen.ssl_keypassword.get_secret_value() if chosen.ssl_keypassword else None
        try:
            context.load_cert_chain(chosen.ssl_certfile, chosen.ssl_keyfile, password)
        except (ssl.SSLError, OSError) as error:
            raise SettingsError(
                f"ASSAY_SSL_CERTFILE {chosen.ssl_certfile}: not a certificate with its key: {error}"
            ) from None
    return context


def kafka_options(chosen: Settings) -> dict[str, Any]:
    """Return the connection options of kafka-python and aiokafka for these settings (without the servers)."""
    options: dict[str, Any] = {"security_protocol": chosen.security_protocol}
    if chosen.tls:
        options["ssl_context"] = ssl_context(chosen)
    if chosen.security_protocol.startswith("SASL"):
        options |= {
            "sasl_mechanism": chosen.sasl_mechanism,
            "sasl_plain_username": chosen.sasl_username,
            "sasl_plain_password": chosen.sasl_password.get_secret_value() if chosen.sasl_password else None,
        }
    return options
