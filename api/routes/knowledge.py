"""The articles for the staff: search, a question on trial, versions, and the report on what is wrong with them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.problems import responses
from api.routes.staff import KnowledgeReader, KnowledgeWriter, StaffRoute
from api.routes.visitor import With
from api.told import Tone, told
from infra.knowledge.article import language_code
from infra.knowledge.checking import CheckTerms
from infra.knowledge.question import LONGEST
from infra.postgres.articles import StoredArticle
from infra.postgres.storable import refuse_unstorable
from skills.errors import NotFoundError
from skills.ports import KnowledgeQuery
from skills.turn import Action, ArticleId, Severity

router = APIRouter(prefix="/v1/knowledge", tags=["knowledge"], route_class=StaffRoute)

AudienceName = Literal["public", "customers", "staff"]
Limit = Annotated[int, Query(ge=1, le=200)]
Offset = Annotated[int, Query(ge=0, le=1_000_000)]
_PROBLEMS = responses(400, 401, 403, 404, 409, 422, 503)
_LARGEST_VERSION = 2**31 - 1


class Question(BaseModel):
    """What is searched for, and as whom. In a body, so that no server's log has it."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=LONGEST)
    limit: int = Field(8, ge=1, le=50)
    audience: AudienceName = Field("public", description="Search as this reader")
    language: str | None = Field(None, max_length=20, description="Passages in this language only")


class Trial(BaseModel):
    """What a customer would write, and where. In a body, so that no server's log has it."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=LONGEST)
    channel: Literal["chat", "form", "email", "whatsapp"] = Field("chat", description="What the reply is made for")


class TrialLine(BaseModel):
    """One line of what a skill found out."""

    text: str
    label: str | None = Field(description="What the text is, such as words or claims")
    tone: Tone | None


class TrialStep(BaseModel):
    """A skill that has finished; ``review`` is the last one where a person would be asked."""

    skill: str
    milliseconds: float
    told: list[TrialLine]


class TrialRequest(BaseModel):
    """What a person would be asked."""

    severity: Severity
    proposal: str = Field(description="The text that approve would send; empty when the agent has none")
    actions: list[Action]


class TrialResult(BaseModel):
    """How the agent comes to its answer."""

    steps: list[TrialStep] = Field(description="In the order in which they finished")
    reply: str
    handoff: str | None = Field(description="What the customer gets at once when a person is asked")
    request: TrialRequest | None = Field(description="null: the customer gets the reply at once, and nobody is asked")


class ArticleLine(BaseModel):
    """An article as it is now."""

    id: UUID
    source: str
    slug: str
    title: str
    url: str | None
    language: str
    audience: AudienceName
    updated_at: datetime
    passages: int
    effective_at: datetime | None = Field(description="Nobody finds it before")
    expires_at: datetime | None = Field(description="Nobody finds it from then on")
    version: int = Field(description="0: none was kept yet")
    missing_since: datetime | None = Field(description="Since when its source has it no more")


class FoundPassage(BaseModel):
    """A passage, how near it is, and where it comes from."""

    id: UUID
    article_id: UUID
    title: str
    heading: str
    text: str
    url: str | None
    language: str
    similarity: float = Field(description="Cosine of question and passage, -1 to 1")
    score: float = Field(description="Fused from both ranks; orders the list and means nothing across questions")
    place_by_words: int | None = Field(description="Its place when only words count; null when they don't find it")
    source: str | None
    slug: str | None


class Found(BaseModel):
    """Passages, best first."""

    items: list[FoundPassage]


class Articles(BaseModel):
    """A page of articles, by source and slug."""

    items: list[ArticleLine]


class Version(BaseModel):
    """A line of an article's history."""

    version: int
    change: Literal["added", "changed", "restored", "removed"]
    title: str
    changed_by: str
    changed_at: datetime
    effective_at: datetime | None
    expires_at: datetime | None
    audience: AudienceName
    language: str
    characters: int


class Versions(BaseModel):
    """An article's versions, the newest first; they stay when it is removed."""

    items: list[Version]


class WholeVersion(BaseModel):
    """What an article said in one version; ``body`` is Markdown."""

    version: int
    change: Literal["added", "changed", "restored", "removed"]
    source: str
    slug: str
    title: str
    body: str
    url: str | None
    language: str
    audience: AudienceName
    effective_at: datetime | None
    expires_at: datetime | None
    changed_by: str
    changed_at: datetime


class Earlier(BaseModel):
    """Which version comes back."""

    model_config = ConfigDict(extra="forbid")

    version: int = Field(ge=1, le=_LARGEST_VERSION)


class NamedArticle(BaseModel):
    """Which article a finding is about."""

    id: UUID
    source: str
    slug: str
    title: str


class Finding(BaseModel):
    """One thing to look at."""

    kind: Literal["expired", "expiring", "stale", "missing", "duplicate", "conflict", "broken_link"]
    article: NamedArticle
    detail: str
    other: NamedArticle | None = Field(description="The article that it is compared with")
    at: datetime | None


