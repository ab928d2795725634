"""The four networks that predict the change of a smile, their training, and the way they are kept.

inputs: what a network sees of a window, in units of the training samples. bodies: the networks themselves. training:
samples to weights. model: a trained network as a SmileModel. Only bodies and training load torch, when called upon.
"""

from vol_assets.smiles.networks.model import NETWORKS, NetworkModel, Trained, load_network, train

__all__ = ["NETWORKS", "NetworkModel", "Trained", "load_network", "train"]
