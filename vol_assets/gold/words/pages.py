"""The pages' texts, and those of the charts of pages 3 to 5: key -> (English, French)."""

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
    "fact.session": ("Session", "Séance"),
    "fact.quotes": ("quotes of {time} UTC", "cotations de {time} UTC"),
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
        "Every price here was made up by the sample source to show what the report says; none was ever quoted.",
        "Tous les prix sont inventés par la source d'exemple pour montrer le rapport ; aucun n'a jamais été coté.",
    ),
    "banner.degraded": ("DEGRADED", "DÉGRADÉ"),
    "banner.more": ("(and {count} more on page 3)", "(et {count} de plus en page 3)"),
    "banner.unexplained": ("some part is missing", "une partie manque"),
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
        "A smile that leans right: calls cost more than puts as far from the forward. A density is that smile read "
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
    "dollar_gamma.title": ("Dollar gamma at 30 days", "Gamma dollar à 30 jours"),
    "dollar_gamma.subtitle": ("Γ S² / 100 at each strike's own vol", "Γ S² / 100 à la vol propre de chaque strike"),
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
        "listed expirations nearest to the standard tenors; rank and percentile are the tenor's",
        "échéances cotées les plus proches des maturités standard, dont viennent rang et percentile",
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

_TABLES = {
    "table.days": ("{days:number} d", "{days:number} j"),
    "table.spot": ("spot", "spot"),
    "table.forward_at": ("forward, {days:number} days", "forward, {days:number} jours"),
    "table.carry": ("carry to it, a year", "portage jusque-là, l'an"),
    "table.rv21": ("realised vol, 21 sessions", "vol réalisée, 21 séances"),
    "table.rv_all": ("realised vol, since {year}", "vol réalisée, depuis {year}"),
    "table.skew_kurt": ("skewness, excess kurtosis (daily)", "asymétrie, excès de kurtosis (jour)"),
    "table.jumps": ("jumps (expected)", "sauts (attendus)"),
    "table.ounces": ("ounces a share, measured", "onces par part, mesurées"),
    "table.stated": ("by stated expenses (measured less)", "par les frais déclarés (écart)"),
    "table.residual": ("GC=F today against the ratio", "GC=F du jour contre le ratio"),
    "table.future": ("GC=F, settled 13:30 New York", "GC=F, règlement 13:30 New York"),
    "table.expiration": ("Expiration", "Échéance"),
    "table.of_days": ("Days", "Jours"),
    "table.iv": ("IV", "IV"),
    "table.trailing": ("Trailing", "Passée"),
    "table.forecast": ("Forecast", "Prévue"),
    "table.ratio": ("Ratio", "Ratio"),
    "table.signal": ("Signal", "Signal"),
    "table.cone": ("In cone", "Au cône"),
    "table.rank": ("Rank", "Rang"),
    "table.percentile": ("Pctile", "Pctile"),
    "table.rr": ("RR25", "RR25"),
    "table.bf": ("BF25", "BF25"),
    "table.skew": ("Skew", "Asym."),
    "table.kurt": ("Ex. kurt", "Exc. kurt"),
    "group.vols": ("Vols, %", "Vols, %"),
    "group.trailing": ("Over trailing", "Sur passée"),
    "group.forecast": ("Over forecast", "Sur prévue"),
    "group.year": ("IV, last year", "IV, un an"),
    "group.points": ("Vol points", "Points de vol"),
    "group.moments": ("Moments", "Moments"),
    "signal.SELL VOL": ("SELL", "SELL"),
    "signal.BUY VOL": ("BUY", "BUY"),
    "signal.NEUTRAL": ("neutral", "neutre"),
    "lineage.table": ("Table", "Table"),
    "lineage.sessions": ("Sessions", "Séances"),
    "lineage.rows": ("Rows", "Lignes"),
    "lineage.first": ("First", "Première"),
    "lineage.last": ("Last", "Dernière"),
    "lineage.sha": ("SHA-256", "SHA-256"),
    "quality.score": ("{score} / 100", "{score} / 100"),
    "quality.scale": ("points taken off, of the most a rule can take", "points retirés, sur le maximum de la règle"),
    "quality.points": ("{points} of {most}", "{points} sur {most}"),
    "notices.none": (
        "Nothing is missing, nothing was made another way.",
        "Rien ne manque, rien n'a été fait autrement.",
    ),
    "notices.more": (
        "and {count} more, in the document's analysis.notices",
        "et {count} de plus, dans analysis.notices du document",
    ),
    "lineage.none": ("The document does not name its tables.", "Le document ne nomme pas ses tables."),
    "summary.none": ("There is no listed expiration.", "Il n'y a pas d'échéance cotée."),
    "windows.tenor": ("Tenor", "Maturité"),
    "windows.forward": ("Forward", "Forward"),
    "windows.p": ("P: posterior", "P : a posteriori"),
    "windows.q": ("Q", "Q"),
    "windows.q_alone": ("Q: risk-neutral", "Q : neutre au risque"),
    "windows.cf": ("CF", "CF"),
    "windows.var": ("VaR 5 %", "VaR 5 %"),
    "windows.es": ("ES 2.5 %", "ES 2,5 %"),
}

_NOTES = {
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
        "The rule on GVZ over the vol of 21 sessions, {sessions:number} of them: SELL on {sell_share:percent}, BUY on "
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
        "Grecques : à la vol propre de chaque strike. Gamma dollar : ce que gagne, en dollars, le delta de l'option "
        "d'une part pour 1 % de mouvement. Vega : ce que gagne son prix pour un point de vol.",
    ),
    "markets.note.basis": (
        "Ratio: median of {sessions} sessions' GC=F over GLD, each corrected for {expense:percent.2} a year of "
        "expenses; GC=F settles at 13:30, GLD at 16:00, so that one day's own ratio holds the afternoon.",
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
        "au-dessus de 1,15, BUY sous 0,85. Au cône : part des fenêtres passées sous l'IV. Rang : (IV − bas) / (haut "
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
        "Blend: weight {weight:percent} on implied variance × {scale:number.2}, from {errors:number} past forecasts "
        "of 21 sessions ({independent:number} apart; Bates and Granger 1969), at all horizons; errors of ln variance "
        "{implied:number.2}, {realised:number.2}, correlation {correlation:number.2}. {source}",
        "Mélange : poids {weight:percent} sur la variance implicite × {scale:number.2}, tiré de {errors:number} "
        "prévisions à 21 séances ({independent:number} disjointes ; Bates et Granger 1969), à tout horizon ; erreurs "
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
    "windows.note.adjusted": (
        "† Posterior levelled with its neighbours in time.",
        "† A posteriori nivelé avec ses voisins dans le temps.",
    ),
}

_CHARTS = {
    "axis.days": ("days", "jours"),
    "axis.short_days": ("by days", "par jours"),
    "axis.sessions": ("sessions", "séances"),
    "axis.vol": ("vol, % a year", "vol, % l'an"),
    "axis.vol_by_days": ("vol, % a year, by days", "vol, % l'an, par jours"),
    "axis.usd": ("USD", "USD"),
    "axis.return": ("log return, %", "log-rendement, %"),
    "axis.over_spot": ("over spot, %", "sur le spot, %"),
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
    "window.density_q": ("Q: risk-neutral", "Q : risque neutre"),
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

PAGES: dict[str, tuple[str, str]] = {**_FURNITURE, **_TITLES, **_PANELS, **_TABLES, **_NOTES, **_CHARTS}
