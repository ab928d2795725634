"""`python -m vol_assets`: the commands behind make."""

from vol_assets.automation.cli import main

if __name__ == "__main__":
    main()
