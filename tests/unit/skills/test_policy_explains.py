"""A policy says why each rule holds, nearly holds or doesn't, and everything that is wrong with a file."""

from __future__ import annotations

from skills.escalate import Policy, Situation, Verdict, faults_of
from skills.turn import Claim, Customer, Identification, Sentiment
from tests.unit.skills.skill_examples import a_customer, a_sentiment, a_turn, an_answer


def verdicts(
    text: str,
    *,
    sentiment: Sentiment | None = None,
    customer: Customer | None = None,
    claims: tuple[Claim, ...] = (),
    policy: Policy | None = None,
) -> dict[str, Verdict]:
    turn = a_turn(text, customer=customer)
    found = Identification(turn.customer.id, turn.customer.verified, claims, ())
    now = Situation.of(turn, sentiment or a_sentiment(), an_answer(), identification=found)
    return {verdict.rule.name: verdict for verdict in (policy or Policy.default()).explain(now)}


def test_every_rule_has_a_verdict_and_those_that_hold_are_the_reasons() -> None:
    policy = Policy.default()
    found = verdicts("I will sue you, refund me", policy=policy)
    assert list(found) == [rule.name for rule in policy.rules]
    assert [name for name, verdict in found.items() if verdict.reason] == ["legal", "asks_for_action"]
    assert found["legal"].findings[0].evidence == ("will sue",)


def test_a_figure_close_to_its_limit_is_told_as_nearly() -> None:
    found = verdicts("How long?", sentiment=a_sentiment(anger=0.5), customer=a_customer(earlier_cases=2))
    assert [name for name, verdict in found.items() if verdict.nearly] == ["angry", "repeat_contact"]
    (anger,) = found["angry"].findings
    assert (anger.condition, anger.wanted, anger.found, anger.holds) == ("anger_at_least", 0.6, 0.5, False)
    far = verdicts("How long?", sentiment=a_sentiment(anger=0.3))
    assert not far["angry"].nearly


def test_words_that_were_set_aside_are_told_as_nearly() -> None:
    how_to = verdicts("How can I cancel my order?")["asks_for_action"]
    assert how_to.nearly
    assert how_to.findings[0].set_aside == ("cancel my",)
    assert how_to.reason is None


def test_a_sum_just_below_the_limit_is_told_as_nearly() -> None:
    assert verdicts("I paid 450 €")["large_amount"].nearly
    assert not verdicts("I paid 200 €")["large_amount"].nearly


def test_what_is_a_part_of_another_phrase_has_another_meaning() -> None:
    policy = Policy.parse(
        '[[rule]]\nname = "a"\nseverity = "P2"\nexplanation = "x"\n[rule.when]\n'
        'mentions = ["a human", "human resources"]\n'
        'other_than = ["work in human resources", "don\'t need a human"]'
    )
    for text, holds in {
        "I work in human resources": False,
        "I don't need a human, thanks": False,
        "I work in human resources and want a human": True,
        "get me a human": True,
    }.items():
        assert (verdicts(text, policy=policy)["a"].reason is not None) is holds, text


def test_an_order_by_its_number_is_looked_up_by_a_person() -> None:
    found = verdicts("Where is order 48213?", claims=(Claim("order", "48213"),))
    assert [name for name, verdict in found.items() if verdict.reason] == ["own_order"]
    assert not verdicts("Where is my order?")["own_order"].reason


def test_all_faults_of_a_file_are_told() -> None:
    rule = '[[rule]]\nname = "{}"\nseverity = "{}"\nexplanation = "x"\nwhen = {}\n'
    faults = faults_of(rule.format("a", "P9", "{}") + rule.format("B", "P1", "{answerd = true}"), name="ours.toml")
    assert [str(fault).partition(",")[0].partition("; ")[0] for fault in faults] == [
        "ours.toml: rule “a”: `severity` is 'P9'",
        "ours.toml: rule “B”: `name` is 'B'",
        "ours.toml: rule “B”: `when.answerd` is not a field",
    ]
    later = faults_of(rule.format("a", "P1", "{}") + rule.format("b", "P1", '{mentions = ["@x"]}'), name="ours.toml")
    assert ["no condition" in str(later[0]), "list “x”" in str(later[1])] == [True, True]
    assert faults_of(rule.format("a", "P1", "{answered = true}")) == []
