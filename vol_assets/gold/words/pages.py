"""The pages' texts but those of charts, tables and notes: key -> (English, French)."""

# ruff: noqa: RUF001 -- sigmas, minus and multiplication signs are what the pages print

from __future__ import annotations

_FURNITURE = {
    "report.title": ("Gold volatility report", "Rapport de volatilité de l'or"),
    "report.footer": (
        "vol_assets {version}. Vols are a year's: implied ones of 365 days, realised ones of 252 sessions. Amounts "
        "in US dollars. Information, not advice.",
        "vol_assets {version}. Vols annualisées : implicites sur 365 jours, réalisées sur 252 séances. Montants en "
        "dollars américains. Information, et non conseil.",
    ),
    "report.reading": ("How to read this", "Comment lire cette page"),
    "report.answer": ("In short", "En bref"),
    "volatility.answer": (
        "{days:number} days: implied {implied:percent.1}{against}; above {cone:percent} of past windows of that length."
        "{rule}",
        "{days:number} jours : implicite {implied:percent.1}{against} ; au-dessus de {cone:percent} des fenêtres "
        "passées "
        "de cette durée.{rule}",
    ),
    "volatility.answer.forecast": (
        ", forecast of realised {vol:percent.1}, premium {premium:signed.1} points",
        ", réalisée prévue {vol:percent.1}, prime {premium:signed.1} points",
    ),
    "volatility.answer.trailing": (
        ", realised lately {vol:percent.1}, difference {premium:signed.1} points",
        ", réalisée récente {vol:percent.1}, écart {premium:signed.1} points",
    ),
    "volatility.answer.rule": (
        " The rule says {signal}, as on {share:percent} of all sessions.",
        " La règle dit {signal}, comme à {share:percent} des séances.",
    ),
    "fact.session": ("Session", "Séance"),
    "fact.quotes": ("quotes at {time} UTC", "cotations à {time} UTC"),
    "fact.spot": ("{name}, spot", "{name}, spot"),
    "fact.rate": ("Rate, 30 days", "Taux, 30 jours"),
    "fact.gvz": ("GVZ, Cboe's index", "GVZ, indice du Cboe"),
    "fact.no_gvz": ("not quoted", "non coté"),
    "fact.no_xau": ("no gold future", "pas de future"),
    "fact.quality": ("Quality of the data", "Qualité des données"),
    "fact.of_100": ("of 100: {label}", "sur 100 : {label}"),
    "fact.source": ("Market data", "Données de marché"),
    "spot.close": ("close", "clôture"),
    "spot.parity": ("from parity", "par parité"),
    "spot.basis": ("GLD × {ratio:number.3}", "GLD × {ratio:number.3}"),
    "rate.IRX": ("13-week bill", "bon à 13 semaines"),
    "rate.rates.csv": ("rates.csv", "rates.csv"),
    "rate.setting": ("as set", "fixé"),
    "rate.parity": ("from parity", "par parité"),
    "rate.vendor": ("vendor's", "du fournisseur"),
    "source.sample": ("Simulated", "Simulées"),
    "source.yahoo": ("Yahoo Finance", "Yahoo Finance"),
    "source.files": ("Own files", "Fichiers propres"),
    "quality.good": ("good", "bonne"),
    "quality.fair": ("fair", "passable"),
    "quality.poor": ("poor", "mauvaise"),
    "banner.simulated": ("SIMULATED MARKET", "MARCHÉ SIMULÉ"),
    "banner.simulated_text": (
        "Every price here was made up by the sample source to show what the report looks like; none was ever quoted.",
        "Tous les prix sont inventés par la source d'exemple pour montrer le rapport ; aucun n'a jamais été coté.",
    ),
    "banner.degraded": ("DEGRADED", "DÉGRADÉ"),
    "banner.more": ("(and {count} more on page 3)", "(et {count} de plus en page 3)"),
}

