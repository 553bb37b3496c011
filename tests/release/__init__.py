"""Check the packages as their users get them (``make release-check``, no part of ``make test``).

The packages are built, and installed into empty projects: a Django site, Vite with React,
Vite with Vue, a Web Worker, SvelteKit with its server, webpack, and Node.js. Each project runs.
"""
