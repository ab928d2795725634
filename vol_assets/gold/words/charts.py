"""The texts of the charts of volatility and of the surface: key -> (English, French)."""

CHARTS: dict[str, tuple[str, str]] = {
    "chart.days": (
        "calendar days to expiration, square-root axis",
        "jours calendaires jusqu'à l'échéance, axe en racine",
    ),
    "chart.annualised": ("vol, % a year", "vol, % par an"),
    "chart.implied": ("implied vol, % a year", "vol implicite, % par an"),
    # Term structure
    "chart.term.atm": ("ATM", "ATM"),
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
    "chart.forward.atm": ("ATM", "ATM"),
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
    "chart.ranks.rank": ("{rank:number}", "{rank:number}"),
    "chart.ranks.rank_gvz": ("GVZ {rank:number}", "GVZ {rank:number}"),
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
    "chart.smiles.strike": ("strike, USD", "strike, USD"),
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
    "chart.density.spot": ("spot {price:dollars.2}", "spot {price:dollars.2}"),
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
    "chart.heat.days": ("days", "jours"),
    "chart.heat.put": ("{delta}P", "{delta}P"),
    "chart.heat.call": ("{delta}C", "{delta}C"),
    "chart.heat.missing": (
        "There is no heat map: the expirations enclose no constant maturity.",
        "Pas de carte : les échéances n'encadrent aucune maturité constante.",
    ),
    # Greeks
    "chart.gamma.unit": ("USD of delta for a 1 % move, a share", "USD de delta pour 1 %, par part"),
    "chart.gamma.strike": ("strike, USD", "strike, USD"),
    "chart.gamma.spot": ("spot {price:dollars.2}", "spot {price:dollars.2}"),
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
}
