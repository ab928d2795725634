"""`python -m vol_assets.contracts`: every table as Markdown, which is docs/tables.md."""

from vol_assets.contracts import CONTRACTS

INTRODUCTION = """# The tables

Written by `python -m vol_assets.contracts > docs/tables.md` from the contracts in `vol_assets/contracts`, which are
also what every row is checked against before it is written. In memory a session table has its `date` column; in the
lake the folder `date=YYYY-MM-DD` is the date.
"""


def as_markdown() -> str:
    """One section a table: its description, its columns, and the rules that bind whole rows or sessions."""
    parts = [INTRODUCTION]
    for contract in CONTRACTS.values():
        split = "one file a session" if contract.by_session else "one file"
        parts += [
            f"\n## {contract.name}\n",
            f"{contract.description} ({split}; unique: {', '.join(contract.unique) or 'none'})\n",
        ]
        parts += ["| column | type | unit | null | what | checks |", "|---|---|---|---|---|---|"]
        parts += [
            f"| {c['name']} | {c['type']} | {c['unit']} | {c['nullable']} | {c['description']} | {c['checks']} |"
            for c in contract.describe()
        ]
        rules = [str(check.error or check.name) for check in contract.checks]
        parts += ["\nRules: " + "; ".join(f"`{rule}`" for rule in rules) + "."] if rules else []
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    print(as_markdown(), end="")
