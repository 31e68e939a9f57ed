"""Facts that others published, typed by hand into data files. They are quoted, not measured."""
