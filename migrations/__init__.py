"""Alembic's home: one revision per change of ``models.tables``."""
