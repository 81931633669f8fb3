"""The agent: which form of each skill runs, and on what. Chosen here, from the settings, and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from pydantic import SecretStr

from api.metrics import Metrics
from graph.build import Graph, Skills, build_graph
from infra.breakers import Breakers, Limits
from infra.crypto.keyring import Keyring
from infra.knowledge.cache import CachedKnowledge
from infra.models.cache import CachedEmbedder, MemoryVectorCache
from infra.models.minilm import MiniLmEmbedder
from infra.postgres.database import Database
from infra.postgres.directory import PostgresDirectory
from infra.postgres.knowledge import PostgresKnowledge
from infra.postgres.model_replies import KeptReplies
from infra.postgres.spend import BudgetedModel, Ceilings, Prices, Spend, SpendWatcher
from infra.settings import Settings
from skills.adapt import Adapt, Company
from skills.errors import ConfigurationError
from skills.escalate import Escalate, Policy
from skills.identify import Identify
from skills.ports import CustomerDirectory, Embedder, Knowledge, StructuredModel
from skills.respond import ExtractiveResponder, ModelResponder
from skills.retrieve import Retrieve
from skills.sentiment import LexiconSentiment, ModelSentiment
from skills.turn import Language

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
    async with AsyncExitStack() as stack:
        embedder = await stack.enter_async_context(open_embedder(settings, breakers=watched))
        knowledge = await stack.enter_async_context(_open_knowledge(settings, database, embedder))
        model = await stack.enter_async_context(_open_model(settings, database, watched, spend))
        yield build_graph(
            choose_skills(settings, knowledge=knowledge, directory=PostgresDirectory(database, keyring), model=model)
        )


def choose_skills(
    settings: Settings, *, knowledge: Knowledge, directory: CustomerDirectory, model: StructuredModel | None
) -> Skills:
    """One form of each skill: the model's where there is a model, else the embedded one."""
    lexicon = LexiconSentiment()
    extractive = ExtractiveResponder(answer_threshold=settings.knowledge.answer_threshold)
    return Skills(
        identify=Identify(directory),
        sentiment=lexicon if model is None else ModelSentiment(model, lexicon),
        retrieve=Retrieve(knowledge),
        respond=extractive if model is None else ModelResponder(model),
        escalate=Escalate(read_policy(settings)),
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
    return Policy.parse(text)


@asynccontextmanager
async def open_embedder(settings: Settings, *, breakers: Breakers | None = None) -> AsyncIterator[Embedder]:
    """The embedding model of the settings, behind a cache by content and, where others run it, a circuit breaker.

    Without ``breakers`` there is none: an import is long, and rather waits than leaves texts out.
    """
    if settings.model.embeddings == "minilm":
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
        model=settings.model.embeddings_name,
        key=_openai_key(settings, needed_by="CSAGENT_MODEL__EMBEDDINGS", instead="minilm"),
        base_url=settings.openai_base_url,
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
async def _open_knowledge(settings: Settings, database: Database, embedder: Embedder) -> AsyncIterator[Knowledge]:
    if settings.knowledge.store == "postgres":
        own = PostgresKnowledge(database, embedder)
        seconds = settings.knowledge.cache_seconds
        yield CachedKnowledge(own, own.version, seconds=seconds) if seconds else own
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
        yield store
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
    if settings.model.chat == "embedded" or (settings.model.chat == "auto" and settings.openai_api_key is None):
        yield None
        return
    from infra.models.attempts import API, Patience
    from infra.models.guarded import GuardedModel
    from infra.models.openai_chat import OpenAIModel
    from infra.models.replies import FiledModel, RepliesFile

    openai = OpenAIModel(
        model=settings.model.chat_name,
        key=_openai_key(settings, needed_by="CSAGENT_MODEL__CHAT", instead="embedded"),
        base_url=settings.openai_base_url,
        patience=Patience(deadline=settings.model.deadline_seconds),
    )
    asked: StructuredModel = openai
    if settings.model.replies_file is not None:
        file = RepliesFile(settings.model.replies_file)
        asked = FiledModel(openai, server=settings.openai_base_url or API, file=file)
    try:
        yield GuardedModel(asked, breakers.add("model", _MODEL_LIMITS))
    finally:
        await openai.aclose()


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
