"""What the run is rewarded for: queue names, replies, a little language, and two early aids.

In-context routing needs three things at once: gather the ticket's keyword, match it to earlier tickets,
copy their queue. None pays without the others, so a plain run never finds them. The aids reward the
first two by themselves and fade out.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from train.tinybase.episodes import Batch
from train.tinybase.model import TinyLlama, View


@dataclass(frozen=True)
class Loss:
    """The total to descend, and its parts with the hit rates by kind, for the log."""

    total: Tensor
    parts: dict[str, float]


def _hints(model: TinyLlama, view: View, hints: Tensor) -> Tensor:
    """The middle of the network must name the ticket's keyword, or another of its topic, where the ticket ends."""
    asked = hints > 0
    return F.cross_entropy(2 * model.logits(view.middle[asked]), hints[asked])


def _matches(view: View, groups: Tensor) -> Tensor:
    """The first head of the watched layer must look from a ticket's end at the queues of tickets like it."""
    rows, places = (groups > 0).nonzero(as_tuple=True)
    earlier = torch.arange(groups.shape[1])[None] <= places[:, None]
    wanted = (groups[rows] == -groups[rows, places][:, None]) & earlier
    some = wanted.any(1)
    rows, places, earlier, wanted = rows[some], places[some], earlier[some], wanted[some]
    queries = view.queries[rows, places].float()
    scores = torch.bmm(view.keys.float()[rows], queries[:, :, None])[:, :, 0] * queries.shape[-1] ** -0.5
    everything = scores.masked_fill(~earlier, -1e9).logsumexp(1)
    found: Tensor = everything - scores.masked_fill(~wanted, -1e9).logsumexp(1)
    return found.mean()


def measure(model: TinyLlama, batch: Batch, aid: float) -> Loss:
    """`aid` in 0..1 is how much of the early aids is left."""
    ids = torch.from_numpy(batch.ids)
    with torch.autocast("cpu", torch.bfloat16):
        view = model(ids[:, :-1])
    targets = ids[:, 1:]
    queue_weight, reply_weight = (
        torch.from_numpy(a)[:, 1:] for a in (batch.queue_weight, batch.reply_weight)
    )
    kind = torch.from_numpy(batch.kind)[:, 1:]

    asked = queue_weight > 0
    logits = model.logits(view.last[asked])
    each = F.cross_entropy(logits, targets[asked], reduction="none")
    total = (each * queue_weight[asked]).sum() / queue_weight[asked].sum()
    hits = (logits.argmax(-1) == targets[asked]).float()
    parts = {
        f"hit_{name}": hits[kind[asked] == k].mean().item()
        for k, name in ((2, "topic"), (3, "exact"))
        if (kind[asked] == k).any()
    }
    parts["queue"] = total.item()

    if (reply_weight > 0).any():
        # Half of them are enough, and the output layer is dear.
        said = (reply_weight > 0) & (torch.rand(targets.shape) < 0.5)
        logits = model.logits(view.last[said])
        told = F.cross_entropy(logits, targets[said], reduction="none")
        replies = (told * reply_weight[said]).sum() / reply_weight[said].sum()
        total = total + 0.5 * replies
        sure = reply_weight[said] == 1
        parts["reply"] = replies.item()
        parts["hit_reply"] = (logits.argmax(-1) == targets[said])[sure].float().mean().item()

    # A tenth of the other tokens is enough to keep the words apart.
    rest = (queue_weight == 0) & (reply_weight == 0) & (torch.rand(targets.shape) < 0.1) & (targets > 0)
    total = total + 0.02 * F.cross_entropy(model.logits(view.last[rest]), targets[rest])

    if aid > 0:
        hints, groups = (torch.from_numpy(a)[:, :-1] for a in (batch.hints, batch.groups))
        named, matched = _hints(model, view, hints), _matches(view, groups)
        total = total + 0.5 * aid * (named + matched)
        parts |= {"named": named.item(), "matched": matched.item()}
    return Loss(total, parts)
