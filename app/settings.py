"""Settings of one installation: environment, then `terakoya.toml` in its home, then defaults."""

import json
import os
import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from app.models.options import CacheType, RopeScaling, Switch
from ingest.weighing import USUAL, Weighing
from terakoya.errors import BadInput
from terakoya.types import Effort, SecondMessage

DEFAULT_HOME = Path("~/.terakoya")
RESTORE_JOURNAL: Final = "restore.json"
"""In a home, while a backup is being put in place."""
NO_ANSWER: Final = frozenset(
    {
        *("home", "host", "port", "page_port", "environment", "log_level"),
        # Who waits how long, and what is read again: the same tokens come of it.
        *("model_slots", "model_cache_mb", "model_shelf_mb", "model_shelf_disk_mb"),
        *("models_folder", "keys_file", "model_hub", "http_hosts", "connect_timeout", "read_timeout"),
        *("langfuse_base_url", "langfuse_public_key", "langfuse_secret_key"),
        "threads",
        *("trace_user", "trace_text", "trace_mask", "trace_sample", "trace_slow_ms"),
        *("eval_langfuse", "prompt_label"),
    }
)
"""Settings that change no answer: places, names, secrets. Their values are kept with no result."""


LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
TUNED = "tuned.toml"
"""Beside `terakoya.toml`: settings that `terakoya eval tune` found, with their evidence."""


class _Tuned(TomlConfigSettingsSource):
    def _read_file(self, file_path: Any) -> dict[str, Any]:
        try:
            values = super()._read_file(file_path)
        except (OSError, ValueError) as error:
            raise BadInput("settings_file", path=file_path, reason=error) from None
        return {name: value for name, value in values.items() if name != "evidence"}


class SearchSettings(BaseModel):
    """What the ranking weighs; see `ingest.weighing.Weighing`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    words: float = Field(default=USUAL.words, ge=0, le=100)
    passage: float = Field(default=USUAL.passage, ge=0, le=100)
    sentence: float = Field(default=USUAL.sentence, ge=0, le=100)
    neighbours: float = Field(default=USUAL.neighbours, ge=0, le=100)
    grams: float = Field(default=USUAL.grams, ge=0, le=100)
    runs: float = Field(default=USUAL.runs, ge=0, le=100)
    characters: float = Field(default=USUAL.characters, ge=0, le=100)
    meaning: float = Field(default=USUAL.meaning, ge=0, le=10)
    candidates: int = Field(default=USUAL.candidates, ge=1, le=10_000)

    def weighing(self) -> Weighing:
        """As search takes them."""
        return Weighing(**self.model_dump())


class AnswerSettings(BaseModel):
    """When the extractive answerer answers.

    Attributes:
        support: How likely its quotes must be to answer, 0 to 1; what was learned where it is not set.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    support: float | None = Field(default=None, ge=0, le=1)


