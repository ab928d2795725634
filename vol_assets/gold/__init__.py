"""The gold report: a session's analysis -> GoldReport -> one JSON document -> the five-page PDF made from that."""
