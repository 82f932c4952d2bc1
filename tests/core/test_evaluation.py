"""Boundaries, thresholds, calibration and intervals against independent references; kept evaluations."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, precision_recall_curve

from core import cli
from core.cutout_settings import CutOutSettings
from core.data.dataset import open_data
from core.data.subset import make_subset
from core.errors import UserError
from core.evaluation import cache, comparison, filters, groups, metrics, statistics, thresholds
from core.evaluation.boundaries import boundary_iou, edge_distances, hausdorff
from core.evaluation.cache import Evaluation, evaluate, panels
from core.evaluation.candidates import baselines, nothing, of_entry, of_folder
from core.evaluation.filters import Filter, chosen
from core.evaluation.pictures import large_pictures
from core.evaluation.report import comparison_report, report, scores_table
from core.inference.cutout import cut_out
from core.models import registry
from core.models.card import read_card, weights_megabytes
from core.task import Task
from tests.builders import write_scenes

masks = arrays.arrays(np.uint8, (12, 15), elements=st.integers(0, 1))
probabilities = arrays.arrays(
    np.float32, (9, 11), elements=st.floats(0, 1, width=32) | st.sampled_from([0.005, 0.29, 0.5, 0.575, 1.0])
)


@pytest.fixture
def entry(saved_model: Path) -> registry.Entry:
    return registry.Entry(saved_model, read_card(saved_model), weights_megabytes(saved_model))


@pytest.fixture
def found(entry: registry.Entry, small_data: Path) -> Evaluation:
    return made(of_entry(entry), small_data, "all")


def made(candidate: Any, data: Path, part: str = "validation") -> Evaluation:
    return next(r for r in evaluate(candidate, open_data(data), part) if isinstance(r, Evaluation))


# Boundaries


@settings(deadline=None, max_examples=60)
@given(masks, masks)
def test_the_hausdorff_distance_is_monais(truth: NDArray[np.uint8], predicted: NDArray[np.uint8]) -> None:
    from monai.metrics import compute_hausdorff_distance

    ours = hausdorff(truth, predicted)
    if not truth.any() or not predicted.any():
        assert np.isnan(ours) if truth.any() or predicted.any() else ours == 0
        return
    both = [torch.from_numpy(m)[None, None].bool() for m in (predicted, truth)]
    theirs = compute_hausdorff_distance(*both, include_background=True, percentile=95).item()
    assert ours == pytest.approx(theirs, abs=1e-4)


def reference_boundary(mask: NDArray[np.uint8], width: float) -> NDArray[np.bool_]:
    """What lies in the mask and within so many pixels, in the chessboard's distance, of what does not."""
    from scipy.ndimage import distance_transform_cdt

    pixels = max(1, round(width * float(np.hypot(*mask.shape))))
    inside = distance_transform_cdt(np.pad(mask, 1), "chessboard")[1:-1, 1:-1]
    return (mask > 0) & (inside <= pixels)


@given(masks, masks, st.sampled_from([0.02, 0.1, 0.2]))
def test_boundary_iou_is_the_iou_of_the_bands(
    truth: NDArray[np.uint8], predicted: NDArray[np.uint8], width: float
) -> None:
    ours, theirs = reference_boundary(truth, width), reference_boundary(predicted, width)
    union = (ours | theirs).sum()
    expected = (ours & theirs).sum() / union if union else 1.0
    assert boundary_iou(truth, predicted, width) == pytest.approx(expected)


def test_the_outline_of_a_large_subject_may_be_bad_where_its_dice_is_good() -> None:
    truth, ragged = np.zeros((200, 200), np.uint8), np.zeros((200, 200), np.uint8)
    truth[20:180, 20:180], ragged[26:174, 26:174] = 1, 1
    dice = metrics.count(torch.from_numpy(ragged)[None], torch.from_numpy(truth)[None]).dice().item()
    assert dice > 0.9 and boundary_iou(truth, ragged) < 0.1
    assert hausdorff(truth, ragged) == pytest.approx(np.hypot(6, 6), abs=3)
    edge, distance = edge_distances(truth, ragged)
    assert distance[edge].min() == pytest.approx(6)


# Thresholds and calibration


