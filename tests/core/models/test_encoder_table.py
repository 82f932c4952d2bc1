"""The table of encoders that the page reads."""

import re

import pytest

from core.config import ARCHITECTURES, DEFAULT_ENCODER, DPT_ENCODER
from core.errors import UserError
from core.models import encoder_catalogue, encoder_table
from core.models.factory import encoder_names


def test_the_table_covers_what_smp_names_and_every_architecture() -> None:
    known = encoder_catalogue.facts()
    assert set(encoder_names()) <= set(known)
    assert known[DEFAULT_ENCODER].works == "yes"
    lines = encoder_catalogue.TABLE_FILE.read_text("utf-8")
    for name in ARCHITECTURES:
        encoder = DPT_ENCODER if name == "DPT" else DEFAULT_ENCODER
        assert re.search(rf"^{encoder},{name},\d+,\d+,\d+,yes,", lines, re.MULTILINE), name
    offered = set(encoder_catalogue.offered_encoders()) - {DPT_ENCODER}
    assert all(known[name].works == "yes" for name in offered if name in known)
    assert "parameters" in encoder_catalogue.cost("resnet34") and "times as fast" in encoder_catalogue.cost(
        "resnet34"
    )
    assert encoder_catalogue.cost("there_is_no_such_encoder") == ""


def test_the_table_of_all_encoders_knows_what_they_take_and_how_good_they_are() -> None:
    table = encoder_table.encoder_table(every=True).set_index("encoder")
    assert len(table) > 500 and table.index.is_unique
    assert (table["parameters"] > 0).all() and (table["gmacs"] > 0).all()
    for shortlist in encoder_table.SHORTLISTS.values():
        assert set(shortlist.names) <= set(table.index)
    assert table.loc["resnet50", "top1"] == pytest.approx(76.13)  # torchvision's own figure
    assert table.loc[DEFAULT_ENCODER, "pace"] == 1
    unknown = set(encoder_table.imagenet_top1()) - set(table.index)
    assert not {name for name in unknown if not name.startswith("tu-")}


def test_weights_are_said_to_be_where_they_are() -> None:
    assert encoder_table.weights_state(DEFAULT_ENCODER) == encoder_table.HERE
    assert encoder_table.weights_state("resnet18") == encoder_table.HUB
    assert encoder_table.weights_state("timm-efficientnet-l2") == encoder_table.NOWHERE


def test_a_speed_measured_here_is_kept() -> None:
    assert encoder_table.speeds() == {}
    rate = encoder_table.measure_here("tu-mobilenetv4_conv_small")
    assert rate > 0 and encoder_table.speeds() == {"tu-mobilenetv4_conv_small": rate}
    with pytest.raises(UserError, match="cannot be trained here"):
        encoder_table.measure_here("there_is_no_such_encoder")
