"""What the environment says of where the service is, and of how to be let in."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Address(BaseSettings):
    """What the environment says of where the service is: those of the server's settings that a client needs, by the
    same names."""

    model_config = SettingsConfigDict(env_prefix="GANJOBS_", frozen=True, extra="ignore")

    data_folder: Path = Path("data")
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    url: str | None = None

    @property
    def resolved_data_folder(self) -> Path:
        return self.data_folder.expanduser().resolve()

    @property
    def local_url(self) -> str:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


class Credentials(BaseSettings):
    """What the environment says of how to be let in."""

    model_config = SettingsConfigDict(env_prefix="GANJOBS_", frozen=True, extra="ignore", env_ignore_empty=True)

    token: SecretStr | None = None
    ca_file: Path | None = None