_TITLES = {
    "volatility.title": ("Volatility", "Volatilité"),
    "volatility.question": (
        "Is gold volatility rich or cheap, and at which maturity?",
        "La volatilité de l'or est-elle chère ou bon marché, et à quelle échéance ?",
    ),
    "volatility.reading": (
        "Blue is what options price, orange what gold has done. Vol is rich where blue stands above the cone's band "
        "and the ratio passes 1.15, cheap where it is below 0.85.",
        "En bleu ce que cotent les options, en orange ce que l'or a fait. La vol est chère quand le bleu dépasse la "
        "bande du cône et le ratio 1,15, bon marché sous 0,85.",
    ),
    "surface.title": ("Surface", "Surface"),
    "surface.question": (
        "What do GLD's options price, strike by strike?",
        "Que cotent les options sur GLD, strike par strike ?",
    ),
    "surface.reading": (
        "A smile that leans right: calls cost more than puts equally far from the forward. A density is that smile "
        "read "
        "as odds. Bars run from bid to ask.",
        "Un smile penché à droite : les calls coûtent plus que les puts à même distance. La densité est ce smile lu "
        "en probabilités. Barres : du bid à l'ask.",
    ),
    "markets.title": ("GLD and XAU/USD", "GLD et XAU/USD"),
    "markets.question": (
        "Is it one market, and how far can this report be trusted?",
        "Est-ce un seul marché, et quelle confiance accorder au rapport ?",
    ),
    "markets.reading": (
        "XAU/USD is GLD at another level: the same options, another carry, a history of its own. Below: every "
        "maturity on one line, then what the data are worth.",
        "XAU/USD, c'est GLD à un autre niveau : mêmes options, autre portage, historique propre. Plus bas : chaque "
        "échéance en une ligne, puis ce que valent les données.",
    ),
    "windows.reading_alone": (
        "Q (blue): where {name} may go by what options charge for. 90 % of it ends within the 90 % band, 5 % below "
        "VaR. There is no P here: nothing is known of realised vol.",
        "Q (bleu) : où {name} peut aller d'après ce que font payer les options. 90 % finit dans la bande à 90 %, 5 % "
        "sous la VaR. Pas de P ici : on ne sait rien de la vol réalisée.",
    ),
    "windows.title": ("Price windows: {name}", "Fenêtres de prix : {name}"),
    "windows.question": (
        "Where may {name} be at each horizon, and with what odds?",
        "Où {name} peut-il être à chaque horizon, et avec quelles chances ?",
    ),
    "windows.reading": (
        "P (green): where {name} may go when realised vol is what its past and options say together. Q (blue): what "
        "options charge for. Of P, 90 % ends within the 90 % band, 5 % below VaR.",
        "P (vert) : où {name} peut aller si la vol réalisée suit le passé et les options réunis. Q (bleu) : ce que "
        "font payer les options. Sous P, 90 % finit dans la bande à 90 %, 5 % sous la VaR.",
    ),
}

