"""What should be: stack.toml, the catalogue, secrets, compose.yaml."""
