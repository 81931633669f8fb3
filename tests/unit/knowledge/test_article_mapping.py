"""JSON of any shape through a mapping file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.knowledge.mapping import load_mapping
from infra.knowledge.reading import Reading, read_articles
from skills.errors import KnowledgeFileError

MAPPING = """
path = "*.*.docs.*"
slug = "{1}/{2}/{3}"
title = "{title}"
heading = "{name|1}"
text = "{body}"
"""


def read(folder: Path, value: object, mapping: str = MAPPING) -> Reading:
    (folder / "mapping.toml").write_text(mapping, encoding="utf-8")
    (folder / "data.json").write_text(json.dumps(value), encoding="utf-8")
    return read_articles(folder / "data.json", mapping=folder / "mapping.toml")


def test_captured_keys_and_fields_of_the_levels_above_fill_the_templates(tmp_path: Path) -> None:
    reading = read(
        tmp_path,
        {
            "hotel": {"7": {"name": "Inn", "docs": {"0": {"title": "Pets?", "body": "Yes."}}}},
            "taxi": {"*": {"name": None, "docs": {"1": {"title": "Pay?", "body": "By card."}}}},
        },
    )
    assert [(article.slug, article.title, article.text) for article in reading.articles] == [
        ("data.json#hotel/7/0", "Pets?", "## Inn\n\nYes."),
        ("data.json#taxi/*/1", "Pay?", "## taxi\n\nBy card."),
    ]


def test_a_star_walks_through_lists_and_a_number_picks_from_one(tmp_path: Path) -> None:
    mapping = 'path = "pages.*.0"\nslug = "{1}"\ntitle = "{t}"\ntext = "{n} times {x|y}"\nlanguage = "{l|0}"\n'
    reading = read(tmp_path, {"pages": [[{"t": "A", "n": 3, "y": "yes", "l": "de"}, {"t": "B"}], "text"]}, mapping)
    assert [(article.title, article.text, article.language) for article in reading.articles] == [
        ("A", "3 times yes", "de")
    ]


def test_an_entry_without_a_field_is_named_by_its_place(tmp_path: Path) -> None:
    reading = read(tmp_path, {"hotel": {"7": {"docs": {"0": {"title": "A"}, "1": {"title": "B", "body": "b"}}}}})
    assert [article.title for article in reading.articles] == ["B"]
    assert str(reading.problems[0]) == "data.json: at hotel.7.docs.0: there is no field 'body'"


def test_a_path_that_leads_nowhere_is_a_problem(tmp_path: Path) -> None:
    assert "nothing lies at" in str(read(tmp_path, {"hotel": {"7": {"faq": {}}}}).problems[0])
    assert "nothing lies at" in str(read(tmp_path, {"a": {"b": {"docs": ["text"]}}}).problems[0])


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ("path = ", "Invalid value"),
        ('path = "*"', "must be a text"),
        (MAPPING + "colour = 'red'", "unknown field 'colour'"),
        (MAPPING + "url = 3", "'url' must be a text"),
    ],
)
def test_a_wrong_mapping_is_refused_before_anything_is_read(tmp_path: Path, mapping: str, words: str) -> None:
    with pytest.raises(KnowledgeFileError, match=words) as caught:
        read(tmp_path, {}, mapping)
    assert caught.value.hint


def test_a_mapping_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeFileError, match=r"no\.toml"):
        load_mapping(tmp_path / "no.toml")


def test_the_mapping_for_the_evals_fits_its_shape(tmp_path: Path) -> None:
    folder = Path(__file__).parents[3] / "evals" / "mappings"
    reading = read(
        tmp_path,
        {"train": {"*": {"name": None, "docs": {"1": {"title": "Children?", "body": "Half price."}}}}},
        (folder / "dstc10_faq.toml").read_text(encoding="utf-8"),
    )
    assert reading.articles[0].text == "## train\n\nHalf price."


def test_a_mapping_reads_tables_and_lines_of_json_too(tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.toml"
    mapping.write_text('path = "*"\nslug = "{sku}"\ntitle = "{name}"\ntext = "{info}"\nexpires = "{until|none}"\n')
    (tmp_path / "a.csv").write_text("sku;name;info;until;none\n7;Lamp;It shines.;2026-05-01;\n8;Bulb;It glows.;;\n")
    (tmp_path / "b.jsonl").write_text('{"sku": 9, "name": "Cord", "info": "It hangs.", "none": ""}\n')
    reading = read_articles(tmp_path, mapping=mapping)
    assert [(found.slug, found.title, found.expires is None) for found in reading.articles] == [
        ("a.csv#7", "Lamp", False),
        ("a.csv#8", "Bulb", True),
        ("b.jsonl#9", "Cord", True),
    ]
    (tmp_path / "a.csv").write_text('sku,name\n"7,8')
    (problem,) = read_articles(tmp_path / "a.csv", mapping=mapping).problems
    assert "the table breaks off here" in str(problem)
