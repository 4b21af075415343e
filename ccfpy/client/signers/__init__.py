"""Members' keys that are no files: in tokens, in vaults, on other machines."""
