"""Of several processes, all but one keep to themselves what all would say."""

import logging
import warnings


def be_silent() -> None:
    """Let libraries say nothing: rank 0 does the same things, and says what there is to say.

    How this process fails is still told.
    """
    from huggingface_hub.utils import disable_progress_bars

    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    disable_progress_bars()
