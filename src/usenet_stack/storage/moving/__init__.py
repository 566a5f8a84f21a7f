"""Moving the content of one drive of the pool to another.

Three phases, each safe to be killed in: copy and verify all, tell the
applications, delete what is proven to be on the other drive.
"""
