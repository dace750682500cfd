"""The commands of ``assay``, one module each: a module that has ``register(app)`` is found by itself."""
