"""How an article is cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from infra.knowledge.article import Article
from infra.knowledge.blocks import LONGEST
from infra.knowledge.passages import split
from infra.knowledge.question import LONGEST as LONGEST_QUESTION
from infra.knowledge.question import searchable
from skills.turn import Language


def article(text: str, title: str = "Returns") -> Article:
    return Article(
        slug="a", title=title, text=text, url=None, language=Language("en"), audience="public", source="help"
    )


def words(count: int, sentence: int = 10) -> str:
    return " ".join(f"word{n}." if n % sentence == sentence - 1 else f"word{n}" for n in range(count))


def test_a_question_with_its_answer_is_one_passage() -> None:
    (piece,) = split(article("Yes, within 30 days.", title="May I return it?"))
    assert (piece.heading, piece.text) == ("May I return it?", "Yes, within 30 days.")
    assert piece.searchable == "May I return it?\nYes, within 30 days."


def test_each_section_keeps_the_path_of_headings_above_it() -> None:
    pieces = split(article("Intro.\n\n## Shoes\n\nA.\n\n### Boots ##\nB.\n\n## Coats\n\nC.\n\n# Else\n\n## \nD."))
    assert [(piece.heading, piece.text) for piece in pieces] == [
        ("Returns", "Intro."),
        ("Shoes", "A."),
        ("Shoes > Boots", "B."),
        ("Coats", "C."),
        ("Else", "D."),
    ]
    assert pieces[2].searchable == "Returns\nShoes > Boots\nB."


def test_a_hash_within_code_is_no_heading() -> None:
    (piece,) = split(article("Run:\n\n```\n# comment\n~~~\n# more\n```\n\n#hashtag"))
    assert "# comment" in piece.text


def test_a_long_section_is_cut_at_sentences_into_parts_of_similar_length() -> None:
    pieces = split(article("## All\n\n" + words(500)))
    lengths = [len(piece.text.split()) for piece in pieces]
    assert len(lengths) == 3
    assert all(120 <= length <= LONGEST for length in lengths)
    assert all(piece.text.endswith(".") for piece in pieces)


def test_only_where_a_paragraph_is_cut_do_parts_overlap_by_a_sentence() -> None:
    first, second, third = (piece.text for piece in split(article(words(500))))
    assert second.startswith(first.rsplit(". ", 1)[1])
    assert third.startswith(second.rsplit(". ", 1)[1])
    whole = split(article("\n\n".join([words(150), words(150)])))
    assert [len(piece.text.split()) for piece in whole] == [150, 150]


def test_a_table_that_fits_is_not_cut_and_one_that_does_not_keeps_its_head() -> None:
    rows = [f"| lamp {n} | {n} euros |" for n in range(30)]
    table = "\n".join(["| what | price |", "| --- | --- |", *rows])
    pieces = split(article(f"{words(100)}\n\n{table}\n\n{words(100)}"))
    assert [table in piece.text for piece in pieces].count(True) == 1
    long = "\n".join(["| what | price |", "| --- | --- |", *rows * 4])
    pieces = split(article(long))
    assert len(pieces) > 1
    assert all(piece.text.startswith("| what | price |\n| --- | --- |\n| lamp") for piece in pieces)
    assert sum(piece.text.count("| lamp") for piece in pieces) == 120


def test_a_list_is_cut_between_items_and_stays_with_the_line_that_leads_to_it() -> None:
    items = "\n".join(f"- item {n} {words(18)}\n  its second line" for n in range(12))
    pieces = split(article(f"{words(150)}\n\nYou need all of these:\n\n{items}"))
    assert all(not piece.text.startswith("  its") for piece in pieces)
    (lead,) = [piece for piece in pieces if "You need" in piece.text]
    assert "You need all of these:\n\n- item 0" in lead.text
    short = split(article(f"{words(200)}\n\n- one two three\n\n- four five six {words(20)}"))
    assert [piece.text.startswith("- one two three\n\n- four") for piece in short] == [False, True]


def test_a_question_within_a_page_stays_with_its_answer() -> None:
    pairs = [f"**What about number {n}?**\n\n{words(90)}" for n in range(4)]
    pieces = split(article("\n\n".join(pairs)))
    assert pieces[0].text.split("\n\n**")[0] == pairs[0]
    assert all(piece.text.startswith("**What") for piece in pieces)


def test_paragraphs_stay_whole_where_they_can() -> None:
    paragraphs = [words(90), words(80), words(100), words(70)]
    pieces = split(article("\n\n".join(paragraphs)))
    assert [part for piece in pieces for part in piece.text.split("\n\n")] == paragraphs
    assert len(pieces) == 2


def test_a_script_without_spaces_is_cut_too() -> None:
    pieces = split(article("退货需要三十天。" * 100))
    assert len(pieces) > 3
    assert "".join(piece.text for piece in pieces) == "退货需要三十天。" * 100


def test_headings_without_any_text_are_the_text() -> None:
    assert split(article("## Closed on Sundays"))[0].text == "Closed on Sundays"
    assert split(article("##"))[0].text == "##"


def test_a_passage_keeps_its_id_when_its_neighbour_changes() -> None:
    before = split(article("## A\n\nsame\n\n## B\n\nold"))
    after = split(article("## A\n\nsame\n\n## B\n\nnew"))
    assert before[0].id == after[0].id
    assert before[1].id != after[1].id


def test_equal_passages_of_one_article_have_ids_of_their_own() -> None:
    pieces = split(article("## A\n\nsame\n\n## A\n\nsame"))
    assert len({piece.id for piece in pieces}) == 2
    assert len({piece.hash for piece in pieces}) == 1


@given(st.text(alphabet=st.sampled_from("ab #\n.`~。退"), min_size=1).filter(str.strip))
def test_splitting_loses_no_word(text: str) -> None:
    pieces = split(article(text))
    assert pieces
    kept = "".join(piece.heading + piece.text for piece in pieces)
    assert all(kept.count(letter) >= min(1, text.count(letter)) for letter in "ab退")
    assert all(piece.text.strip() for piece in pieces)


def test_a_question_is_freed_of_what_no_database_takes() -> None:
    assert searchable("  where\0is \ud83d my\n order? ") == "where is my order?"
    assert searchable(" \n\0") == ""
    assert len(searchable("x" * 100_000)) == LONGEST_QUESTION
