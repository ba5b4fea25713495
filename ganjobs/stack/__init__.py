"""The embedded stack: Redis, API, worker and reconciler as processes under one supervisor.

``supervisor.Stack`` starts, watches and stops them; ``guard`` ends them should the supervisor itself be killed.
"""
