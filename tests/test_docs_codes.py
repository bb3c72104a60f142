"""Every code is documented, and the page of codes is what the codes and the corpus give."""

from __future__ import annotations

import pytest

from planner.codes import CODES, GROUPS
from scripts import docs_codes
from tests.test_corpus import ELSEWHERE

pytestmark = pytest.mark.unit

TOO_LARGE = {"PL-103", "PL-104", "PL-212"}
"""Codes of files that are too large to be committed."""
TEXT = (docs_codes.ROOT / docs_codes.PAGE).read_text()


def test_the_page_is_what_the_codes_and_the_corpus_give():
    assert docs_codes.page() == TEXT, "run `make docs`"


@pytest.mark.parametrize("code", CODES)
def test_each_code_has_its_meaning_its_help_and_an_example(code):
    section = TEXT.partition(f"\n### {code}\n")[2].partition("\n#")[0]
    meaning, help_ = CODES[code]

    assert f"**{meaning[0].upper()}{meaning[1:]}.** {help_}" in section
    assert ("```" in section) == (code not in {*ELSEWHERE, *TOO_LARGE})
    assert help_.endswith(".")
    assert meaning[0].islower() or not meaning.split()[0].islower()


def test_each_code_is_of_a_group():
    assert all(sum(code.startswith(hundred) for hundred in GROUPS) == 1 for code in CODES)
