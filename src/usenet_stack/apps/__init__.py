"""One client for each family of application APIs; see `registry.open_app`."""
