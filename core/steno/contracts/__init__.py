"""What a plugin must provide, as protocols: stores, flavors, integrations."""
