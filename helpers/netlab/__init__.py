"""A private network to experiment in: the door to `network`, whose process inside is `child`.

Laboratory equipment, first used in chapter 03.
"""

from helpers.netlab.control import NetworkError
from helpers.netlab.network import KINDS, TEST_TYPE, Command, Network, open_network

__all__ = ["KINDS", "TEST_TYPE", "Command", "Network", "NetworkError", "open_network"]
