"""The names that the columns of a table may have, by what they hold.

A name counts in any letter case, with blanks, dashes or underscores between its words, and by its last part
alone between slashes and dots: ``Avg L0``, ``metrics/l0`` and ``eval.sparsity.l0`` all hold an L0. To let a
column have another name, add it here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

__all__ = [
    "SYNONYMS",
    "columns_for",
    "columns_named",
    "fold",
    "is_hit",
    "is_log_l0",
    "last_part",
    "plain",
]

SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = {
    "variant": (
        *("variant", "architecture", "arch", "sae_type", "sae_class", "dict_class", "trainer", "method"),
        *("trainer_class", "sae_architecture", "sae_variant", "activation"),
    ),
    "l0": ("l0", "mean_l0", "l0_mean", "avg_l0", "average_l0", "l0_norm", "l0_sparsity", "l0s"),
    "loss_recovered": (
        *("loss_recovered", "ce_loss_score", "frac_recovered", "fraction_recovered", "ce_score"),
        *("frac_loss_recovered", "fraction_loss_recovered", "ce_loss_recovered", "ce_recovered"),
        *("loss_recovery", "recovered_loss", "delta_lm_loss_recovered", "fraction_of_loss_recovered"),
    ),
    "performance_hit": ("performance_hit", "perf_hit", "normalized_hit", "normalised_hit"),
    "ce_sae": (
        *("ce_sae", "ce_loss_with_sae", "loss_reconstructed", "ce_with_sae", "loss_with_sae", "ce_loss_sae"),
        *("loss_sae", "ce_reconstructed", "patched_loss", "reconstructed_loss"),
    ),
    "ce_base": (
        *("ce_base", "ce_loss_without_sae", "loss_original", "ce_without_sae", "loss_without_sae"),
        *("ce_loss_base", "loss_base", "ce_clean", "loss_clean", "ce_original", "original_loss"),
    ),
    "ce_ablated": (
        *("ce_ablated", "ce_loss_with_ablation", "loss_zero", "ce_with_ablation", "loss_with_ablation"),
        *("ce_loss_ablated", "loss_ablated", "ce_zero", "loss_zero_ablated", "zero_ablation_loss"),
    ),
    "explained_variance": ("explained_variance", "frac_variance_explained", "variance_explained", "ev"),
    "model": ("model", "model_name", "lm_name"),
    "site": ("site", "hook_name", "hook_point", "submodule_name", "hook"),
    "layer": ("layer", "hook_layer", "hook_point_layer", "layer_idx", "layer_index"),
    "width": ("width", "d_sae", "dict_size", "dictionary_size", "n_latents", "n_features", "num_latents"),
    "d_model": ("d_model", "d_in", "activation_dim", "d_resid"),
    "seed": ("seed", "random_seed"),
    "label": ("label", "name", "run_name", "sae_name"),
    "n_tokens": ("n_tokens", "total_tokens_eval_reconstruction", "eval_tokens"),
    "fvu": (
        *("fvu", "frac_variance_unexplained", "fraction_variance_unexplained", "variance_unexplained"),
        *("fraction_of_variance_unexplained", "unexplained_variance"),
    ),
    "loss_difference": (
        *("loss_difference", "ce_difference", "ce_diff", "delta_ce", "delta_loss", "delta_lm_loss"),
        *("loss_increase", "ce_loss_increase", "ce_increase"),
    ),
}
"""By what a column holds, its names, the most telling first; the first is that of the validated table."""

_LOG_L0: Final = re.compile(
    r"(?:log|ln)_?(?:2|10|e)?_?(?:(?:mean|avg|average)_)?l0(?:_mean)?|l0_(?:log|ln)_?(?:2|10|e)?"
)
_PARTS: Final = re.compile(r"\|\||[/.]")


def plain(name: str) -> str:
    """Write a name in small letters, with one underscore for blanks, dashes and what is in brackets.

    Examples
    --------
    >>> plain(" Avg L0 "), plain("CE-loss score (%)"), plain("L0")
    ('avg_l0', 'ce_loss_score', 'l0')
    """
    without_brackets = re.sub(r"[(\[].*?[)\]]", " ", name)
    return re.sub(r"[\W_]+", "_", without_brackets.strip().lower()).strip("_")


def last_part(name: str) -> str:
    """Return the plain form of the last part of a name, between slashes, dots and double bars.

    Examples
    --------
    >>> last_part("metrics/l0"), last_part("core||sparsity||L0"), last_part("Trainer-0.dict_size")
    ('l0', 'l0', 'dict_size')
    """
    return plain(_PARTS.split(name)[-1])


def fold(name: str) -> str:
    """Write a name so that letter case, blanks, dashes and underscores do not count.

    Examples
    --------
    >>> fold("Batch Top-K"), fold("batch_topk")
    ('batchtopk', 'batchtopk')
    """
    return re.sub(r"[\s_-]+", "", name.lower())


def is_log_l0(name: str) -> bool:
    """Return whether a column holds the logarithm of L0, by its name.

    Examples
    --------
    >>> is_log_l0("eval/log10 L0"), is_log_l0("l0_log"), is_log_l0("logged_l0")
    (True, True, False)
    """
    return _LOG_L0.fullmatch(last_part(name)) is not None


def columns_named(name: str, columns: Iterable[str]) -> list[str]:
    """Find the columns that a user may mean by a name.

    The column of exactly this name goes first, then those that differ from it in letter case, blanks, dashes
    and underscores alone. The name of a role stands for the columns that hold it.

    Examples
    --------
    >>> columns_named("Layer ", ["layer", "l0"]), columns_named("l0", ["avg_l0"]), columns_named("x", ["y"])
    (['layer'], ['avg_l0'], [])
    """
    names = list(columns)
    if name in names:
        return [name]
    if fold(name) and (alike := [other for other in names if fold(other) == fold(name)]):
        return alike
    return columns_for(name, names) if name in SYNONYMS else []


def columns_for(role: str, columns: Iterable[str]) -> list[str]:
    """Find the columns that may hold something, those with the most telling name only.

    A whole name goes before a last part, and an earlier synonym before a later one; several are returned
    where they are equally telling.

    Parameters
    ----------
    role : str
        What is to be held; one of `SYNONYMS`, or a name that is the only one for it.
    columns : iterable of str
        The names to choose from.

    Examples
    --------
    >>> columns_for("l0", ["L0", "metrics/l0"]), columns_for("l0", ["metrics/l0", "sparsity.l0"])
    (['L0'], ['metrics/l0', 'sparsity.l0'])
    >>> columns_for("variant", ["trainer", "arch"])
    ['arch']
    """
    names = list(columns)
    if role in names:
        return [role]
    for form in (plain, last_part) if role in SYNONYMS else (plain,):
        for synonym in SYNONYMS.get(role, (role,)):
            if found := [name for name in names if form(name) == synonym]:
                return found
    return []


HIT_WORD: Final = re.compile(r"(?<![A-Za-z])(?i:hits?)(?![A-Za-z])|(?<=[a-z])Hits?(?![a-z])")


def is_hit(name: str) -> bool:
    """Return whether ``hit`` is a word of a column's name, so that it holds the hit itself."""
    return HIT_WORD.search(name) is not None
