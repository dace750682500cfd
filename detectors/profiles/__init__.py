"""Detectors with memory: profiles of parties, contacts, lanes and licences (see :mod:`detectors.profiles.profile`)."""
