"""A disk that can be full."""

import os
import subprocess
from pathlib import Path

SIZE_MIB = 256


class SmallDisk:
    """A folder that can be made unwritable: a small tmpfs that is filled where mounting is allowed (root), a folder
    whose permissions are taken away elsewhere."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"
        folder.mkdir(parents=True, exist_ok=True)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "tmpfs", str(folder)]
        self.is_mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0

    @property
    def kind(self) -> str:
        return "a full tmpfs" if self.is_mounted else "a folder without write permission"

    def fill(self) -> None:
        if not self.is_mounted:
            (self.folder / "files").chmod(0o500)
            return
        with self._ballast.open("wb", buffering=0) as ballast:
            for chunk in (2**20, 2**12, 1):
                try:
                    while True:
                        ballast.write(b"\0" * chunk)
                except OSError:
                    continue

    def free(self) -> None:
        if self.is_mounted:
            self._ballast.unlink(missing_ok=True)
        else:
            (self.folder / "files").chmod(0o700)

    def remove(self) -> None:
        if self.is_mounted:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=True)
