"""The glossary in the app is that of the documentation."""

from core.system import glossary


def test_a_section_is_its_table_with_links_that_work_in_the_app() -> None:
    scores = glossary.section("Scores")
    assert "| Dice (mean over images) |" in scores and "| Boundary IoU |" in scores
    assert "## " not in scores and "](evaluation.md)" not in scores and "](https://doi.org" in scores
    assert glossary.section("No such heading") == ""