_PANELS = {
    "term_structure.title": ("Term structure", "Structure par terme"),
    "term_structure.subtitle": (
        "σ at the forward by expiration; model-free √(−2 E ln(S/F) / T)",
        "σ à la monnaie forward par échéance ; sans modèle √(−2 E ln(S/F) / T)",
    ),
    "cone.title": ("Realised cone", "Cône réalisé"),
    "cone.subtitle": (
        "percentiles of realised vol by length of window, implied over them",
        "percentiles de la vol réalisée par durée, l'implicite par-dessus",
    ),
    "signals.title": ("Implied over realised", "Implicite sur réalisée"),
    "signals.subtitle": (
        "ratio = σ implied / σ realised; SELL above 1.15, BUY below 0.85",
        "σ implicite / σ réalisée ; SELL au-dessus de 1,15, BUY sous 0,85",
    ),
    "forward_vols.title": ("Forward vols", "Vols forward"),
    "forward_vols.subtitle": (
        "√((σ₂² T₂ − σ₁² T₁) / (T₂ − T₁)) from expiration to expiration",
        "√((σ₂² T₂ − σ₁² T₁) / (T₂ − T₁)) d'échéance en échéance",
    ),
    "skew.title": ("Risk reversal and butterfly", "Risk reversal et butterfly"),
    "skew.subtitle": (
        "RR25 = σ 25Δ call − σ 25Δ put; BF25 = their mean − σ at the forward",
        "RR25 = σ call 25Δ − σ put 25Δ ; BF25 = leur moyenne − σ à la monnaie",
    ),
    "ranks.title": ("Premium and ranks", "Prime et rangs"),
    "ranks.subtitle": (
        "σ implied − σ forecast, and implied vol within its last year",
        "σ implicite − σ prévue, et l'implicite dans l'année écoulée",
    ),
    "smiles.title": ("Smiles", "Smiles"),
    "smiles.subtitle": (
        "European vols of out-of-the-money quotes, bid to ask, and the surface through them; k = ln(K / F)",
        "vols européennes des cotations hors de la monnaie, du bid à l'ask, et la surface ; k = ln(K / F)",
    ),
    "density.title": ("Risk-neutral densities", "Densités neutres au risque"),
    "density.subtitle": (
        "q(K) = exp(rT) ∂²C/∂K², in closed form from the surface: mass 1, mean the forward",
        "q(K) = exp(rT) ∂²C/∂K², forme fermée de la surface : masse 1, moyenne le forward",
    ),
    "heat_map.title": ("Vol by delta and maturity", "Vol par delta et maturité"),
    "heat_map.subtitle": (
        "constant maturities; forward delta, 10 put to 10 call",
        "maturités constantes ; delta forward, du put 10 au call 10",
    ),
    "dollar_gamma.title": ("Dollar gamma", "Gamma en dollars"),
    "dollar_gamma.subtitle": (
        "Γ S² / 100 at {days:number} days, at each strike's own vol",
        "Γ S² / 100 à {days:number} jours, à la vol de chaque strike",
    ),
    "vega.title": ("Vega at the forward", "Vega à la monnaie"),
    "vega.subtitle": ("by expiration, discounted", "par échéance, actualisé"),
    "terms.title": ("The two markets", "Les deux marchés"),
    "terms.subtitle": (
        "XAU/USD spot = GLD × ratio; ratio: median of past closes",
        "spot XAU/USD = GLD × ratio ; ratio : médiane des clôtures passées",
    ),
    "forwards.title": ("Forward curves", "Courbes forward"),
    "forwards.subtitle": (
        "F / S − 1; XAU/USD carries {expense:percent.2} a year more",
        "F / S − 1 ; XAU/USD porte {expense:percent.2} l'an de plus",
    ),
    "forwards.subtitle_alone": ("F / S − 1", "F / S − 1"),
    "cones.title": ("Cones of their own histories", "Cônes de leurs propres historiques"),
    "cones.subtitle": (
        "close-to-close vol by length of window, percentiles widened for overlap",
        "vol clôture à clôture par durée, percentiles élargis pour chevauchement",
    ),
    "summary.title": ("Maturity by maturity", "Échéance par échéance"),
    "summary.subtitle": (
        "listed expirations nearest to the standard tenors; rank and percentile: the tenor's, GVZ's at 30 days until "
        "a year is stored",
        "échéances les plus proches des maturités standard ; rang et percentile de celles-ci, de GVZ à 30 jours "
        "avant un an",
    ),
    "jumps.title": ("Jumps of GLD", "Sauts de GLD"),
    "jumps.subtitle": (
        "z = r / bipower σ of the 60 sessions before; {found} in all, {expected:number.1} expected",
        "z = r / σ bipower des 60 séances d'avant ; {found} en tout, {expected:number.1} attendus",
    ),
    "jumps.subtitle_alone": ("z = r / bipower σ of the 60 sessions before", "z = r / σ bipower des 60 séances d'avant"),
    "quality.title": ("Quality of the data", "Qualité des données"),
    "quality.subtitle": (
        "100 less penalties; good from 85, fair from 60",
        "100 moins les pénalités ; bonne dès 85, passable dès 60",
    ),
    "lineage.title": ("Where it comes from", "Provenance des données"),
    "lineage.subtitle": ("tables read, with the head of their SHA-256", "tables lues, avec le début de leur SHA-256"),
    "notices.title": ("What to know", "À savoir"),
    "notices.subtitle": ("parts that are missing, or were made another way", "ce qui manque, ou a été fait autrement"),
    "fan.title": ("Fan of {name}", "Éventail de {name}"),
    "fan.subtitle": (
        "S = F exp(m + s z); two-sided windows, as much probability on either side",
        "S = F exp(m + s z) ; fenêtres bilatérales, autant de probabilité de chaque côté",
    ),
    "price_density.title": ("Densities of the price", "Densités du prix"),
    "price_density.subtitle": (
        "Q and P; value at risk and expected shortfall of P",
        "Q et P ; value at risk et expected shortfall de P",
    ),
    "price_density.subtitle_alone": (
        "Q; value at risk and expected shortfall of Q",
        "Q ; value at risk et expected shortfall de Q",
    ),
    "price_table.title": ("Windows at the standard tenors", "Fenêtres aux maturités standard"),
    "price_table.subtitle": (
        "USD, low to high; CF: Cornish-Fisher",
        "USD, de la borne basse à la haute ; CF : Cornish-Fisher",
    ),
    "posterior.title": ("Vols and shape by horizon", "Vols et forme par horizon"),
    "posterior.subtitle": (
        "σ²(P) = {weight:number.2} × {scale:number.2} σ²(Q) + {other:number.2} σ²(RV); shape of the log return",
        "σ²(P) = {weight:number.2} × {scale:number.2} σ²(Q) + {other:number.2} σ²(RV) ; forme du log-rendement",
    ),
    "posterior.subtitle_alone": ("σ(Q), and the shape of the log return", "σ(Q), et la forme du log-rendement"),
}

PAGES: dict[str, tuple[str, str]] = {**_FURNITURE, **_TITLES, **_PANELS}
