"""Which images an epoch sees, and in which order."""

from core.data.sampling import TrainingOrder


def test_an_epoch_shuffles_every_image_once_and_differs_from_the_last() -> None:
    order = TrainingOrder(10, 3, seed=1)
    first, second = ([i for batch in order for i, _ in batch] for _ in range(2))
    assert len(first) == len(set(first)) == 9
    assert first != second
    again = TrainingOrder(10, 3, seed=1)
    assert [i for batch in again for i, _ in batch] == first


def test_a_cap_on_images_draws_others_each_epoch() -> None:
    order = TrainingOrder(100, 4, images_per_epoch=8, seed=1)
    seen = {i for _ in range(10) for batch in order for i, _ in batch}
    assert len(order) == 2 and len(seen) > 30
