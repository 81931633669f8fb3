"""The agent: which form of each skill runs, and on what. Chosen here, from the settings, and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from api.metrics import Metrics
from graph.build import Graph, Skills, build_graph
from infra.breakers import Breakers, Limits
from infra.crypto.keyring import Keyring
from infra.intents.file import read as read_intents
from infra.knowledge.cache import CachedKnowledge
from infra.knowledge.subjects import ArticleSubjects
from infra.knowledge.switching import Model, SwitchingKnowledge
from infra.models.cache import CachedEmbedder, MemoryVectorCache
from infra.models.minilm import MODEL as MINILM
from infra.models.minilm import MiniLmEmbedder
from infra.postgres.database import Database
from infra.postgres.directory import PostgresDirectory
from infra.postgres.embedding_models import PostgresEmbeddingModels
from infra.postgres.knowledge import PostgresKnowledge
from infra.postgres.model_replies import KeptReplies
from infra.postgres.spend import BudgetedModel, Ceilings, Prices, Spend, SpendWatcher
from infra.settings import Settings
from skills.adapt import Adapt, Company
from skills.errors import ConfigurationError
from skills.escalate import Escalate, Policy
from skills.guard import Guard, Judge
from skills.identify import Identify
from skills.intent import ReadIntent, ScopeLimits, TrainedIntents
from skills.ports import CustomerDirectory, Embedder, Knowledge, StructuredModel, Subjects
from skills.respond import ExtractiveResponder, ModelResponder, Prompt
from skills.retrieve import Retrieve
from skills.sentiment import FusedSentiment, ModelSentiment
from skills.turn import Language
from skills.untrusted import notice

if TYPE_CHECKING:
    from infra.models.openai_chat import OpenAIModel  # imported where it is made: it takes a second

_MODEL_LIMITS = Limits(failures=3, window=120.0, cooldown=15.0)
"""Few failures over a long time: each may have cost a customer the model's whole deadline."""


@asynccontextmanager
async def open_agent(
    settings: Settings,
    database: Database,
    keyring: Keyring,
    *,
    breakers: Breakers | None = None,
    spending: SpendWatcher | None = None,
) -> AsyncIterator[Graph]:
    """The compiled graph with its models loaded; they are let go at the end.

    Articles are searched as they are now; the policy is the one that was read here, until the process ends.

    Args:
        settings: which models, and where.
        database: the knowledge, and who proved which address.
        keyring: for the addresses.
        breakers: where those of the models are added, to be seen; unseen ones unless given.
        spending: told what a chat model takes; nobody unless given.

    Raises:
        ConfigurationError: a model, a key or the policy file can't be used.
    """
    watched = breakers or Breakers()
    spend = _spend(settings, database, spending or Metrics())
    model = _open_model(settings, database, watched, spend)
    async with _opened(settings, database, keyring, model, watched) as graph:
        yield graph


@asynccontextmanager
async def open_offline_agent(settings: Settings, database: Database, keyring: Keyring) -> AsyncIterator[Graph]:
    """The same graph with the embedded form of every skill: the same text gives the same findings, and nothing is paid.

    Raises:
        ConfigurationError: the embedding model, a key or the policy file can't be used.
    """
    async with _opened(settings, database, keyring, nullcontext()) as graph:
        yield graph


@asynccontextmanager
async def _opened(
    settings: Settings,
    database: Database,
    keyring: Keyring,
    opening: AbstractAsyncContextManager[StructuredModel | None],
    breakers: Breakers | None = None,
) -> AsyncIterator[Graph]:
    async with (
        open_embedder(settings, breakers=breakers) as embedder,
        open_knowledge(settings, database, embedder, breakers) as (knowledge, subjects),
        opening as model,
        open_intents(settings) as intents,
    ):
        skills = choose_skills(
            settings,
            knowledge=knowledge,
            directory=PostgresDirectory(database, keyring),
            model=model,
            intents=intents,
            subjects=subjects,
            embedder=embedder,
        )
        yield build_graph(skills)


def choose_skills(
    settings: Settings,
    *,
    knowledge: Knowledge,
    directory: CustomerDirectory,
    subjects: Subjects | None,
    model: StructuredModel | None,
    embedder: Embedder,
    intents: TrainedIntents | None = None,
) -> Skills:
    """One form of each skill: the model's where there is a model, else the embedded one.

    ``subjects`` is what the articles are about, by name; a store that can't tell has none.
    """
    mood = FusedSentiment(embedder)
    sentiment = mood if model is None else ModelSentiment(model, mood)
    told = () if isinstance(sentiment, FusedSentiment) else (sentiment.instructions,)
    extractive = ExtractiveResponder(answer_threshold=settings.knowledge.answer_threshold)
    return Skills(
        identify=Identify(directory),
        sentiment=sentiment,
        retrieve=Retrieve(knowledge, subjects=subjects),
        respond=extractive if model is None else ModelResponder(model),
        guard=Guard(
            embedder=embedder,
            instructions=(Prompt.default().text, notice(""), *told),
            known=(settings.company.name,),
            judge=Judge(model) if model is not None and settings.model.judge else None,
        ),
        escalate=Escalate(read_policy(settings)),
        intent=ReadIntent(intents, answer_threshold=settings.knowledge.answer_threshold),
        adapt=Adapt(company=Company(settings.company.name, settings.company.signature)),
    )


