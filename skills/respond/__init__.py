"""respond: a draft that says only what the company's articles say, or plainly that the answer isn't known."""

from skills.respond.form import AnswerForm, CitedSentence
from skills.respond.model import ModelResponder
from skills.respond.prompt import Prompt
from skills.respond.skill import ExtractiveResponder, RespondInput, RespondUpdate
from skills.respond.small_talk import SmallTalk, small_talk_in

__all__ = [
    "AnswerForm",
    "CitedSentence",
    "ExtractiveResponder",
    "ModelResponder",
    "Prompt",
    "RespondInput",
    "RespondUpdate",
    "SmallTalk",
    "small_talk_in",
]
