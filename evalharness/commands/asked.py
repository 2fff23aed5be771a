"""What a command was told -> who is asked, with what arms, out of what pool."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from curate.errors import ConfigError, MissingExtraError, NotFoundError
from curate.workspace import Workspace
from evalharness.asking.arms import (
    ARMS,
    BASE,
    FEW_SHOT,
    NAMED_TUNED,
    RAG,
    TUNED,
    TUNED_RAG,
    Arm,
    Base,
    FewShot,
    Rag,
    Tuned,
    must_be_choice,
)
from evalharness.asking.endpoint import FIRST_ANSWER, Endpoint
from evalharness.asking.pool import How, Pool, Retrieval
from evalharness.asking.predict import Origin
from evalharness.retrieval.documents import Passage, passages_in
from evalharness.tuning.tune import DOCUMENTS, passages_of
from evalharness.tuning.tune import Tuned as Tuning

if TYPE_CHECKING:
    from curate.scanning.embedding import Vectors
    from evalharness.asking.answerers import Adapter, Local
    from evalharness.asking.served import Served

KEY = "SEATRIAL_JUDGE_KEY"
RETRIEVERS: tuple[How, ...] = ("bm25", "embedding", "hybrid")
TIMEOUT = 120.0  # seconds: a small server that is asked much at a time answers late
PASSAGES = pl.Schema({"source": pl.String, "title": pl.String, "text": pl.String})


@dataclass(frozen=True)
class Model:
    """Whom to ask: a base on this machine, or a model at an address."""

    base: str = "tiny"
    quantization: Literal["auto", "nf4", "none"] = "auto"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int | None = None
    endpoint: str | None = None
    model: str = ""
    tuned_model: str | None = None
    key_env: str = KEY
    in_flight: int | None = None
    timeout: float = TIMEOUT
    stream: bool = True
    first_answer: float = FIRST_ANSWER
    silence: float | None = None
    continuous: bool = False

    def answerer(self, adapters: Sequence[Adapter] = ()) -> Local | Served:
        """What answers; the first adapter acts for `tuned`, each further one for an arm of its own."""
        if self.endpoint:
            from evalharness.asking.inflight import AT_MOST
            from evalharness.asking.served import Served

            endpoint = Endpoint(
                self.endpoint, self.model, self.key_env, self.timeout,
                first_answer=self.first_answer, silence=self.silence,
            )  # fmt: skip
            return Served(endpoint, self.tuned_model, self.in_flight or AT_MOST, self.stream)
        from evalharness.asking.answerers import Local

        first = adapters[0] if adapters else None
        return Local(
            self.base,
            self.quantization,
            self.device,
            self.threads,
            first.folder if first else None,
            first.digest if first else None,
            tuple(adapters[1:]),
            self.continuous,
        )


@dataclass(frozen=True)
class Given:
    """Settings of the arms that were given by hand; None is what was not."""

    shots: int | None = None
    choice: str | None = None
    seed: int | None = None
    neighbours: int | None = None
    retriever: str | None = None
    max_df: float | None = None

    def by_hand(self, arm: str) -> str:
        """What was given for this arm, in words; empty where nothing was."""
        names = {FEW_SHOT: ("shots", "choice", "seed"), RAG: ("neighbours", "retriever", "max_df")}
        said = [(name, getattr(self, name)) for name in names.get(arm, ())]
        return ", ".join(f"{name.replace('_', '-')} {value}" for name, value in said if value is not None)

    def few_shot(self, found: FewShot) -> FewShot:
        """These settings over those."""
        return replace(
            found,
            shots=self.shots or found.shots,
            seed=found.seed if self.seed is None else self.seed,
            choice=must_be_choice(self.choice) if self.choice else found.choice,
        )

    def rag(self, found: Rag, encoder: str | None) -> Rag:
        """These settings over those; `encoder` is the name of the one at hand."""
        by = must_be_retriever(self.retriever) if self.retriever else found.retrieval.by
        max_df = found.retrieval.max_df if self.max_df is None else self.max_df
        how = Retrieval(by, max_df, None if by == "bm25" else encoder)
        return replace(found, neighbours=self.neighbours or found.neighbours, retrieval=how)


def must_be_retriever(word: str) -> How:
    """The retriever of that name; ConfigError where there is none."""
    for known in RETRIEVERS:
        if word == known:
            return known
    raise ConfigError(f"--retriever {word}", hint=f"it is one of {', '.join(RETRIEVERS)}")


def adapters_of(workspace: Workspace, dataset: str, references: Sequence[str] | None) -> list[Adapter]:
    """The adapters that were named, or the newest that was trained on this version; folders are taken in."""
    from evalharness.asking.answerers import Adapter
    from evalharness.models.damage import must_be_whole
    from evalharness.models.model_files import ADAPTER

    if not references:
        newest = workspace.made_from(dataset, kind="train", role="adapter")
        return [Adapter("", workspace.files(newest), newest)] if newest else []
    found: list[Adapter] = []
    for reference in references:
        try:
            kept = workspace.artifact("adapter", reference)
            name = reference if reference != kept and not kept.startswith(reference) else kept[:8]
        except NotFoundError:
            folder = Path(reference)
            if not (folder / ADAPTER).is_file():
                raise
            must_be_whole(folder)
            kept, name = workspace.put_files("adapter", folder), folder.resolve().name
        found.append(Adapter(re.sub(r"[^\w.-]+", "-", name), workspace.files(kept), kept))
    names = [each.name for each in found]
    if len({each.digest for each in found}) < len(found) or len(set(names)) < len(names):
        raise ConfigError("--adapter names one adapter twice", hint="each once; the first is the arm tuned")
    return found


def vectors_of(workspace: Workspace, name: str) -> Vectors | None:
    """The encoder's vectors, kept in the workspace; None where there is no encoder."""
    from curate.scanning.embedding import Vectors, find_encoder

    found = find_encoder(name)
    return Vectors(found, workspace.vectors / found.fingerprint) if found else None


