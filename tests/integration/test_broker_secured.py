"""A Kafka behind TLS and a password: the one settings object must open it for every client."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.errors import BrokerError
from streams import _broker_process as process
from streams import broker, clients, topics
from streams.settings import Settings, load

pytestmark = pytest.mark.integration

PASSWORD = "sesame-open"


def _certificate(folder: Path) -> tuple[Path, Path]:
    """Make a key with a certificate for 127.0.0.1, signed by itself; return the key store and the PEM certificate."""
    store, pem = folder / "kafka.p12", folder / "ca.pem"
    common = ["keytool", "-alias", "kafka", "-keystore", str(store), "-storepass", PASSWORD]
    new = [*common, "-genkeypair", "-storetype", "PKCS12", "-keyalg", "EC", "-groupname", "secp256r1"]
    new += ["-dname", "CN=kafka", "-ext", "san=ip:127.0.0.1", "-ext", "bc=ca:true", "-validity", "2"]
    for command in (new, [*common, "-exportcert", "-rfc", "-file", str(pem)]):
        subprocess.run(command, check=True, capture_output=True, timeout=60)
    return store, pem


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a Kafka with a listener that asks for TLS, a name and a password."""
    folder = tmp_path_factory.mktemp("secured")
    plain = load(_env_file=None).model_copy(update={"kafka": None, "security_protocol": "PLAINTEXT"})
    why = broker.obstacle(plain) or (None if shutil.which("keytool") else "there is no keytool (it comes with Java)")
    if why:
        pytest.skip(f"starts a Kafka of its own: {why}; install Java 17+ and Maven")
    store, pem = _certificate(folder)
    port = process.free_port()
    login = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    extra = f"""
listener.name.secured.ssl.keystore.location={store}
listener.name.secured.ssl.keystore.type=PKCS12
listener.name.secured.ssl.keystore.password={PASSWORD}
listener.name.secured.sasl.enabled.mechanisms=PLAIN
listener.name.secured.plain.sasl.jaas.config={login} user_assay="{PASSWORD}";
"""
    written = process.properties

    def with_a_secured_door(*given: object) -> str:
        text = written(*given)  # type: ignore[arg-type]
        text = text.replace("\nlisteners=", f"\nlisteners=SECURED://127.0.0.1:{port},")
        text = text.replace("advertised.listeners=", f"advertised.listeners=SECURED://127.0.0.1:{port},")
        return text.replace("protocol.map=", "protocol.map=SECURED:SASL_SSL,") + extra

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "properties", with_a_secured_door)
        with broker.running(folder / "broker", chosen=plain):
            yield load(
                _env_file=None,
                kafka=f"127.0.0.1:{port}",
                security_protocol="SASL_SSL",
                sasl_mechanism="PLAIN",
                sasl_username="assay",
                sasl_password=PASSWORD,
                ssl_cafile=pem,
                partitions=1,
                group="secured",
            )


def test_the_settings_open_it(secured: Settings) -> None:
    assert broker.up(chosen=secured).bootstrap == secured.kafka
    with clients.admin(secured) as admin:
        topics.apply(admin, secured)
    with clients.producer(secured) as producer:
        producer.send("declarations", b"{}").get(30)
    assert [record.value for record in clients.read_topic("declarations", secured)] == [b"{}"]


async def test_aiokafka_and_faust_open_it(secured: Settings) -> None:
    from aiokafka import AIOKafkaConsumer
    from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth

    with clients.admin(secured) as admin:
        topics.apply(admin, secured)
    async with AIOKafkaConsumer(**clients.aio_consumer_options(secured)) as consumer:
        assert "declarations" in await consumer.topics()
    as_faust_does = credentials_to_aiokafka_auth(clients.faust_credentials(secured))
    async with AIOKafkaConsumer(bootstrap_servers=secured.kafka, **as_faust_does) as consumer:
        assert "declarations" in await consumer.topics()


def test_a_wrong_password_does_not(secured: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "ANSWER_SECONDS", 2.0)
    wrong = load(**(secured.model_dump() | {"sasl_password": "open-sesame"}))
    with pytest.raises(BrokerError, match="does not answer"):
        broker.up(chosen=wrong)


def test_an_unknown_authority_does_not(secured: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "ANSWER_SECONDS", 2.0)
    wrong = secured.model_copy(update={"ssl_cafile": None})
    with pytest.raises(BrokerError, match="does not answer"):
        broker.up(chosen=wrong)
