"""Models: pickles, weights that lie, and configurations that ask for too much."""

import json
import pickle
import struct
from collections.abc import Iterator

from tests.core import archives
from tests.hostile.case import NAMES, Case, Evil, flipped

CONFIG: dict[str, object] = {
    "_model_class": "Unet", "encoder_name": "timm-mobilenetv3_small_minimal_100", "encoder_depth": 5,
    "decoder_channels": [256, 128, 64, 32, 16], "in_channels": 3, "classes": 1, "activation": None,
}  # fmt: skip


def weights(header: object, data: bytes = b"\0" * 64, length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(**changes: object) -> dict[str, object]:
    return {"x": {"dtype": "F32", "shape": [16], "data_offsets": [0, 64], **changes}}


def model_zip(config: object = CONFIG, tensors: bytes = b"", **more: bytes) -> bytes:
    body = config if isinstance(config, bytes) else json.dumps(config).encode()
    return archives.zipped({"m/config.json": body, "m/model.safetensors": tensors or weights(tensor()),
                            **{f"m/{k}": v for k, v in more.items()}}).getvalue()  # fmt: skip


def bad_models() -> Iterator[Case]:
    evil = pickle.dumps(Evil())
    for file in ("model.safetensors", "pytorch_model.bin", "model.pt", "model.pth", "last.ckpt"):
        content = archives.zipped(
            {"m/config.json": json.dumps(CONFIG).encode(), f"m/{file}": evil}
        ).getvalue()
        yield Case("model", f"a pickle called {file}", "pickle.zip", content)
    for what, tensors in {
        "length of 2^63": weights(tensor(), length=2**63),
        "length beyond the file": weights(tensor(), length=10**6),
        "no header": b"\0" * 8,
        "seven bytes": b"\0" * 7,
        "header of noise": weights(b"\xff" * 80),
        "deep header": weights(b"[" * 100_000),
        "unknown type": weights(tensor(dtype="F3")),
        "offsets that overlap": weights({**tensor(), "y": tensor()["x"]}),
        "offsets beyond": weights(tensor(data_offsets=[0, 10**15])),
        "offsets backwards": weights(tensor(data_offsets=[64, 0])),
        "negative shape": weights(tensor(shape=[-16])),
        "shape of 10^18": weights(tensor(shape=[10**9, 10**9])),
        "shape of 2^64": weights(tensor(shape=[2**63, 2])),
        "shape that is text": weights(tensor(shape="16")),
        "a million tensors": weights({f"t{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
                                      for i in range(100_000)}, b""),
        "metadata that is a list": weights({"__metadata__": [1], **tensor()}),
    }.items():  # fmt: skip
        yield Case("model", what, "weights.zip", model_zip(tensors=tensors))
    wrong: dict[str, dict[str, object]] = {
        "a class that is none": {"_model_class": "os.system"},
        "no class": {"_model_class": None},
        "a name of another place": {"encoder_name": "hf-hub:evil/model"},
        "a name of a folder": {"encoder_name": "local-dir:/etc"},
        "a name that climbs": {"encoder_name": "../../x"},
        "a name of HTML": {"encoder_name": "<script>alert(1)</script>"},
        "a name that is a list": {"encoder_name": ["a"] * 30},
        "a billion classes": {"classes": 10**9},
        "4096 classes": {"classes": 4096},
        "no classes": {"classes": 0},
        "negative channels": {"in_channels": -3},
        "channels of text": {"in_channels": "three"},
        "depth of 100": {"encoder_depth": 100},
        "wide decoder": {"decoder_channels": [4096] * 5},
        "long decoder": {"decoder_channels": [1] * 10_000},
        "nested decoder": {"decoder_channels": [[[[[1]]]]]},
        "an activation of code": {"activation": "__import__('os').system('touch /tmp/owned')"},
        "an unknown argument": {"evil": True},
        "weights to fetch": {"encoder_weights": "http://127.0.0.1:9/x"},
        "aux of code": {"aux_params": {"classes": 10**9, "pooling": "os.system"}},
    }
    for what, changes in wrong.items():
        yield Case("model", f"config: {what}", "config.zip", model_zip({**CONFIG, **changes}))
    for what, body in {"deep": b"[" * 100_000, "noise": b"\xff\xfe" * 99, "a list": b"[1]", "empty": b"",
                       "2 MB": json.dumps({**CONFIG, "x": "y" * 2_000_000}).encode()}.items():  # fmt: skip
        yield Case("model", f"config: {what}", "config.zip", model_zip(body))
        more = {"studio.json": body}
        yield Case("model", f"card: {what}", "card.zip", model_zip(**more))  # type: ignore[arg-type]
    good = model_zip()
    for seed in range(12):
        yield Case("model", f"bits flipped, seed {seed}", "flipped.zip", flipped(good, seed, 0.003))
    for cut in (0.1, 0.5, 0.9):
        yield Case("model", f"cut at {cut:.0%}", "cut.zip", good[: int(len(good) * cut)])
    for file in NAMES[:20]:
        content = archives.zipped({file: b"x", "m/config.json": b"{}"}).getvalue()
        yield Case("model", f"a member called {file[:30]!r}", "names.zip", content)