@settings(deadline=None)
@given(probabilities, st.integers(0, thresholds.STEPS), st.integers(0, 2**32 - 1))
def test_counts_from_the_histogram_are_those_of_the_pixels(
    probability: NDArray[np.float32], step: int, seed: int
) -> None:
    truth = np.random.default_rng(seed).integers(0, 2, probability.shape, np.uint8)
    histogram, sums = thresholds.histogram(probability, truth)
    counts = thresholds.counts_at(histogram[None], step)
    level = np.float32(thresholds.GRID[step])
    direct = metrics.count(torch.from_numpy(probability >= level)[None], torch.from_numpy(truth)[None])
    assert [x.item() for x in (counts.tp, counts.fp, counts.fn, counts.tn)] == [
        x.item() for x in (direct.tp, direct.fp, direct.fn, direct.tn)
    ]
    assert sums.sum() == pytest.approx(probability.sum(dtype=np.float64))


def some_images(count: int = 7) -> tuple[list[NDArray[np.float32]], list[NDArray[np.uint8]]]:
    rng = np.random.default_rng(1)
    truth = [(rng.random((20, 30)) < 0.3).astype(np.uint8) for _ in range(count)]
    guess = [np.clip(0.5 * t + rng.random(t.shape) * 0.6, 0, 1).astype(np.float32) for t in truth]
    return guess, truth


def test_the_curves_are_scikit_learns() -> None:
    guess, truth = some_images()
    histograms = np.stack([thresholds.histogram(g, t)[0] for g, t in zip(guess, truth, strict=True)])
    sums = sum(thresholds.histogram(g, t)[1] for g, t in zip(guess, truth, strict=True))
    swept = thresholds.sweep(histograms)
    # scikit-learn sees the probabilities at the grid's resolution, as the histogram does
    y = np.concatenate([t.ravel() for t in truth])
    p = np.concatenate([g.ravel() for g in guess])
    binned = thresholds.GRID[np.searchsorted(thresholds.GRID.astype(np.float32), p, side="right") - 1]
    assert thresholds.average_precision(histograms) == pytest.approx(average_precision_score(y, p), abs=1e-3)
    precision, recall, levels = precision_recall_curve(y, binned)
    at = np.searchsorted(thresholds.GRID, levels)
    assert np.allclose(swept.precision[at], precision[:-1]) and np.allclose(swept.recall[at], recall[:-1])

    calibrated = thresholds.calibration(histograms, np.asarray(sums))
    inside, confidence = calibration_curve(y, p, n_bins=thresholds.CALIBRATION_BINS)
    assert np.allclose(calibrated.foreground, inside, atol=0.01)
    assert np.allclose(calibrated.confidence, confidence, atol=0.005)
    weighted = np.sum(np.abs(inside - confidence) * calibrated.pixels) / len(y)
    assert calibrated.error == pytest.approx(weighted, abs=0.01)


def test_the_intervals_of_the_curves_hold_them_and_narrow_with_more_images() -> None:
    widths = []
    for count in (10, 100):
        guess, truth = some_images(count)
        both = [thresholds.histogram(g, t) for g, t in zip(guess, truth, strict=True)]
        histograms, sums = np.stack([h for h, _ in both]), np.sum([s for _, s in both], axis=0)
        area, error = thresholds.pixel_intervals(histograms, sums)
        assert area.mean == thresholds.average_precision(histograms)
        assert error.mean == thresholds.calibration(histograms, sums).error
        for told in (area, error):
            assert told.low <= told.mean <= told.high + 1e-3 and told.images == count
        widths.append(area.high - area.low)
    assert widths[1] < widths[0] / 2


def test_the_best_threshold_is_the_one_with_the_highest_mean_dice() -> None:
    guess, truth = some_images()
    histograms = np.stack([thresholds.histogram(g, t)[0] for g, t in zip(guess, truth, strict=True)])
    swept = thresholds.sweep(histograms)
    by_hand = []
    for level in thresholds.GRID.astype(np.float32):
        counts = [metrics.count(torch.from_numpy(g >= level)[None], torch.from_numpy(t)[None])
                  for g, t in zip(guess, truth, strict=True)]  # fmt: skip
        by_hand.append(metrics.join(counts).dice().mean().item())
    assert np.allclose(swept.dice_mean, by_hand)
    assert by_hand[thresholds.step_of(swept.best)] == pytest.approx(max(by_hand))


