"""The packs that ship with the program: TOML files with their tests inside (docs/rules.md)."""
