"""Docker as it is: the Engine over its socket, Compose by subprocess."""
