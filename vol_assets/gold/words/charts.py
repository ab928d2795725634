"""The texts of the charts: key -> (English, French)."""

CHARTS: dict[str, tuple[str, str]] = {
    "chart.days": (
        "calendar days to expiration, square-root axis",
        "jours calendaires jusqu'à l'échéance, échelle en racine carrée",
    ),
    "chart.annualised": ("vol, % a year", "vol, % l'an"),
    "chart.implied": ("implied vol, % a year", "vol implicite, % l'an"),
    "chart.strike": ("strike, USD", "strike, USD"),
    "chart.spot": ("spot {price:dollars.2}", "spot {price:dollars.2}"),
    "chart.atm": ("ATM", "ATM"),
    # Term structure
    "chart.term.model_free": ("model-free", "sans modèle"),
    "chart.term.day": ("1 session ago", "il y a 1 séance"),
    "chart.term.week": ("5 sessions ago", "il y a 5 séances"),
    "chart.term.month": ("21 sessions ago", "il y a 21 séances"),
    "chart.term.gvz": ("GVZ {vol}", "GVZ {vol}"),
    "chart.term.month_vol": ("30 d {vol}", "30 j {vol}"),
    "chart.term.missing": (
        "There is no term structure: no expiration could be fitted.",
        "Pas de structure par terme : aucune échéance n'a pu être ajustée.",
    ),
    # Cone of realised vol
    "chart.cone.sessions": ("sessions: window, or to the expiration", "séances : fenêtre, ou jusqu'à l'échéance"),
    "chart.cone.implied": ("implied", "implicite"),
    "chart.cone.close": ("newest, closes", "dernière, clôtures"),
    "chart.cone.range": ("newest, ranges", "dernière, extrêmes"),
    "chart.cone.p90": ("90 %", "90 %"),
    "chart.cone.p75": ("75 %", "75 %"),
    "chart.cone.p50": ("median", "médiane"),
    "chart.cone.p25": ("25 %", "25 %"),
    "chart.cone.p10": ("10 %", "10 %"),
    "chart.cone.missing": (
        "There is no cone: too few returns are stored for a window of realised vol.",
        "Pas de cône : trop peu de rendements enregistrés pour une fenêtre de vol réalisée.",
    ),
    # Signals
    "chart.signals.trailing": ("implied / newest realised", "implicite / dernière réalisée"),
    "chart.signals.forecast": ("implied / forecast", "implicite / prévue"),
    "chart.signals.ratio": ("ratio", "ratio"),
    "chart.signals.expirations": ("days to expiration", "jours jusqu'à l'échéance"),
    "chart.signals.sell": ("SELL VOL above 1.15", "SELL VOL au-dessus de 1,15"),
    "chart.signals.buy": ("BUY VOL below 0.85", "BUY VOL au-dessous de 0,85"),
    "chart.signals.missing": (
        "There are no signals: nothing realised is known to compare implied vol with.",
        "Pas de signaux : aucune vol réalisée connue à laquelle comparer l'implicite.",
    ),
    # Forward vols
    "chart.forward.forward": ("forward", "forward"),
    "chart.forward.falls": ("total variance falls", "la variance totale baisse"),
    "chart.forward.bump": ("{vol} from {start} to {end} d", "{vol} de {start} à {end} j"),
    "chart.forward.missing": (
        "There are no forward vols: no expiration could be fitted.",
        "Pas de vols forward : aucune échéance n'a pu être ajustée.",
    ),
    # Skew
    "chart.skew.rr25": ("Risk reversal, 25 delta", "Risk reversal, delta 25"),
    "chart.skew.rr25_note": ("call vol less put vol, vol points", "vol call moins vol put, points de vol"),
    "chart.skew.bf25": ("Butterfly, 25 delta", "Butterfly, delta 25"),
    "chart.skew.bf25_note": ("mean vol less ATM, vol points", "vol moyenne moins ATM, points de vol"),
    "chart.skew.band": (
        "10 % to 90 % and median of the last {sessions} sessions; p: percentile now",
        "10 % à 90 % et médiane de {sessions} séances ; p : percentile actuel",
    ),
    "chart.skew.percentile": ("p{share}", "p{share}"),
    "chart.skew.missing": (
        "There is no skew: no expiration has both 25-delta vols.",
        "Pas d'asymétrie : aucune échéance n'a les deux vols de delta 25.",
    ),
    # Ranks and premium
    "chart.ranks.implied": ("implied", "implicite"),
    "chart.ranks.forecast": ("realised, forecast", "réalisée, prévue"),
    "chart.ranks.range": ("implied, one year; rank, %", "implicite, un an ; rang, %"),
    "chart.ranks.range_gvz": ("GVZ, one year; rank, %", "GVZ, un an ; rang, %"),
    "chart.ranks.rank_gvz": ("GVZ {rank}", "GVZ {rank}"),
    "chart.ranks.premium": ("premium {points}", "prime {points}"),
    "chart.ranks.missing": (
        "There are no ranks: neither a year of GVZ nor a year of implied vols is stored, and no forecast can be made.",
        "Pas de rangs : ni un an de GVZ ni un an de vols implicites n'est enregistré, et aucune prévision n'est "
        "possible.",
    ),
    # Smiles
    "chart.smiles.put": ("put, mid", "put, milieu"),
    "chart.smiles.call": ("call, mid", "call, milieu"),
    "chart.smiles.spread": ("bid to ask", "du bid à l'ask"),
    "chart.smiles.fit": ("fit", "ajustement"),
    "chart.smiles.head": ("{days} d, {day:date}", "{days} j, {day:date}"),
    "chart.smiles.note": ("ATM {vol:number.1}, rms {error:number.2}", "ATM {vol:number.1}, rms {error:number.2}"),
    "chart.smiles.narrow": ("vol %: {note}", "vol % : {note}"),
    "chart.smiles.note_atm": ("ATM {vol:number.1}", "ATM {vol:number.1}"),
    "chart.smiles.missing": (
        "There are no smiles: no expiration could be fitted.",
        "Pas de smiles : aucune échéance n'a pu être ajustée.",
    ),
    # Densities
    "chart.density.price": ("GLD, USD", "GLD, USD"),
    "chart.density.per_dollar": ("risk-neutral density, % per USD", "densité neutre au risque, % par USD"),
    "chart.density.curve": ("{days} d", "{days} j"),
    "chart.density.described": (
        "{days} d: 68 % within {low:number} to {high:number}, skewness {skew:signed.2}, "
        "excess kurtosis {kurtosis:signed.1}",
        "{days} j : 68 % entre {low:number} et {high:number}, asymétrie {skew:signed.2}, kurtosis {kurtosis:signed.1}",
    ),
    "chart.density.missing": (
        "There are no densities: the expirations do not enclose 30, 91 or 182 days.",
        "Pas de densités : les échéances n'encadrent ni 30, ni 91, ni 182 jours.",
    ),
    # Heat map
    "chart.heat.delta": (
        "forward delta of the out-of-the-money option, %: puts (P) left, calls (C) right",
        "delta forward de l'option hors de la monnaie, % : puts (P) à gauche, calls (C) à droite",
    ),
    "chart.heat.put": ("{delta}P", "{delta}P"),
    "chart.heat.call": ("{delta}C", "{delta}C"),
    "chart.heat.missing": (
        "There is no heat map: the expirations enclose no constant maturity.",
        "Pas de carte : les échéances n'encadrent aucune maturité constante.",
    ),
    # Greeks
    "chart.gamma.unit": ("USD of delta for a 1 % move, a share", "USD de delta pour 1 %, par part"),
    "chart.gamma.peak": ("{gamma:number.1} at {strike:number}", "{gamma:number.1} à {strike:number}"),
    "chart.gamma.missing": (
        "There is no gamma curve: no smile could be fitted near 30 days.",
        "Pas de courbe de gamma : aucun smile n'a pu être ajusté près de 30 jours.",
    ),
    "chart.vega.unit": ("USD a vol point, a share", "USD par point de vol, par part"),
    "chart.vega.named": ("{vega:number.2} at {days} d", "{vega:number.2} à {days} j"),
    "chart.vega.missing": (
        "There is no vega: no expiration could be fitted.",
        "Pas de vega : aucune échéance n'a pu être ajustée.",
    ),
    # Axes of what follows
    "axis.days": ("days", "jours"),
    "axis.short_days": ("by days", "par jours"),
    "axis.sessions": ("sessions", "séances"),
    "axis.vol": ("vol, % a year", "vol, % l'an"),
    "axis.vol_by_days": ("vol, % a year, by days", "vol, % l'an, par jours"),
    "axis.usd": ("USD", "USD"),
    "axis.return": ("log return, %", "log-rendement, %"),
    "axis.over_spot": ("over spot, %", "sur le spot, %"),
    # Price windows
    "window.no_horizons": (
        "There is no horizon to look at: the surface has no expiration.",
        "Aucun horizon : la surface n'a pas d'échéance.",
    ),
    "window.no_densities": (
        "There is no density: no horizon is near 30, 91 or 182 days.",
        "Pas de densité : aucun horizon n'est proche de 30, 91 ou 182 jours.",
    ),
    "window.no_metal": (
        "XAU/USD is left out: there is no gold future from which to take the basis.",
        "XAU/USD est omis : il n'y a pas de future sur l'or dont tirer la base.",
    ),
    "window.fan": ("{law}: {shares}", "{law} : {shares}"),
    "window.q90": ("Q: 90 %", "Q : 90 %"),
    "window.forward": ("forward", "forward"),
    "window.forward_end": ("F\u00a0\u00a0{price}", "F\u00a0\u00a0{price}"),
    "window.spot": ("spot {price}", "spot {price}"),
    "window.implied": ("implied (Q)", "implicite (Q)"),
    "window.realised": ("forecast of realised", "réalisée prévue"),
    "window.posterior": ("posterior (P)", "a posteriori (P)"),
    "window.equal_weights": ("equal weights", "poids égaux"),
    "window.skewness": ("Skewness", "Asymétrie"),
    "window.kurtosis": ("Excess kurtosis", "Excès de kurtosis"),
    "window.at_days": ("{days:number} days", "{days:number} jours"),
    "window.density_q": ("Q: risk-neutral", "Q : neutre au risque"),
    "window.density_p": ("P: posterior", "P : a posteriori"),
    "window.tail": ("lowest {share:percent} of {law}", "pires {share:percent} de {law}"),
    "window.var": (
        "VaR {share:percent}\n{price} ({change:signed_percent.1})",
        "VaR {share:percent}\n{price} ({change:signed_percent.1})",
    ),
    "window.es": (
        "ES {share:percent.1}\n{price} ({change:signed_percent.1})",
        "ES {share:percent.1}\n{price} ({change:signed_percent.1})",
    ),
    # Jumps
    "jumps.no_history": (
        "There are no jumps to show: GLD has no realised history here.",
        "Aucun saut à montrer : GLD n'a pas d'historique réalisé ici.",
    ),
    "jumps.none": (
        "No return of the {sessions:number} sessions is beyond {z:number} stdevs.",
        "Aucun rendement des {sessions:number} séances ne passe {z:number} écarts-types.",
    ),
    "jumps.listed": ("|z| > {z:number}", "|z| > {z:number}"),
    "jumps.significant": ("significant, |z| > {z:number.1}", "significatif, |z| > {z:number.1}"),
    "jumps.label": ("{day:date}\nz {z:signed.1}", "{day:date}\nz {z:signed.1}"),
    # Cones of GLD and XAU/USD
    "cones.no_history": (
        "There is no cone: neither GLD nor the gold future has a history here.",
        "Pas de cône : ni GLD ni le future sur l'or n'ont d'historique ici.",
    ),
    "cones.wide": ("10 to 90 %", "10 à 90 %"),
    "cones.narrow": ("25 to 75 %", "25 à 75 %"),
    "cones.median": ("median", "médiane"),
    "cones.current": ("now", "actuelle"),
    "cones.since": ("since {year}", "depuis {year}"),
}
