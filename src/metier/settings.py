"""What the operator decides, from environment variables; the only place that reads them."""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from metier.errors import Invalid, Problem

#: Names in order; from the environment as a comma list: `METIER_X="a, b"`.
Names = Annotated[tuple[str, ...], NoDecode]

#: Hosts with their ports, from the environment as a comma list: `wiki.local:8080, [fd00::7]:443`.
Places = Annotated[tuple[tuple[str, int], ...], NoDecode]

#: Folders, from the environment as a comma list: `/srv/apps/fleet, ~/apps/shop`.
Folders = Annotated[tuple[Path, ...], NoDecode]

Ports = Annotated[tuple[Annotated[int, Field(ge=1, le=65535)], ...], NoDecode]


SHORTEST_KEY = 32  # characters; of Base64 that is 192 bits


def _usual_home() -> Path:
    """Give the `.metier` beside the environment this runs in, as a clone has it, or else `~/.metier`."""
    beside = Path(sys.prefix).parent / ".metier"
    return beside if beside.is_dir() else Path("~/.metier")


class Settings(BaseSettings):
    """One reading of the environment. An empty variable counts as not set.

    A field's alias is its variable. Fields are not filled by their own names, else `home` would read HOME.
    """

    model_config = SettingsConfigDict(
        env_ignore_empty=True, frozen=True, case_sensitive=True, extra="forbid", hide_input_in_errors=True
    )

    home: Path = Field(default_factory=_usual_home, validate_default=True, validation_alias="METIER_HOME")
    """Folder of the embedded database and of files; made when missing. Keep it short: a socket lies in it."""

    database_url: str | None = Field(default=None, validation_alias="DATABASE_URL", repr=False)
    """A PostgreSQL 15 or newer, `postgresql://user:password@host:5432/name`; without it the embedded one runs."""

    database_listen_url: str | None = Field(default=None, validation_alias="DATABASE_LISTEN_URL", repr=False)
    """The same database without PgBouncer in between, for LISTEN, when `database_url` leads through one."""

    host: str = Field(default="127.0.0.1", validation_alias="METIER_HOST")
    """Address the server listens on."""

    port: int = Field(default=8700, ge=0, le=65535, validation_alias="METIER_PORT")
    """Port the server listens on; 0 takes a free one."""

    public_url: str | None = Field(default=None, validation_alias="METIER_PUBLIC_URL")
    """Where people reach the server, if a proxy stands before it: `https://metier.example.com`."""

    secret_key: Names = Field(default=(), validation_alias="METIER_SECRET_KEY", repr=False)
    """Seals stored secrets, instead of a file in `home`; comma list: older keys behind it open what they sealed."""

    trusted_apps: Folders = Field(default=(), validation_alias="METIER_TRUSTED_APPS")
    """Folders of apps whose Python may run in Metier's process, comma list; besides those of `metier app trust`."""

    egress_allow: Places = Field(default=(), validation_alias="METIER_EGRESS_ALLOW")
    """Hosts of your own network, with their ports, that may be connected to besides the public internet."""

    egress_ports: Ports = Field(default=(), validation_alias="METIER_EGRESS_PORTS")
    """Ports of the public internet that may be connected to besides 80 and 443, comma list."""

    openai_api_key: str | None = Field(default=None, validation_alias="OPENAI_API_KEY", repr=False)
    """Turns the provider `openai` on."""

    openai_base_url: str | None = Field(default=None, validation_alias="OPENAI_BASE_URL")
    """Another address of OpenAI's API, e.g. a proxy: `https://proxy.example.com/v1`."""

    anthropic_api_key: str | None = Field(default=None, validation_alias="ANTHROPIC_API_KEY", repr=False)
    """Anthropic's key; not used yet, for lack of a driver."""

    xai_api_key: str | None = Field(default=None, validation_alias="XAI_API_KEY", repr=False)
    """Turns the provider `xai` on."""

    xai_base_url: str | None = Field(default=None, validation_alias="XAI_BASE_URL")
    """Another address of xAI's API."""

    openai_compatible_base_url: str | None = Field(default=None, validation_alias="OPENAI_COMPATIBLE_BASE_URL")
    """A server that speaks OpenAI's chat completions, e.g. `http://127.0.0.1:11434/v1`; may be on loopback."""

    openai_compatible_model_names: Names = Field(default=(), validation_alias="OPENAI_COMPATIBLE_MODEL_NAMES")
    """Models of that server, comma list."""

    openai_compatible_api_key: str | None = Field(
        default=None, validation_alias="OPENAI_COMPATIBLE_API_KEY", repr=False
    )
    """Its key, if it wants one."""

    default_ai_speed_model_id: Names = Field(default=(), validation_alias="DEFAULT_AI_SPEED_MODEL_ID")
    """Models that `default-fast-model` stands for, best first, comma list; the first that is configured is taken."""

    default_ai_performance_model_id: Names = Field(default=(), validation_alias="DEFAULT_AI_PERFORMANCE_MODEL_ID")
    """Models that `default-smart-model` stands for, best first, comma list."""

    heartbeat_s: float = Field(default=3.0, gt=0, le=60, validation_alias="METIER_HEARTBEAT_S")
    """Seconds between the heartbeats by which the processes on one database know of each other."""

    silent_s: float = Field(default=10.0, gt=0, le=3600, validation_alias="METIER_SILENT_S")
    """Seconds without a heartbeat after which others go on with what a process was at work on."""

    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", validation_alias="METIER_LOG_LEVEL")
    """How much is logged."""

    @classmethod
    def load(cls) -> Self:
        """Read the environment.

        Raises:
            Invalid: Names each variable that is wrong; values are left out, they may be secret.
        """
        try:
            return cls()
        except ValidationError as error:
            raise _invalid(error) from None

    def hidden(self) -> list[str]:
        """Give the values that never show, such as keys."""
        names = [name for name, field in type(self).model_fields.items() if not field.repr]
        values: list[str | tuple[str, ...] | None] = [getattr(self, name) for name in names]
        return [text for value in values if value for text in ((value,) if isinstance(value, str) else value)]

    @classmethod
    def for_tests(cls, home: Path, **overrides: Any) -> "Settings":  # Any: the type of the field of that name
        """Make settings that read no environment; `overrides` by field name."""
        given: dict[str, Any] = {"home": home, **overrides}
        return _Given(**{str(cls.model_fields[name].validation_alias): value for name, value in given.items()})

    @field_validator("silent_s", mode="after")
    @classmethod
    def _some_heartbeats(cls, seconds: float, info: ValidationInfo) -> float:
        if seconds < 2 * info.data.get("heartbeat_s", 0.0):
            raise ValueError("must be at least twice METIER_HEARTBEAT_S, or the living are taken for dead")
        return seconds

    @field_validator("home", mode="after")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        return home.expanduser().resolve()

    @field_validator(
        "openai_compatible_model_names",
        "default_ai_speed_model_id",
        "default_ai_performance_model_id",
        "egress_ports",
        "secret_key",
        "trusted_apps",
        mode="before",
    )
    @classmethod
    def _comma_list(cls, value: object) -> object:
        return tuple(name.strip() for name in value.split(",") if name.strip()) if isinstance(value, str) else value

    @field_validator("trusted_apps", mode="after")
    @classmethod
    def _whole_paths(cls, folders: tuple[Path, ...]) -> tuple[Path, ...]:
        return tuple(folder.expanduser().resolve() for folder in folders)

    @field_validator("secret_key", mode="after")
    @classmethod
    def _long(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        if any(len(key) < SHORTEST_KEY for key in keys):
            raise ValueError(
                f"each key must have at least {SHORTEST_KEY} characters, by chance: openssl rand -base64 32"
            )
        return keys

    @field_validator("egress_allow", mode="before")
    @classmethod
    def _places(cls, value: object) -> object:
        return tuple(_place(item) for item in value.split(",") if item.strip()) if isinstance(value, str) else value

    @field_validator("openai_api_key", "anthropic_api_key", "xai_api_key", "openai_compatible_api_key", mode="after")
    @classmethod
    def _one_line(cls, key: str | None) -> str | None:
        """Take a key as it comes out of a file, with a line's end behind it."""
        stripped = (key or "").strip()
        if any(ord(sign) < 33 or ord(sign) > 126 for sign in stripped):
            raise ValueError("must be one word of plain characters")
        return stripped or None

    @field_validator("log_level", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("database_url", "database_listen_url", mode="after")
    @classmethod
    def _postgresql(cls, url: str | None) -> str | None:
        """Take the spellings that other tools write: `postgres://`, `postgresql+psycopg://`."""
        if url is None:
            return None
        scheme, _, rest = url.partition("://")
        if scheme.partition("+")[0] not in ("postgres", "postgresql") or not rest:
            raise ValueError("must look like postgresql://user:password@host:5432/name")
        return f"postgresql://{rest}"

    @field_validator("public_url", "openai_base_url", "xai_base_url", "openai_compatible_base_url", mode="after")
    @classmethod
    def _http(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be an address such as https://host/path")
        return url.rstrip("/")


def _place(text: str) -> tuple[str, int]:
    text = text.strip()
    try:
        parts = urlsplit(f"//{text}")
        if parts.netloc == text and "@" not in text and parts.hostname and parts.port:
            return parts.hostname, parts.port
    except ValueError:
        pass
    raise ValueError("must be a list of hosts with their ports, such as wiki.local:8080, 10.0.0.5:443")


class _Given(Settings):
    """Settings from what the constructor is given alone."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def _invalid(error: ValidationError) -> Invalid:
    problems = [
        Problem(str(item["loc"][0]) if item["loc"] else "", item["msg"].removeprefix("Value error, "))
        for item in error.errors()
    ]
    return Invalid.of(problems, what="The environment", cure="Correct or unset the variable.")
