"""What every server of steno's shares, in ASGI's own terms: who may ask, how bodies are read, what is counted."""
