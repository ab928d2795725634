"""The project's exceptions. Every message says what was expected, what came, and what to do about it."""


class VolAssetsError(Exception):
    """Base of all errors raised on purpose by this project."""


class SettingError(VolAssetsError):
    """A setting (environment variable) has a value that cannot be used."""


class SessionError(VolAssetsError):
    """A date is not an exchange session, or a range of sessions is empty or has its ends swapped."""


class SourceError(VolAssetsError):
    """A market data source did not answer, or answered with something that cannot be read."""


class LakeError(VolAssetsError):
    """The lake cannot be written or read, or belongs to another source."""


class ContractError(VolAssetsError):
    """A table breaks its contract in a way that no single session can be blamed for."""


class ForecastError(VolAssetsError):
    """A forecast cannot be made: too little history, null features, or no trained model."""


class RegistryError(VolAssetsError):
    """MLflow does not answer, or holds nothing of what is asked for."""


class ReportError(VolAssetsError):
    """A gold report holds what its document's schema refuses, or its files cannot be written."""


class StoreError(VolAssetsError):
    """The live store cannot be reached, is locked, has other tables, or refuses what it is given."""


class GatewayError(VolAssetsError):
    """A gateway of Interactive Brokers does not answer as one, or a recording of one cannot be read."""
