"""Filters and orders of an evaluation's images."""

from core.evaluation import filters
from core.evaluation.cache import Evaluation
from core.evaluation.filters import Filter, chosen


def test_filters_and_orders(found: Evaluation) -> None:
    judged = found.judged(0.5)
    rows = chosen(judged, Filter())
    assert list(rows["dice"]) == sorted(judged["dice"]) and len(rows) == 10
    middle = float(judged["dice"].median())
    assert (chosen(judged, Filter(dice=(0, middle)))["dice"] <= middle).all()
    assert list(chosen(judged, Filter(text="03"))["name"]) == ["03.jpg"]
    assert list(chosen(judged, Filter(names={"05.jpg", "01.jpg"}), "Name")["name"]) == ["01.jpg", "05.jpg"]
    assert len(chosen(judged, Filter(side=(0, 95)))) == 0 and len(chosen(judged, Filter(side=(96, 96)))) == 10
    for order in filters.ORDERS:
        assert len(chosen(judged, Filter(), order)) == 10
