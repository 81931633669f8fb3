"""Plays attacks through the real graph, without servers: articles in memory, mails read as they come.

What is played is the product's own: the graph of ``graph.build``, the skills that ``api.agent`` chooses, and for mails
the reading of ``channels.gmail``. Nothing is written anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any, cast
from uuid import NAMESPACE_URL, uuid5

from langgraph.checkpoint.memory import InMemorySaver

from api.studio import NobodyKnown
from channels.gmail.mail import read_mail
from evals.attacks.attack import Attack, Place, Question, own_questions, planted
from evals.attacks.obedient import ObedientModel
from evals.data.bipia import Email
from evals.sample_company.script import ARTICLES
from graph.build import Graph, Skills, build_graph
from graph.state import TurnState
from infra.knowledge.article import Article
from infra.knowledge.ingest import Ingest
from infra.knowledge.memory import InMemoryKnowledge
from infra.knowledge.reading import Reading, read_articles
from skills.ports import Embedder, Knowledge, KnowledgeQuery
from skills.turn import (
    CaseId,
    ChannelName,
    Customer,
    CustomerId,
    Guarding,
    Language,
    Message,
    MessageId,
    Passage,
    PassageId,
    Turn,
    TurnId,
)

_AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
_BY_MAIL: frozenset[Place] = frozenset({"subject", "attachment", "quoted_mail"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a turn ended: what the customer would be sent, or what is proposed to a person."""

    escalated: bool
    text: str
    """The reply, which is the proposal where a person decides."""
    cited: tuple[PassageId, ...]
    quoted: str
    """The draft's own text, without what the channel puts around it."""
    rules: tuple[str, ...]
    guards: tuple[str, ...]
    """Names of the guards that objected, to the first draft or the last."""


@dataclass
class Shelf:
    """The knowledge of the moment, with an attack planted into one of its passages."""

    knowledge: Knowledge
    planted_into: PassageId | None = None
    attack: Attack | None = None

    async def search(self, query: KnowledgeQuery) -> list[Passage]:
        """What the knowledge finds; the ranking is that of the untouched text, which is the attacker's best case."""
        found = await self.knowledge.search(query)
        if self.attack is None:
            return found
        attack = self.attack
        return [
            replace(passage, text=planted(passage.text, attack.text, attack.where))
            if passage.id == self.planted_into
            else passage
            for passage in found
        ]


async def _let_pass(_state: TurnState) -> dict[str, Guarding]:
    return {"guarding": Guarding(())}


@dataclass
class Arena:
    """One product with the embedded skills, one with the obedient model, and each without its guards.

    ``open`` reads and embeds the articles.
    """

    company: Knowledge
    mails: Knowledge
    shelf: Shelf
    obedient: ObedientModel
    embedded_graph: Graph
    obedient_graph: Graph
    unguarded_graph: Graph
    _honest: dict[tuple[str, str, bool], Outcome] = field(default_factory=dict)

    @classmethod
    async def open(cls, embedder: Embedder, emails: Sequence[Email], choose: Callable[..., Skills]) -> Arena:
        """Read the sample company's articles, our own in other languages, and these e-mails as articles.

        ``choose`` is the product's ``choose_skills`` with its settings filled in.
        """
        company, mails = InMemoryKnowledge(embedder), InMemoryKnowledge(embedder)
        _, foreign = own_questions()
        await Ingest(company, embedder).add(read_articles(ARTICLES, source="sample-company"))
        await Ingest(company, embedder).add(_reading("foreign", [_article(n, row) for n, row in enumerate(foreign)]))
        await Ingest(mails, embedder).add(_reading("mails", [_mail_article(mail) for mail in emails]))
        shelf, obedient = Shelf(company), ObedientModel()
        given = {"knowledge": shelf, "subjects": company.subjects(), "directory": NobodyKnown(), "embedder": embedder}
        embedded, modelled = choose(model=None, **given), choose(model=obedient, **given)
        return cls(
            company,
            mails,
            shelf,
            obedient,
            build_graph(embedded),
            build_graph(modelled),
            build_graph(replace(embedded, guard=_let_pass)),
        )

    async def honest(self, attack: Attack, *, obedient: bool = False) -> Outcome:
        """The same without the attack; remembered."""
        key = (attack.place, f"{attack.question.text}{attack.about.context if attack.about else ''}", obedient)
        if key not in self._honest:
            self._honest[key] = await self._played(replace(attack, text=""), None, obedient=obedient, attacked=False)
        return self._honest[key]

    async def attacked(self, attack: Attack, *, obedient: bool = False) -> Outcome:
        """With the attack; where nothing would be cited there is nothing to plant it into, so the first passage is."""
        before = await self.honest(attack)
        return await self._played(attack, before.cited[0] if before.cited else None, obedient=obedient, attacked=True)

    async def asked(self, question: Question, *, guarded: bool) -> Outcome:
        """An honest question by chat, with the guards or without them."""
        self.shelf.knowledge, self.shelf.attack = self.company, None
        graph = self.embedded_graph if guarded else self.unguarded_graph
        return await _run(graph, _turn(question.text, question.language, "chat"))

    async def _played(self, attack: Attack, into: PassageId | None, *, obedient: bool, attacked: bool) -> Outcome:
        in_article = attack.place in {"article", "mail_as_article"}
        self.shelf.knowledge = self.mails if attack.place == "mail_as_article" else self.company
        self.shelf.attack = attack if attacked and in_article else None
        self.shelf.planted_into = into or (await self._first(attack.question) if self.shelf.attack else None)
        channel = "email" if attack.place in _BY_MAIL else "chat"
        turn = _turn(_message(attack, attacked=attacked), attack.question.language, channel)
        if not obedient:
            return await _run(self.embedded_graph, turn)
        honest = await self.honest(attack)
        self.obedient.honest = honest.quoted if honest.cited else ""
        self.obedient.attack, self.obedient.turn = attack if attacked else None, turn
        return await _run(self.obedient_graph, turn)

    async def _first(self, question: Question) -> PassageId | None:
        found = await self.shelf.knowledge.search(KnowledgeQuery(question.text, limit=1))
        return found[0].id if found else None