class Report(BaseModel):
    """What is wrong with the articles, or soon will be, the worst first."""

    findings: list[Finding]


@router.post("/search", responses=_PROBLEMS)
async def search_articles(question: Question, use: With, staff: KnowledgeReader) -> Found:  # noqa: ARG001 - signed in is enough
    """Search as the agent does."""
    language = None if question.language is None else language_code(question.language)
    found = await use.knowledge.search(KnowledgeQuery(question.text, question.limit, question.audience, language))
    return Found(
        items=[
            FoundPassage.model_validate(
                {
                    **asdict(one.passage),
                    "place_by_words": one.place_by_words,
                    "source": one.article and one.article.source,
                    "slug": one.article and one.article.slug,
                }
            )
            for one in found
        ]
    )


@router.post("/try", responses=_PROBLEMS)
async def try_question(trial: Trial, use: With, staff: KnowledgeReader) -> TrialResult:  # noqa: ARG001 - as above
    """Let the agent answer, as it would a stranger's first message; nothing is stored or sent."""
    refuse_unstorable(trial.text)
    tried = await use.knowledge.try_question(trial.text, trial.channel)
    return TrialResult(
        steps=[
            TrialStep(
                skill=step.skill,
                milliseconds=step.milliseconds,
                told=[TrialLine.model_validate(asdict(line)) for line in told(step.finding)],
            )
            for step in tried.steps
        ],
        reply=tried.reply.text,
        handoff=tried.reply.handoff,
        request=None
        if tried.request is None
        else TrialRequest.model_validate({name: tried.request[name] for name in TrialRequest.model_fields}),
    )


@router.get("/articles", responses=_PROBLEMS)
async def list_articles(
    use: With,
    staff: KnowledgeReader,  # noqa: ARG001 - signed in is enough
    source: Annotated[str | None, Query(max_length=1000)] = None,
    text: Annotated[str | None, Query(max_length=200, description="Stands in the title or the slug")] = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> Articles:
    """What articles there are."""
    for given in filter(None, (source, text)):
        refuse_unstorable(given)
    listed = await use.knowledge.articles.articles(source=source or None, text=text or None, limit=limit, offset=offset)
    return Articles(items=[_line(one) for one in listed])


@router.get("/articles/{article_id}", responses=_PROBLEMS)
async def read_article(article_id: UUID, use: With, staff: KnowledgeReader) -> ArticleLine:  # noqa: ARG001 - as above
    """One article as it is; its text is in its newest version."""
    found = await use.knowledge.articles.article(ArticleId(article_id))
    if found is None:
        raise NotFoundError("there is no such article", hint="it may have been removed: its versions are kept")
    return _line(found)


@router.get("/articles/{article_id}/versions", responses=_PROBLEMS)
async def list_versions(
    article_id: UUID,
    use: With,
    staff: KnowledgeReader,  # noqa: ARG001 - as above
    limit: Limit = 50,
) -> Versions:
    """What became of an article, also of one that was removed."""
    lines = await use.knowledge.versions.history(ArticleId(article_id), limit=limit)
    if not lines:
        raise NotFoundError("no version of such an article is kept")
    return Versions(items=[Version.model_validate(asdict(line)) for line in lines])


@router.get("/articles/{article_id}/versions/{version}", responses=_PROBLEMS)
async def read_version(article_id: UUID, version: int, use: With, staff: KnowledgeReader) -> WholeVersion:  # noqa: ARG001 - as above
    """What an article said in one version."""
    if not 0 < version <= _LARGEST_VERSION:
        raise NotFoundError("there is no such version")
    found = await use.knowledge.versions.version(ArticleId(article_id), version)
    return WholeVersion.model_validate(asdict(found))


@router.post("/articles/{article_id}/restore", status_code=204, responses=_PROBLEMS)
async def restore_version(article_id: UUID, earlier: Earlier, use: With, staff: KnowledgeWriter) -> None:
    """Bring an earlier version back, as a new one under your name."""
    await use.knowledge.restore(ArticleId(article_id), earlier.version, staff)


@router.get("/check", responses=_PROBLEMS)
async def check_articles(
    use: With,
    staff: KnowledgeReader,  # noqa: ARG001 - as above
    stale_days: Annotated[int, Query(ge=1, le=10_000)] = 365,
    cited: Annotated[int, Query(ge=1, le=1_000_000)] = 5,
    expiring_days: Annotated[int, Query(ge=0, le=10_000)] = 30,
) -> Report:
    """What is wrong with the articles. Reads all of them, so ask now and then."""
    terms = CheckTerms(expiring=timedelta(days=expiring_days), stale=timedelta(days=stale_days), cited=cited)
    found = await use.knowledge.check.report(terms)
    return Report(findings=[Finding.model_validate(asdict(one)) for one in found])


def _line(article: StoredArticle) -> ArticleLine:
    found: dict[str, Any] = asdict(article)
    return ArticleLine.model_validate(found)
