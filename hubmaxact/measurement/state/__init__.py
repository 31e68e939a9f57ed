"""States of a run that are kept: to go on after a kill, to merge what several machines did.

A run that keeps its state in a folder, alone or as the first of several processes:

    with StateFolder(path, share, group.size) as folder:    # others are kept out
        folder.check_room(num_bytes)
        for kept in folder.saved(run):                      # refuses another run's
            merge_kept(recorder, new_recorder, kept, str(path))
        saves = SaveTimes(folder.save, tell)                # the others: write_state to a `place`
        ...
        saves.when_due(lambda: KeptState(run, share, done, recorder.state()))  # after each batch
        ...
        folder.remove()                                     # once the report is written

A share of a run for another machine, or a state for another process:

    write_state(output, kept)        read_state(output)
    content = encode(kept)           decode(content, "process 3")
"""
