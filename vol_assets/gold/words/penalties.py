"""The rules of the quality score: code -> (English, French)."""

PENALTIES = {
    "penalty.expirations": (
        "{count} expirations to 400 days (6 wanted)",
        "{count} échéances jusqu'à 400 jours (6 voulues)",
    ),
    "penalty.smiles": (
        "{count} of {total} smiles quoted beyond 25 delta on both sides",
        "{count} smiles sur {total} cotés au-delà de 25 delta des deux côtés",
    ),
    "penalty.raw_arbitrage": (
        "{count} spreads or butterflies in the raw quotes pay at bid and ask",
        "{count} spreads ou butterflies gagnants dans les cotations brutes, au bid et à l'ask",
    ),
    "penalty.surface_arbitrage": (
        "{count} expirations break the surface's certificate",
        "{count} échéances enfreignent le certificat de la surface",
    ),
    "penalty.parity": (
        "GLD's close and options' parity are {basis_points} bp apart",
        "clôture de GLD et parité des options à {basis_points} pb",
    ),
    "penalty.no_close": (
        "GLD has no close to hold parity against",
        "GLD n'a pas de clôture à confronter à la parité",
    ),
    "penalty.spreads": (
        "median half-spread {points} vol points",
        "demi-fourchette médiane de {points} points de vol",
    ),
    "penalty.staleness": (
        "quotes {minutes} minutes from the close",
        "cotations à {minutes} minutes de la clôture",
    ),
    "penalty.cone": (
        "{count} of {total} windows in the realised cone",
        "{count} fenêtres sur {total} dans le cône réalisé",
    ),
}