class SamplingSettings(BaseModel):
    """How chat models choose their words; see `app.models.sampling.Sampling`.

    A model at a server gets `temperature`, `top_p` and `seed`, where they are set, and else its server's own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float = Field(default=0.2, ge=0, le=100)
    top_k: int = Field(default=0, ge=0)
    top_p: float = Field(default=0.95, gt=0, le=1)
    min_p: float = Field(default=0.0, ge=0, le=1)
    repetition_penalty: float = Field(default=1.0, gt=0, le=10)
    presence_penalty: float = Field(default=0.0, ge=-10, le=10)
    frequency_penalty: float = Field(default=0.0, ge=-10, le=10)
    seed: int | None = Field(default=None, ge=0, lt=2**32)
    forbidden: tuple[Annotated[str, Field(min_length=1)], ...] = Field(default=(), max_length=64)
    lookup: int = Field(default=0, ge=0, le=32)


class Settings(BaseSettings):
    """Everything that can be set. Each field is `TERAKOYA_<NAME>` in the environment.

    `search` and `answers` are tables of `terakoya.toml`; in the environment, their fields are
    `TERAKOYA_SEARCH__<NAME>` and `TERAKOYA_ANSWERS__<NAME>`; so is `sampling`.

    Attributes:
        home: Folder with all state of the installation, mode 700.
        models: Chat models in the order in which they are tried, the extractive answerer behind them all: names
            of `terakoya model list`, paths of GGUF files, or `openai:MODEL@URL`; `none` for no model. In the
            environment separated by commas.
        model: The same for one model; `models` goes before it.
        context_tokens: Context window given to the local model, in tokens.
        remote_context_tokens: Context window of models at servers, in tokens; prompts are kept within it by an estimate.
        max_answer_tokens: Longest generated answer, in tokens.
        model_timeout: Seconds that a request waits for a model.
        model_slots: Requests that the local model serves at once.
        model_cache_mb: MiB for what running requests and kept threads have read. See `app.models.options`,
            for all of these.
        model_shelf_mb: MiB of memory for threads that had to leave the cache.
        model_shelf_disk_mb: MiB on disk for those that found no room there; 0 for none.
        model_key_type: Type of the numbers in the cache, of its keys.
        model_value_type: And of its values.
        model_flash_attention: Whether attention is computed in one go.
        model_rope_scaling: How positions beyond the trained context are made to fit.
        model_rope_scale: Factor that the context grows by; 0 as the model's file says.
        model_rope_base: Base frequency; 0 as the model's file says.
        connect_timeout: Seconds in which a remote model's server must accept a connection.
        read_timeout: Seconds that a remote model may be silent.
        http_hosts: Hosts, with their port where it is not 80, that remote models may be asked at without TLS.
        models_folder: Folder of the models that were downloaded; `models` in the home when empty.
        keys_file: File with the keys of remote models, mode 600; `keys.toml` in the home when empty.
        model_hub: Where `terakoya model pull` finds the models that it knows by name.
        embedder: Name of a sentence-transformers model in the catalogue, a folder, or `none`.
        reranker: Name of a cross-encoder in the catalogue, a folder, or `none`.
        reranker_ms: Milliseconds that the reranker may take for one query.
        passages: How many passages an answer may use.
        search: What the ranking weighs.
        answers: When the extractive answerer answers.
        sampling: How chat models choose their words.
        effort: Effort when none is asked for.
        second_message: What becomes of a message while another one of its thread is being answered: `queue` waits,
            `merge` asks both together while the answer has not begun, `interrupt` keeps what was said and goes on
            with the new one, `reject` refuses it.
        threads: Address of the PostgreSQL database that has the conversations, a secret; `threads.sqlite` in the home
            when empty.
        host: Address that service and page listen on.
        port: Port of the service.
        page_port: Port of the page.
        max_note_mb: Largest note that is read, in MiB.
        memory_mb: MiB of memory that the store may use for a search or an ingest, vectors that it holds included.
        mcp: File with the MCP servers whose tools may be used; `mcp.json` in the home when empty.
        mcp_seconds: Seconds that an MCP server may take to start, and for one call.
        mcp_characters: Characters of a tool's result that are kept.
        environment: Name of the deployment in traces.
        langfuse_base_url: Address of a Langfuse server; the variables of its SDK go before these three.
        langfuse_public_key: Public key of a project there.
        langfuse_secret_key: Secret key of it.
        trace_user: Who asks, in traces.
        trace_text: `all` text of traces goes to Langfuse, or it stays `local`, or it is kept in `none`.
        trace_mask: Regular expressions of what is masked in traces, beside secrets, addresses and telephones.
        trace_sample: Part of the traces that goes to Langfuse; errors, thumbs down and slow ones always do.
        trace_slow_ms: Milliseconds from which on a trace is slow.
        prompts: Folder of prompt files that are used in place of those of the product; empty for none.
        prompt_label: Label of the prompts that are taken from Langfuse where it is configured; empty for none.
        eval_langfuse: Whether every run of a suite goes to Langfuse as an experiment, where Langfuse is configured.
        log_level: Level of the service's log.
    """

    model_config = SettingsConfigDict(
        env_prefix="TERAKOYA_", env_nested_delimiter="__", frozen=True, extra="forbid", env_ignore_empty=True
    )

    home: Path = DEFAULT_HOME
    models: Annotated[tuple[str, ...], NoDecode] = ()
    model: str = ""
    context_tokens: int = Field(default=4096, ge=512, le=1_048_576)
    remote_context_tokens: int = Field(default=16_384, ge=512, le=10_000_000)
    max_answer_tokens: int = Field(default=512, ge=16, le=32_768)
    model_timeout: float = Field(default=180.0, gt=0)
    model_slots: int = Field(default=4, ge=1, le=64)
    model_cache_mb: int = Field(default=1024, ge=1, le=1_048_576)
    model_shelf_mb: int = Field(default=512, ge=0, le=1_048_576)
    model_shelf_disk_mb: int = Field(default=0, ge=0, le=1_048_576)
    model_key_type: CacheType = "f16"
    model_value_type: CacheType = "f16"
    model_flash_attention: Switch = "auto"
    model_rope_scaling: RopeScaling = "model"
    model_rope_scale: float = Field(default=0.0, ge=0, le=1024)
    model_rope_base: float = Field(default=0.0, ge=0)
    connect_timeout: float = Field(default=5.0, gt=0)
    read_timeout: float = Field(default=60.0, gt=0)
    http_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    models_folder: Path | None = None
    keys_file: Path | None = None
    model_hub: str = "https://huggingface.co"
    embedder: str = "all-MiniLM-L6-v2"
    reranker: str = "none"
    reranker_ms: int = Field(default=300, ge=1, le=600_000)
    passages: int = Field(default=6, ge=1, le=50)
    search: SearchSettings = SearchSettings()
    answers: AnswerSettings = AnswerSettings()
    sampling: SamplingSettings = SamplingSettings()
    effort: Effort = "normal"
    second_message: SecondMessage = "queue"
    threads: str = Field(default="", repr=False)
    host: str = "127.0.0.1"
    port: int = Field(default=8764, ge=0, le=65_535)
    page_port: int = Field(default=8501, ge=0, le=65_535)
    max_note_mb: float = Field(default=16.0, gt=0)
    memory_mb: int = Field(default=2048, ge=64, le=1_048_576)
    mcp: str = ""
    mcp_seconds: float = Field(default=30.0, gt=0, le=3600)
    mcp_characters: int = Field(default=8000, ge=100, le=1_000_000)
    environment: str = "local"
    langfuse_base_url: str = ""
    langfuse_public_key: str = ""
    langfuse_secret_key: str = Field(default="", repr=False)
    trace_user: str = ""
    trace_text: Literal["all", "local", "none"] = "all"
    trace_mask: Annotated[tuple[str, ...], NoDecode] = ()
    trace_sample: float | None = Field(default=None, ge=0, le=1)
    trace_slow_ms: float = Field(default=10_000.0, ge=0)
    prompts: str = ""
    prompt_label: str = "production"
    eval_langfuse: bool = False
    log_level: str = "INFO"

    @field_validator("trace_mask", mode="before")
    @classmethod
    def _patterns(cls, value: object) -> object:
        """One pattern, or a list of them, in JSON where it comes from the environment."""
        given = json.loads(value) if isinstance(value, str) and value.lstrip().startswith('["') else value
        patterns = (given,) if isinstance(given, str) else given
        if isinstance(patterns, list | tuple):
            for pattern in patterns:
                try:
                    re.compile(str(pattern))
                except re.error as error:
                    raise ValueError(f"`{pattern}`: {error}") from None
        return patterns

    @field_validator("log_level")
    @classmethod
    def _level(cls, value: str) -> str:
        if value.upper() not in LOG_LEVELS:
            raise ValueError(" ".join(LOG_LEVELS))
        return value.upper()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then environment, then the file, then what was found by tuning."""
        path = settings_cls.model_config.get("toml_file")
        tuned = Path(path).with_name(TUNED) if isinstance(path, Path) else None
        file = _File(settings_cls)
        file.nearer = (init_settings, env_settings)
        return init_settings, env_settings, file, _Tuned(settings_cls, toml_file=tuned)

    @field_validator("models", "http_hosts", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return (
            [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        )

    @property
    def chat_models(self) -> tuple[str, ...]:
        """The models of `models` or `model`, without `none`."""
        named = self.models or ((self.model,) if self.model else ())
        return tuple(name for name in named if name != "none")

    @property
    def models_path(self) -> Path:
        """Folder of the models that were downloaded."""
        return (self.models_folder or self.home / "models").expanduser()

    @property
    def keys_path(self) -> Path:
        """Keys of remote models by host, mode 600."""
        return (self.keys_file or self.home / "keys.toml").expanduser()

    @property
    def file_path(self) -> Path:
        """The settings file."""
        return self.home / "terakoya.toml"

    @property
    def store_path(self) -> Path:
        """The DuckDB file."""
        return self.home / "terakoya.duckdb"

    @property
    def threads_path(self) -> Path:
        """The SQLite file of conversations."""
        return self.home / "threads.sqlite"

    @property
    def traces_path(self) -> Path:
        """Folder of the trace files."""
        return self.home / "traces"

    @property
    def uploads_path(self) -> Path:
        """Folder that uploads from the page go to."""
        return self.home / "uploads"

    @property
    def suites_path(self) -> Path:
        """Folder of the suites that thumbs become cases of."""
        return self.home / "suites"

    @property
    def mcp_path(self) -> Path:
        """The file with the MCP servers."""
        return Path(self.mcp).expanduser() if self.mcp else self.home / "mcp.json"

    @property
    def selfcheck_path(self) -> Path:
        """What trials of llama.cpp on this processor came to."""
        return self.home / "engine-trials.json"

    @property
    def service_path(self) -> Path:
        """Address, process id and token of the running service, mode 600."""
        return self.home / "service.json"


def home_of(home: Path | None = None) -> Path:
    """The folder of the installation: the one given, else that of the environment, else the default."""
    return (home or Path(os.environ.get("TERAKOYA_HOME") or DEFAULT_HOME)).expanduser().absolute()


class _File(TomlConfigSettingsSource):
    """The file; what it says of models does not count beside a model that is named nearer by."""

    nearer: tuple[PydanticBaseSettingsSource, ...] = ()

    def __call__(self) -> dict[str, Any]:
        values = super().__call__()
        if any({"model", "models"} & source().keys() for source in self.nearer):
            return {name: value for name, value in values.items() if name not in ("model", "models")}
        return values


def load_settings(home: Path | None = None, **overrides: Any) -> Settings:
    """Reads the settings of the installation at `home`.

    Raises:
        BadInput: A value is not allowed; the message names the setting, the value and what is allowed.
        Busy: A backup is being restored.
    """
    place = home_of(home)
    if (place / RESTORE_JOURNAL).exists():  # the settings may be among what a crash kept from its place
        from app.restoring import finish_restore

        finish_restore(place)

    class Located(Settings):
        model_config = SettingsConfigDict(toml_file=place / "terakoya.toml")

    try:
        return Located(home=place, **overrides)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        shown = "..." if re.search("key|secret|token|password|^threads$", name) else first.get("input")
        raise BadInput("setting", name=name, value=shown, reason=first["msg"]) from None
    except ValueError as error:  # a TOML file that cannot be parsed
        raise BadInput("settings_file", path=place / "terakoya.toml", reason=error) from None
