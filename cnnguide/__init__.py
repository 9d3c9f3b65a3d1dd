"""Convolutional networks from their definition: the code that the guide teaches.

Each module is one chapter: ``cnnguide.conv`` is explained by the page *conv*, drawn by
``plot_conv.py`` and proved by ``test_conv.py``.
"""

__version__ = "0.1.0"
