"""Writing a model with smaller weights. Imported by the trial process alone."""

import ctypes
import re
from collections.abc import Callable, Mapping

import llama_cpp

from app.models.perplexity import TrialError

TYPES: Mapping[str, int] = {
    "Q8_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0,
    "Q6_K": llama_cpp.LLAMA_FTYPE_MOSTLY_Q6_K,
    "Q5_K_M": llama_cpp.LLAMA_FTYPE_MOSTLY_Q5_K_M,
    "Q4_K_M": llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_K_M,
    "Q4_K_S": llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_K_S,
    "Q4_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_0,
    "Q3_K_M": llama_cpp.LLAMA_FTYPE_MOSTLY_Q3_K_M,
    "Q2_K": llama_cpp.LLAMA_FTYPE_MOSTLY_Q2_K,
}
_TENSOR = re.compile(r"^\[\s*(\d+)/\s*(\d+)\]")
_ERROR = 4  # ggml_log_level


def write(
    *, path: str, target: str, type: str, again: bool, threads: int, progress: Callable[[int, int], None]
) -> Mapping[str, object]:
    """Writes the model at `path` to `target` with weights of `type`.

    Args:
        path: The model.
        target: A file that is not there yet.
        type: One of `TYPES`.
        again: Take weights that are quantized already, too.
        threads: Threads that compute.
        progress: Gets tensors done, and all.

    Raises:
        TrialError: `internal`, with llama.cpp's own words in `reason`.
    """
    complaints: list[str] = []

    @llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
    def hear(level: int, text: bytes, _: object) -> None:
        line = text.decode("utf-8", "replace").strip()
        if found := _TENSOR.match(line):
            progress(int(found[1]), int(found[2]))
        if level == _ERROR and line:
            complaints.append(line)

    llama_cpp.llama_log_set(hear, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = TYPES[type]
    params.nthread = threads
    params.allow_requantize = again
    code = llama_cpp.llama_model_quantize(path.encode(), target.encode(), ctypes.byref(params))
    if code:
        reason = complaints[0] if complaints else f"llama_model_quantize gave {code}"
        raise TrialError("internal", reason=reason.rpartition("failed to quantize: ")[2])
    return {}
