"""Customs messages over HTTP (``assay gateway``): answered when Kafka has acknowledged them, and not before.

=============  ======================================================================================
``keys``       who may send what: API keys with their source, format, rate and size
``limits``     rates, and the bytes in hand
``bodies``     a request's body to messages
``receipts``   what was acknowledged, by content, so that a repeat is not sent again
``delivery``   to Kafka, through aiokafka
``intake``     one request from its messages to its answer
``app``        the HTTP interface
``serving``    uvicorn, and stopping without cutting anybody off
=============  ======================================================================================
"""
