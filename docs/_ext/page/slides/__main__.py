"""``python -m page.slides SITE FOLDER``."""

import sys

from page.slides import main

main(sys.argv[1:])
