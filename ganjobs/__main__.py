"""``python -m ganjobs`` is the ``ganjobs`` command."""

from ganjobs.cli import main

if __name__ == "__main__":
    main()