def read_policy(settings: Settings) -> Policy:
    """The operator's policy, else the shipped one.

    Raises:
        ConfigurationError: the file can't be read.
        PolicyError: it says something impossible.
    """
    if settings.policy_file is None:
        return Policy.default()
    try:
        text = settings.policy_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"the policy file {settings.policy_file} can't be read: {type(error).__name__}",
            hint="CSAGENT_POLICY_FILE names a TOML file; leave it out for the shipped policy",
        ) from None
    return Policy.parse(text, name=settings.policy_file.name)


def intents_file(settings: Settings) -> Path:
    """Where the trained intents are, or will be."""
    return settings.intents.model_file or settings.folder / "intents.npz"


@asynccontextmanager
async def open_intents(settings: Settings) -> AsyncIterator[TrainedIntents | None]:
    """The intents that the operator has trained; ``None`` where there are none.

    They bring a bundled model of their own (43 MB), whatever the articles are embedded with, so that an import never
    makes a customer's turn wait for its intent.

    Raises:
        ConfigurationError: the file can't be used, or is not there although the settings name it.
    """
    path = intents_file(settings)
    if settings.intents.model_file is None and not await asyncio.to_thread(path.exists):
        yield None
        return
    classifier, limits = await asyncio.to_thread(read_intents, path)
    async with open_intents_embedder() as embedder:
        if (classifier.embedder, classifier.dimensions) != (embedder.model, embedder.dimensions):
            raise ConfigurationError(
                f"the intents in {path} were trained on vectors of {classifier.embedder}, not of {embedder.model}",
                hint="train them again: csagent intents train FILE",
            )
        yield TrainedIntents(classifier, embedder, ScopeLimits(*limits))


@asynccontextmanager
async def open_intents_embedder() -> AsyncIterator[Embedder]:
    """The embedder that intents are trained and judged with."""
    minilm = MiniLmEmbedder()
    await minilm.load()
    try:
        yield CachedEmbedder(minilm.layered(), MemoryVectorCache())
    finally:
        await asyncio.to_thread(minilm.close)


@asynccontextmanager
async def open_embedder(settings: Settings, *, breakers: Breakers | None = None) -> AsyncIterator[Embedder]:
    """The embedding model of the settings, behind a cache by content and, where others run it, a circuit breaker.

    Without ``breakers`` there is none: an import is long, and rather waits than leaves texts out.
    """
    name = MINILM if settings.model.embeddings == "minilm" else settings.model.embeddings_name
    async with open_model_embedder(settings, name, breakers=breakers) as embedder:
        yield embedder


@asynccontextmanager
async def open_answering_embedder(
    settings: Settings, database: Database, *, breakers: Breakers | None = None
) -> AsyncIterator[Embedder]:
    """The embedding model by which the articles are searched; the settings' while there are none.

    Raises:
        ConfigurationError: it needs a key that is not set.
    """
    answering = await PostgresEmbeddingModels(database).answering()
    if answering is None:
        async with open_embedder(settings, breakers=breakers) as embedder:
            yield embedder
        return
    name, dimensions = answering.name, answering.dimensions
    async with open_model_embedder(settings, name, dimensions, breakers=breakers) as embedder:
        yield embedder


@asynccontextmanager
async def open_model_embedder(
    settings: Settings, name: str, dimensions: int | None = None, *, breakers: Breakers | None = None
) -> AsyncIterator[Embedder]:
    """An embedding model by the name under which its vectors are stored: MiniLM here, else one of OpenAI's protocol.

    Raises:
        ConfigurationError: there is no key for it, or the length of its vectors is not known.
    """
    if name == MINILM:
        minilm = MiniLmEmbedder()
        await minilm.load()
        try:
            yield CachedEmbedder(minilm, MemoryVectorCache())
        finally:
            await asyncio.to_thread(minilm.close)
        return
    # Heavy, and only for those who have a key.
    from infra.models.attempts import Patience
    from infra.models.guarded import GuardedEmbedder
    from infra.models.openai_embeddings import OpenAIEmbedder

    openai = OpenAIEmbedder(
        model=name.partition("@")[0],
        key=_openai_key(settings, needed_by=name, instead="minilm"),
        base_url=settings.openai_base_url,
        dimensions=dimensions,
        patience=Patience(deadline=settings.model.deadline_seconds),
    )
    asked: Embedder = openai
    if breakers is not None:
        asked = GuardedEmbedder(openai, breakers.add("embeddings", _MODEL_LIMITS))
    try:
        yield CachedEmbedder(asked, MemoryVectorCache())
    finally:
        await openai.aclose()


