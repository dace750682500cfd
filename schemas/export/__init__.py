"""Projections of the contracts into other people's formats: JSON Schema and AsyncAPI here, alert formats beside them.

Nothing here knows the detectors or the streams; what a projection needs of them (the table of topics) is an argument.
"""
