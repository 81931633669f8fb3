"""retrieve: what the company's articles say about the question, and how far that is to be trusted."""

from skills.retrieve.confidence import confidence_in, confidence_of
from skills.retrieve.questions import searches_for
from skills.retrieve.skill import Retrieve, RetrieveInput, RetrieveUpdate

__all__ = ["Retrieve", "RetrieveInput", "RetrieveUpdate", "confidence_in", "confidence_of", "searches_for"]
