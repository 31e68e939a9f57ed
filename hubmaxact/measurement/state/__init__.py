"""States of a run that are kept: to go on after a kill, to merge what several machines did.

A run that keeps its state in a folder, alone or as the first of several processes:

    with StateFolder(path, share, group.size) as folder:  # other runs are kept out
        folder.check_room(num_bytes)
        earlier = new_recorder()
        found = folder.saved(run)  # refuses another run's
        for kept in found:
            merge_kept(earlier, new_recorder, kept, str(path))
        if len(found) > 1:
            folder.put_together(KeptState(run, share, all_done, earlier.state()))
        saves = SaveTimes(partial(write_state, folder.place()), tell)  # the others: place(rank)
        ...
        saves.when_due(lambda: KeptState(run, share, done, recorder.state()))  # after each batch
        ...
        folder.remove()  # once the report is written

A share of a run for another machine, or a state for another process:

    write_state(output, kept)        read_state(output)
    content = encode(kept)           decode(content, "process 3")
"""
