"""The rules of the quality score: code -> (English, French)."""

PENALTIES = {
    "penalty.expirations": (
        "{count} expirations to 400 days (6 wanted)",
        "{count} échéances jusqu'à 400 jours (6 voulues)",
    ),
    "penalty.smiles": (
        "{count} of {total} smiles with 8 quotes, beyond 25 delta on both sides",
        "{count} smiles sur {total} à 8 cotations, au-delà de 25 delta des deux côtés",
    ),
    "penalty.wings": (
        "{percent:number.1} % of the model-free variance beyond the quoted strikes",
        "{percent:number.1} % de la variance sans modèle hors des strikes cotés",
    ),
    "penalty.raw_arbitrage": (
        "{count} of {total:number} raw spreads and butterflies pay at bid and ask",
        "{count} spreads et butterflies bruts sur {total:number} gagnants au bid et à l'ask",
    ),
    "penalty.crossed": (
        "{count} expirations cross those before and were lifted",
        "échéances qui croisent les précédentes et ont été relevées : {count}",
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
        "{count} of {total} windows in the realised cone, of {sessions:number} sessions",
        "{count} fenêtres sur {total} dans le cône réalisé, de {sessions:number} séances",
    ),
}
