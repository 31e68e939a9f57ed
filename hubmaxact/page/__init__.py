"""An index of releases as everything that a comparison page shows, for a server or as plain files.

All words, facets and findings are made here, so that every host of the page says the same. Nothing
here loads torch, and pyarrow only through the catalog.
"""
