"""Which models judge (topic ``models``), and what a challenger would have said (topic ``models.shadow``)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.types import Contract, Identifier, LongText, UtcTime

Finite = Annotated[float, Field(allow_inf_nan=False)]


class ModelRef(Contract):
    """One stored version of a model.

    ``uri`` is ``file:///...`` of the artefact, or ``models:/name/version`` of the MLflow server that the reader is set to;
    ``sha256`` is of the artefact's bytes: what a worker finds at ``uri`` and is not that is not loaded.
    """

    version: Identifier
    uri: Annotated[str, Field(min_length=1, max_length=2048)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ModelPointer(Contract):
    """Which version of a model is champion and which challenger, from now on; key ``name``, the newest record counts.

    ``previous`` is the champion before this one: a worker that starts and cannot load the champion serves it.
    """

    schema_: Annotated[Literal["model/1"], Field(alias="schema")] = "model/1"
    name: Identifier
    champion: ModelRef | None = None
    previous: ModelRef | None = None
    challenger: ModelRef | None = None
    at: UtcTime
    by: Identifier | None = None
    why: LongText | None = None


class ShadowScore(Contract):
    """What champion and challenger think of one declaration; None: abstained, or there is no champion.

    The scores are the highest of the declaration's items, each in its model's own unit; ``*_hit``: whether it would speak.
    """

    declaration_id: Identifier
    version: Annotated[int, Field(ge=1)]
    champion: Finite | None = None
    challenger: Finite | None = None
    champion_hit: bool = False
    challenger_hit: bool = False


class ShadowBlock(Contract):
    """The scores of one batch: a record of the topic ``models.shadow``, key ``model``.

    ``champion`` and ``challenger`` are versions; ``origin`` the record that the batch began with.
    """

    schema_: Annotated[Literal["shadow/1"], Field(alias="schema")] = "shadow/1"
    model: Identifier
    champion: Identifier | None = None
    challenger: Identifier
    origin: str | None = None
    scores: list[ShadowScore]
