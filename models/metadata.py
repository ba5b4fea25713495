"""All tables there are: whoever makes them, or compares them with a database, takes them from here."""

from models import health_tables, mirror_tables, tables, webhook_tables

# Each declares its tables as it is imported.
MODULES = (tables, health_tables, mirror_tables, webhook_tables)
METADATA = tables.Base.metadata
