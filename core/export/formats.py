"""Which files a model can be taken away as. Kept without torch, so that a page lists them at once."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Format:
    """`needs` is what the file needs where it goes."""

    key: str
    label: str
    file: str
    needs: str


FORMATS: dict[str, Format] = {
    f.key: f
    for f in (
        Format("onnx", "ONNX", "model.onnx", "ONNX Runtime, or anything else that reads ONNX"),
        Format("script", "ONNX and one file that predicts", "predict.py", "onnxruntime, numpy and pillow"),
        Format("int8", "ONNX in 8 bits, for processors", "model-int8.onnx", "ONNX Runtime"),
        Format("torch", "torch.export program", "model.pt2", "torch alone, no model code"),
        Format("smp", "Folder for smp.from_pretrained", "smp", "segmentation_models_pytorch"),
    )
}
DEFAULT = ("onnx", "script")
REPORT_FILE, README_FILE = "export.json", "README.md"