@asynccontextmanager
async def open_knowledge(
    settings: Settings, database: Database, embedder: Embedder, breakers: Breakers | None = None
) -> AsyncIterator[tuple[Knowledge, Subjects | None]]:
    """The articles, by the model that answers: ``embedder`` until another one is switched to; and their names."""
    if settings.knowledge.store == "postgres":
        async with AsyncExitStack() as opened:

            async def open_other(model: Model) -> Knowledge:
                other = open_model_embedder(settings, model.name, model.dimensions, breakers=breakers)
                return PostgresKnowledge(database, await opened.enter_async_context(other))

            own = PostgresKnowledge(database, embedder)
            answering = PostgresEmbeddingModels(database).answering
            followed = SwitchingKnowledge(own, embedder.model, answering, open_other)
            seconds = settings.knowledge.cache_seconds
            knowledge = CachedKnowledge(followed, own.version, seconds=seconds) if seconds else followed
            yield knowledge, ArticleSubjects(own.named, own.version)
        return
    # Heavy (SQLAlchemy), and only for those who bring their own collection. Nothing tells when that changes, so that
    # its answers are not remembered.
    from infra.postgres.vectorstore import Collection, VectorStoreKnowledge

    asked = settings.knowledge.collection
    store = await VectorStoreKnowledge.connect(
        database.url if asked.url is None else asked.url.get_secret_value(),
        Collection(
            table=asked.table,
            audience=asked.audience,
            language=asked.language or None,
            title=asked.title or None,
            heading=asked.heading or None,
            url=asked.url_column or None,
        ),
        embedder,
        default_language=Language("en"),
    )
    try:
        yield store, None
    finally:
        await store.close()


@asynccontextmanager
async def _open_model(
    settings: Settings, database: Database, breakers: Breakers, spend: Spend
) -> AsyncIterator[StructuredModel | None]:
    async with open_chat_model(settings, breakers=breakers) as model:
        yield None if model is None else KeptReplies(BudgetedModel(model, spend), database)


@asynccontextmanager
async def open_chat_model(settings: Settings, *, breakers: Breakers) -> AsyncIterator[StructuredModel | None]:
    """The chat model of the settings behind its breaker, with no account of what it costs; ``None``: embedded forms.

    Raises:
        ConfigurationError: CSAGENT_MODEL__CHAT asks for openai, and there is no key.
    """
    openai = openai_chat(settings)
    if openai is None:
        yield None
        return
    from infra.models.attempts import API
    from infra.models.guarded import GuardedModel
    from infra.models.replies import FiledModel, RepliesFile

    asked: StructuredModel = openai
    if settings.model.replies_file is not None:
        file = RepliesFile(settings.model.replies_file)
        asked = FiledModel(openai, server=settings.openai_base_url or API, file=file)
    try:
        yield GuardedModel(asked, breakers.add("model", _MODEL_LIMITS))
    finally:
        await openai.aclose()


def openai_chat(settings: Settings) -> OpenAIModel | None:
    """OpenAI's chat model as the settings name it; ``None`` where they want the embedded forms, or there is no key.

    Raises:
        ConfigurationError: CSAGENT_MODEL__CHAT asks for openai, and there is no key.
    """
    if settings.model.chat == "embedded" or (settings.model.chat == "auto" and settings.openai_api_key is None):
        return None
    from infra.models.attempts import Patience
    from infra.models.openai_chat import OpenAIModel

    return OpenAIModel(
        model=settings.model.chat_name,
        key=_openai_key(settings, needed_by="CSAGENT_MODEL__CHAT", instead="embedded"),
        base_url=settings.openai_base_url,
        patience=Patience(deadline=settings.model.deadline_seconds),
    )


def _spend(settings: Settings, database: Database, watcher: SpendWatcher) -> Spend:
    most, prices = settings.spend, Prices(settings.model.price_in, settings.model.price_out)
    if (most.case_money or most.day_money) and not (prices.tokens_in or prices.tokens_out):
        raise ConfigurationError(
            "CSAGENT_SPEND__… has a ceiling in money, but no price is known",
            hint="set CSAGENT_MODEL__PRICE_IN and CSAGENT_MODEL__PRICE_OUT, or a ceiling in tokens",
        )
    ceilings = Ceilings(most.case_tokens, most.case_money, most.day_tokens, most.day_money)
    return Spend(database, ceilings=ceilings, prices=prices, watcher=watcher)


def _openai_key(settings: Settings, *, needed_by: str, instead: str) -> SecretStr:
    if settings.openai_api_key is None:
        raise ConfigurationError(
            f"{needed_by} is openai, but OPENAI_API_KEY is not set", hint=f"set it, or use {instead}"
        )
    return settings.openai_api_key
