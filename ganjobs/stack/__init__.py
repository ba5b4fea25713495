"""The embedded stack: Redis, API, worker, reconciler and courier as processes under one supervisor.

``supervisor.Stack`` starts, watches and stops them; ``guard`` ends them should the supervisor itself be killed.
"""
