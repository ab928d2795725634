"""How a person reads an input: volatility in percent, a return with its sign, a log as what it is the log of."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Reading:
    """shown: stored values -> what is read off an axis. style: its format. name: what a log is the log of.

    log: the axis is logarithmic, on which a term linear in the stored value is a straight line.
    """

    style: str
    shown: Callable[[np.ndarray], np.ndarray] = np.asarray
    name: str = ""
    log: bool = False

    def text(self, value: float) -> str:
        """A stored value in words: 13.8%, +1.2%, 'VIX 13.8%'; 'missing' for a null."""
        if np.isnan(value):
            return "missing"
        number = format(float(self.shown(value)), self.style)
        number = number if number.strip("+-0.%") else number.lstrip("+-")
        return f"{self.name} {number}".strip()

    def tick(self, shown: float, _: int | None = None) -> str:
        """A value on an axis."""
        return f"{100 * shown:g}%" if self.style.endswith("%") else f"{shown:g}"


PLAIN = Reading(".3g")
READINGS = {
    r"log_var_\d+d": Reading(".1%", lambda log_var: np.exp(0.5 * log_var), "vol", log=True),
    r"log_vix_term": Reading(".2f", np.exp, "VIX/VIX3M", log=True),
    r"log_vix9d_term": Reading(".2f", np.exp, "VIX9D/VIX", log=True),
    r"log_vix": Reading(".1%", np.exp, "VIX", log=True),
    r"log_vvix": Reading(".0%", np.exp, "VVIX", log=True),
    r"log_skew": Reading(".0f", lambda log_skew: 100 * np.exp(log_skew), "SKEW", log=True),
    r"spy_ret_.*|negative_return_.*|.*_spread(_.*)?": Reading("+.1%"),
    r"spy_vol_.*|vix|vix3m|drawdown_.*|rv_\d+d|ewma_vol|abs_return_1d": Reading(".1%"),
    r"vix_term|corr_.*": Reading(".2f"),
    r"rsi_.*": Reading(".0f"),
}


def reading(column: str) -> Reading:
    """How the values of a column are read; as plain numbers where nobody has said."""
    return next((read for pattern, read in READINGS.items() if re.fullmatch(pattern, column)), PLAIN)
