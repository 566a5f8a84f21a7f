"""Simulated applications: the sandbox's stand-ins for the 19 services.

Run one as `python -m simulators SERVICE`. The package needs nothing but
Python's standard library (>= 3.11), so that it can be copied into an image
as the top-level package `simulators`; inside the project it is
`usenet_stack.sandbox.simulators`. Every HTTP answer carries the header
`X-Simulated: usenet-sandbox`.

The pieces:

- `routing`: requests, replies and the table of routes.
- `server`: HTTP/1.1 over sockets, and the faults applied to answers.
- `faults`: what a test or a user may ask a simulator to do wrong.
- `databases`: SQLite files that are written all the time, and the ledger
  whose invariant shows a torn copy.
- `application`: the base class; `place`: folders and environment;
  `privileges`: from root to PUID and PGID.
- `registry`: service name to class. One module or package per application.
"""
