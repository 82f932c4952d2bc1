"""Whose e-mail address counts."""

from pathlib import Path
from typing import Any

import pytest

from core.policy.permissions import checked_email
from core.policy.policy import VARIABLE

ADA = "ada@example.org"
UNCHECKED: list[Any] = [False, None, "false", "true", "True", 1, 0, "", [True], {"value": True}]


@pytest.fixture(autouse=True)
def rules_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "studio.toml"
    file.write_text("public = true\n")
    monkeypatch.setenv(VARIABLE, str(file))
    return file


def test_an_address_that_the_provider_vouches_for_counts() -> None:
    assert checked_email({"email": ADA, "email_verified": True}) == ADA
    assert (
        checked_email({"email_verified": True})
        == checked_email({"email": None, "email_verified": True})
        == ""
    )


@pytest.mark.parametrize("claim", UNCHECKED, ids=repr)
def test_any_other_claim_counts_for_nothing(claim: Any) -> None:
    assert checked_email({"email": ADA, "email_verified": claim}) == ""


def test_no_claim_counts_for_nothing_unless_the_rules_say_so(rules_file: Path) -> None:
    assert checked_email({"email": ADA}) == ""
    rules_file.write_text("public = true\nunverified_emails = true\n")
    assert checked_email({"email": ADA}) == ADA


def test_a_provider_that_denies_it_is_believed_whatever_the_rules_say(rules_file: Path) -> None:
    rules_file.write_text("public = true\nunverified_emails = true\n")
    for claim in UNCHECKED:
        if claim is not None:
            assert checked_email({"email": ADA, "email_verified": claim}) == ""
