"""What each table is: one Pandera schema a table, with units. Nothing else says what data mean."""

from vol_assets.contracts.chains import CURATED_CHAINS, RAW_CHAINS
from vol_assets.contracts.contract import REJECT_COLUMNS, Contract, Verdict
from vol_assets.contracts.evaluation import RV_EVALUATION
from vol_assets.contracts.features import FEATURES_HAR, FEATURES_IMPLIED, FEATURES_L1
from vol_assets.contracts.forecast import RV_5D, RV_BACKTEST, RV_EXPLANATION
from vol_assets.contracts.leaderboard import SMILE_LEADERBOARD
from vol_assets.contracts.live import LIVE_HISTORY, LIVE_STATES
from vol_assets.contracts.market import CURATED_MARKET, RAW_MARKET
from vol_assets.contracts.monitoring import SCORECARD
from vol_assets.contracts.richness import RICHNESS
from vol_assets.contracts.smile_next import SMILE_NEXT
from vol_assets.contracts.smiles import SMILE_DATASET
from vol_assets.contracts.surfaces import SURFACES
from vol_assets.contracts.tenors import TENORS

CONTRACTS: dict[tuple[str, ...], Contract] = {
    contract.key: contract
    for contract in (
        RAW_MARKET,
        CURATED_MARKET,
        FEATURES_L1,
        FEATURES_HAR,
        FEATURES_IMPLIED,
        RV_BACKTEST,
        RV_EVALUATION,
        RV_EXPLANATION,
        RV_5D,
        SCORECARD,
        *RAW_CHAINS.values(),
        *CURATED_CHAINS.values(),
        *SURFACES.values(),
        *TENORS.values(),
        *RICHNESS.values(),
        LIVE_HISTORY,
        LIVE_STATES,
        SMILE_DATASET,
        SMILE_LEADERBOARD,
        SMILE_NEXT,
    )
}

__all__ = ["CONTRACTS", "REJECT_COLUMNS", "Contract", "Verdict"]
