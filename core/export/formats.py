"""The formats that a model can be exported to. Imports no torch, so that a page lists them at once."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Format:
    """`needs` is what the file requires where it is used."""

    key: str
    label: str
    file: str
    needs: str


FORMATS: dict[str, Format] = {
    f.key: f
    for f in (
        Format("onnx", "ONNX", "model.onnx", "ONNX Runtime, or anything else that reads ONNX"),
        Format("script", "ONNX with a script", "predict.py", "onnxruntime, numpy and pillow"),
        Format("int8", "ONNX int8", "model-int8.onnx", "ONNX Runtime"),
        Format("web", "Web page", "web/index.html", "a browser; any web server can serve the folder"),
        Format("torch", "torch.export program", "model.pt2", "torch alone, no model code"),
        Format("smp", "Checkpoint", "smp", "segmentation_models_pytorch"),
    )
}
DEFAULT = ("onnx", "script")
CHECKPOINT = "smp"  # the only format that can be imported again
REPORT_FILE, README_FILE = "export.json", "README.md"
