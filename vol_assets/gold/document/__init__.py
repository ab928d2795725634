"""The gold report as a document: plain data under a JSON Schema, and the files it is kept in.

`GoldReport -> document_of -> validated -> to_json -> write_files`; everybody else (the PDF, other programs) reads the
document and never the Python objects.
"""

from vol_assets.gold.document.write import document_of, to_json, validated, write_files

__all__ = ["document_of", "to_json", "validated", "write_files"]
