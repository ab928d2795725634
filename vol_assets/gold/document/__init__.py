"""The gold report as a document: plain data under a JSON Schema.

`GoldReport -> document_of -> validated -> to_json`; everybody else (the PDF, other programs) reads the document and
never the Python objects.
"""

from vol_assets.gold.document.serialise import document_of, to_json, validated

__all__ = ["document_of", "to_json", "validated"]