# Intervals


def test_the_interval_of_many_images_is_scipys_bootstrap() -> None:
    from scipy.stats import bootstrap

    values = np.random.default_rng(3).beta(8, 2, 1000)
    theirs = bootstrap((values,), np.mean, method="percentile", n_resamples=9999, rng=0).confidence_interval
    ours = statistics.mean_interval(values)
    assert ours.mean == pytest.approx(values.mean()) and ours.images == 1000
    assert ours.low == pytest.approx(theirs.low, abs=0.001)
    assert ours.high == pytest.approx(theirs.high, abs=0.001)


def test_the_interval_of_a_ratio_is_scipys() -> None:
    from scipy.stats import bootstrap

    rng = np.random.default_rng(5)
    tp, fp, fn = rng.integers(50, 400, 40), rng.integers(0, 90, 40), rng.integers(0, 90, 40)
    columns = [torch.from_numpy(x)[:, None] for x in (tp, fp, fn, rng.integers(500, 900, 40))]
    ours = statistics.pooled_intervals(metrics.Counts(*columns), Task())

    def dice(a: NDArray[np.int64], b: NDArray[np.int64], c: NDArray[np.int64], axis: int = -1) -> Any:
        return 2 * a.sum(axis) / (2 * a.sum(axis) + b.sum(axis) + c.sum(axis))

    theirs = bootstrap((tp, fp, fn), dice, paired=True, method="percentile", n_resamples=9999, rng=0)
    assert ours["dice_pooled"].mean == pytest.approx(dice(tp, fp, fn))
    assert ours["dice_pooled"].low == pytest.approx(theirs.confidence_interval.low, abs=0.003)
    assert ours["dice_pooled"].high == pytest.approx(theirs.confidence_interval.high, abs=0.003)
    scores = metrics.summarise(metrics.Counts(*columns), Task())
    for name in (
        "dice_pooled",
        "iou_pooled",
        "miou",
        "precision",
        "recall",
        "pixel_accuracy",
        "dice_mean",
        "iou_mean",
    ):
        assert ours[name].mean == pytest.approx(getattr(scores, name))
        assert ours[name].low <= ours[name].mean <= ours[name].high


def test_unknown_values_are_left_out_and_counted_out() -> None:
    told = statistics.mean_interval([0.5, float("nan"), 0.7])
    assert (told.mean, told.images) == (pytest.approx(0.6), 2)
    assert np.isnan(statistics.mean_interval([]).mean)


@pytest.mark.parametrize(
    ("shift", "words"), [(0.05, "B is better."), (-0.05, "A is better."), (0.0, "agree on all")]
)
def test_the_sentence_says_what_the_numbers_say(shift: float, words: str) -> None:
    rng = np.random.default_rng(2)
    first = rng.beta(8, 2, 58) * 0.9
    told = statistics.paired(first, first + shift + (rng.normal(0, 0.01, 58) if shift else 0))
    sentence = told.sentence("A", "B")
    assert words in sentence
    assert (told.better > told.worse) == (shift > 0)


def test_chance_is_called_chance() -> None:
    rng = np.random.default_rng(4)
    first = rng.random(40)
    assert "due to chance" in statistics.paired(first, first + rng.normal(0, 0.1, 40)).sentence("A", "B")


# Evaluations


def test_an_evaluation_agrees_with_pixels_and_is_found_again(
    entry: registry.Entry, small_data: Path, found: Evaluation
) -> None:
    data = open_data(small_data)
    assert next(evaluate(of_entry(entry), data, "all")).folder == found.folder  # type: ignore[union-attr]
    predictor = of_entry(entry).make()
    for threshold in (0.5, 0.355):
        judged = found.judged(threshold).set_index("name")
        for pair in data.pairs[:3]:
            from core.data.store import read_pair

            photo, truth = read_pair(pair, data.rule)
            inside = cut_out(photo, predictor, CutOutSettings(threshold)).mask > 0
            counts = metrics.count(torch.from_numpy(inside)[None], torch.from_numpy(truth)[None])
            assert judged.loc[pair.name, "dice"] == pytest.approx(counts.dice().item(), abs=0.003)
            assert judged.loc[pair.name, "foreground"] == pytest.approx(truth.mean())


