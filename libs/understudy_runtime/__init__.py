"""The outside world, one module a thing, each importable alone.

Whatever of it a program uses, its records are parsed and written by the quicker library.
"""

import orjson

from understudy_domain import json_text

json_text.use(orjson.loads, orjson.dumps)
