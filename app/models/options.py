"""How a local model is loaded."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from app.settings import Settings

CacheType = Literal["f16", "bf16", "q8_0", "q4_0", "f32"]
Switch = Literal["auto", "on", "off"]
RopeScaling = Literal["model", "none", "linear", "yarn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """What holds for a model as long as it is loaded.

    Attributes:
        slots: Requests that are decoded at once, 1 to 64.
        cache_mb: MiB for the key-value cache that running requests and kept threads share. One request's
            whole context fits in any case.
        shelf_mb: MiB of memory for the state of threads that had to leave the cache.
        shelf_disk_mb: MiB on disk for what has no room in `shelf_mb`; 0 writes nothing to disk. The
            files hold what was read and said, in a folder of mode 700 that goes with the worker.
        key_type: Type of the cache's keys; `q8_0` halves them at little loss.
        value_type: Type of the cache's values; other than 16 and 32 bit needs flash attention.
        flash_attention: `auto` where the model allows it.
        rope_scaling: How positions beyond the trained context are made to fit; `model` as its file says.
        rope_scale: Factor that the context grows by, 1 and more; 0 as the file says.
        rope_base: Base frequency; 0 as the file says.
        batch_tokens: Tokens of a prompt that are evaluated in one go while nothing else runs.
        extra_buffers: Whether llama.cpp may repack weights for this processor; None asks
            `app.models.selfcheck`.
    """

    slots: int = 4
    cache_mb: int = 1024
    shelf_mb: int = 512
    shelf_disk_mb: int = 0
    key_type: CacheType = "f16"
    value_type: CacheType = "f16"
    flash_attention: Switch = "auto"
    rope_scaling: RopeScaling = "model"
    rope_scale: float = 0.0
    rope_base: float = 0.0
    batch_tokens: int = 512
    extra_buffers: bool | None = None

    @property
    def growth(self) -> float:
        """Factor that the trained context grows by: only what is scaled makes farther positions fit."""
        return 1.0 if self.rope_scaling == "none" else max(1.0, self.rope_scale)

    @classmethod
    def of(cls, settings: "Settings") -> Self:
        """Those of an installation."""
        return cls(
            slots=settings.model_slots,
            cache_mb=settings.model_cache_mb,
            shelf_mb=settings.model_shelf_mb,
            shelf_disk_mb=settings.model_shelf_disk_mb,
            key_type=settings.model_key_type,
            value_type=settings.model_value_type,
            flash_attention=settings.model_flash_attention,
            rope_scaling=settings.model_rope_scaling,
            rope_scale=settings.model_rope_scale,
            rope_base=settings.model_rope_base,
        )
