"""What is written from the contract between client and gateway (``wire/contract.py``).

``make contract`` writes the tables of docs/protocol.md, the browser client's ``contract.js`` and
types, and the examples of frames in ``tests/vectors.json``. ``tests/unit/wire/test_contract.py``
fails where a file differs from what would be written.
"""
