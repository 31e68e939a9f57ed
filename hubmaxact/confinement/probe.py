"""A process that shuts itself off and does nothing more: whether that is permitted here."""

from hubmaxact.confinement.child import serve

if __name__ == "__main__":
    serve(lambda _, __: None)
