"""A process that runs what it is told to: stands for the code of a hostile checkpoint."""

from hubmaxact.confinement.child import serve

if __name__ == "__main__":
    serve(lambda asked, tell: exec(asked["code"], {"tell": tell, **asked}))
