"""Makes the chart's ``README.md`` and ``values.schema.json`` from its ``values.yaml``: ``make chart-docs``."""
