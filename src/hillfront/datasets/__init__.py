"""Published frontiers that ship with the package.

Each dataset is a ``.csv`` beside a ``.md`` of the same name, which documents the columns, the licence and why
rows are not usable. A dataset needs a licence that permits redistribution.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["load_dataset"]


# What a user of a dataset must know and cite; becomes ``frame.attrs``.
_DATASETS = {
    "gated_sae": {
        "citation": (
            "Rajamanoharan, S., Conmy, A., Smith, L., Lieberum, T., Varma, V., Kramár, J., Shah, R. and "
            "Nanda, N. (2024). Improving Dictionary Learning with Gated Sparse Autoencoders. "
            "arXiv:2404.16014. doi:10.48550/arXiv.2404.16014"
        ),
        "licence": "CC BY 4.0",
        "source": "https://arxiv.org/abs/2404.16014, Tables 1-8",
    },
}


def load_dataset(
    name: str = "gated_sae", *, model: str | None = None, seq_len: int | None = None, raw: bool = False
) -> pd.DataFrame:
    """Load a packaged dataset of published frontiers, one row per SAE.

    Parameters
    ----------
    name : str
        The dataset; ``"gated_sae"`` is the only one so far.
    model : str, optional
        Keep the SAEs of this language model only: ``"Gemma-7B"`` or ``"Pythia-2.8B"``.
    seq_len : int, optional
        Keep the SAEs evaluated at this context length (tokens) only: 1024 or 2048. In ``gated_sae`` it goes
        with the model: 1024 is Gemma-7B, 2048 is Pythia-2.8B.
    raw : bool
        Return all rows, with the column ``left_out`` that names the reason why a row is not usable, and is
        empty for usable rows. By default only the usable rows are returned, without that column.

    Returns
    -------
    pandas.DataFrame
        In the order of the source, with a fresh index. ``attrs`` holds ``citation``, ``licence`` and
        ``source``. ``l0`` counts latents per token, ``loss_recovered`` is a fraction, and the cross-entropies
        ``ce_sae``, ``ce_base`` and ``ce_ablated`` are in nats per token.

    Raises
    ------
    ValueError
        If the dataset, the model or the sequence length is unknown; the message lists those that exist.

    Notes
    -----
    ``gated_sae`` is a transcription of Tables 1-8 of Rajamanoharan et al. [1]_: 283 SAEs on 54 frontiers, of
    which 269 SAEs on 52 frontiers are usable. ``loss_recovered`` is as printed in the paper;
    ``loss_recovered_from_ce`` is recomputed from the three cross-entropies. The column ``pareto_computed`` is
    not in the paper: it was computed over the whole curve, from every row with a positive L0, and so from
    all the rows that you may hold out. Points chosen by it make the scatter look smaller than it is.
    ``gated_sae.md``, beside the data, documents every column and every row left out.

    References
    ----------
    .. [1] Rajamanoharan et al. (2024). Improving Dictionary Learning with Gated Sparse Autoencoders.
       https://doi.org/10.48550/arXiv.2404.16014

    Examples
    --------
    >>> from hillfront.datasets import load_dataset
    >>> gemma = load_dataset("gated_sae", model="Gemma-7B")
    >>> len(gemma)
    161
    >>> gemma[["site", "layer", "variant", "l0", "loss_recovered"]].head(2)
        site  layer   variant    l0  loss_recovered
    0  resid      6  baseline  18.1          0.9528
    1  resid      6  baseline  10.5          0.8530
    >>> gemma.attrs["licence"]
    'CC BY 4.0'

    Rows that are left out, and why:

    >>> everything = load_dataset("gated_sae", raw=True)
    >>> everything.loc[everything["left_out"] == "negative L0", ["site", "layer", "l0", "left_out"]]
          site  layer     l0     left_out
    101  resid      6 -288.2  negative L0
    141    mlp     20  -91.1  negative L0
    158   attn     13 -635.1  negative L0
    171   attn     20 -851.3  negative L0
    """
    if name not in _DATASETS:
        raise ValueError(f"unknown dataset {name!r}; available: {_listed(_DATASETS)}.")
    frame = _read(name)
    if model is not None:
        frame = _keep(frame, "model", model)
    if seq_len is not None:
        frame = _keep(frame, "seq_len", seq_len, among="" if model is None else f" for model {model!r}")
    if not raw:
        frame = frame[frame["left_out"] == ""].drop(columns="left_out")
    frame = frame.reset_index(drop=True)
    frame.attrs.update(_DATASETS[name])
    return frame


def _read(name: str) -> pd.DataFrame:
    """Read a packaged file: an empty text stays the empty string, an empty number becomes NaN."""
    import pandas as pd  # here, so that importing this module costs nothing

    text = ["source", "model", "site", "variant", "ablation", "note", "left_out"]
    with resources.files(__name__).joinpath(f"{name}.csv").open(encoding="utf-8") as file:
        return pd.read_csv(
            file,
            dtype=dict.fromkeys(text, "str"),
            keep_default_na=False,
            na_values={"sparsity_coef": [""], "pct_alive": [""]},
        )


def _keep(frame: pd.DataFrame, column: str, value: object, *, among: str = "") -> pd.DataFrame:
    """Keep the rows with this value in a column, or raise a ValueError that lists the values there are."""
    kept = frame[frame[column] == value]
    if kept.empty:
        raise ValueError(
            f"unknown {column} {value!r}{among}; available: {_listed(frame[column].unique().tolist())}."
        )
    return kept


def _listed(values: Iterable[object]) -> str:
    return ", ".join(repr(value) for value in values)
