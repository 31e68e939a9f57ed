"""Report, picture and section put where the model lives: a README, a folder, the Hub."""
