"""`hubmaxact verify`: a report against its checkpoint, in one forward pass."""

import click


@click.command()
@click.argument("file")
@click.argument("checkpoint", required=False)
@click.option("--revision", help="Branch, tag or commit, when FILE or CHECKPOINT is on the Hub.")
@click.option("--base", help="What a LoRA adapter is merged into, when the report names none.")
@click.option("--corpus", help="Where the report's corpus lies, when hubmaxact does not carry it.")
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, mps, ...")
@click.option(
    "--trust-remote-code",
    is_flag=True,
    help="Run the checkpoint's own code, shut off, where the report was measured with it: that of "
    "the commit that the report names.",
)
def verify(
    file: str,
    checkpoint: str | None,
    revision: str | None,
    base: str | None,
    corpus: str | None,
    device: str,
    trust_remote_code: bool,
) -> None:
    """Verify the report FILE against CHECKPOINT.

    FILE may also be a folder that holds activation_maxima.json, OWNER/NAME on the Hub, a URL there,
    or - for standard input. CHECKPOINT is a folder or a Hub id; without it, the folder or
    repository that holds the report, or else the one that it names at its commit. Exits 1 if it is
    not reproduced.
    """
    from hubmaxact.cli.measure_progress import RichWatcher
    from hubmaxact.errors import NotReproducedError
    from hubmaxact.verification import verify as verification
    from hubmaxact.verification.claim import read_claim

    failed, watcher = None, RichWatcher()
    claim = read_claim(file, checkpoint, revision, base, trust_remote_code=trust_remote_code)
    checks = verification.verify_claim(claim, corpus=corpus, device=device, watcher=watcher)
    with watcher:
        for check in checks:
            click.echo(f"{'ok  ' if check.passed else 'FAIL'} {check.name}: {check.detail}")
            failed = failed if check.passed else check
    if failed is not None:
        raise NotReproducedError(f"not reproduced: {failed.name} differs ({failed.detail}).")
    peak = claim.report["global_max"]
    assert peak is not None
    click.echo(f"Reproduced: M = {peak['abs_max']:g} at {peak['module']}.")
