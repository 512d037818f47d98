"""A real llama.cpp server with a tiny model of random weights, made here in a second and downloaded from nowhere.

::

    python tiny_llm.py write tiny.gguf
    python tiny_llm.py serve tiny.gguf 18080

The text is gibberish, but printable: channel 0 of the residual stream is constant, so the first column of the output
head is a bias for each token, and with it control tokens are never sampled and the end comes after some sixty tokens.
"""

import ctypes
import itertools
import os
import signal
import sys
import threading
from typing import Any

# Plain ChatML.
TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6  # kinds of tokens, in gguf's numbers
VOCABULARY, WIDTH, INNER, HEADS, KV_HEADS, LAYERS, CONTEXT = 512, 64, 128, 4, 2, 2, 4096


def vocabulary() -> list[tuple[str, float, int]]:
    """Tokens in the manner of SentencePiece: specials, 256 bytes, ASCII, then syllables."""
    tokens = [
        ("<unk>", 0.0, UNKNOWN),
        *((name, 0.0, CONTROL) for name in ("<s>", "</s>", "<|im_start|>", "<|im_end|>")),
    ]
    tokens += [(f"<0x{byte:02X}>", 0.0, BYTE) for byte in range(256)]
    tokens += [(sign, -1000.0 - n, NORMAL) for n, sign in enumerate(["\u2581", *map(chr, range(33, 127))])]
    consonants, vowels = "bcdfghjklmnprstvwz", "aeiou"
    pairs = [one + two for one, two in itertools.product(consonants, vowels)]
    pieces = pairs + ["\u2581" + sign for sign in consonants + vowels] + ["\u2581" + pair for pair in pairs]
    tokens += [(piece, -float(n + 1), NORMAL) for n, piece in enumerate(pieces[: VOCABULARY - len(tokens)])]
    return tokens


def describe(writer: Any) -> None:
    """What a llama.cpp server wants to know of a model."""
    import gguf

    tokens = vocabulary()
    writer.add_name("tiny-random")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(VOCABULARY)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([token.encode() for token, _, _ in tokens])
    writer.add_token_scores([score for _, score, _ in tokens])
    writer.add_token_types([kind for _, _, kind in tokens])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(TEMPLATE)


def write(path: str) -> None:
    """The model file: 290 kB, the same at every writing."""
    import gguf
    import numpy as np

    rng = np.random.default_rng(0)
    writer = gguf.GGUFWriter(path, "llama")
    describe(writer)

    def weights(rows: int, columns: int, scale: float) -> Any:
        return (rng.standard_normal((rows, columns)) * scale).astype(np.float32)

    def put(name: str, array: Any) -> None:
        writer.add_tensor(f"{name}.weight", array if array.ndim == 1 else array.astype(np.float16))

    embedding, head = weights(VOCABULARY, WIDTH, 1.0), weights(VOCABULARY, WIDTH, 0.35)
    embedding[:, 0] = 4.0  # the constant channel
    head[:, 0] = np.where(np.array([kind for _, _, kind in vocabulary()]) == NORMAL, 0.0, -30.0)
    head[2, 1:] *= 0.2
    head[2, 0] = 1.0  # how soon it ends
    put("token_embd", embedding)
    put("output_norm", np.ones(WIDTH, np.float32))
    put("output", head)
    scale, narrow = 0.4 / WIDTH**0.5, KV_HEADS * WIDTH // HEADS
    for layer in range(LAYERS):
        for norm in ("attn_norm", "ffn_norm"):
            put(f"blk.{layer}.{norm}", np.ones(WIDTH, np.float32))
        for name, rows in (
            ("attn_q", WIDTH),
            ("attn_k", narrow),
            ("attn_v", narrow),
            ("ffn_gate", INNER),
            ("ffn_up", INNER),
        ):
            put(f"blk.{layer}.{name}", weights(rows, WIDTH, scale))
        for name, columns in (("attn_output", WIDTH), ("ffn_down", INNER)):
            array = weights(WIDTH, columns, scale)
            array[0, :] = 0.0  # nothing may write to the constant channel
            put(f"blk.{layer}.{name}", array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def serve(path: str, port: int) -> None:
    """llama.cpp's own server, until SIGTERM or the death of whoever started it."""
    import xllamacpp

    ctypes.CDLL(None).prctl(1, signal.SIGTERM, 0, 0, 0)  # PR_SET_PDEATHSIG
    params = xllamacpp.CommonParams()
    params.model.path = path
    params.model_alias = "tiny" if isinstance(params.model_alias, str) else {"tiny"}
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.ui = False
    params.n_threads_http = 32  # each idle connection holds one for 5 s
    params.n_ctx, params.n_parallel = 2048, 2
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.warmup = False
    server = xllamacpp.Server(params)
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    while not over.wait(0.2):
        pass
    del server
    os._exit(0)


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(sys.argv[2])
    else:
        serve(sys.argv[2], int(sys.argv[3]))
