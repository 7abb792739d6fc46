"""`steno models`: logged models, registered models, their versions, and the trail of what was done to them."""
