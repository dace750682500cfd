"""What the local broker is run with: the machine's Java, and Kafka's jars as the ordinary ``mvn`` copies them."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from schemas.errors import BrokerError

JAVA_AT_LEAST = 17  # Kafka 4 brokers run on Java 17 and later
MVN_SECONDS = 900.0
POM = files("streams") / "kafka_pom.xml"

Say = Callable[[str], None]


def kafka_version() -> str:
    """Return the version of Apache Kafka that the POM names."""
    found = re.search(r"<kafka\.version>([^<]+)</kafka\.version>", POM.read_text(encoding="utf-8"))
    if found is None:
        raise BrokerError("streams/kafka_pom.xml names no kafka.version")
    return found[1]


def jar_folder(cache_dir: Path) -> Path:
    """Return where the jars of this POM are kept: a folder for each version of Kafka and of the POM's text."""
    digest = hashlib.sha256(POM.read_bytes()).hexdigest()[:8]
    return cache_dir / "kafka" / f"{kafka_version()}-{digest}"


def java() -> str:
    """Return the program ``java`` (of ``JAVA_HOME``, else of ``PATH``); raise BrokerError if missing or too old."""
    home = os.environ.get("JAVA_HOME")
    program = shutil.which("java", path=str(Path(home) / "bin")) if home else None
    program = program or shutil.which("java")
    if program is None:
        raise BrokerError(f"there is no Java (no 'java' in PATH); Apache Kafka needs Java {JAVA_AT_LEAST} or later")
    # `java -version` writes its answer to standard error: openjdk version "17.0.15" 2025-04-15
    said = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=60, check=False).stderr
    found = re.search(r'version "(?:1\.)?(\d+)', said)
    if found is None:
        raise BrokerError(f"{program} -version does not tell its version: {said.strip()[:200]!r}")
    if int(found[1]) < JAVA_AT_LEAST:
        raise BrokerError(f"{program} is Java {found[1]}; Apache Kafka needs Java {JAVA_AT_LEAST} or later")
    return program


def maven(cache_dir: Path) -> str | None:
    """Return the program ``mvn`` if it is needed, None if the jars are cached; raise BrokerError if it is missing."""
    if jar_folder(cache_dir).is_dir():
        return None
    mvn = shutil.which("mvn")
    if mvn is None:
        raise BrokerError("Apache Kafka is not in the cache yet, and there is no Maven (no 'mvn' in PATH) to fetch it")
    return mvn


def resolve(cache_dir: Path, say: Say) -> Path:
    """Return the folder of Kafka's jars, fetched with Maven the first time (about 45 files, 43 MB)."""
    folder = jar_folder(cache_dir)
    mvn = maven(cache_dir)
    if mvn is None:
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=".fetch-") as scratch:
        fetched = Path(scratch) / "jars"
        pom = Path(scratch) / "pom.xml"
        pom.write_bytes(POM.read_bytes())
        _copy_dependencies(mvn, pom, fetched, say)
        shutil.copy(pom, fetched / "pom.xml")
        try:
            fetched.rename(folder)
        except OSError:  # another `up` was faster; its jars are the same
            if not folder.is_dir():
                raise
    return folder


def _copy_dependencies(mvn: str, pom: Path, into: Path, say: Say) -> None:
    version = kafka_version()
    say(f"fetching Apache Kafka {version} with Maven (the first time only)")
    command = [mvn, "-B", "-C", "-f", str(pom), "dependency:copy-dependencies"]
    command += ["-DincludeScope=runtime", f"-DoutputDirectory={into}"]
    running = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    limit = threading.Timer(MVN_SECONDS, running.kill)
    limit.start()
    told: list[str] = []
    downloads = 0
    try:
        for line in running.stdout or ():
            if line.startswith("[INFO] Download") or line.startswith("Download"):
                downloads += "Downloaded" in line
                say(f"fetching Apache Kafka {version} with Maven: {downloads} files")
            elif line.strip():
                told.append(line.rstrip())
        code = running.wait()
    finally:
        limit.cancel()
        if running.poll() is None:
            running.kill()
            running.wait()
    if code != 0 or not any(into.glob("kafka_*.jar")):
        errors = [line for line in told if "ERROR" in line] or told
        raise BrokerError("\n".join([f"Maven could not fetch Apache Kafka {version}:", *errors[:8]]))
