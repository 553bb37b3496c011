"""What Django, the gateway and the browser client agree on.

Pure data and pure functions: no I/O, no clock of its own, and nothing imported from the rest
of the house, so that ``djangoauth`` can import this package alone. ``tests/vectors.json`` holds
golden examples of everything here, read by pytest and by the JavaScript tests alike.
"""
