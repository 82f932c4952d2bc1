"""A dismissed notice stays dismissed for the person who dismissed it, and for nobody else."""

import pytest

from core.policy.notices import dismiss, is_dismissed
from core.policy.permissions import STRANGER, Person, acting_as
from core.system import workspace

ADA, BOB = Person("ada@example.org", "ada0"), Person("bob@example.org", "bob0")


def test_a_notice_stays_dismissed_for_the_person_who_dismissed_it() -> None:
    with acting_as(ADA):
        assert not is_dismissed("start_here")
        dismiss("start_here")
        assert is_dismissed("start_here")
    with acting_as(BOB):
        assert not is_dismissed("start_here")


def test_nothing_is_kept_of_somebody_who_has_not_signed_in() -> None:
    with acting_as(STRANGER):
        dismiss("start_here")
        assert not is_dismissed("start_here")
    assert not (workspace.root() / "people").exists()


@pytest.mark.parametrize("content", ["{", '{"dismissed": 3}', "[]"])
def test_a_damaged_file_shows_the_notice_again(content: str) -> None:
    with acting_as(ADA):
        dismiss("start_here")
        (workspace.root() / "people" / "ada0.json").write_text(content)
        assert not is_dismissed("start_here")
