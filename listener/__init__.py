"""listener: hears what people say of a brand, tells the team in minutes, and draws the journey each week."""

__version__ = "0.1.0"
