"""What stands nearest to a question: among the train rows, or in passages of given documents."""

from evalharness.retrieval.documents import Passage, passages_in
from evalharness.retrieval.meaning import ByMeaning, Fused
from evalharness.retrieval.words import Retriever

__all__ = ["ByMeaning", "Fused", "Passage", "Retriever", "passages_in"]
