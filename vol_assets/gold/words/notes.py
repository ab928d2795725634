"""The notes under the panels: key -> (English, French)."""

# ruff: noqa: RUF001 -- sigmas, minus and multiplication signs are what the pages print

from __future__ import annotations

NOTES: dict[str, tuple[str, str]] = {
    "volatility.note.implied": (
        "Implied vols: of a surface free of arbitrage, fitted to bids and asks of out-of-the-money quotes after "
        "taking out early exercise. Model-free: the log contract, which is what GVZ stands for.",
        "Vols implicites : d'une surface sans arbitrage, ajustée aux bids et asks hors de la monnaie, l'exercice "
        "anticipé retiré. Sans modèle : le contrat log, ce que représente GVZ.",
    ),
    "volatility.note.cone": (
        "Cone: overlapping windows since {first:date}, percentiles widened for their overlap (Hodges and Tompkins "
        "2002). Close: close to close, mean removed; range: Garman-Klass and overnight.",
        "Cône : fenêtres chevauchantes depuis le {first:date}, percentiles élargis en conséquence (Hodges et "
        "Tompkins 2002). Close : clôture à clôture, moyenne retirée ; range : Garman-Klass et nuit.",
    ),
    "volatility.note.no_cone": (
        "There is no realised history: cone, ratios and the variance premium are left out.",
        "Pas d'historique réalisé : cône, ratios et prime de variance sont omis.",
    ),
    "volatility.note.ranks": (
        "Forward vol: what the market prices from one expiration to the next. Rank: (now − lowest) / (highest − "
        "lowest) of a year. p: the share of the year's sessions that were not higher.",
        "Vol forward : ce que le marché cote d'une échéance à la suivante. Rang : (actuel − bas) / (haut − bas) d'un "
        "an. p : part des séances de l'année qui n'étaient pas plus hautes.",
    ),
    "volatility.note.rates": (
        "The rule on GVZ over the vol of 21 sessions, {sessions:number} sessions: SELL on {sell_share:percent}, BUY on "
        "{buy_share:percent}; now {now:number.2}, above {percentile:percent}. The next 21 realised less than implied "
        "after {after_sell:percent} of SELLs, and after {after_all:percent} of all.",
        "La règle sur GVZ / vol de 21 séances, {sessions:number} séances : SELL {sell_share:percent}, BUY "
        "{buy_share:percent} ; ratio {now:number.2}, au-dessus de {percentile:percent}. Réalisée ensuite sous "
        "l'implicite : {after_sell:percent} des SELL, {after_all:percent} de toutes.",
    ),
    "surface.note.fit": (
        "Each expiration is a mixture of lognormals whose prices rise with time to expiry: no butterfly, no calendar "
        "arbitrage, at any strike. Fewer than 8 quotes: an eSSVI slice.",
        "Chaque échéance est un mélange de lognormales dont les prix croissent avec le temps : aucun arbitrage de "
        "butterfly ni de calendrier, à aucun strike. Moins de 8 cotations : une tranche eSSVI.",
    ),
    "surface.note.error": (
        "Fit: {within:percent} of fitted quotes hold it between bid and ask; median error {error:number.2} "
        "half-spreads within 2.5 stdevs of the forward, over {count} expirations.",
        "Ajustement : {within:percent} des cotations le tiennent entre bid et ask ; erreur médiane {error:number.2} "
        "demi-fourchette à moins de 2,5 écarts-types du forward, sur {count} échéances.",
    ),
    "surface.note.greeks": (
        "Greeks: at each strike's own vol. Dollar gamma: what the delta of one share's option gains, in dollars, for "
        "a 1 % move. Vega: what its price gains for one vol point.",
        "Grecques : à la vol propre de chaque strike. Gamma en dollars : ce que gagne, en dollars, le delta de "
        "l'option "
        "d'une part pour 1 % de mouvement. Vega : ce que gagne son prix pour un point de vol.",
    ),
    "markets.note.basis": (
        "Ratio: median of {sessions} sessions' GC=F over GLD, each corrected for {expense:percent.2} a year of "
        "expenses; GC=F settles at 13:30, GLD at 16:00, so that one day's own ratio includes the afternoon's move.",
        "Ratio : médiane de {sessions} séances de GC=F sur GLD, corrigées de {expense:percent.2} de frais l'an ; "
        "GC=F est réglé à 13:30, GLD à 16:00 : le ratio d'un seul jour contient l'après-midi.",
    ),
    "markets.note.no_basis": (
        "Without a gold future there is no ratio between GLD and the ounce, and no XAU/USD.",
        "Sans future sur l'or, pas de ratio entre GLD et l'once, et pas de XAU/USD.",
    ),
    "markets.note.ratio": (
        "Ratio: IV over vol realised in the cone's window nearest in sessions, or over its forecast; SELL above "
        "1.15, BUY below 0.85. In cone: share of past windows below IV. Rank: (IV − low) / (high − low) of a year.",
        "Ratio : IV sur la vol réalisée de la fenêtre la plus proche en séances, ou sur sa prévision ; SELL "
        "au-dessus de 1,15, BUY sous 0,85. Dans le cône : part des fenêtres passées sous l'IV. Rang : (IV − bas) / "
        "(haut "
        "− bas).",
    ),
    "markets.note.jumps": (
        "Jumps: σ of the 60 sessions before, bipower, so that no jump hides itself or the next (Lee and Mykland "
        "2008); significant: beyond what the largest of so many normal returns passes one time in 20.",
        "Sauts : σ bipower des 60 séances d'avant, pour qu'aucun saut ne se cache ni ne cache le suivant (Lee et "
        "Mykland 2008) ; significatif : au-delà de ce que le plus grand d'autant de rendements normaux passe une "
        "fois sur 20.",
    ),
    "windows.note.laws": (
        "Q, risk-neutral: the law whose expected payoffs are option prices. P, posterior: Q's standardised log "
        "return with the posterior's stdev, shifted so that the expected price is the forward: no view on gold's "
        "direction.",
        "Q, neutre au risque : la loi dont les gains espérés sont les prix d'options. P, a posteriori : le "
        "log-rendement réduit de Q à l'écart-type a posteriori, décalé pour que l'espérance soit le forward : aucun "
        "avis sur la direction.",
    ),
    "windows.note.q": (
        "Q, risk-neutral: the law whose expected payoffs are option prices; it holds what sellers of options ask for "
        "the risk.",
        "Q, neutre au risque : la loi dont les gains espérés sont les prix d'options ; elle contient la prime de "
        "leurs vendeurs.",
    ),
    "windows.note.precision": (
        "Blend: weight {weight:percent} on implied variance (× {scale:number.2} for 91 days), from {errors:number} "
        "past forecasts "
        "of 21 sessions ({independent:number} apart; Bates and Granger 1969); errors of ln variance "
        "{implied:number.2}, {realised:number.2}, correlation {correlation:number.2}. {source}",
        "Mélange : poids {weight:percent} sur la variance implicite (× {scale:number.2} sur 91 jours), tiré de "
        "{errors:number} "
        "prévisions à 21 séances ({independent:number} disjointes ; Bates et Granger 1969) ; erreurs "
        "du ln {implied:number.2}, {realised:number.2}, corrélation {correlation:number.2}. {source}",
    ),
    "windows.note.equal": (
        "Blend: half implied variance, half forecast, no premium removed: there is too little common history of GVZ "
        "and returns to learn a weight from. {source}",
        "Mélange : moitié variance implicite, moitié prévue, sans retirer de prime : trop peu d'historique commun de "
        "GVZ et des rendements pour apprendre un poids. {source}",
    ),
    "windows.note.har": ("Forecast: log-HAR.", "Prévision : log-HAR."),
    "windows.note.trailing": ("Forecast: trailing variance.", "Prévision : variance passée."),
    "windows.note.no_posterior": (
        "There is no P and no Cornish-Fisher beside it, since realised variance cannot be forecast here; windows, "
        "VaR and ES are of Q alone.",
        "Ni P ni Cornish-Fisher, faute de prévision de la variance réalisée ; fenêtres, VaR et ES sont de Q seule.",
    ),
    "windows.note.cornish_fisher": (
        "CF: Cornish-Fisher with P's log mean, stdev, skewness and kurtosis. Its law has no finite mean price and "
        "cannot be centred on the forward. {projected}",
        "CF : Cornish-Fisher aux moyenne, écart-type, asymétrie et kurtosis du log-rendement sous P. Son prix n'a "
        "pas d'espérance finie : on ne peut la centrer sur le forward. {projected}",
    ),
    "windows.note.projected": (
        "* Moments out of its reach, moved to its boundary.",
        "* Moments hors de portée, ramenés à sa frontière.",
    ),
    "windows.note.tails": (
        "VaR 5 %: the price with 5 % of the odds below. ES 2.5 %: the mean price of the lowest 2.5 %. Both of a long "
        "position held to the horizon. 68 % is one stdev of a normal law, 68.27 %. {adjusted}",
        "VaR 5 % : le prix sous lequel tombent 5 % des cas. ES 2,5 % : le prix moyen des 2,5 % les plus bas. "
        "Position longue tenue jusqu'à l'horizon. 68 % : un écart-type d'une loi normale, 68,27 %. {adjusted}",
    ),
    "windows.note.beyond": (
        "Grey: beyond the strikes quoted around that horizon, where the law is the fit's and no longer the market's.",
        "En gris : au-delà des strikes cotés autour de cet horizon, où la loi est celle de l'ajustement et non du "
        "marché.",
    ),
    "windows.note.adjusted": (
        "† Posterior levelled with its neighbours in time.",
        "† A posteriori nivelé avec ses voisins dans le temps.",
    ),
}
