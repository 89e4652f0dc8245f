"""labctl's parts. Standard library only: `make lab-down` has to work where nothing is installed."""