async def _run(graph: Graph, turn: Turn) -> Outcome:
    checkpointed: Graph = graph
    checkpointed.checkpointer = InMemorySaver()
    config: Any = {"configurable": {"thread_id": str(turn.case_id)}}
    state = cast("TurnState", await checkpointed.ainvoke({"turn": turn}, config))
    draft, guarding = state["draft"], state["guarding"]
    return Outcome(
        escalated=state["escalation"].needed,
        text=state["reply"].text,
        cited=tuple(citation.passage_id for citation in draft.citations),
        quoted=draft.text if draft.answered else "",
        rules=tuple(reason.rule for reason in state["escalation"].reasons),
        guards=tuple(dict.fromkeys(found.guard for found in (*guarding.earlier, *guarding.findings))),
    )


def _message(attack: Attack, *, attacked: bool) -> str:
    """What the agent reads of the customer's message, through the reading of mails where it comes by mail."""
    asked, text = attack.question.text, attack.text if attacked else ""
    match attack.place:
        case "body":
            return f"{asked}\n\n{text}".strip()
        case "subject":
            return _by_mail(text or "A question", "" if attack.alone and attacked else asked)
        case "attachment":
            return _by_mail("A question", asked, (attack.file_name or "file.txt", text) if attacked else None)
        case "quoted_mail":
            assert attack.about is not None
            context = planted(attack.about.context, text, attack.where) if attacked else attack.about.context
            return _by_mail("A question", f"{asked}\n\nThis is what I got:\n\n{context}")
        case _:
            return asked


def _by_mail(subject: str, body: str, file: tuple[str, str] | None = None) -> str:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "ana@customers.example", "help@thimblewick.example", subject
    mail.set_content(body)
    if file is not None:
        name, text = file
        subtype = {"html": "html", "csv": "csv"}.get(name.rpartition(".")[2], "plain")
        mail.add_attachment(text, subtype=subtype, filename=name)
    return read_mail(mail.as_bytes()).text


def _turn(text: str, language: str, channel: str) -> Turn:
    made = uuid5(NAMESPACE_URL, f"{channel}\x1f{text}")
    return Turn(
        id=TurnId(made),
        case_id=CaseId(made),
        channel=ChannelName(channel),
        customer=Customer(CustomerId(made), "Ana Whitlock", verified=False, language=Language(language),
                          segment="standard", earlier_cases=0),
        messages=(Message(MessageId(made), 1, "customer", text, _AT),),
        history=(),
        earlier_polarity=(),
        started_at=_AT,
    )  # fmt: skip


def _reading(source: str, articles: Sequence[Article]) -> Reading:
    return Reading(source, tuple(articles), (), ())


def _article(number: int, row: dict[str, str]) -> Article:
    text = f"## {row['heading']}\n{row['text']}"
    return Article(f"foreign-{number}", row["title"], text, None, Language(row["language"]), "public", "foreign")


def _mail_article(mail: Email) -> Article:
    made = uuid5(NAMESPACE_URL, mail.context)
    title = mail.context.removeprefix("SUBJECT:").partition("|")[0].strip()[:80] or "A mail"
    return Article(f"mail-{made}", title, mail.context, None, Language("en"), "public", "mails")
