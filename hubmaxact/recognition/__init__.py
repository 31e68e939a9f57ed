"""What a folder or a repository really is, told from the names of its files before all else."""
