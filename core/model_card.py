"""The README.md of a saved model: what it is, how good it is, how to use it elsewhere."""

from pathlib import Path
from typing import Any

from core.workspace import write_atomically

LABELS = {
    "dice": "Dice, all pixels",
    "dice_mean": "Dice, mean over images",
    "iou": "IoU, all pixels",
    "miou": "Mean IoU of background and foreground",
    "pixel_accuracy": "Pixel accuracy",
    "precision": "Precision",
    "recall": "Recall",
}


def write_card(path: Path, card: dict[str, Any]) -> None:
    """Write the card of `ModelCard.to_dict()` as Markdown."""
    write_atomically(path, card_text(card))


def card_text(card: dict[str, Any]) -> str:
    scores = [f"| {LABELS[k]} | {v:.4f} |" for k, v in card["scores"].items() if k in LABELS]
    sections = [
        f"# {card['name']}",
        f"{card['architecture']} with the encoder `{card['encoder']}` "
        f"(start: {card['encoder_weights']}), trained on {card['data'] or 'unnamed data'}"
        f"{', ' + card['created'] if card['created'] else ''}. One class: foreground.",
        card["text"],
        _scores_section(scores, card["scored_on"]),
        _usage(card),
        _settings_section(card["settings"]),
    ]
    return "\n\n".join(s for s in sections if s) + "\n"


def _scores_section(rows: list[str], scored_on: str) -> str:
    if not rows:
        return ""
    table = "\n".join(["| score | value |", "|---|---|", *rows])
    return f"## Scores\n\n{scored_on}\n\n{table}" if scored_on else f"## Scores\n\n{table}"


def _usage(card: dict[str, Any]) -> str:
    prep = card["preprocessing"]
    return (
        "## Use\n\n"
        "```python\n"
        "import segmentation_models_pytorch as smp\n\n"
        'model = smp.from_pretrained("path/to/this/folder").eval()\n'
        "```\n\n"
        f"Input: RGB in 0..1, minus {list(prep['mean'])}, divided by {list(prep['std'])}; height and "
        f"width multiples of 32; the longer side about {card['long_side']} pixels. Output: logits; "
        f"foreground where sigmoid(logit) >= {card['threshold']:g}."
    )


def _settings_section(settings: dict[str, Any]) -> str:
    rows = [f"| {k} | {v} |" for k, v in settings.items() if k not in ("data", "name") and v != ""]
    return "\n".join(["## Training settings", "", "| setting | value |", "|---|---|", *rows]) if rows else ""
