"""The ``ganjobs`` command in this process, where it starts sooner than in one of its own."""

import io
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from unittest.mock import patch

import pytest

from ganjobs import cli

Run = subprocess.CompletedProcess[str]


def run_command(*arguments: str, variables: Mapping[str, str] | None = None) -> Run:
    """What a command says and its exit status, in the environment ``variables`` (this process's own by default)."""
    out, err = io.StringIO(), io.StringIO()
    environment = patch.dict(os.environ, os.environ if variables is None else variables, clear=True)
    with environment, patch.object(sys, "argv", ["ganjobs", *arguments]):
        streams = redirect_stdout(out), redirect_stderr(err)
        with streams[0], streams[1], pytest.raises(SystemExit) as ended:
            cli.main()
    code = ended.value.code
    assert isinstance(code, int)
    return Run(arguments, code, out.getvalue(), err.getvalue())
