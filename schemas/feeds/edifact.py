"""UN/EDIFACT customs declarations: CUSDEC, directories D.96B to D.21B, in interchanges of syntax version 1 to 4.

An interchange may hold many messages. Each CUSDEC is one :class:`~schemas.message.Message`; an APERAK that names a declaration is
a notice that it was rejected or accepted; a CONTRL says nothing of a declaration, and messages of other types are passed over.
What stands where is told in ``_edifact_cusdec`` (header), ``_edifact_items`` and ``_edifact_parts``.

A function code (BGM, 1225) of 9 lodges; 4 and 5 amend: CUSDEC has no way to say what an item was before, so a change with items
restates the declaration, one without items changes the header alone; 1 cancels. The identity is the declarant (NAD+DT, else
the agent NAD+AE, CB or AG, else the sender in UNB) and the document number (BGM, 1004, else RFF+ABE).

The interchange is held against its own counts: a truncated one is refused as a whole, a message whose UNT counts otherwise by
itself. What MOA, MEA and CST mean differs between countries; the guides of South Africa (SARS CUSDEC 30.2) and Australia (ABF,
CUSDEC EXD), which are public, are read as well as the directories.
"""

from __future__ import annotations

from collections.abc import Iterator

from schemas.errors import FeedError
from schemas.feeds import Arrival, PartError, _edifact_codes, _edifact_cusdec, _edifact_notices, _edifact_syntax, all_of
from schemas.feeds._edifact_acknowledge import acknowledge
from schemas.message import Message

__all__ = ["CODEC", "Edifact", "acknowledge"]

#: What a customs feed may carry besides CUSDEC without being a mistake.
_SILENT = frozenset({"CONTRL"})


class Edifact:
    """The codec ``edifact``: CUSDEC, and APERAK about it."""

    name = "edifact"
    system = "edifact"

    def sniff(self, raw: bytes) -> bool:
        """Say whether an interchange (UNA or UNB) begins here."""
        return _edifact_syntax.looks_like(raw)

    def decode(self, raw: bytes, arrival: Arrival) -> list[Message]:
        """Decode one file of interchanges; the first wrong message refuses it. See :class:`schemas.feeds.Codec`."""
        return all_of(self._parts(raw, arrival))

    def decode_parts(self, raw: bytes, arrival: Arrival) -> Iterator[Message | FeedError]:
        """Decode one file of interchanges, each message by itself: a wrong one costs the others nothing.

        Raises
        ------
        FeedError : what holds the messages is wrong: no interchange, truncated, counted wrongly, nothing in it to read.
        """
        return self._parts(raw, arrival)

    def _parts(self, raw: bytes, arrival: Arrival) -> Iterator[Message | FeedError]:
        interchanges = _edifact_syntax.read(raw)
        many = sum(len(interchange.messages) for interchange in interchanges) > 1
        system = arrival.system or self.system
        others: set[str] = set()
        known = False
        for interchange in interchanges:
            for message in interchange.messages:
                kind = (message.segment(0).get(2) or "").upper()
                if kind not in ("CUSDEC", "APERAK"):
                    known = known or kind in _SILENT
                    others.add(kind)
                    continue
                known = True
                try:
                    if kind == "CUSDEC":
                        yield _edifact_cusdec.decode(message, interchange, arrival, system)
                    elif (notice := _edifact_notices.decode(message, interchange, arrival, system)) is not None:
                        yield notice
                except FeedError as error:
                    yield PartError(error.reason, error.path, message.alone(interchange)) if many else error
        if not known:
            held = (
                f"only {', '.join(sorted(kind[:12] or 'messages without a type' for kind in others))}"
                if others
                else "nothing"
            )
            reason = f"no CUSDEC in this interchange, {held}"
            raise _edifact_syntax.SyntaxMistake(reason, "segment 2 (UNH), element 2", _edifact_codes.MISSING)


CODEC = Edifact()
