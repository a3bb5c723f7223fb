"""What the names of released SAEs say: architecture, layer, site and width."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["architecture_in", "layer_in", "site_in", "width_in"]

# Longest first: "matryoshka_batch_topk" holds "batch_topk", which holds "topk".
_ARCHITECTURES: Final = {
    "matryoshka_batch_topk": r"mat(?:ryo|roy)shka[_-]?batch[_-]?top[_-]?k",
    "batch_topk": r"batch[_-]?top[_-]?k",
    "topk": r"top[_-]?k",
    "jumprelu": r"jump[_-]?relu",
    "gated_anneal": r"gated[_-]?anneal",
    "p_anneal": r"p[_-]?anneal",
    "gated": r"gated(?:sae)?",
    "standard": r"standard(?:sae)?",
}
# Names are parts between separators, or words in CamelCase before them: "GatedSAE_pythia", "sweep_gated_ctx".
_WORD: Final = re.compile(
    rf"(?<![a-z0-9])(?:{'|'.join(f'(?P<{name}>{text})' for name, text in _ARCHITECTURES.items())})"
    r"(?:trainer|_?april[_-]?update)?(?![a-z0-9])",
    re.IGNORECASE,
)
_LAYER: Final = re.compile(r"(?:blocks|layers?)[._-](\d+)", re.IGNORECASE)
_SITE: Final = re.compile(
    r"(?<![a-z])(?:hook_)?(resid_(?:pre|mid|post)|mlp_out|attn_out|hook_z|mlp\.hook_post)(?![a-z])",
    re.IGNORECASE,
)
_WIDTH: Final = re.compile(r"width[_-](?:2pow(?P<power>\d+)|(?P<text>\d+[km]?))(?![a-z0-9])", re.IGNORECASE)


def architecture_in(*names: str) -> tuple[str, ...]:
    """Architectures that names of a release or an SAE hold, each once.

    Examples
    --------
    >>> architecture_in("sae_bench_pythia70m_sweep_gated_ctx128_0730")
    ('gated',)
    >>> architecture_in("MatryoshkaBatchTopK_pythia-160m-deduped__0108")
    ('matryoshka_batch_topk',)
    >>> architecture_in("gemma-scope-2b-pt-res")
    ()
    """
    found = [str(match.lastgroup) for name in names for match in _WORD.finditer(name)]
    return tuple(dict.fromkeys(found))


def layer_in(*names: str) -> int | None:
    """Layer that the first of these names to hold one says.

    Examples
    --------
    >>> layer_in("blocks.3.hook_resid_post__trainer_5"), layer_in("resid_post_layer_8_trainer_0")
    (3, 8)
    """
    found = next((match for name in names if (match := _LAYER.search(name))), None)
    return int(found[1]) if found else None


def site_in(*names: str) -> str | None:
    """Site of the activations, such as ``resid_post``.

    Examples
    --------
    >>> site_in("blocks.3.hook_resid_post__trainer_5"), site_in("blocks.0.attn.hook_z")
    ('resid_post', 'hook_z')
    """
    found = next((match for name in names if (match := _SITE.search(name))), None)
    return found[1] if found else None


def width_in(*names: str) -> str | None:
    """Width that a name says: the number of latents, or an abbreviation of it as it stands.

    Examples
    --------
    >>> width_in("saebench_gemma-2-2b_width-2pow14_date-0108"), width_in("layer_12/width_16k/average_l0_82")
    ('16384', '16k')
    """
    found = next((match for name in names if (match := _WIDTH.search(name))), None)
    if found is None:
        return None
    return str(2 ** int(found["power"])) if found["power"] else found["text"]
