"""Hosts, and the wire between them: shell lines in, packets judged, flow records out.

The control process holds a ``handle.DataPlane``; the data process is ``process.DataProcess``.
"""
