"""The analysts' console: alerts where they are worked on, and what became of them.

::

    store/    tables, migrations, the questions and the acts of the console; every one takes the `Person` who asks
    intake/   alerts and dispositions from Kafka into the store; the outbox back to Kafka
    access/   who may do what: users, OpenID Connect, sessions, CSRF, rate limits, headers
    api/      acts and exports over HTTP, as JSON; the stream of events
    pages/    what people see
    app.py    puts them together
"""
