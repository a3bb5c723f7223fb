"""What a path of somebody's own machine looks like."""

from __future__ import annotations

import re

FOLDERS = ("root", "home", "Users", "work", "opt", "tmp", "mnt", "private")
MACHINE_PATH = re.compile(
    rf"(?<![\w.$~{{}}/-])/(?:{'|'.join(FOLDERS)})/\w|file:/" + r"//|[A-Z]:\\+" + "Users"
)
