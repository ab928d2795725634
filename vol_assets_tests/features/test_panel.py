"""Long bars as a panel: a missing session is a row of nulls, never a shorter history."""

import numpy as np
import pandas as pd
import pytest

from vol_assets import clock
from vol_assets.features.panel import panel


def test_the_panel_holds_each_symbols_number_at_its_session(bars):
    wide = panel(bars, "close", ("VIX", "SPY"))
    assert list(wide.columns) == ["VIX", "SPY"]
    for row in bars[bars["symbol"].isin(["VIX", "SPY"])].itertuples():
        assert wide.loc[row.date, row.symbol] == row.close


def test_a_missing_session_is_a_row_of_nulls(bars, drop):
    gone = sorted(bars["date"].unique())[40]
    wide = panel(drop(bars, gone), "close", ("SPY", "TLT"))
    assert list(wide.index.date) == clock.sessions(bars["date"].min(), bars["date"].max())
    assert wide.loc[gone].isna().all()
    assert wide.drop(index=gone).notna().all(axis=None)


def test_a_symbol_that_never_came_is_a_column_of_nulls(bars):
    wide = panel(bars, "close", ("SPY", "GVZ"))
    assert wide["GVZ"].isna().all()
    assert wide["GVZ"].dtype == float


def test_two_rows_for_one_session_and_symbol_are_refused(bars):
    with pytest.raises(ValueError, match="duplicate"):
        panel(pd.concat([bars, bars.iloc[[0]]]), "close", ("SPY",))


def test_the_panel_does_not_write_into_the_bars(bars):
    before = bars.copy()
    wide = panel(bars, "close", ("SPY",))
    wide.iloc[:] = np.nan
    pd.testing.assert_frame_equal(bars, before)
