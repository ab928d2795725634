"""`make bench`: what things cost, each figure beside the alternative or the target it is held against, in the same run.

    make bench                 everything but ten years of chains, a few minutes
    make bench ONLY=ten_years  one of: validate one_session ten_years bookkeeping walk_forward serving lake drop_folder
                               implied_volatility early_exercise whole_chain session_parts readings chain_files
                               gold_report live_poll live_prediction live_store live_training; and chains
                               (ten years of both, many minutes: only by its name)

Measurements that write work in a temporary folder on the embedded sample market. Wall seconds are the whole process.
"""

from __future__ import annotations

import argparse

from vol_assets_tests.bench import forecasting, gold, live, options, pipeline, rooms

MEASURES = (
    pipeline.validate,
    pipeline.one_session,
    pipeline.ten_years,
    pipeline.bookkeeping,
    forecasting.walk_forward,
    forecasting.serving,
    rooms.lake,
    rooms.drop_folder,
    options.implied_volatility,
    options.early_exercise,
    options.whole_chain,
    options.session_parts,
    options.readings,
    rooms.chain_files,
    gold.gold_report,
    live.live_poll,
    live.live_prediction,
    live.live_store,
    live.live_training,
)
LONG = (pipeline.chains,)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    by_name = {measure.__name__: measure for measure in (*MEASURES, *LONG)}
    parser.add_argument("--only", choices=list(by_name))
    only = parser.parse_args().only
    print(f"{'what':<58}{'measured':>12}   against")
    for measure in (by_name[only],) if only else MEASURES:
        for what, value, against in measure():
            print(f"{what:<58}{value:>12}   {against}", flush=True)


if __name__ == "__main__":
    main()
