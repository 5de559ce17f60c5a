"""The dashboards, as Python: ``make dashboards`` renders them into ``../dashboards``."""