def test_one_that_was_broken_off_goes_on_where_it_was(
    entry: registry.Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "CHUNK", 4)
    data = open_data(write_scenes(tmp_path / "many", 10))
    making = evaluate(of_entry(entry), data, "all")
    assert [next(making) for _ in range(6)] == [1, 2, 3, 4, 4, 5]
    making.close()
    steps = list(evaluate(of_entry(entry), data, "all"))
    assert steps[:2] == [4, 5]  # the first four are not predicted again
    whole = steps[-1]
    assert isinstance(whole, Evaluation) and len(whole.table) == len(whole.counts) == 10


@pytest.mark.parametrize("file", ["index.json", "table.parquet", "counts.npy", "histograms.npy"])
def test_what_is_damaged_is_made_anew(
    file: str, entry: registry.Entry, small_data: Path, found: Evaluation
) -> None:
    path = found.folder / file
    path.write_bytes(path.read_bytes()[:20])
    again = made(of_entry(entry), small_data, "all")
    assert np.array_equal(again.counts, found.counts)


def test_a_full_disk_is_one_sentence(
    entry: registry.Entry, small_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.evaluation.per_image.write_atomically", full)
    with pytest.raises(UserError, match="No space left"):
        made(of_entry(entry), small_data)


def test_two_that_ask_at_once_wait_for_one(entry: registry.Entry, small_data: Path) -> None:
    data = open_data(small_data)
    first, second = evaluate(of_entry(entry), data), evaluate(of_entry(entry), data)
    next(first)
    assert isinstance(next(second), int)  # it waits
    assert isinstance(list(first)[-1], Evaluation)
    assert isinstance(list(second)[-1], Evaluation)


def test_baselines_are_what_they_say(entry: registry.Entry, small_data: Path, found: Evaluation) -> None:
    none, fresh = (made(candidate, small_data, "all") for candidate in baselines(entry))
    told = none.judged(0.5)
    share = none.table["foreground"]
    assert (told["dice"] == 0).all() and np.allclose(told["pixel_accuracy"], 1 - share)
    assert none.table["hd95"].isna().all()
    assert 0 < fresh.judged(0.5)["dice"].mean() < 1
    board = comparison.compare({"model": found, "nothing": none}, {"model": 0.5, "nothing": 0.5})
    assert board.pairs[0].worse + board.pairs[0].better <= 10
    assert list(board.spread) == sorted(board.spread, reverse=True)


def test_nothing_predicts_the_first_of_several_classes() -> None:
    task = Task("multiclass", ("sky", "road"), (0, 1))
    labels = nothing(task).make().labels(np.zeros((40, 50, 3), np.uint8))
    assert labels.shape == (40, 50) and not labels.any()


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


def test_pictures_of_one_image_have_one_shape(found: Evaluation, small_data: Path) -> None:
    data = open_data(small_data)
    shown = panels(found, data.pairs[0], data, 0.5)
    assert shown.probability is not None
    assert shown.photo.shape[:2] == shown.truth.shape == shown.predicted.shape == shown.probability.shape
    titles = [title for title, url in large_pictures(shown, found.task) if url.startswith("data:image/jpeg")]
    assert titles == ["Photo", "Ground truth", "Prediction", "Errors", "Probability", "Edge distance"]
    data.pairs[0].image.unlink()
    with pytest.raises(UserError, match=r"00\.jpg"):
        panels(found, data.pairs[0], data, 0.5)


def test_groups_are_kept_and_become_a_data_set(small_data: Path) -> None:
    data = open_data(small_data)
    groups.put(data.root, " hair ", ["01.jpg", "02.jpg"])
    groups.put(data.root, "hair", ["03.jpg"])
    groups.take_out(data.root, "hair", ["02.jpg"])
    assert groups.read_groups(data.root) == {"hair": ["01.jpg", "03.jpg"]}
    with pytest.raises(UserError, match="characters"):
        groups.put(data.root, "  ", ["01.jpg"])
    folder = next(r for r in make_subset(data, ["01.jpg", "03.jpg"], "hair") if isinstance(r, Path))
    made = open_data(folder)
    assert [pair.name for pair in made.pairs] == ["01.jpg", "03.jpg"]
    with pytest.raises(UserError, match="already"):
        list(make_subset(data, ["01.jpg", "03.jpg"], "hair"))
    groups.take_out(data.root, "hair", ["01.jpg", "03.jpg"])
    assert groups.read_groups(data.root) == {}


def test_a_report_needs_nothing_else_and_obeys_no_name(found: Evaluation, small_data: Path) -> None:
    data = open_data(small_data)
    page = report(found, data, "<script>alert(1)</script>", "all", 0.5)
    assert "<script>alert(1)" not in page and "&lt;script&gt;alert(1)" in page
    assert "http" not in page.split("</script>")[-1].replace("http://www.w3.org", "")
    assert page.count('<div class="image">') == 10 and page.count('<img src="data:image/jpeg') == 40
    table = scores_table(found, 0.5).splitlines()
    assert table[0].startswith("image,dice,iou") and len(table) == 11
    elsewhere = pd.read_csv(io.StringIO(scores_table(found, 0.3)))
    assert (elsewhere["threshold"] == 0.3).all() and (elsewhere["edge_threshold"] == 0.5).all()
    assert "mean over images, threshold 0.5" in report(found, data, "model", "all", 0.3)
    board = comparison.compare({"a": found, "b": found}, {"a": 0.5, "b": 0.3})
    assert board.pairs[0].sentence("a", "b") in comparison_report(
        board, {"a": found, "b": found}, data, "all", {"a": 0.5, "b": 0.3}
    ).replace("&#x27;", "'")


def test_evaluate_writes_the_report_and_says_which_is_better(
    saved_model: Path, small_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def call(*more: object) -> dict[str, Any]:
        words = ["evaluate", "--model", saved_model, "--data", small_data, "--json", *more]
        assert cli.main([str(word) for word in words]) == 0
        told: dict[str, Any] = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
        return told

    told = call("--split", "all", "--report", tmp_path / "r.html", "--csv", tmp_path / "r.csv")
    assert (
        told["images"] == 10
        and told["intervals"]["dice_mean"][0] <= told["dice_mean"] <= told["intervals"]["dice_mean"][1]
    )
    assert (tmp_path / "r.html").read_text("utf-8").startswith("<!doctype html>")
    assert len((tmp_path / "r.csv").read_text("utf-8").splitlines()) == 11
    same = call("--split", "all", "--against", saved_model)["against"]
    assert (same["better"], same["worse"]) == (0, 0) and "agree on all 10 images" in same["sentence"]
    off_grid = call("--split", "all", "--threshold", "0.4321")
    assert off_grid["threshold"] == 0.4321
    (tmp_path / "names.txt").write_text("03.jpg\n07.jpg\n")
    assert call("--names", tmp_path / "names.txt")["images"] == 2


def test_a_folder_without_a_model_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"config\.json"):
        of_folder(tmp_path)


def test_settings_that_differ_and_the_front() -> None:
    assert comparison.differing([{"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4}]) == ["b", "c"]
    assert comparison.on_the_front([0.9, 0.8, 0.95], [10, 20, 30]) == [True, False, True]
    assert comparison.unique_labels(["a", "b", "a"]) == ["a", "b", "a (2)"]


def test_the_playground_counts_like_everything_else() -> None:
    from core.evaluation import playground

    for name, scene in playground.SCENES.items():
        counts = playground.count(scene)
        truth, predicted = scene.truth.mask(), scene.prediction.mask()
        direct = metrics.count(torch.from_numpy(predicted)[None], torch.from_numpy(truth)[None])
        assert counts.dice() == direct.dice(), name
        swapped = playground.count(scene.swapped())
        assert swapped.dice() == counts.dice() and swapped.precision() == counts.recall()
    nothing_found = playground.count(playground.SCENES["Nothing found"])
    assert round(nothing_found.pixel_accuracy().item(), 2) == 0.97 and nothing_found.dice().item() == 0
    half = playground.count(playground.SCENES["Half overlap"])
    assert half.iou().item() == pytest.approx(1 / 3) and half.dice().item() == pytest.approx(1 / 2)
    mended = playground.Shape.from_dict(
        {"kind": "<b>", "x": float("nan"), "y": 1e9, "width": -5, "height": 3}
    )
    assert (mended.kind, mended.x, mended.width) == ("ellipse", 0, 0) and not mended.mask().any()
