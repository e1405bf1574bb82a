"""Makes tiny language models as GGUF files, so that tests run the real llama.cpp in milliseconds.

Two kinds. Without `reply`, weights are random: greedy decoding goes on until the context is full, and
sampling gives lively nonsense with many byte tokens. With `reply`, the model says that text after any
prompt and then ends its turn: attention and feed-forward add nothing, every token has a nearly orthogonal
embedding, and the output row of a token is the embedding of the one that it follows.
"""

from itertools import pairwise
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
CONTROL = ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>")
ALPHABET = [
    "▁",
    *(chr(code) for code in range(0x21, 0x7F)),
    *(chr(code) for code in range(0x3041, 0x3097)),
    *(chr(code) for code in range(0x30A1, 0x30FD)),
    *"。、「」日本語学習茶書記",
]


BYTES = [
    chr(byte if byte in {*range(33, 127), *range(161, 173), *range(174, 256)} else 256 + number)
    for byte, number in zip(
        range(256),
        np.cumsum([0, *(int(not (32 < b < 127 or 160 < b < 173 or b > 173)) for b in range(255))]),
        strict=True,
    )
]
"""The characters that stand for bytes in a BPE vocabulary, in the order of the bytes."""


def tiny_gguf(
    path: Path,
    *,
    context: int = 512,
    reply: str | None = None,
    template: str | None = TEMPLATE,
    layers: int = 2,
    width: int = 96,
    seed: int = 7,
) -> Path:
    """Writes a llama model with a SentencePiece vocabulary that falls back to bytes.

    Args:
        path: Where the file goes.
        context: Context length that the model claims to be trained for.
        reply: What it says, whatever the prompt; None for random weights.
        template: Chat template in Jinja, or None to leave it out.
        layers: Number of blocks.
        width: Embedding length, a multiple of 8; wider and deeper is slower.
        seed: Of the random weights.
    """
    tokens, types = _vocabulary()
    script = [] if reply is None else _script(reply, tokens, types)
    random = np.random.default_rng(seed)
    feed_forward = 2 * width

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(feed_forward)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(width // 4)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([-float(number) for number in range(len(tokens))])
    writer.add_token_types([int(kind) for kind in types])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(tokens.index("<|end|>"))
    writer.add_add_bos_token(True)
    writer.add_add_space_prefix(False)
    if template is not None:
        writer.add_chat_template(template)

    def matrix(rows: int, columns: int, scale: float) -> NDArray[np.float32]:
        return (random.standard_normal((rows, columns)) * scale).astype(np.float32)

    embedding = matrix(len(tokens), width, 1.0)
    scale = 0.0 if script else width**-0.5
    output = matrix(len(tokens), width, 0.01 if script else 3 * width**-0.5)
    for number, kind in enumerate(types):
        if kind in (gguf.TokenType.CONTROL, gguf.TokenType.UNKNOWN):
            output[number] = 0
    chain = [tokens.index("<|assistant|>"), *script, tokens.index("<|end|>")] if script else []
    for before, after in pairwise(chain):
        output[after] = embedding[before]

    writer.add_tensor("token_embd.weight", embedding)
    for layer in range(layers):
        block = f"blk.{layer}"
        writer.add_tensor(f"{block}.attn_norm.weight", np.ones(width, dtype=np.float32))
        writer.add_tensor(f"{block}.attn_q.weight", matrix(width, width, scale))
        writer.add_tensor(f"{block}.attn_k.weight", matrix(width // 2, width, scale))
        writer.add_tensor(f"{block}.attn_v.weight", matrix(width // 2, width, scale))
        writer.add_tensor(f"{block}.attn_output.weight", matrix(width, width, scale))
        writer.add_tensor(f"{block}.ffn_norm.weight", np.ones(width, dtype=np.float32))
        writer.add_tensor(f"{block}.ffn_gate.weight", matrix(feed_forward, width, scale))
        writer.add_tensor(f"{block}.ffn_up.weight", matrix(feed_forward, width, scale))
        writer.add_tensor(f"{block}.ffn_down.weight", matrix(width, feed_forward, scale))
    writer.add_tensor("output_norm.weight", np.ones(width, dtype=np.float32))
    writer.add_tensor("output.weight", output)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def tiny_bpe_gguf(
    path: Path,
    *,
    context: int = 512,
    template: str | None = TEMPLATE,
    layers: int = 2,
    width: int = 128,
    seed: int = 7,
    control: tuple[str, ...] = CONTROL,
    words: int = 0,
) -> Path:
    """Writes a qwen3 model of random weights with a byte-level BPE vocabulary.

    Args:
        path: Where the file goes.
        context: Context length that the model claims to be trained for.
        template: Chat template in Jinja, or None to leave it out.
        layers: Number of blocks.
        width: Embedding length, a multiple of 32.
        seed: Of the random weights.
        control: Texts of control tokens; the last one ends a turn.
        words: How many tokens more there are, which no text needs.
    """
    merges = _merges(["お茶", "です", "日本", "tea", " the", " no", "tes"])
    spare = [f"w{number}" for number in range(words)]
    tokens = [*BYTES, *("".join(pair) for pair in merges), *spare, *control]
    random = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, "qwen3")
    writer.add_name("tiny-bpe")
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(2 * width)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_key_length(32)
    writer.add_value_length(32)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(
        [int(gguf.TokenType.NORMAL)] * (len(tokens) - len(control))
        + [int(gguf.TokenType.CONTROL)] * len(control)
    )
    writer.add_token_merges([" ".join(pair) for pair in merges])
    writer.add_eos_token_id(len(tokens) - 1)
    writer.add_add_bos_token(False)
    if template is not None:
        writer.add_chat_template(template)
    embedding = (random.standard_normal((len(tokens), width)) * 0.3).astype(np.float32)
    embedding[-len(control) :] = 0
    writer.add_tensor("token_embd.weight", embedding)
    writer.add_tensor("output_norm.weight", np.ones(width, dtype=np.float32))
    for layer in range(layers):
        for name, shape in {
            "attn_norm": (width,),
            "attn_q": (128, width),
            "attn_k": (64, width),
            "attn_v": (64, width),
            "attn_q_norm": (32,),
            "attn_k_norm": (32,),
            "attn_output": (width, 128),
            "ffn_norm": (width,),
            "ffn_gate": (2 * width, width),
            "ffn_up": (2 * width, width),
            "ffn_down": (width, 2 * width),
        }.items():
            values = (
                np.ones(shape, dtype=np.float32)
                if len(shape) == 1
                else (random.standard_normal(shape) * shape[1] ** -0.5).astype(np.float32)
            )
            writer.add_tensor(f"blk.{layer}.{name}.weight", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _merges(words: list[str]) -> list[tuple[str, str]]:
    """Merges that make each word one token, from its bytes, the first two first."""
    merges: list[tuple[str, str]] = []
    for word in words:
        parts = [BYTES[byte] for byte in word.encode()]
        for end in range(1, len(parts)):
            pair = ("".join(parts[:end]), parts[end])
            if pair not in merges:
                merges.append(pair)
    return merges


def _vocabulary() -> tuple[list[str], list[gguf.TokenType]]:
    tokens = ["<unk>", "<s>", "</s>"]
    types = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL]
    for group, kind in (
        ([f"<0x{byte:02X}>" for byte in range(256)], gguf.TokenType.BYTE),
        (ALPHABET, gguf.TokenType.NORMAL),
        (CONTROL, gguf.TokenType.CONTROL),
    ):
        tokens += group
        types += [kind] * len(group)
    return tokens, types


def _script(reply: str, tokens: list[str], types: list[gguf.TokenType]) -> list[int]:
    """Tokens that spell `reply`, no token twice; pieces that are needed for it join the vocabulary.

    A character outside the vocabulary is spelt in bytes as long as its bytes were not used yet, so that
    replies exercise characters that come in parts.
    """
    rest = reply.replace(" ", "▁")
    used: list[int] = []
    while rest:
        spelling = [tokens.index(f"<0x{byte:02X}>") for byte in rest[0].encode()]
        if rest[0] not in tokens and len(set(spelling)) == len(spelling) and not set(spelling) & set(used):
            used += spelling
            rest = rest[1:]
            continue
        length = next((n for n in range(1, len(rest) + 1) if _number(rest[:n], tokens) not in used), 0)
        if not length:
            raise ValueError(f"end the reply with other characters than {rest!r}: no new piece spells them")
        piece = rest[:length]
        if piece not in tokens:
            tokens.append(piece)
            types.append(gguf.TokenType.NORMAL)
        used.append(tokens.index(piece))
        rest = rest[length:]
    return used


def _number(piece: str, tokens: list[str]) -> int | None:
    return tokens.index(piece) if piece in tokens else None
