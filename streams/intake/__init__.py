"""From what messages say to declarations with an identity and versions: the intake between codecs and the screen stage.

::

    bytes --codec (schemas.feeds)--> messages --assembly--> declarations, messages that wait, dead letters

- :mod:`streams.intake.life`: the messages of one declaration, put in order, give its versions. Pure.
- :mod:`streams.intake.assembly`: which declaration a message speaks of, what waits, what is written. Pure but for its store.
- :mod:`streams.intake.store`: what is remembered, in SQLite (in memory for a replay).
- :mod:`streams.intake.decoding`: a raw record to messages, with the codec of today.

**What is guaranteed.** The same messages give the same final declaration (id, version, content, MRN, event) in whatever order and
however often they arrive, if

- each message that makes a version states its version, or says its time (``at``), no two of them the same time;
- each event states the version it is about, or says its time, or answers a message by its reference;
- none comes later than the waiting bound after the first that needs it, and not more than the bound wait at once;
- references name one declaration, and a declaration gets no more than :data:`streams.intake.assembly.MAX_MAKERS` versions.

A message that does not say its time stands at the time it arrived: between those, the order of arrival decides (the offset in
the raw topic, which is why a raw topic has one partition). The versions on the way to the final one may differ: a message that
comes late and belongs before others gives the next version, with all of them applied in their right order.
"""
