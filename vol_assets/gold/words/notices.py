"""What the report says of parts that are missing or made another way: code -> (English, French)."""

NOTICES = {
    "notice.few_expirations": (
        "listed expirations of GLD to 400 days: {count}; curves between them are thin",
        "échéances cotées de GLD jusqu'à 400 jours : {count} ; les courbes entre elles sont pauvres",
    ),
    "notice.crossed_surface": (
        "expirations cheaper than one before: {count}; prices are lifted to calendar order, forward vols left out",
        "échéances moins chères qu'une précédente : {count} ; prix relevés, vols forward omises à cet endroit",
    ),
    "notice.thin_expirations": (
        "expirations with fewer than 8 quotes: {count}; their moments come from RR and BF by expansion",
        "échéances de moins de 8 cotations : {count} ; leurs moments viennent du RR et du BF par développement",
    ),
    "notice.thin_surface": (
        "most expirations have fewer than 8 quotes ({count} of {total}); smiles and tails are largely the model's",
        "la plupart des échéances ont moins de 8 cotations ({count} sur {total}) ; smiles et queues tiennent au modèle",
    ),
    "notice.approximate_shapes": (
        "at {count} horizons the law's shape is approximate: a thin or a lifted expiration is next to them",
        "à {count} horizons la forme de la loi est approchée : une échéance pauvre ou relevée les touche",
    ),
    "notice.no_tenors": (
        "tenors/gld of the session is not stored; constant maturities, heat map and ranks are left out",
        "tenors/gld de la séance n'est pas en base ; maturités constantes, carte de chaleur et rangs sont omis",
    ),
    "notice.stale_quotes": (
        "the option quotes are {minutes} minutes from the close",
        "les cotations d'options sont à {minutes} minutes de la clôture",
    ),
    "notice.spot_from_parity": (
        "GLD has no close for the session; spot is the forward discounted",
        "GLD n'a pas de clôture pour la séance ; le spot est le forward actualisé",
    ),
    "notice.spot_gap": (
        "GLD's close is {basis_points} basis points off what options imply; spot is theirs, the forward discounted",
        "la clôture de GLD est à {basis_points} points de base des options ; le spot est le leur, le forward actualisé",
    ),
    "notice.spot_off": (
        "GLD's close is {basis_points} basis points off what options imply: one of the two is wrong; spot is theirs",
        "la clôture de GLD est à {basis_points} points de base des options : l'une est fausse ; le spot est le leur",
    ),
    "notice.no_bars": (
        "there are no bars of GLD; realised cone, jumps, ratios and the blend with realised variance are left out",
        "aucune barre de GLD ; cône réalisé, sauts, ratios et mélange avec la variance réalisée sont omis",
    ),
    "notice.old_bars": (
        "GLD's last bar is of {last:date}, too old; realised cone, jumps, ratios and the blend are left out",
        "dernière barre de GLD du {last:date}, trop ancienne ; cône réalisé, sauts, ratios et mélange sont omis",
    ),
    "notice.late_bars": (
        "GLD's last bar is of {last:date}; cone, ratios and forecast are as of then",
        "dernière barre de GLD du {last:date} ; cône, ratios et prévision sont de cette date",
    ),
    "notice.short_history": (
        "GLD has {sessions} sessions of history, a full cone needs {needed}",
        "GLD a {sessions} séances d'historique, un cône complet en demande {needed}",
    ),
    "notice.trailing_forecast": (
        "no forecast could be fitted ({sessions} sessions, {needed} without a gap needed); trailing variance stands in",
        "prévision impossible ({sessions} séances, il en faut {needed} sans trou) ; variance passée à la place",
    ),
    "notice.no_forecast": (
        "no forecast of realised variance ({sessions} sessions, 21 needed); windows are risk-neutral only",
        "pas de prévision de variance réalisée ({sessions} séances, il en faut 21) ; fenêtres neutres au risque seules",
    ),
    "notice.no_gvz": (
        "GVZ is not quoted for the session; its line, rank and ratio are left out",
        "GVZ n'est pas coté pour la séance ; sa courbe, son rang et son ratio sont omis",
    ),
    "notice.no_future": (
        "there is no gold future (GC=F) in the last {window} sessions; XAU/USD is left out",
        "pas de future sur l'or (GC=F) dans les {window} dernières séances ; XAU/USD est omis",
    ),
    "notice.no_basis": (
        "GLD and GC=F have too few closes in common in the last {window} sessions; XAU/USD is left out",
        "GLD et GC=F ont trop peu de clôtures communes sur {window} séances ; XAU/USD est omis",
    ),
    "notice.few_basis_sessions": (
        "the basis rests on {sessions} sessions; its error is {basis_points} basis points",
        "la base repose sur {sessions} séances ; son erreur est de {basis_points} points de base",
    ),
    "notice.future_missing_today": (
        "the gold future has no close for the session; the basis is that of the sessions before",
        "le future sur l'or n'a pas de clôture pour la séance ; la base est celle des séances précédentes",
    ),
    "notice.basis_off": (
        "gold per share is {basis_points} basis points off the trust's stated expenses; look at GC=F's closes",
        "l'or par part s'écarte de {basis_points} points de base des frais déclarés ; vérifier les clôtures de GC=F",
    ),
    "notice.no_year_of_tenors": (
        "sessions of tenors stored: {stored} of {needed}; ranks (except GVZ's) and bands need them all",
        "séances de maturités en base : {stored} sur {needed} ; il les faut toutes aux rangs (hors GVZ) et bandes",
    ),
    "notice.calendar_levelled": (
        "the blended variance fell with time at {count} horizons and was levelled with its neighbours",
        "la variance mélangée baissait avec le temps à {count} horizons et y a été nivelée avec ses voisines",
    ),
    "notice.cornish_fisher_projected": (
        "at {count} horizons the moments are out of Cornish-Fisher's reach and were moved to its boundary",
        "à {count} horizons les moments sont hors de portée de Cornish-Fisher et ramenés à sa frontière",
    ),
    "notice.basis_broken": (
        "GC=F says gold per share is {basis_points} basis points off the trust's stated expenses: XAU/USD is left out",
        "selon GC=F l'or par part s'écarte de {basis_points} points de base des frais déclarés : XAU/USD est omis",
    ),
    "notice.old_future": (
        "the gold future's last close is of {last:date}, too old; XAU/USD is left out",
        "dernière clôture du future sur l'or du {last:date}, trop ancienne ; XAU/USD est omis",
    ),
}
