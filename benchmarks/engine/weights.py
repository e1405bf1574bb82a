"""A GGUF of 0.6B random weights in the shape of Qwen3-0.6B: it has the speed and memory of a real one."""

from pathlib import Path

import gguf
import numpy as np

from tests.gguf import BYTES, TEMPLATE

LAYERS, WIDTH, FEED_FORWARD, HEADS, KV_HEADS, HEAD, VOCABULARY = 28, 1024, 3072, 16, 8, 128, 151_936
END = "<|end|>"
CONTROL = ("<|system|>", "<|user|>", "<|assistant|>", END)
TYPES = {"Q4_K_M": 15, "Q8_0": 7}
"""Numbers of llama.cpp's file types."""


def quantized(folder: Path, kind: str, *, layers: int = LAYERS) -> Path:
    """The model in `kind`, made where it is not there yet (a minute, and 2 GB beside it for that minute).

    It never ends an output by itself: the logit of its end is 0, and one of 150,000 random ones is above that.

    With fewer `layers` it is quicker, and only good for trying whether all runs.
    """
    name = "endless-0.6b" if layers == LAYERS else f"endless-{layers}-layers"
    path = folder / f"{name}-{kind}.gguf"
    if path.exists():
        return path
    import llama_cpp

    folder.mkdir(parents=True, exist_ok=True)
    whole = folder / f"{name}-f16.gguf"
    if not whole.exists():
        _write(whole.with_suffix(".part"), layers)
        whole.with_suffix(".part").rename(whole)
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = TYPES[kind]
    part = path.with_suffix(".part")
    if llama_cpp.llama_model_quantize(bytes(whole), bytes(part), parameters):
        raise RuntimeError(f"{whole} could not be quantized to {kind}")
    part.rename(path)
    return path


def _write(path: Path, layers: int) -> None:
    random = np.random.default_rng(11)
    words = [f"w{number}" for number in range(VOCABULARY - len(BYTES) - len(CONTROL))]
    tokens = [*BYTES, *words, *CONTROL]
    normal, control = gguf.TokenType.NORMAL, gguf.TokenType.CONTROL
    writer = gguf.GGUFWriter(path, "qwen3")
    writer.add_name("endless-0.6b")
    writer.add_context_length(40_960)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_key_length(HEAD)
    writer.add_value_length(HEAD)
    writer.add_rope_freq_base(1_000_000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types([int(normal)] * (VOCABULARY - len(CONTROL)) + [int(control)] * len(CONTROL))
    writer.add_token_merges(["w 1"])
    writer.add_eos_token_id(tokens.index(END))
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)
    shapes: dict[str, tuple[int, ...]] = {"token_embd": (VOCABULARY, WIDTH), "output_norm": (WIDTH,)}
    for layer in range(layers):
        shapes |= {
            f"blk.{layer}.{name}": shape
            for name, shape in {
                "attn_norm": (WIDTH,),
                "attn_q": (HEADS * HEAD, WIDTH),
                "attn_k": (KV_HEADS * HEAD, WIDTH),
                "attn_v": (KV_HEADS * HEAD, WIDTH),
                "attn_q_norm": (HEAD,),
                "attn_k_norm": (HEAD,),
                "attn_output": (WIDTH, HEADS * HEAD),
                "ffn_norm": (WIDTH,),
                "ffn_gate": (FEED_FORWARD, WIDTH),
                "ffn_up": (FEED_FORWARD, WIDTH),
                "ffn_down": (WIDTH, FEED_FORWARD),
            }.items()
        }
    for name, shape in shapes.items():
        if len(shape) == 1:
            writer.add_tensor(f"{name}.weight", np.ones(shape, dtype=np.float32))
        else:
            noise = random.standard_normal(shape, dtype=np.float32) * shape[1] ** -0.5
            if name == "token_embd":
                noise[tokens.index(END)] = 0
            writer.add_tensor(f"{name}.weight", noise.astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