def keep_documents(workspace: Workspace, place: Path) -> tuple[str, list[Passage]]:
    """(digest, passages) of given documents."""
    found = passages_in(place)
    return workspace.put_table("passages", pl.DataFrame(found, schema=PASSAGES, orient="row")), found


@dataclass(frozen=True)
class Asked:
    """Everything that the arms need beside the model."""

    arms: list[Arm]
    pool: Pool
    origins: dict[str, Origin]


def prepare(
    workspace: Workspace,
    dataset: str,
    names: Sequence[str],
    given: Given,
    tuning: Tuning | None,
    *,
    documents: Path | None = None,
    encoder: str = "auto",
    prompted: bool = False,
) -> Asked:
    """The arms of these names: settings given by hand before tuned ones, tuned ones before plain ones.

    `prompted`: the user's own system message stands in place of a tuned one.
    """
    digest, passages = _documents(workspace, documents, tuning)
    vectors = _vectors(workspace, encoder, given, tuning, names)
    found: dict[str, Arm] = {name: _tuned(tuning, name) for name in (BASE, FEW_SHOT, RAG)}
    rag = found[RAG]
    assert isinstance(rag, Rag)
    rag = given.rag(rag, vectors.encoder.told if vectors else None)
    rag = replace(rag, source="documents" if digest else "rows")
    few = found[FEW_SHOT]
    assert isinstance(few, FewShot)
    found |= {RAG: rag, FEW_SHOT: given.few_shot(few), TUNED: Tuned(), TUNED_RAG: Tuned(TUNED_RAG, rag)}
    arms = [
        found.get(name) or (Tuned(name) if name.startswith(NAMED_TUNED) else Base(name)) for name in names
    ]
    if prompted:
        arms = [replace(arm, instruction=None) if arm.instruction else arm for arm in arms]  # type: ignore[type-var]
    pool = Pool(workspace.examples(dataset), passages, vectors)
    here = "documents" if documents else ""
    origins = {arm.name: _origin(arm, given, tuning, digest, here) for arm in arms}
    return Asked(arms, pool, origins)


def _tuned(tuning: Tuning | None, name: str) -> Arm:
    """A baseline's tuned settings, or the plain ones."""
    plain: dict[str, Arm] = {BASE: Base(), FEW_SHOT: FewShot(), RAG: Rag()}
    return (tuning.arm(name) if tuning else None) or plain[name]


def _documents(
    workspace: Workspace, place: Path | None, tuning: Tuning | None
) -> tuple[str | None, list[Passage]]:
    """(digest, passages): those that were given now, or to the tuning."""
    if place is not None:
        return keep_documents(workspace, place)
    digest = passages_of(workspace, tuning) if tuning else None
    if digest is None:
        return None, []
    return digest, [Passage(*row) for row in workspace.table(digest).iter_rows()]


def _vectors(
    workspace: Workspace, encoder: str, given: Given, tuning: Tuning | None, names: Sequence[str]
) -> Vectors | None:
    """The encoder's vectors where an arm needs them; MissingExtraError where there is none then."""
    told = (tuning.found["chosen"].get(RAG) or {}) if tuning else {}
    by = given.retriever or told.get("by") or "bm25"
    if by == "bm25" or not {RAG, TUNED_RAG} & set(names):
        return None
    found = vectors_of(workspace, encoder)
    if found is None:
        raise MissingExtraError("sentence-transformers", "embed")
    return found


def _origin(arm: Arm, given: Given, tuning: Tuning | None, documents: str | None, here: str) -> Origin:
    """The artifacts that an arm comes of, and what tuning says of it; `here`: documents given by hand."""
    inputs: dict[str, str] = {}
    told: Mapping[str, Any] = {}
    if arm.shows == "documents" and documents:
        inputs[DOCUMENTS] = documents
    if tuning and arm.name in (BASE, FEW_SHOT, RAG, TUNED_RAG):
        inputs["tuning"] = tuning.digest
        told = tuning.words(RAG if arm.name == TUNED_RAG else arm.name)
        by_hand = given.by_hand(arm.name), here if arm.shows == "documents" else ""
        if any(by_hand):
            told = {**told, "chosen": f"{told['chosen']}; by hand: {', '.join(filter(None, by_hand))}"}
    return Origin(inputs, told)


def must_be_arms(names: Sequence[str] | None, *, tuned: bool, adapters: Sequence[Adapter]) -> list[str]:
    """The arms to ask, in their order: as named, or all of the verdict's that can be asked."""
    further = [NAMED_TUNED + each.name for each in adapters[1:]]
    known = [*ARMS, TUNED_RAG, *further]
    for name in names or ():
        if name not in known:
            raise ConfigError(f"--arm {name}: no such arm", hint=f"the arms are {', '.join(known)}")
    needs = [name for name in names or () if name in (TUNED, TUNED_RAG)]
    if needs and not tuned:
        raise ConfigError(
            f"the arm {needs[0]} needs an adapter, and none was trained on this dataset",
            hint="seatrial train makes one; --adapter names one; at an endpoint --tuned-model does",
        )
    wanted = names or [*(name for name in ARMS if name != TUNED or tuned), *further]
    return [name for name in known if name in wanted]
