"""retrieve: what the company's articles say about the question, and how far that is to be trusted."""

from skills.retrieve.questions import Question, questions_of
from skills.retrieve.skill import Retrieve, RetrieveInput, RetrieveUpdate

__all__ = ["Question", "Retrieve", "RetrieveInput", "RetrieveUpdate", "questions_of"]
