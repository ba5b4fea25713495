"""What the API, the workers and the command line agree on: the spec, the tables and the queries.

Nothing here imports ``api`` or ``worker``, and nothing imports torch: neural networks live in ``worker.gan``.
"""
