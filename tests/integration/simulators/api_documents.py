"""Where the applications' OpenAPI documents are, if they are at hand.

The folder that USENET_API_SPECS names, else a folder `api-specs` in any
folder beside the checkout. The tests that need it are not even collected
without it; with it all documents must be there.
"""

import os
from pathlib import Path

_CHECKOUT = Path(__file__).parents[3]
DOCUMENTS = {
    "sonarr": "sonarr-v3.json",
    "radarr": "radarr-v3.json",
    "lidarr": "lidarr-v1.json",
    "readarr": "readarr-v1.json",
    "prowlarr": "prowlarr-v1.json",
    "seerr": "seerr-v1.yml",
}


def folder() -> Path | None:
    """The folder with the documents."""
    named = os.environ.get("USENET_API_SPECS")
    if named:
        return Path(named)
    return next(_CHECKOUT.parent.glob("*/api-specs"), None)
