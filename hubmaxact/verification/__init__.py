"""Is a report true of a checkpoint?"""
