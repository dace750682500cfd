"""Settings: what the environment may say, and how clients are connected by it."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import SettingsError
from streams import clients
from streams.settings import Settings, kafka_options, load

SECURED = {
    "KAFKA": "kafka.example:9093",
    "SECURITY_PROTOCOL": "SASL_SSL",
    "SASL_MECHANISM": "SCRAM-SHA-256",
    "SASL_USERNAME": "assay",
    "SASL_PASSWORD": "sesame",
}


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No ASSAY_ variable and no .env file of the machine reaches these tests."""
    for name in [name for name in os.environ if name.startswith("ASSAY_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def read(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(f"ASSAY_{name}", value)
    return load()


def test_nothing_set_means_the_local_kafka() -> None:
    chosen = load()
    assert chosen.kafka is None
    assert kafka_options(chosen) == {"security_protocol": "PLAINTEXT"}


def test_servers_are_read_without_spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = read(monkeypatch, KAFKA=" a.example:9092 , [::1]:9093,")
    assert clients.servers(chosen) == ["a.example:9092", "[::1]:9093"]
    assert clients.faust_broker_url(chosen) == "kafka://a.example:9092;kafka://[::1]:9093"


def test_an_empty_variable_is_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, KAFKA=" ").kafka is None


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"KAFKA": "localhost"}, "ASSAY_KAFKA: 'localhost' is not host:port"),
        ({"KAFKA": "a:9092,b:99999"}, "'b:99999' is not host:port"),
        ({"KAFKA": "a:1", "SECURITY_PROTOCOL": "TLS"}, "ASSAY_SECURITY_PROTOCOL: "),
        ({"KAFKA": "a:1", "SECURITY_PROTOCOL": "SASL_PLAINTEXT"}, "needs ASSAY_SASL_USERNAME and ASSAY_SASL_PASSWORD"),
        ({"SECURITY_PROTOCOL": "SSL"}, "needs ASSAY_KAFKA"),
        ({"SSL_CAFILE": "missing.pem"}, "ASSAY_SSL_CAFILE: there is no file missing.pem"),
        ({"PARTITIONS": "0"}, "ASSAY_PARTITIONS: "),
        ({"TOPIC_PREFIX": "uk/"}, "ASSAY_TOPIC_PREFIX: "),
    ],
)
def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(monkeypatch, **variables)
    assert says in str(caught.value)


def test_an_authority_without_tls_is_a_contradiction(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    with pytest.raises(SettingsError, match="ASSAY_SSL_CAFILE has no effect"):
        read(monkeypatch, SSL_CAFILE="ca.pem")


def test_a_certificate_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "client.pem").write_text("no certificate")
    chosen = read(monkeypatch, KAFKA="a:1", SECURITY_PROTOCOL="SSL", SSL_CERTFILE="client.pem")
    with pytest.raises(SettingsError, match=r"ASSAY_SSL_CERTFILE client\.pem"):
        kafka_options(chosen)


def test_an_authority_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    chosen = read(monkeypatch, KAFKA="a:1", SECURITY_PROTOCOL="SSL", SSL_CAFILE="ca.pem")
    with pytest.raises(SettingsError, match=r"ASSAY_SSL_CAFILE ca\.pem"):
        kafka_options(chosen)


def test_a_password_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = read(monkeypatch, **SECURED)
    assert "sesame" not in repr(chosen)
    assert "sesame" not in chosen.model_dump_json()


def test_the_pepper_of_parties_is_a_short_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load().pepper == b""
    chosen = read(monkeypatch, PARTY_PEPPER="grün")
    assert chosen.pepper == "grün".encode()
    assert "grün" not in repr(chosen)
    with pytest.raises(SettingsError, match=r"ASSAY_PARTY_PEPPER: a secret of at most 64 bytes") as refused:
        read(monkeypatch, PARTY_PEPPER="ü" * 33)
    assert "ü" not in str(refused.value)


def test_all_clients_get_the_same_security(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = read(monkeypatch, **SECURED)
    expected: dict[str, Any] = {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-256",
        "sasl_plain_username": "assay",
        "sasl_plain_password": "sesame",
    }
    for options in (
        kafka_options(chosen),
        clients.aio_consumer_options(chosen),
        clients.aio_producer_options(chosen),
    ):
        assert options.items() >= expected.items()
        context = options["ssl_context"]
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
    credentials = clients.faust_credentials(chosen)
    assert (credentials.protocol.value, credentials.mechanism.value) == ("SASL_SSL", "SCRAM-SHA-256")
    assert (credentials.username, credentials.password) == ("assay", "sesame")


def test_a_plain_connection_has_no_credentials() -> None:
    assert clients.faust_credentials(load(kafka="a:1")) is None


def test_a_dotenv_file_is_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ASSAY_KAFKA=b.example:9092\nASSAY_GROUP=night\n")
    chosen = load()
    assert (chosen.kafka, chosen.group) == ("b.example:9092", "night")
