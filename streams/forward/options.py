"""Options that the commands of ``assay forward`` share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

#: Panels of --help.
WHICH, TLS, SECRETS = "Which alerts", "TLS", "Credentials"


class Beginning(StrEnum):
    """Where a forwarder of a new name begins."""

    beginning = "beginning"
    end = "end"


class Scheme(StrEnum):
    """How a token is sent to Elasticsearch or OpenSearch."""

    api_key = "apikey"
    bearer = "bearer"


FORMAT_HELP = "Format of an alert; `assay alerts formats` lists them."
Name = Annotated[
    str | None,
    typer.Option(
        help="Name of this forwarder: part of its consumer group and of its file of refusals. Two receivers of one kind need two "
        "names; several processes of one name share the work. Default: the target's.",
        rich_help_panel=WHICH,
    ),
]
From = Annotated[
    Beginning,
    typer.Option(
        "--from", help="Where a name begins that never ran; later it goes on behind the last.", rich_help_panel=WHICH
    ),
]
Follow = Annotated[
    bool,
    typer.Option(
        "--follow/--no-follow",
        help="Go on until SIGTERM or Ctrl-C, or stop at the present end.",
        rich_help_panel=WHICH,
    ),
]
Input = Annotated[
    Path | None,
    typer.Option(
        exists=True, dir_okay=False, rich_help_panel=WHICH,
        help="Alerts from a file in place of Kafka: of `assay replay --alerts`, or a file of refusals to send again.",
    ),
]  # fmt: skip
RefusedFile = Annotated[
    Path | None,
    typer.Option(
        help="Dead letters: alerts that the receiver refuses for good, with its reason. Default: forward/NAME.refused.ndjson in "
        "ASSAY_STATE_DIR."
    ),
]
Attempts = Annotated[int, typer.Option(min=0, help="Tries of an alert before it is a dead letter; 0: for ever.")]
Link = Annotated[
    str | None,
    typer.Option(
        envvar="ASSAY_FORWARD_LINK",
        help="Address of an alert in your console, as https://HOST/alerts/{alert_id}; formats that have a link back carry it.",
    ),
]
Timeout = Annotated[float, typer.Option(min=1, max=120, help="Seconds to wait for an answer.")]
Ca = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="PEM file of the receiver's authority.", rich_help_panel=TLS),
]
Certificate = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="PEM file of our own certificate.", rich_help_panel=TLS),
]
PrivateKey = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, help="PEM file of its key.", rich_help_panel=TLS)
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        exists=True, dir_okay=False, help="File with the token; else ASSAY_FORWARD_TOKEN.", rich_help_panel=SECRETS
    ),
]
User = Annotated[
    str | None,
    typer.Option(help="User of Basic authentication; the password is ASSAY_FORWARD_PASSWORD.", rich_help_panel=SECRETS),
]
