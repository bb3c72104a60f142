"""The pages that are made from the models are up to date, and leave nothing out."""

import pytest

from planner.spec.fields import LANGUAGE
from reconciler.docstrings import described
from scripts import docs

pytestmark = pytest.mark.unit

PAGES = docs.pages()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_what_the_models_give(path):
    assert (docs.ROOT / path).read_text() == PAGES[path], "run `make docs`"


def test_there_is_no_other_page():
    made = {path for path in PAGES if path.startswith(docs.FOLDER)}
    assert {path.relative_to(docs.ROOT).as_posix() for path in (docs.ROOT / docs.FOLDER).iterdir()} == made


@pytest.mark.parametrize("name", LANGUAGE)
def test_every_section_is_on_one_page(name):
    assert sum(f"\n## {name}\n" in text for text in PAGES.values()) == 1


@pytest.mark.parametrize("name", LANGUAGE)
def test_every_field_has_a_meaning_and_a_line(name):
    kind = LANGUAGE[name]
    page = next(text for text in PAGES.values() if f"\n## {name}\n" in text)
    rows = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0].splitlines()

    for attribute, field in kind.model_fields.items():
        (row,) = [row for row in rows if row.startswith(f"| `{field.alias or attribute}` |")]
        meaning = row.split(" | ")[-1].rstrip(" |")
        assert meaning
        assert field.description or described(kind)[attribute]
