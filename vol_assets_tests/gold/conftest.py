"""Analyses to draw, from all there can be to nothing."""

from __future__ import annotations

import dataclasses
from typing import Any

import documents
import pytest

from vol_assets.gold import report as r

EMPTY_SURFACE = r.SurfaceReading((), (), (), (), (), (), (), None, None, ())


@pytest.fixture(scope="session")
def analysis() -> dict[str, Any]:
    """Everything is there."""
    return documents.document()["analysis"]


@pytest.fixture(scope="session")
def young_analysis() -> dict[str, Any]:
    """The first session of a lake with bars: only GVZ ranks, and there has been no jump. One expiration has no quote
    near the forward, one forward vol is imaginary and another stands out."""
    surface, gld = documents.surface(), documents.instrument("GLD")
    first, *expirations = surface.expirations
    forwards = {3: None, 5: 0.21}
    ranks = (rank if rank.days == 30 else _unranked(rank) for rank in surface.ranks)
    surface = dataclasses.replace(
        surface,
        expirations=(dataclasses.replace(first, rmse_vol=None), *expirations),
        earlier=(),
        bands=(),
        ranks=tuple(dataclasses.replace(rank, source=rank.source and "gvz") for rank in ranks),
        forward_vols=tuple(
            dataclasses.replace(step, forward_vol=forwards.get(i, step.forward_vol))
            for i, step in enumerate(surface.forward_vols)
        ),
    )
    calm = dataclasses.replace(gld, realised=dataclasses.replace(gld.realised, jumps=()))
    return documents.document(surface=surface, gld=calm)["analysis"]


def _unranked(rank: r.Rank) -> r.Rank:
    unknown = dict.fromkeys(("rank", "percentile", "lowest", "highest", "source"))
    return dataclasses.replace(rank, **unknown, why_not="few")


@pytest.fixture(scope="session")
def options_alone_analysis() -> dict[str, Any]:
    """No forecast of realised variance, and no gold future."""
    gld = documents.instrument("GLD", with_posterior=False)
    return documents.document(gld=gld, xau=None, basis=None, blend=None)["analysis"]


@pytest.fixture(scope="session")
def single_analysis() -> dict[str, Any]:
    """One expiration, one quote, one window."""
    surface = documents.surface((30,), (30,))
    smile = surface.smiles[0]
    surface = dataclasses.replace(surface, smiles=(dataclasses.replace(smile, quotes=smile.quotes[:1]),))
    gld = documents.instrument("GLD", (30,), (30,))
    gld = dataclasses.replace(gld, realised=dataclasses.replace(gld.realised, cone=gld.realised.cone[:1]))
    return documents.document(surface=surface, gld=gld, gvz=None)["analysis"]


@pytest.fixture(scope="session")
def empty_analysis() -> dict[str, Any]:
    """Whatever may be missing is."""
    gld = dataclasses.replace(
        documents.instrument("GLD"), realised=None, ratios=(), ratio_history=None, horizons=(), densities=()
    )
    return documents.document(surface=EMPTY_SURFACE, gld=gld, xau=None, gvz=None, blend=None, basis=None)["analysis"]
