"""Settings, from the environment (``ASSAY_*``) or a ``.env`` file: one object for every part that talks to Kafka."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_cache_path, user_state_path
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """How to reach Kafka, and how the workers behave. ``ASSAY_KAFKA`` names the bootstrap servers."""

    model_config = SettingsConfigDict(env_prefix="ASSAY_", env_file=".env", extra="ignore")

    kafka: str | None = Field(None, description="bootstrap servers, host:port[,host:port]")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    ssl_cafile: Path | None = None
    ssl_certfile: Path | None = None
    ssl_keyfile: Path | None = None

    topic_prefix: str = Field("", description="put before every topic name, to share a cluster")
    group: str = Field("assay", description="consumer group (and Faust app id) of the workers")
    partitions: int = Field(4, ge=1, le=10_000)
    replication: int = Field(1, ge=1, le=32_767)

    cache_dir: Path = Field(default_factory=lambda: user_cache_path("assay"))
    state_dir: Path = Field(default_factory=lambda: user_state_path("assay"))

    personal_data: bool = Field(False, description="keep personal data in alerts")
    alert_threshold: int = Field(25, ge=0, le=100, description="risk from which a declaration becomes an alert")


@cache
def settings() -> Settings:
    """Return the settings of this process."""
    return Settings()


def kafka_options(chosen: Settings) -> dict[str, Any]:
    """Return the connection options of kafka-python and aiokafka for these settings (without the servers)."""
    options: dict[str, Any] = {"security_protocol": chosen.security_protocol}
    if chosen.security_protocol.startswith("SASL"):
        options |= {
            "sasl_mechanism": chosen.sasl_mechanism,
            "sasl_plain_username": chosen.sasl_username,
            "sasl_plain_password": chosen.sasl_password.get_secret_value() if chosen.sasl_password else None,
        }
    return options
